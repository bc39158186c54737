# SPDX-License-Identifier: AGPL-3.0-or-later
"""What every driver must do, whatever it drives: one suite, run on each real program or stand-in by a file of its own.

To plug a machine in, write `tests/shop_agent/machines/test_conformance_<machine>.py`:

    from conformance import Conformance, Rig

    class GrblRig(Rig):
        ...                       # the members below; whatever has a default here may be left out

    @pytest.mark.slow             # where it takes more than about five seconds
    class TestGrbl(Conformance):
        @pytest.fixture
        def rig(self, tmp_path, grbl):   # `grbl`: the peer's own fixture, session-scoped server behind it, idle and empty for each test
            return GrblRig(tmp_path, grbl)

A case that a machine cannot have is named in `cannot`, with the reason, and is skipped with it. The keys are the names of the tests
without `test_`. A driver passes the case `stop_at_the_moment_of_start` only if its `stop` waits for a `start` that is under way (a lock).
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import pytest

from commonfab.errors import Refused
from shop_agent.journal.records import Toolpath
from shop_agent.machines import Care, Look, Machine, Standing, StartUncertain


class Rig(Protocol):
    """A machine on the test stand: what the suite may do to it beside what the driver does."""

    cannot: Mapping[str, str] = MappingProxyType({})
    """Cases that this machine cannot have, each with the reason."""
    patience_seconds: float = 30.0
    """How long anything of it may take: a start, a toolpath of a few seconds, the end of a fault."""
    runs_on_without_server: bool = False
    """Whether a toolpath at work goes on while the machine's server restarts."""
    still_seconds: float = 0.7
    """How long it is watched where it must not move: longer than the longest time between two signs of moving."""
    coasts_seconds: float = 2.0
    """How long it may go on moving after a stop: what it had buffered."""

    def driver(self) -> Machine:
        """A new driver object, as a new run of the agent makes it. The suite closes it."""
        ...

    def toolpath(self, seconds: float) -> Toolpath:
        """A toolpath of moves that this machine takes about so long for. It may be shorter or longer by half."""
        ...

    def moved(self) -> float:
        """How much the machine itself has moved so far, by its own log and never by its server's word. Grows while it moves and never
        shrinks; the unit is its own (moves, steps, lines, runs)."""
        ...

    def moves_of(self, toolpath: Toolpath) -> float:
        """By how much one whole run of the toolpath makes `moved` grow; 0 where that cannot be foreseen."""
        return 0.0

    async def start_foreign(self) -> str:
        """The owner starts something of their own, of at least 15 s, not through the driver. Answers what `busy_with` must be; empty where
        the machine cannot say its name."""
        ...

    async def break_down(self) -> None:
        """A fault in the middle of a run: the line drops, an alarm, an emergency stop."""
        ...

    async def mend(self) -> None:
        """What a person does after `break_down`, until the machine could work again."""
        ...

    async def restart_server(self) -> None:
        """The program that the driver talks to is killed and started again; returns once it answers."""
        ...

    async def person_sees_it_done(self, driver: Machine, name: str) -> None:
        """What a person at the machine does once a piece is made; nothing where the machine tells by itself."""


TOLD_WITHIN_SECONDS = 0.1
"""By which a machine's own log may be behind what it does."""

_numbers: Iterator[int] = itertools.count(1)


def new_name() -> str:
    """The name of a piece as the agent gives it: used once only."""
    return f"cf-wo-c{next(_numbers)}-a1-e1-p1.gcode"


async def look_until(machine: Machine, name: str, wanted: Callable[[Look], bool], seconds: float) -> Look:
    """The first look that is as wanted. Errors: `AssertionError` with the last one."""
    look = Look(Standing.UNKNOWN)
    try:
        async with asyncio.timeout(seconds):
            while not wanted(look := await machine.state(name)):
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"after {seconds:g} s it still stands so: {look}") from None
    return look


