# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who says stop, or takes a machine out of service, has taken back what was said before; and a word that was said of one order moves no
other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from clocks import ManualClock
from small_shop import offer, shop

from commonfab import v1
from shop_agent.bench.waiting import Leases, Starts
from shop_agent.bench.work import Bench, Shopfloor
from shop_agent.config import ShopConfig
from shop_agent.desk import actions
from shop_agent.journal import attempt_steps, words
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.records import AttemptRecord, Toolpath
from shop_agent.machines import Care, Look, Standing
from shop_agent.machines.virtual import VirtualMachine
from shop_agent.shop_toml.machine_section import MachineSection

CHECKED = Toolpath("", "", 600, 5)
MILL = {"process": "milling", "materials": ["aluminium"], "control": "grbl", "port": "/dev/null"}
PRINTER: dict[str, Any] = {}


class Watched(VirtualMachine):
    """Writes down what it is told. `meanwhile`, `begun`: what happens while a toolpath is brought to it, and as it begins. `away`: its
    line is gone."""

    def __init__(self, facts: MachineSection, folder: Path, clock: ManualClock) -> None:
        super().__init__(facts, folder, clock)
        self.started: list[str] = []
        self.homed = self.resumed = self.came_up = 0
        self.away, self.fault = False, ""
        self.meanwhile: Callable[[], None] | None = None
        self.begun: Callable[[], None] | None = None

    async def state(self, name: str) -> Look:
        return Look(Standing.UNKNOWN, reachable=False, note="away") if self.away else await self.here(name)

    async def here(self, name: str) -> Look:
        return replace(await super().state(name), fault=self.fault, came_up=self.came_up)

    async def prepare(self, toolpath: Toolpath, name: str) -> None:
        await super().prepare(toolpath, name)
        if self.meanwhile is not None:
            self.meanwhile()
            self.meanwhile = None

    async def start(self, name: str) -> None:
        await super().start(name)
        self.started.append(name)
        if self.begun is not None:
            self.begun()
            self.begun = None

    async def stop(self, name: str) -> None:
        if not self.away:  # as one does that looks whether it is at work on that at all
            await super().stop(name)

    async def pause(self, name: str) -> None:
        if not self.away:
            await super().pause(name)

    async def resume(self, name: str) -> None:
        self.resumed += 1

    async def see_to(self, care: Care) -> None:
        self.homed += 1


@dataclass
class Shop:
    """One machine, its bench and its desk."""

    config: ShopConfig
    journal: Journal
    clock: ManualClock
    sensors: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        facts = self.config.machine[0]
        self.machine = Watched(facts, self.config.data_dir, self.clock)
        self.desk = actions.Bench(self.config, self.journal)
        self.bench = self.new_bench()

    def new_bench(self) -> Bench:
        """The bench as an agent has it that has just begun."""
        starts = Starts(self.clock)
        floor = Shopfloor(
            self.journal, Leases(self.clock), never, unsigned, 1, lambda: None, lambda facts, seconds: "", starts, self.look_of_sensors
        )
        return Bench(self.machine, floor)

    async def look_of_sensors(self, facts: MachineSection) -> None:
        for sensor in self.sensors:
            sensor()

    def order(self, name: str, leave: bool = True, quantity: int = 1) -> AttemptRecord:
        """Work that was accepted and prepared."""
        with self.journal.change() as connection:
            row = connection.execute(
                "INSERT INTO attempts (work_order_id, number, epoch, offer, machine_id) VALUES (?, 1, 1, ?, 'mk3')",
                (name, offer(name, quantity).SerializeToString()),
            ).lastrowid
        assert row is not None
        attempt_steps.note_toolpath(self.journal, self.journal.attempt(row), CHECKED)
        if leave:
            self.leave(row)
        return self.journal.attempt(row)

    def leave(self, row: int) -> None:
        """The router gives leave to start."""
        with self.journal.change() as connection:
            connection.execute("UPDATE attempts SET start_asked = 1, leave = 1, go_by = 'Lena' WHERE row = ?", (row,))

    async def work(self, times: int = 1) -> None:
        """The bench looks so many times; the router is heard all the while."""
        for _ in range(times):
            self.bench.floor.leases.renew([attempt.ref for attempt in self.journal.attempts()], self.clock.monotonic(), 60)
            await self.bench.work()


