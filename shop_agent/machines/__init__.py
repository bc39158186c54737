# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the bench needs of a machine, whatever drives it. One file per kind of control."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from commonfab.clock import Clock
from shop_agent.config import ShopConfig
from shop_agent.machine_section import MachineSection
from shop_agent.records import Toolpath


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
    machine ran) are about the named toolpath. `note`: why it is not reachable, in the machine's words.
    """

    standing: Standing
    reachable: bool = True
    busy_with: str = ""
    progress: float = 0.0
    remaining_seconds: float = 0.0
    seconds: float = 0.0
    note: str = ""

    @property
    def free(self) -> bool:
        """Whether something could be started. That says nothing of the bed."""
        return self.reachable and not self.busy_with


class Machine(Protocol):
    """A machine. No method starts anything but `start`."""

    @property
    def facts(self) -> MachineSection:
        """What shop.toml says of it."""

    @property
    def start_is_certain(self) -> bool:
        """Whether a toolpath that is here and not run was certainly never started, even if its start command may have been sent."""

    async def look(self, name: str) -> Look:
        """How the machine and the toolpath called `name` stand. Never raises for a machine that is away: it says so."""

    async def put(self, toolpath: Toolpath, name: str) -> None:
        """Bring a toolpath onto the machine. Moves nothing. Errors: `Refused` (`machine.*`, `toolpath.changed`)."""

    async def start(self, name: str) -> None:
        """Set the machine in motion with a toolpath that is on it.

        Errors: `Refused` (`machine.busy`, `machine.not_taken`) only where it is certain that nothing was started;
        `StartUncertain` where it may have been.
        """

    async def stop(self, name: str) -> None:
        """Stop the toolpath if it is the one that runs. Errors: `Refused` (`machine.*`)."""

    async def forget(self, name: str) -> None:
        """Remove a toolpath that has been accounted for; one that is not there is no error."""

    async def close(self) -> None:
        """Let go of connections; the machine goes on with what it does."""


class StartUncertain(Exception):
    """A start command was sent and its answer did not come: the machine may move. Look before anything else."""


def machine_for(config: ShopConfig, facts: MachineSection, clock: Clock) -> Machine:
    """The machine that `facts` describes."""
    if facts.control == "octoprint":
        from shop_agent.machines.octoprint import OctoPrint  # httpx is only loaded by shops that need it

        return OctoPrint(facts, clock)
    from shop_agent.machines.virtual import VirtualMachine

    return VirtualMachine(facts, config.data_dir, clock)