class Conformance:
    """The suite. A subclass gives the fixture `rig`."""

    @pytest.fixture(autouse=True)
    def _can(self, request: pytest.FixtureRequest) -> None:
        rig: Rig = request.getfixturevalue("rig")
        why = rig.cannot.get(request.function.__name__.removeprefix("test_"))
        if why:
            pytest.skip(why)

    async def test_upload(self, rig: Rig) -> None:
        """What was brought there lies there, idle; nothing moves, however often it is brought."""
        path, name, before = rig.toolpath(5), new_name(), rig.moved()
        async with driven(rig) as machine:
            assert (await machine.state(name)).standing is Standing.NOT_HERE
            await machine.prepare(path, name)
            await machine.prepare(path, name)
            look = await machine.state(name)
            assert look.standing is Standing.HERE and look.free and look.progress == 0.0
            await asyncio.sleep(rig.still_seconds)
            assert rig.moved() == before

    async def test_forget(self, rig: Rig) -> None:
        """What was accounted for is cleared away; what is not there is no error."""
        path, name = rig.toolpath(5), new_name()
        async with driven(rig) as machine:
            await machine.forget(name)
            await machine.prepare(path, name)
            await machine.forget(name)
            assert (await machine.state(name)).standing is Standing.NOT_HERE

    async def test_a_changed_toolpath(self, rig: Rig) -> None:
        """A file that is no longer what passed the gate does not reach the machine."""
        path, name = rig.toolpath(5), new_name()
        Path(path.file).write_text("G1 X1\n", encoding="utf-8")
        async with driven(rig) as machine:
            with pytest.raises(Refused) as refused:
                await machine.prepare(path, name)
            assert refused.value.code == "toolpath.changed"
            assert (await machine.state(name)).standing is Standing.NOT_HERE

    async def test_start(self, rig: Rig) -> None:
        """It runs once, from beginning to end, and is then done and cannot be started again."""
        path, name, before = rig.toolpath(2), new_name(), rig.moved()
        async with driven(rig) as machine:
            await machine.prepare(path, name)
            await machine.start(name)
            await self._until_done(rig, machine, name)
            self._moved_once(rig, before, path)
            with pytest.raises(Refused):
                await machine.start(name)
            await asyncio.sleep(rig.still_seconds)
            self._moved_once(rig, before, path)

    async def test_start_of_what_is_not_there(self, rig: Rig) -> None:
        """Nothing moves."""
        before = rig.moved()
        async with driven(rig) as machine:
            with pytest.raises(Refused):
                await machine.start(new_name())
            assert rig.moved() == before

    async def test_progress(self, rig: Rig) -> None:
        """While it runs it says so, how far it is, and grows."""
        async with running(rig, 8) as (machine, name):
            first = await look_until(machine, name, lambda look: look.progress > 0, rig.patience_seconds)
            assert first.standing is Standing.RUNNING and first.busy_with == name and first.reachable and not first.free
            later = await look_until(machine, name, lambda look: look.progress > first.progress, rig.patience_seconds)
            assert 0 < first.progress < later.progress <= 1

    async def test_pause_and_resume(self, rig: Rig) -> None:
        """Held it is still at work on our piece and does not move; resumed it goes on to the end."""
        before, path, name = rig.moved(), rig.toolpath(8), new_name()  # on a busy computer the order to hold came after the end of 4
        async with driven(rig) as machine:
            await machine.prepare(path, name)
            await machine.start(name)
            await look_until(machine, name, lambda look: rig.moved() > before, rig.patience_seconds)
            await machine.pause(name)
            held = await look_until(machine, name, lambda look: look.paused, rig.patience_seconds)
            assert held.standing is Standing.RUNNING and held.busy_with == name and not held.free
            await self._stands_still(rig)
            await machine.pause(name)  # a second time changes nothing
            await self._stands_still(rig)
            assert (await machine.state(name)).paused
            await machine.resume(name)
            await look_until(machine, name, lambda look: not look.paused, rig.patience_seconds)
            await self._until_done(rig, machine, name)

    async def test_stop(self, rig: Rig) -> None:
        """It stops, stays stopped, and has failed; a second stop changes nothing."""
        async with running(rig, 15) as (machine, name):
            await machine.stop(name)
            await self._stands_still(rig)  # at once, and not only once it has worked off what it had
            await self._until_ended(rig, machine, name, Standing.FAILED)
            await self._stands_still(rig)
            await machine.stop(name)
            assert (await machine.state(name)).standing is Standing.FAILED

    async def test_stop_of_what_is_held(self, rig: Rig) -> None:
        """What is paused can be stopped, and does not go on then."""
        async with running(rig, 15) as (machine, name):
            await machine.pause(name)
            await look_until(machine, name, lambda look: look.paused, rig.patience_seconds)
            await machine.stop(name)
            await self._stands_still(rig)  # at once, and not only once it has worked off what it had
            await self._until_ended(rig, machine, name, Standing.FAILED)
            await self._stands_still(rig)

    async def test_fault(self, rig: Rig) -> None:
        """A machine that broke down is not free, and what it was at work on is never called done, then or later."""
        async with running(rig, 15) as (machine, name):
            await rig.break_down()
            look = await look_until(machine, name, lambda look: not look.reachable or bool(look.fault), rig.patience_seconds)
            assert look.standing in (Standing.RUNNING, Standing.FAILED, Standing.UNKNOWN) and (look.note or look.fault)
            with pytest.raises(Refused):
                await machine.start(name)
            await rig.mend()
            look = await look_until(machine, name, lambda look: look.free, rig.patience_seconds)
            assert _not_to_be_started_again(machine, look)
            await self._stands_still(rig)

    async def test_restart_of_the_agent(self, rig: Rig) -> None:
        """A new driver object on the same machine finds the piece by its name, and it is not run twice."""
        path, name, before = rig.toolpath(3), new_name(), rig.moved()
        async with driven(rig) as machine:
            await machine.prepare(path, name)
            await machine.start(name)
        async with driven(rig) as machine:
            found = await machine.reconcile(name)
            assert found.standing is Standing.RUNNING and found.busy_with == name
            await self._until_done(rig, machine, name)
        async with driven(rig) as machine:
            assert (await machine.reconcile(name)).standing is Standing.DONE
        self._moved_once(rig, before, path)

    async def test_restart_of_the_server(self, rig: Rig) -> None:
        """The same driver goes on with a server that was restarted. Nothing starts by that."""
        path, name, before = rig.toolpath(5), new_name(), rig.moved()
        async with driven(rig) as machine:
            await machine.prepare(path, name)
            await machine.start(name)
            await look_until(machine, name, lambda look: rig.moved() > before, rig.patience_seconds)
            await rig.restart_server()
            if rig.runs_on_without_server:
                await look_until(machine, name, lambda look: look.standing is not Standing.UNKNOWN, rig.patience_seconds)
                await self._until_done(rig, machine, name)
                self._moved_once(rig, before, path)
            else:
                look = await look_until(machine, name, lambda look: look.free, rig.patience_seconds)
                assert _not_to_be_started_again(machine, look)
                await self._stands_still(rig)

    async def test_server_restarted_before_the_start(self, rig: Rig) -> None:
        """What was brought there is still there, and did not start by itself."""
        path, name, before = rig.toolpath(5), new_name(), rig.moved()
        async with driven(rig) as machine:
            await machine.prepare(path, name)
            await rig.restart_server()
            look = await look_until(machine, name, lambda look: look.free, rig.patience_seconds)
            assert look.standing is Standing.HERE
            await asyncio.sleep(rig.still_seconds)
            assert rig.moved() == before

    async def test_foreign_job_running(self, rig: Rig) -> None:
        """What the owner runs is told, and neither stopped nor held nor followed by ours."""
        path, name = rig.toolpath(5), new_name()
        async with driven(rig) as machine:
            await machine.prepare(path, name)
            foreign = await rig.start_foreign()
            look = await look_until(machine, name, lambda look: bool(look.busy_with), rig.patience_seconds)
            assert look.busy_with == (foreign or look.busy_with) != name
            assert look.standing is Standing.HERE and not look.free
            with pytest.raises(Refused) as refused:
                await machine.start(name)
            assert refused.value.code == "machine.busy"
            for interfere in (machine.pause, machine.resume, machine.stop):
                await interfere(name)
            await asyncio.sleep(rig.coasts_seconds)  # one that was stopped by mistake may look at work for so long
            before = rig.moved()
            await asyncio.sleep(rig.still_seconds)
            look = await machine.state(name)
            assert look.busy_with == (foreign or look.busy_with) and look.busy_with and not look.paused
            assert rig.moved() > before or not rig.moves_of(path) > 1  # one that counts whole runs cannot tell
            assert look.standing is Standing.HERE

    @pytest.mark.parametrize("after_seconds", [0.0, 0.1])
    async def test_stop_at_the_moment_of_start(self, rig: Rig, after_seconds: float) -> None:
        """Whichever comes first: afterwards it is stopped or never ran, and does not run on."""
        path, name = rig.toolpath(15), new_name()
        async with driven(rig) as machine:
            await machine.prepare(path, name)
            starting = asyncio.create_task(machine.start(name))
            await asyncio.sleep(after_seconds)
            await machine.stop(name)
            with_what = (await asyncio.gather(starting, return_exceptions=True))[0]
            assert with_what is None or isinstance(with_what, (Refused, StartUncertain))
            look = await look_until(machine, name, lambda look: not look.busy_with, rig.patience_seconds)
            assert look.standing in (Standing.HERE, Standing.FAILED, Standing.UNKNOWN)
            await self._stands_still(rig)
            assert not (await machine.state(name)).busy_with

    async def test_care_of_what_runs(self, rig: Rig) -> None:
        """What runs is neither homed nor unlocked, and runs on."""
        async with running(rig, 8) as (machine, name):
            for care in Care:
                with pytest.raises(Refused):
                    await machine.see_to(care)
            before = rig.moved()
            look = await machine.state(name)
            assert look.standing is Standing.RUNNING and not look.paused
            await look_until(
                machine, name, lambda look: rig.moved() > before or not rig.moves_of(rig.toolpath(8)) > 1, rig.patience_seconds
            )

    async def test_describe(self, rig: Rig) -> None:
        """It says what it is."""
        async with driven(rig) as machine:
            described = await machine.describe()
        assert described.program

    async def _until_done(self, rig: Rig, machine: Machine, name: str) -> None:
        if machine.person_tells:
            await rig.person_sees_it_done(machine, name)
        await look_until(machine, name, lambda look: look.standing is Standing.DONE, rig.patience_seconds)
        await asyncio.sleep(TOLD_WITHIN_SECONDS)
        moved = rig.moved()
        await self._until_ended(rig, machine, name, Standing.DONE)
        await asyncio.sleep(rig.still_seconds)
        assert rig.moved() == moved, "it was called done while it moved"

    async def _until_ended(self, rig: Rig, machine: Machine, name: str, standing: Standing) -> None:
        ended = (Standing.DONE, Standing.FAILED, Standing.UNKNOWN)
        look = await look_until(machine, name, lambda look: look.standing in ended and not look.busy_with, rig.patience_seconds)
        assert look.standing is standing, look

    async def _stands_still(self, rig: Rig) -> None:
        """It comes to rest within the time that it may coast, and stays so."""
        until = asyncio.get_running_loop().time() + rig.coasts_seconds + rig.still_seconds
        before = -1.0
        while (moved := rig.moved()) != before:
            assert asyncio.get_running_loop().time() < until, "it moves on"
            before = moved
            await asyncio.sleep(rig.still_seconds)

    def _moved_once(self, rig: Rig, before: float, path: Toolpath) -> None:
        moved, once = rig.moved() - before, rig.moves_of(path)
        assert moved > 0 and (moved == pytest.approx(once, rel=0.02) or not once), (moved, once)


def _not_to_be_started_again(machine: Machine, look: Look) -> bool:
    """Half a piece may lie there: it must have failed, or the driver must own that it does not know."""
    forgotten = look.standing in (Standing.HERE, Standing.NOT_HERE) and not machine.start_is_certain
    return look.standing in (Standing.FAILED, Standing.UNKNOWN) or forgotten


@asynccontextmanager
async def driven(rig: Rig) -> AsyncIterator[Machine]:
    """A driver, closed at the end."""
    machine = rig.driver()
    try:
        yield machine
    finally:
        await machine.close()


@asynccontextmanager
async def running(rig: Rig, seconds: float) -> AsyncIterator[tuple[Machine, str]]:
    """A driver whose machine moves, with a toolpath of its own of about `seconds`; stopped at the end."""
    path, name, before = rig.toolpath(seconds), new_name(), rig.moved()
    async with driven(rig) as machine:
        await machine.prepare(path, name)
        await machine.start(name)
        await look_until(machine, name, lambda look: look.standing is Standing.RUNNING and rig.moved() > before, rig.patience_seconds)
        try:
            yield machine, name
        finally:
            await machine.stop(name)