async def never(attempt: AttemptRecord) -> Toolpath:
    raise AssertionError("it is prepared already")


def unsigned(attempt: AttemptRecord) -> v1.SignedWork:
    return v1.SignedWork()


@pytest.fixture
def open_shop(tmp_path: Path, manual_clock: ManualClock) -> Iterator[Callable[..., Shop]]:
    opened: list[Journal] = []

    def of(**machine: Any) -> Shop:
        config = shop(tmp_path, **({"starts_itself": False, "clears_itself": False} | machine))
        journal = open_journal(config, manual_clock)
        opened.append(journal)
        return Shop(config, journal, manual_clock)

    yield of
    for journal in opened:
        journal.close()


def says(shop: Shop, *what: str) -> None:
    """Lena says it at the desk."""
    for one in what:
        getattr(actions, one)(shop.desk, "mk3", "Lena")


@pytest.mark.parametrize("word", ["stop", "pause"])
async def test_who_says_start_and_then_stop_before_it_moves_is_not_surprised_by_it(open_shop: Callable[..., Shop], word: str) -> None:
    """The router's leave came a second later, and the word "start" was still young."""
    mill = open_shop(**MILL)
    order = mill.order("wo-1", leave=False)
    says(mill, "ready", "start", word)
    await mill.work()
    mill.leave(order.row)
    await mill.work(3)
    assert mill.machine.started == []
    says(mill, "ready", "start")
    await mill.work(2)
    assert mill.machine.started == [order.file_name(1)]


@pytest.mark.parametrize("word", ["stop", "pause"])
@pytest.mark.parametrize("keys", [MILL, PRINTER, {"starts_itself": True, "clears_itself": True}], ids=["mill", "printer", "automatic"])
async def test_stop_said_while_a_toolpath_is_brought_is_heard_before_anything_starts(
    open_shop: Callable[..., Shop], word: str, keys: dict[str, Any]
) -> None:
    one = open_shop(**keys)
    order = one.order("wo-1")
    if keys != {"starts_itself": True, "clears_itself": True}:
        says(one, "ready")
    if keys == MILL:
        says(one, "start")
    one.machine.meanwhile = lambda: says(one, word)
    await one.work(4)
    assert one.machine.started == [], one.machine.started
    assert "ready" in one.bench.waits[order.key] and words.unheard(one.journal, "mk3") == []


@pytest.mark.parametrize("trouble", ["away", "fault", "agent"])
async def test_nothing_starts_because_a_machine_or_the_agent_is_back(open_shop: Callable[..., Shop], trouble: str) -> None:
    """A router that was without power for ten seconds no longer knows where it stands; "start" was still young."""
    mill = open_shop(**MILL)
    order = mill.order("wo-1")
    await mill.work()
    says(mill, "ready", "start")
    if trouble == "agent":
        mill.bench = mill.new_bench()
        await mill.bench.reconcile()
    else:
        mill.machine.away, mill.machine.fault = trouble == "away", "ALARM:1" if trouble == "fault" else ""
        await mill.work()
        mill.machine.away, mill.machine.fault = False, ""
    await mill.work(3)
    assert mill.machine.started == [] and "commonfab shop start" in mill.bench.waits[order.key]
    says(mill, "start")
    await mill.work(2)
    assert mill.machine.started == [order.file_name(1)]


async def test_what_was_laid_ready_at_a_machine_and_came_to_nothing_does_not_stay_there(open_shop: Callable[..., Shop]) -> None:
    """Withdrawn, or recalled: in a controller's folder somebody would load it. What was made stays for whoever wants to look at it."""
    printer = open_shop()
    made, withdrawn = printer.order("wo-1"), printer.order("wo-2", leave=False)
    says(printer, "ready")
    await printer.work()
    printer.clock.advance(2)
    await printer.work(2)
    assert withdrawn.file_name(1) in printer.machine._read()["files"]
    actions.withdraw(printer.desk, "wo-2")
    await printer.work(2)
    assert list(printer.machine._read()["files"]) == [made.file_name(1)]


