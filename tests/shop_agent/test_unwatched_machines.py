# SPDX-License-Identifier: AGPL-3.0-or-later
"""What was said of a bed holds on through a time in which nobody watched the machine only where it is certain that nothing ran."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clocks import ManualClock
from small_shop import offer, seconds, shop

from commonfab import v1
from commonfab.tasks import cancelled
from shop_agent.bench.waiting import Leases, Starts
from shop_agent.bench.watching import WATCHED_SECONDS, Watching
from shop_agent.bench.work import Bench, Shopfloor
from shop_agent.desk_link import apply
from shop_agent.journal import attempt_steps
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.records import AttemptRecord, PieceState, Toolpath
from shop_agent.machines import Look, Machine, Standing, mark
from shop_agent.machines.virtual import VirtualMachine
from shop_agent.people.sensors import Sensors
from shop_agent.shop_toml.machine_section import MachineSection

REF = v1.AttemptRef(work_order_id="wo-1", number=1, epoch=7)
OURS, VASE = "cf-wo-1-a1-e7-p1.gcode", "vase.gcode"


class Forgetful(VirtualMachine):
    """The same machine behind a server that forgets: Klipper or OctoPrint after a restart of their own."""

    async def state(self, name: str) -> Look:
        look = await super().state(name)
        return Look(look.standing, look.reachable, look.busy_with)

    async def nothing_ran_since(self, ran: str) -> bool:
        return False


class OnASlowComputer(Forgetful):
    """A large file is a long upload."""

    async def prepare(self, toolpath: Toolpath, name: str) -> None:
        await self._clock.sleep(300)
        await super().prepare(toolpath, name)


class OnlyDenies(VirtualMachine):
    """PrusaLink: it shows what was seen at work last, and that something else has run since it only denies."""

    async def state(self, name: str) -> Look:
        look = await super().state(name)
        return Look(look.standing, look.reachable, look.busy_with, ran=mark(OURS, 1))

    async def nothing_ran_since(self, ran: str) -> bool:
        return False


class WallClock(ManualClock):
    """Whose hands can be set."""

    set_by = 0.0

    def now(self) -> float:
        return super().now() + self.set_by


class Garage:
    """A journal and a machine, which live longer than the agents that look at them."""

    def __init__(self, folder: Path) -> None:
        self.config, self.clock, self.folder = shop(folder), WallClock(), folder
        self.journal: Journal = open_journal(self.config, self.clock)
        self.machine: Machine = self.machine_of(VirtualMachine)
        self.said: list[str] = []

    def machine_of(self, kind: Callable[..., VirtualMachine], facts: MachineSection | None = None) -> VirtualMachine:
        return kind(facts or self.config.machine[0], self.folder, self.clock)

    def new_agent(self) -> Watching:
        return Watching(self.journal, self.machine, lambda about, line: self.said.append(line))

    async def look(self, agent: Watching) -> None:
        look = await self.machine.state("")
        self.journal.note_busy("mk3", look.busy_with)
        await agent.note(look)

    async def make(self, name: str) -> None:
        """From its beginning to its end; nobody looks."""
        await self.machine.prepare(Toolpath(name, "s", 600, 1), name)
        await self.machine.start(name)
        self.clock.advance(10)
        assert (await self.machine.state(name)).standing is Standing.DONE

    def clear(self) -> None:
        self.journal.mark_ready("mk3", "Lena")

    @property
    def is_clear(self) -> bool:
        return self.journal.ready("mk3") is not None

    def accept(self) -> None:
        """Work of the router's, accepted and prepared."""
        apply(v1.SynchronizeResponse(offers=[offer()], lease=seconds(30)), self.journal)
        self.journal.decide("wo-1", accept=True)
        self.hear(v1.Receipt(event_id=self.journal.unsettled()[0].id, attempt=REF))
        attempt_steps.note_toolpath(self.journal, self.journal.attempts()[0], Toolpath("", "s", 600, 1))

    def begin_our_piece(self) -> None:
        """As the journal has it at the moment in which the start is sent."""
        self.accept()
        attempt_steps.ask_to_start(self.journal, self.journal.attempts()[0])
        self.hear(v1.Receipt(event_id=self.journal.unsettled()[0].id))
        assert attempt_steps.begin_piece(self.journal, self.journal.attempts()[0])

    def hear(self, receipt: v1.Receipt) -> None:
        apply(v1.SynchronizeResponse(receipts=[receipt], lease=seconds(30)), self.journal)


AWAY = Look(Standing.UNKNOWN, reachable=False)


