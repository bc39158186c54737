# SPDX-License-Identifier: AGPL-3.0-or-later
"""Drill press, welder, saw, sewing machine: the person is the machine, begins a piece, and says when it is done and whether it is good."""

from __future__ import annotations

from pathlib import Path

from commonfab.clock import Clock
from commonfab.errors import Refused
from shop_agent.journal.records import Toolpath
from shop_agent.machines import Care, Description, Look, Standing
from shop_agent.machines.worked_time import Begun, Work, WorkedTime
from shop_agent.shop_toml.machine_section import MachineSection


class ByHand:
    """Keeps what is begun, and counts the time that was worked on it (`worked_time` says how, and what a clock that jumps does to it).

    Where several pieces are told at once the first has all of their time and the others none: only the sum means anything.
    """

    start_is_certain = True  # the state file is on the disk before `start` returns
    person_tells = True

    def __init__(self, facts: MachineSection, folder: Path, clock: Clock) -> None:
        self._facts = facts
        self._time = WorkedTime(folder / f"by-hand-{facts.id}.json", clock)

    @property
    def facts(self) -> MachineSection:
        """What shop.toml says of it."""
        return self._facts

    async def describe(self) -> Description:
        return Description("worked by hand", note="a person says when a piece is done")

    async def reconcile(self, name: str) -> Look:
        return await self.state(name)

    async def state(self, name: str) -> Look:
        return look_at(self._time.note(), name)

    async def nothing_ran_since(self, ran: str) -> bool:
        """Nothing but people's words says what was made there."""
        return False

    async def prepare(self, toolpath: Toolpath, name: str) -> None:
        """There is nothing to bring: whoever makes it looks at the drawing. Errors: `Refused` (`machine.not_taken`) for what has ended."""
        if name in self._time.now().ended:
            raise Refused("machine.not_taken", self._facts.id)
        self._time.bring(name, toolpath.seconds)

    async def start(self, name: str) -> None:
        """Note that a person begins. Errors: `Refused` (`machine.busy`, `machine.not_taken`)."""
        begin(self._time, self._facts.id, name)

    async def pause(self, name: str) -> None:
        self._time.hold(name, True)

    async def resume(self, name: str) -> None:
        self._time.hold(name, False)

    async def stop(self, name: str) -> None:
        """Somebody stops working on it: the piece is spoiled."""
        if is_at_work(self._time.now(), name):
            self._time.end(name, good=False)

    async def see_to(self, care: Care) -> None:
        """Whoever works it does that. Errors: `Refused` (`machine.no_such_care`)."""
        raise Refused("machine.no_such_care", f"{self._facts.id}: {care.value}")

    async def told(self, name: str, good: bool) -> None:
        """It is done. Of what was never begun nothing is noted."""
        if is_at_work(self._time.now(), name):
            self._time.end(name, good)

    async def forget(self, name: str) -> None:
        if not is_at_work(self._time.now(), name):
            self._time.forget(name)

    async def close(self) -> None:
        pass


def begin(time: WorkedTime, machine_id: str, name: str) -> None:
    """Begin a piece that was brought and not begun before. Errors: `Refused` (`machine.busy`, `machine.not_taken`)."""
    work = time.now()
    if work.begun:
        raise Refused("machine.busy", machine_id)
    if name not in work.files or name in work.ended:
        raise Refused("machine.not_taken", machine_id)
    time.begin(name)


def is_at_work(work: Work, name: str) -> bool:
    """Whether a person is at work on that piece."""
    return work.begun is not None and work.begun.name == name


def look_at(work: Work, name: str) -> Look:
    """How a piece stands by what people said."""
    begun, busy_with = work.begun, work.begun.name if work.begun else ""
    if begun is not None and begun.name == name:
        return at_work(begun)
    if name in work.ended:
        ended = work.ended[name]
        standing = Standing.DONE if ended.good else Standing.FAILED
        return Look(standing, busy_with=busy_with, progress=1.0, seconds=ended.seconds, judged=ended.by_person)
    return Look(Standing.HERE if name in work.files else Standing.NOT_HERE, busy_with=busy_with)


def at_work(begun: Begun) -> Look:
    """Somebody works on it: by the clock against the time that it should take, and never done before a person says so."""
    progress = min(begun.worked / begun.expected, 0.99) if begun.expected else 0.0
    left = max(begun.expected - begun.worked, 0.0)
    return Look(Standing.RUNNING, True, begun.name, progress, left, begun.worked, paused=begun.held)