async def test_what_came_to_nothing_while_the_agent_was_away_does_not_stay_at_the_machine(open_shop: Callable[..., Shop]) -> None:
    """Nor where the agent ended between the withdrawal and its next look. What is at work, or is still to be made, is left alone."""
    printer = open_shop()
    made, withdrawn, waiting = printer.order("wo-1"), printer.order("wo-2"), printer.order("wo-3", leave=False)
    for order in (withdrawn, waiting):
        await printer.machine.prepare(CHECKED, order.file_name(1))
    says(printer, "ready")
    await printer.work(2)
    assert printer.machine.started == [made.file_name(1)]
    actions.withdraw(printer.desk, "wo-2")
    attempt_steps.release(printer.journal, withdrawn, ())
    attempt_steps.drop(printer.journal, made)
    printer.bench = printer.new_bench()
    printer.machine.away = True
    await printer.bench.reconcile()
    await printer.work()
    printer.machine.away = False
    await printer.work(4)
    assert sorted(printer.machine._read()["files"]) == [made.file_name(1), waiting.file_name(1)]
    assert (await printer.machine.state("")).busy_with == made.file_name(1)


@pytest.mark.parametrize("word", ["stop", "pause"])
async def test_stop_that_comes_as_a_piece_ends_by_itself_holds_the_next_one_up(open_shop: Callable[..., Shop], word: str) -> None:
    printer = open_shop(starts_itself=True, clears_itself=True)
    order = printer.order("wo-1", quantity=2)
    await printer.work()
    assert printer.machine.started == [order.file_name(1)]
    printer.clock.advance(2)
    says(printer, word)
    await printer.work(3)
    assert printer.machine.started == [order.file_name(1)] and printer.journal.attempt(order.row).good == 1
    says(printer, "ready")
    await printer.work(2)
    assert printer.machine.started[1:] == [order.file_name(2)]


async def test_stop_takes_back_home_that_was_said_before_it(open_shop: Callable[..., Shop]) -> None:
    """A long upload kept the bench from hearing either; stop is heard first, and home must not follow it."""
    mill = open_shop(**MILL)
    mill.order("wo-1")
    says(mill, "home", "stop")
    await mill.work(2)
    assert mill.machine.homed == 0
    says(mill, "stop", "home")
    await mill.work(2)
    assert mill.machine.homed == 1


@pytest.mark.parametrize("trouble", ["away", "seen away", "agent"])
@pytest.mark.parametrize("word", ["home", "unlock"])
async def test_nothing_is_homed_or_unlocked_because_a_machine_or_the_agent_is_back(
    open_shop: Callable[..., Shop], trouble: str, word: str
) -> None:
    """Somebody plugs it in again, with her hands at the axes, and the word is still young."""
    mill = open_shop(**MILL)
    await mill.work()
    if trouble == "agent":
        says(mill, word)
        mill.bench = mill.new_bench()
        await mill.bench.reconcile()
    else:
        mill.machine.away = True
        await mill.work()
        says(mill, word)
        if trouble == "away":
            await mill.work()
        mill.machine.away = False
    await mill.work(3)
    assert mill.machine.homed == 0 and words.unheard(mill.journal, "mk3") == []
    says(mill, word)
    await mill.work()
    assert mill.machine.homed == 1


@pytest.mark.parametrize("trouble", ["away", "seen away", "agent"])
async def test_what_is_paused_does_not_go_on_because_a_machine_or_the_agent_is_back(open_shop: Callable[..., Shop], trouble: str) -> None:
    printer = open_shop()
    printer.order("wo-1")
    says(printer, "ready")
    await printer.work(2)
    says(printer, "pause")
    await printer.work()
    if trouble == "agent":
        says(printer, "resume")
        printer.bench = printer.new_bench()
        await printer.bench.reconcile()
    else:
        printer.machine.away = True
        await printer.work()
        says(printer, "resume")
        if trouble == "away":
            await printer.work()
        printer.machine.away = False
    await printer.work(3)
    assert printer.machine.resumed == 0
    says(printer, "resume")
    await printer.work()
    assert printer.machine.resumed == 1


