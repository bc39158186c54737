# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the bench needs of a machine, whatever drives it. One file per kind of control."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Protocol

from commonfab.clock import Clock
from shop_agent.config import ShopConfig
from shop_agent.journal.records import Toolpath
from shop_agent.shop_toml.machine_section import MachineSection


class Standing(Enum):
    """How one toolpath, named by its file name, stands on a machine."""

    NOT_HERE = "not here"
    HERE = "here, not run"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Look:
    """One look at a machine.

    `busy_with`: what it is at work on, ours or not; empty where it is idle. `progress` 0 to 1, `remaining_seconds` and `seconds` (time the
    machine ran) are about the named toolpath. `note`: why it is not reachable, in the machine's words. `paused`: what it is at work on is
    held. `fault`: it answers and cannot work until a person has seen to it (alarm, open door, no filament). `reads`: its live figures in
    words, such as "nozzle 210 °C, bed 60 °C". `judged`: a person has already said whether the toolpath's piece is good. `ran`: a mark of
    what ran last there, ours or not, as its server shows it now: it begins with the file's name and differs after anything else has run;
    empty where the server shows nothing of that kind. `came_up`: how often this run of the agent saw its controller come up (switched on,
    plugged in, reset by another than us); 0 also where that is not seen. `nozzle`: how hot it is and should be, °C; None where the server
    does not say, or where the printer itself heats it again before it goes on. `adrift`: it no longer knows where its axes stand.
    """

    standing: Standing
    reachable: bool = True
    busy_with: str = ""
    progress: float = 0.0
    remaining_seconds: float = 0.0
    seconds: float = 0.0
    note: str = ""
    paused: bool = False
    fault: str = ""
    reads: str = ""
    judged: bool = False
    ran: str = ""
    came_up: int = 0
    nozzle: tuple[float, float] | None = None
    adrift: bool = False

    @property
    def free(self) -> bool:
        """Whether something could be started. That says nothing of the bed."""
        return self.reachable and not self.busy_with and not self.fault


@dataclass(frozen=True)
class Description:
    """What a live machine says of itself, to be compared with shop.toml. What it does not say is empty or 0.

    `program`: what answers and its version, "OctoPrint 1.11.8". `travel_mm`: how far its axes go. `most_nozzle_c`, `most_bed_c`: limits of
    its firmware. `most_s`: the largest S word, which is spindle speed or laser power. `note`: anything its owner should know.
    """

    program: str = ""
    travel_mm: tuple[float, float, float] | None = None
    nozzle_mm: float = 0.0
    most_nozzle_c: float = 0.0
    most_bed_c: float = 0.0
    most_s: float = 0.0
    note: str = ""


class Care(Enum):
    """What a person has done to a machine that is not at work, so that it can work."""

    HOME = "home"
    UNLOCK = "unlock"


MARKED = " | "


def mark(name: str, *figures: object) -> str:
    """What `Look.ran` says: a file's name, and figures that another run of it would have otherwise."""
    return MARKED.join((name, *map(str, figures)))