async def never(_: AttemptRecord) -> Toolpath:
    raise AssertionError


def unsigned(_: AttemptRecord) -> v1.SignedWork:
    raise AssertionError


def bench_of(garage: Garage) -> Bench:
    journal, starts = garage.journal, Starts(garage.clock)
    floor = Shopfloor(journal, Leases(garage.clock), never, unsigned, 1, lambda: None, lambda facts, seconds: "", starts, Sensors(journal))
    return Bench(garage.machine, floor)


@pytest.fixture
def garage(tmp_path: Path) -> Iterator[Garage]:
    garage = Garage(tmp_path)
    yield garage
    garage.journal.close()


async def test_a_clear_bed_stays_clear_over_a_new_start_of_the_agent_where_nothing_ran(garage: Garage) -> None:
    garage.clear()
    await garage.look(garage.new_agent())
    assert garage.is_clear  # said before the first agent came, and this machine has never made anything
    await garage.make(VASE)
    await garage.look(agent := garage.new_agent())
    garage.clear()
    await garage.look(agent)
    await garage.look(garage.new_agent())
    assert garage.is_clear


async def test_what_its_owner_made_while_no_agent_ran_lies_on_the_bed(garage: Garage) -> None:
    await garage.look(garage.new_agent())
    garage.clear()
    await garage.make(VASE)
    await garage.look(garage.new_agent())
    assert not garage.is_clear and garage.journal.bed_in_doubt("mk3")  # nor has it cleared itself of that
    assert garage.said == ["mk3: something may have run there while nobody watched: what was said of its bed no longer holds"]
    garage.clear()
    await garage.make("vase 2.gcode")
    await garage.look(garage.new_agent())
    assert not garage.is_clear and garage.said[-1].startswith("mk3: vase 2.gcode ran there")


@pytest.mark.parametrize("absence", ["its line was gone", "its computer slept"])
async def test_an_absence_of_a_running_agent_is_one_too(garage: Garage, absence: str) -> None:
    await garage.look(agent := garage.new_agent())
    garage.clear()
    if absence == "its line was gone":
        await agent.note(AWAY)
    await garage.make(VASE)
    garage.clock.advance(0 if absence == "its line was gone" else WATCHED_SECONDS)
    await garage.look(agent)
    assert not garage.is_clear


async def test_our_own_piece_that_ended_meanwhile_is_no_reason_to_doubt_what_clears_itself(garage: Garage) -> None:
    await garage.look(garage.new_agent())
    garage.begin_our_piece()
    await garage.make(OURS)
    await garage.look(garage.new_agent())
    assert not garage.journal.bed_in_doubt("mk3")
    await garage.make(VASE)  # and after it something of its owner's
    await garage.look(garage.new_agent())
    assert garage.journal.bed_in_doubt("mk3")


async def test_a_start_that_is_taken_back_gives_no_word_back_that_fell_meanwhile(garage: Garage) -> None:
    await garage.look(garage.new_agent())
    garage.clear()
    garage.begin_our_piece()  # the agent dies before the start is sent
    await garage.make(VASE)
    await garage.look(garage.new_agent())
    (attempt,) = garage.journal.attempts()
    attempt_steps.take_back_piece(garage.journal, attempt, 1)
    assert [piece for piece in garage.journal.attempts()[0].pieces if piece.state is PieceState.BEGUN] == []
    assert not garage.is_clear


async def test_where_nobody_can_tell_what_starts_by_itself_is_confirmed_anew_and_what_waits_for_go_is_not(garage: Garage) -> None:
    garage.machine = garage.machine_of(Forgetful)
    await garage.look(agent := garage.new_agent())
    garage.clear()
    await garage.look(agent)
    assert garage.is_clear  # it was watched all the time
    await garage.look(garage.new_agent())
    assert not garage.is_clear and "something may have run" in garage.said[0]
    mill = {"id": "mk3", "process": "milling", "control": "grbl", "port": "/dev/ttyUSB0", "envelope_mm": (9, 9, 9), "materials": ("oak",)}
    garage.machine = garage.machine_of(Forgetful, MachineSection.model_validate(mill))
    garage.clear()
    await garage.look(garage.new_agent())
    assert garage.is_clear  # whoever says go stands there


async def test_an_absence_goes_on_until_the_machine_has_answered_what_ran(garage: Garage) -> None:
    await garage.look(garage.new_agent())
    garage.clear()
    await garage.make(VASE)
    away = garage.new_agent()
    await away.note(AWAY)
    assert garage.is_clear  # nothing can start on what is away
    await garage.look(away)
    assert not garage.is_clear