async def test_unlock_that_is_said_in_an_alarm_is_done(open_shop: Callable[..., Shop]) -> None:
    mill = open_shop(**MILL)
    mill.machine.fault = "ALARM:1"
    await mill.work(2)
    says(mill, "unlock")
    await mill.work()
    assert mill.machine.homed == 1


async def test_a_controller_that_came_up_anew_has_lost_its_zero(open_shop: Callable[..., Shop]) -> None:
    """A short failure of its supply: its bed is as clear as before, and its tool may go through the table."""
    mill = open_shop(**MILL)
    order = mill.order("wo-1")
    await mill.work()
    says(mill, "ready")
    await mill.work()
    mill.machine.came_up += 1
    await mill.work()
    says(mill, "start")
    await mill.work(2)
    assert mill.machine.started == [] and "set the tool of" in mill.bench.waits[order.key]
    assert "bed" not in mill.bench.waits[order.key]
    says(mill, "ready", "start")
    await mill.work(2)
    assert mill.machine.started == [order.file_name(1)]


async def test_stop_is_not_lost_while_the_machine_does_not_answer(open_shop: Callable[..., Shop]) -> None:
    printer = open_shop()
    order = printer.order("wo-1")
    says(printer, "ready")
    await printer.work(2)
    assert printer.machine.started == [order.file_name(1)]
    printer.machine.away = True
    says(printer, "stop")
    await printer.work(2)
    printer.machine.away = False
    await printer.work(2)
    assert (await printer.machine.state("")).busy_with == ""


async def test_pause_is_not_lost_while_the_machine_does_not_answer(open_shop: Callable[..., Shop]) -> None:
    printer = open_shop()
    printer.order("wo-1")
    says(printer, "ready")
    await printer.work(2)
    printer.machine.away = True
    says(printer, "pause")
    await printer.work(2)
    printer.machine.away = False
    await printer.work(2)
    assert (await printer.machine.state(printer.machine.started[0])).paused


async def test_start_that_was_said_for_one_order_sends_no_other_off(open_shop: Callable[..., Shop]) -> None:
    """The requester withdrew the first at that very moment: on the table lie its stock and its tool."""
    mill = open_shop(**MILL)
    first, second = mill.order("wo-1", leave=False), mill.order("wo-2", leave=False)
    await mill.work()
    says(mill, "ready", "start")
    await mill.work()
    assert mill.journal.attempt(first.row).go_by == "Lena"
    attempt_steps.drop(mill.journal, mill.journal.attempt(first.row))
    await mill.work()
    mill.leave(second.row)
    await mill.work(3)
    assert mill.machine.started == []


async def test_start_that_was_said_over_an_empty_bench_sends_nothing_off_that_comes_later(open_shop: Callable[..., Shop]) -> None:
    mill = open_shop(**MILL)
    await mill.work()
    says(mill, "start")
    await mill.work()
    mill.order("wo-1")
    says(mill, "ready")
    await mill.work(2)
    assert mill.machine.started == []


@pytest.mark.parametrize("how", ["out_of_order", "maintenance"])
@pytest.mark.parametrize("itself", [True, False])
async def test_what_was_said_before_a_machine_was_taken_apart_says_nothing_afterwards(
    open_shop: Callable[..., Shop], how: str, itself: bool
) -> None:
    printer = open_shop(starts_itself=itself, clears_itself=itself)
    says(printer, "ready")
    getattr(actions, how)(printer.desk, "mk3", "Lena", "the hot end leaks")
    order = printer.order("wo-1")
    await printer.work()
    actions.back(printer.desk, "mk3")
    await printer.work(2)
    assert printer.machine.started == [] and "commonfab shop ready" in printer.bench.waits[order.key]
    says(printer, "ready")
    await printer.work(2)
    assert printer.machine.started == [order.file_name(1)]


async def test_a_machine_that_drains_keeps_what_was_said(open_shop: Callable[..., Shop]) -> None:
    printer = open_shop()
    says(printer, "ready")
    actions.drain(printer.desk, "mk3", "Lena")
    order = printer.order("wo-1")
    await printer.work(2)
    assert printer.machine.started == [order.file_name(1)]