class Machine(Protocol):
    """A machine. No method sets anything in motion but `start`, `resume` for what was paused, and `see_to` when it homes.

    A machine that is away is no error of `state`: it says so. Every method may be called at any time and more than once.
    """

    @property
    def facts(self) -> MachineSection:
        """What shop.toml says of it."""

    @property
    def start_is_certain(self) -> bool:
        """Whether a toolpath that is here and not run was certainly never started, even if its start command may have been sent."""

    @property
    def person_tells(self) -> bool:
        """Whether a person says when a piece is done and whether it is good, because the machine cannot."""

    async def describe(self) -> Description:
        """What the machine says of itself. Errors: `Refused` (`machine.away`, `machine.key`)."""

    async def reconcile(self, name: str) -> Look:
        """The first look after the agent's start, before anything else is sent: is the machine at work on our attempt?

        Where the machine's server keeps that itself this is `state`; a driver that feeds the machine itself finds out here what became of
        the toolpath that it fed when it ended.
        """

    async def state(self, name: str) -> Look:
        """How the machine and the toolpath called `name` stand. Never raises for a machine that is away: it says so."""

    async def nothing_ran_since(self, ran: str) -> bool:
        """Whether it is certain that nothing has run, ours or not, since a look whose `Look.ran` was `ran`; an empty one says that no look
        ever had any. False where the machine cannot say. Moves nothing. Errors: `Refused` (`machine.away`, `machine.key`)."""

    async def prepare(self, toolpath: Toolpath, name: str) -> None:
        """Bring a toolpath onto the machine: the very bytes that were checked. Moves nothing.

        Errors: `Refused` (`machine.*`, `toolpath.changed`).
        """

    async def start(self, name: str) -> None:
        """Set the machine in motion with a toolpath that is on it; it is read back that it moves.

        Errors: `Refused` (`machine.busy`, `machine.not_taken`) only where it is certain that nothing was started;
        `StartUncertain` where it may have been.
        """

    async def pause(self, name: str) -> None:
        """Hold the toolpath if it is the one that runs. Errors: `Refused` (`machine.*`)."""

    async def resume(self, name: str) -> None:
        """Go on with the toolpath if it is the one that is held. Errors: `Refused` (`machine.*`)."""

    async def stop(self, name: str) -> None:
        """Stop the toolpath if it is the one that runs. Errors: `Refused` (`machine.*`)."""

    async def see_to(self, care: Care) -> None:
        """Home it, or take its lock off, because a person who stands there says so; returns once that is done, where the machine tells.

        Errors: `Refused` (`machine.no_such_care` where it cannot be told to, `machine.busy` where it is at work, `machine.care_failed`,
        `machine.away`, `machine.key`).
        """

    async def told(self, name: str, good: bool) -> None:
        """A person says that the piece is done, and whether it is good. Errors: `Refused` (`machine.tells_itself`)."""

    async def forget(self, name: str) -> None:
        """Remove a toolpath that has been accounted for; one that is not there is no error."""

    async def close(self) -> None:
        """Let go of connections; the machine goes on with what it does."""


class StartUncertain(Exception):
    """A start command was sent and its answer did not come: the machine may move. Look before anything else."""


def machine_for(config: ShopConfig, facts: MachineSection, clock: Clock) -> Machine:
    """The machine that `facts` describes."""
    return _DRIVERS[facts.control](config, facts, clock)


# Each is loaded only by shops that need it.


def _octoprint(config: ShopConfig, facts: MachineSection, clock: Clock) -> Machine:
    from shop_agent.machines.octoprint import OctoPrint

    return OctoPrint(facts, clock)


def _moonraker(config: ShopConfig, facts: MachineSection, clock: Clock) -> Machine:
    from shop_agent.machines.moonraker import Moonraker

    return Moonraker(facts, clock)


def _prusalink(config: ShopConfig, facts: MachineSection, clock: Clock) -> Machine:
    from shop_agent.machines.prusalink import PrusaLink

    return PrusaLink(facts, clock)


def _cncjs(config: ShopConfig, facts: MachineSection, clock: Clock) -> Machine:
    from shop_agent.machines.cncjs import Cncjs

    return Cncjs(facts, config.data_dir, clock)


def _grbl(config: ShopConfig, facts: MachineSection, clock: Clock) -> Machine:
    from shop_agent.machines.grbl import Grbl

    return Grbl(facts, config.data_dir, clock)


def _hot_folder(config: ShopConfig, facts: MachineSection, clock: Clock) -> Machine:
    from shop_agent.machines.hot_folder import HotFolder

    return HotFolder(facts, config.data_dir, clock)


def _by_hand(config: ShopConfig, facts: MachineSection, clock: Clock) -> Machine:
    from shop_agent.machines.by_hand import ByHand

    return ByHand(facts, config.data_dir, clock)


def _virtual(config: ShopConfig, facts: MachineSection, clock: Clock) -> Machine:
    from shop_agent.machines.virtual import VirtualMachine

    return VirtualMachine(facts, config.data_dir, clock)


_DRIVERS: Mapping[str, Callable[[ShopConfig, MachineSection, Clock], Machine]] = MappingProxyType(
    {
        "octoprint": _octoprint,
        "moonraker": _moonraker,
        "prusalink": _prusalink,
        "cncjs": _cncjs,
        "grbl": _grbl,
        "hot_folder": _hot_folder,
        "by_hand": _by_hand,
        "virtual": _virtual,
    }
)