@pytest.mark.parametrize(("seconds_gone", "holds"), [(10, True), (WATCHED_SECONDS, True), (WATCHED_SECONDS + 1, False)])
async def test_a_line_that_drops_for_less_than_any_print_takes_costs_no_word(garage: Garage, seconds_gone: float, holds: bool) -> None:
    garage.machine = garage.machine_of(Forgetful)  # its server was just started anew and shows nothing
    await garage.look(agent := garage.new_agent())
    garage.clear()
    await garage.look(agent)
    await agent.note(AWAY)
    garage.clock.advance(seconds_gone)
    await agent.note(AWAY)
    await garage.look(agent)
    assert garage.is_clear is holds


@pytest.mark.parametrize(("set_by", "holds"), [(-8 * 3600.0, True), (8 * 3600.0, False)])
async def test_a_clock_that_is_set_back_costs_no_word_and_one_that_jumps_on_may_have_stood_still(
    garage: Garage, set_by: float, holds: bool
) -> None:
    garage.machine = garage.machine_of(Forgetful)
    await garage.look(agent := garage.new_agent())
    garage.clear()
    garage.clock.advance(5)
    garage.clock.set_by = set_by
    await garage.look(agent)
    assert garage.is_clear is holds  # a virtual machine that was held for the night knows of it by the clock on the wall only


@pytest.mark.parametrize("seen_at_work", [True, False])
async def test_a_print_that_no_look_saw_at_work_is_news_however_close_the_looks_are(garage: Garage, seen_at_work: bool) -> None:
    await garage.look(agent := garage.new_agent())
    await garage.machine.prepare(Toolpath(VASE, "s", 600, 1), VASE)
    await garage.machine.start(VASE)
    if seen_at_work:
        await garage.look(agent)
        garage.clock.advance(10)
        garage.journal.note_busy("mk3", "")
        garage.clear()
        await garage.look(agent)
        assert garage.is_clear  # its beginning was seen, so its word fell then, and this one is of later
    else:
        garage.clear()
        garage.clock.advance(10)
        await garage.look(agent)
        assert not garage.is_clear and garage.journal.bed_in_doubt("mk3")


async def test_a_clock_that_is_set_back_hides_no_absence(garage: Garage) -> None:
    garage.machine = garage.machine_of(Forgetful)
    await garage.look(agent := garage.new_agent())
    garage.clear()
    garage.clock.advance(3600)
    garage.clock.set_by = -3600.0
    await garage.look(agent)
    assert not garage.is_clear


async def test_a_long_upload_is_no_absence(garage: Garage) -> None:
    bench, uploading = await uploading_at(garage)
    await passes(garage, 290)
    assert not uploading.done() and garage.is_clear
    await passes(garage, 20)
    await uploading
    assert garage.is_clear and garage.journal.attempts()[0].start_asked  # it is there, and nobody was asked twice
    await bench.close()


async def test_what_its_owner_begins_during_a_long_upload_is_seen(garage: Garage) -> None:
    bench, uploading = await uploading_at(garage)
    await passes(garage, 20)
    await VirtualMachine.prepare(bench.machine, Toolpath(VASE, "s", 60_000, 1), VASE)
    await bench.machine.start(VASE)
    await passes(garage, 20)
    assert not uploading.done() and bench.look.busy_with == VASE and not garage.is_clear
    await cancelled(uploading)
    await bench.close()


async def test_an_owners_print_after_ours_that_its_server_does_not_name_is_not_taken_for_ours(garage: Garage) -> None:
    garage.machine = garage.machine_of(OnlyDenies)
    await garage.look(agent := garage.new_agent())
    garage.clear()
    garage.begin_our_piece()
    await garage.look(agent)
    await agent.note(AWAY)  # ours ends, she takes it off and makes a vase
    garage.clock.advance(3600)
    await garage.look(agent)
    assert garage.journal.bed_in_doubt("mk3")


async def uploading_at(garage: Garage) -> tuple[Bench, asyncio.Task[bool]]:
    """A bench that was watched, was called ready, and brings a large toolpath to a server that shows nothing of what ran."""
    garage.machine = garage.machine_of(OnASlowComputer)
    bench = bench_of(garage)
    await bench.work()
    garage.clear()
    garage.accept()
    return bench, asyncio.create_task(bench.work())


async def passes(garage: Garage, seconds: int) -> None:
    """Second by second, with time for whoever waits to do something in each."""
    for _ in range(seconds):
        for _ in range(20):
            await asyncio.sleep(0)
        garage.clock.advance(1)
    for _ in range(20):
        await asyncio.sleep(0)