async def test_what_shop_toml_takes_out_of_service_needs_a_new_word_too(open_shop: Callable[..., Shop]) -> None:
    printer = open_shop(starts_itself=True)
    says(printer, "ready")
    order = printer.order("wo-1")
    printer.machine._facts = printer.machine._facts.model_copy(update={"maintenance": "new belts"})
    printer.bench = printer.new_bench()
    await printer.bench.reconcile()
    printer.machine._facts = printer.machine._facts.model_copy(update={"maintenance": ""})
    printer.bench = printer.new_bench()
    await printer.bench.reconcile()
    await printer.work(2)
    assert printer.machine.started == [] and "commonfab shop ready" in printer.bench.waits[order.key]


async def test_a_sensor_is_asked_again_after_a_long_upload(open_shop: Callable[..., Shop]) -> None:
    """Somebody put a piece of his own on the bed in those minutes."""
    printer = open_shop(starts_itself=True, confirm=["bed"])
    printer.order("wo-1")
    printer.journal.mark_ready("mk3", "sensor", ("bed",), by_sensor=True)

    def laid() -> None:
        printer.sensors.append(lambda: printer.journal.unsay("mk3", "bed"))

    printer.machine.meanwhile = laid
    await printer.work(3)
    assert printer.machine.started == []


async def test_a_toolpath_that_is_swapped_after_it_was_brought_is_the_one_that_runs(open_shop: Callable[..., Shop]) -> None:
    printer = open_shop()
    order = printer.order("wo-1", leave=False)
    await printer.work()
    other = Toolpath("", "b" * 64, 300, 5)
    attempt_steps.note_toolpath(printer.journal, order, other)
    printer.leave(order.row)
    says(printer, "ready")
    await printer.work(2)
    assert printer.machine._read()["files"][order.file_name(1)]["sha256"] == other.sha256
    assert printer.machine.started == [order.file_name(1)]


async def test_who_loads_a_printer_that_is_away_has_not_said_what_became_of_its_piece(open_shop: Callable[..., Shop]) -> None:
    """It prints on, and would be called scrap and made a second time."""
    printer = open_shop()
    order = printer.order("wo-1")
    says(printer, "ready")
    await printer.work(2)
    printer.machine.away = True
    await printer.work()
    actions.ready(printer.desk, "mk3", "Lena", ["stock"])
    await printer.work(2)
    assert [piece.state for piece in printer.journal.attempt(order.row).pieces] == ["begun"]
    actions.ready(printer.desk, "mk3", "Lena")
    await printer.work()
    assert [piece.state for piece in printer.journal.attempt(order.row).pieces] == ["scrap"]


async def test_two_who_say_start_at_once_start_one_piece(open_shop: Callable[..., Shop]) -> None:
    mill = open_shop(**MILL)
    mill.order("wo-1", quantity=2)
    await mill.work()
    says(mill, "ready", "start", "start")
    await mill.work(2)
    assert len(mill.machine.started) == 1
    mill.clock.advance(30)
    await mill.work()
    says(mill, "ready")
    await mill.work(3)
    assert len(mill.machine.started) == 1, "the second word was of the first piece"


async def test_start_that_comes_a_moment_after_the_piece_began_is_none_for_the_next(open_shop: Callable[..., Shop]) -> None:
    """The second browser still shows the button."""
    mill = open_shop(**MILL)
    order = mill.order("wo-1", quantity=2)
    await mill.work()
    says(mill, "ready", "start")
    mill.machine.begun = lambda: says(mill, "start")
    await mill.work(2)
    await mill.machine.stop(order.file_name(1))
    await mill.work(2)
    says(mill, "ready")
    await mill.work(3)
    assert len(mill.machine.started) == 1


async def test_work_that_is_withdrawn_while_its_printer_is_away_is_stopped_when_that_is_back(open_shop: Callable[..., Shop]) -> None:
    printer = open_shop()
    order = printer.order("wo-1")
    says(printer, "ready")
    await printer.work(2)
    printer.machine.away = True
    actions.withdraw(printer.desk, "wo-1", "too loud")
    await printer.work(2)
    printer.machine.away = False
    await printer.work(3)
    assert (await printer.machine.state("")).busy_with == "" and printer.journal.attempt(order.row).ended == "fail"
