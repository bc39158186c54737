# SPDX-License-Identifier: AGPL-3.0-or-later
"""A whole agent with a virtual printer, and what its owner says to it: pause, go on, stop, good, scrap, takes no new work, a walk-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from clocks import ManualClock
from small_shop import SmallRouter, offer, served, until, write_shop

from commonfab import v1
from commonfab.clock import SystemClock
from commonfab.errors import Refused, status_of
from commonfab.identity import signature_holds
from commonfab.tasks import cancelled
from shop_agent import agent
from shop_agent.bench.obeying import obey
from shop_agent.bench.waiting import Leases, Starts
from shop_agent.bench.warmth import Warmth
from shop_agent.bench.work import Bench, Shopfloor
from shop_agent.config import ShopConfig, load_config
from shop_agent.journal import attempt_steps, words
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.records import AttemptRecord, Toolpath
from shop_agent.journal.words import Kind
from shop_agent.live import LiveMachine, read_live
from shop_agent.machines import Standing, machine_for
from shop_agent.machines.virtual import VirtualMachine
from shop_agent.people.judging import judge
from shop_agent.people.sensors import Sensors
from shop_agent.people.service_modes import Mode, bring_back, take_out
from shop_agent.people.walk_in import Wanted, take


@dataclass
class Garage:
    """A running agent, seen as its owner sees it: through the journal and `live.json`."""

    config: ShopConfig
    journal: Journal
    running: asyncio.Task[None]

    @property
    def machine(self) -> LiveMachine | None:
        live = read_live(self.config.data_dir)
        return live.machines[0] if live else None

    @property
    def attempt(self) -> AttemptRecord:
        return self.journal.history()[-1]

    def say(self, kind: Kind) -> None:
        words.say(self.journal, "mk3", kind, "Lena")


@asynccontextmanager
async def garage(folder: Path, router: SmallRouter | None, **machine: object) -> AsyncIterator[Garage]:
    """With `router` None there is nobody to be heard. A piece of ten minutes takes as long as `speed_factor` says."""
    async with served(router or SmallRouter()) as address:
        node = address if router else "127.0.0.1:1"
        config = load_config(write_shop(folder, node, **({"process": "sla", "materials": ["resin"]} | machine)))
        journal = open_journal(config)
        running = asyncio.create_task(agent.run(config))
        try:
            yield Garage(config, journal, running)
        finally:
            await cancelled(running)
            journal.close()


def resin(quantity: int = 1) -> v1.Offer:
    """Work that no slicer is needed for."""
    wanted = offer(quantity=quantity)
    wanted.requirement.MergeFrom(v1.Requirement(process="sla", material="resin"))
    return wanted


@pytest.mark.slow
async def test_a_piece_that_is_paused_stands_still_until_somebody_says_go_on(tmp_path: Path) -> None:
    router = SmallRouter()
    router.put_up(resin())
    async with garage(tmp_path, router, speed_factor=60) as shop:  # ten seconds, and there is time to say something
        await until(lambda: shop.machine and shop.machine.busy_with)
        shop.say(Kind.PAUSE)
        await until(lambda: shop.machine and shop.machine.paused)
        stands = shop.machine.progress if shop.machine else 0
        await asyncio.sleep(2.2)  # in which it would get on by a fifth
        assert shop.machine and shop.machine.paused and abs(shop.machine.progress - stands) < 0.1
        shop.say(Kind.RESUME)
        await until(lambda: router.ended.get("wo-1") == "complete")


async def test_a_piece_that_is_stopped_is_scrap_and_nothing_more_starts_before_somebody_has_looked(tmp_path: Path) -> None:
    router = SmallRouter()
    router.put_up(resin(2))
    async with garage(tmp_path, router, speed_factor=5) as shop:
        await until(lambda: shop.machine and shop.machine.busy_with)
        shop.say(Kind.STOP)
        await until(lambda: shop.attempt.scrap == 1)
        await until(lambda: shop.machine and shop.machine.waits_for_person)
        assert shop.machine and "clear the bed" in next(iter(shop.machine.waits.values()))


async def test_stop_is_obeyed_by_what_has_not_begun_yet(tmp_path: Path) -> None:
    """Said while the agent was away: what would begin now does not, until somebody says anew that the machine is ready."""
    router = SmallRouter()
    router.put_up(resin())
    config = load_config(write_shop(tmp_path, "127.0.0.1:1", process="sla", materials=["resin"]))
    journal = open_journal(config)
    words.say(journal, "mk3", Kind.STOP, "Lena")
    assert words.stop_was_said(journal.connection, "mk3")
    journal.close()
    async with garage(tmp_path, router) as shop:
        await until(lambda: shop.machine and "commonfab shop ready" in "".join(shop.machine.waits.values()))
        assert not words.stop_was_said(shop.journal.connection, "mk3") and not shop.attempt.pieces
        shop.journal.mark_ready("mk3", "Lena")
        await until(lambda: router.ended.get("wo-1") == "complete")


@pytest.mark.slow
async def test_a_person_may_say_of_a_piece_that_it_is_scrap_until_the_work_is_reported(tmp_path: Path) -> None:
    router = SmallRouter()
    router.put_up(resin(2))
    async with garage(tmp_path, router, judged_by="person", clears_itself=False, starts_itself=True) as shop:
        for _ in range(3):
            number = len(shop.journal.history()[-1].pieces) if shop.journal.history() else 0
            await until(lambda: not shop.machine or not shop.machine.busy_with)
            shop.journal.mark_ready("mk3", "Lena")
            await until(lambda number=number: shop.journal.history() and len(shop.attempt.pieces) > number and shop.attempt.unjudged)
            judge(shop.journal, "wo-1", good=number != 0, who="Lena")
        await until(lambda: router.ended.get("wo-1") == "complete")
    work = v1.CompletedWork.FromString(router.reports[0].work)
    assert (work.pieces_good, work.pieces_scrap) == (2, 1)
    with pytest.raises(Refused) as refused:
        judge(open_journal(shop.config), "wo-1", good=False, who="Lena")
    assert refused.value.code == "shop.no_attempt"


async def test_a_machine_that_drains_makes_what_was_accepted_and_is_offered_nothing_new(tmp_path: Path) -> None:
    router = SmallRouter()
    router.put_up(resin(2))
    async with garage(tmp_path, router, speed_factor=1200) as shop:
        await until(lambda: shop.journal.history())
        take_out(shop.journal, "mk3", Mode.DRAIN, "holiday from tonight", "Lena")
        await until(lambda: router.ended.get("wo-1") == "complete")
        await until(lambda: router.requests[-1].shop.machines[0].state == v1.MACHINE_STATE_MAINTENANCE)
        assert router.requests[-1].shop.machines[0].state_reason == "holiday from tonight"
        bring_back(shop.journal, "mk3")
        await until(lambda: router.requests[-1].shop.machines[0].state == v1.MACHINE_STATE_READY)


async def test_a_machine_that_is_out_of_order_starts_nothing_until_it_is_back(tmp_path: Path) -> None:
    router = SmallRouter()
    async with garage(tmp_path, router) as shop:
        await until(lambda: router.requests)
        router.put_up(resin())
        await until(lambda: shop.journal.history())
        take_out(shop.journal, "mk3", Mode.OUT_OF_ORDER, "the vat leaks", "Lena")
        if not shop.attempt.pieces:
            await until(lambda: shop.machine and shop.machine.state == "out_of_order" and shop.machine.why == "the vat leaks")
        bring_back(shop.journal, "mk3")
        with suppress(Refused):  # it had begun before
            shop.journal.mark_ready("mk3", "Lena")  # tools may lie on the bed
        await until(lambda: router.ended.get("wo-1") == "complete")


async def test_two_machines_start_one_after_the_other(tmp_path: Path) -> None:
    """Both could start at once; the second is held back for as long as the shop says."""
    clock = ManualClock()
    starts = Starts(clock, 120)
    assert starts.held_back("mk4") == ""
    starts.note("mk3")
    assert "mk3 to have started" in starts.held_back("mk4") and starts.held_back("mk3") == ""
    clock.advance(121)
    assert starts.held_back("mk4") == ""


async def test_a_newer_agent_of_the_same_shop_stops_this_one_and_its_machine_goes_on(tmp_path: Path) -> None:
    class Replacing(SmallRouter):
        replaced = False

        async def Synchronize(self, request: v1.SynchronizeRequest, context: Any) -> v1.SynchronizeResponse:
            if self.replaced:
                await context.abort_with_status(status_of(Refused("shop.replaced", "garage")))
            return await super().Synchronize(request, context)

    router = Replacing()
    router.put_up(resin())
    async with garage(tmp_path, router, speed_factor=5) as shop:
        await until(lambda: shop.machine and shop.machine.busy_with)
        router.replaced = True
        router.ring()
        shop.journal.mark_ready("elsewhere", "Lena")
        with pytest.raises(Refused) as refused:
            await asyncio.wait_for(shop.running, 100)
        assert refused.value.code == "shop.replaced"
    machine = machine_for(shop.config, shop.config.machine[0], SystemClock())
    assert (await machine.state("cf-wo-1-a1-e1-p1.gcode")).standing is Standing.RUNNING


async def test_a_walk_in_is_made_while_no_router_can_be_heard_and_reported_when_it_can(tmp_path: Path) -> None:
    async with garage(tmp_path, None, starts_itself=False, clears_itself=False) as shop:
        order = take(shop.journal, shop.config, shop.config.machine[0], Wanted("a hook for the door", 2, minutes=1))
        for _ in range(3):  # go, and once more for each bed
            await until(lambda: shop.machine and not shop.machine.busy_with and (shop.machine.waits_for_person or shop.attempt.ended))
            if shop.attempt.ended:
                break
            made = shop.attempt.good
            shop.journal.mark_ready("mk3", "Lena")
            await until(lambda made=made: shop.attempt.good > made or shop.attempt.ended)
        await until(lambda: shop.attempt.ended == "complete")
        assert [event.WhichOneof("event") for event in shop.journal.unsettled()] == ["walk_in"]
    router = WalkIns()
    async with garage(tmp_path, router):
        await until(lambda: router.walked_in)
    (signed,) = router.walked_in.values()
    work = v1.CompletedWork.FromString(signed.work)
    assert signature_holds(signed) and (work.attempt.work_order_id, work.part_name, work.pieces_good) == (order, "a hook for the door", 2)
    assert not any(request.attempts for request in router.requests)  # the router is not asked about what it does not know


class WalkIns(SmallRouter):
    """Keeps what was made for people who walked in."""

    def __init__(self) -> None:
        super().__init__()
        self.walked_in: dict[str, v1.SignedWork] = {}

    def receipt(self, event: v1.ShopEvent) -> v1.Receipt:
        if event.WhichOneof("event") == "walk_in":
            self.walked_in[event.id] = event.walk_in.signed
            return v1.Receipt(event_id=event.id)
        return super().receipt(event)


async def test_stop_does_not_wait_behind_a_word_that_the_machine_refuses(tmp_path: Path) -> None:
    """A printer that will not be held must stop all the same."""
    config = load_config(write_shop(tmp_path, "127.0.0.1:1", **{"process": "sla", "materials": ["resin"]}))
    journal = open_journal(config)
    order = take(journal, config, config.machine[0], Wanted("a hook", 1, minutes=60))
    (attempt,) = journal.attempts()
    toolpath = Toolpath("", "", 3600, 1)
    attempt_steps.note_toolpath(journal, attempt, toolpath)
    attempt_steps.grant_leave(journal, attempt)
    machine = Stubborn(config.machine[0], config.data_dir, SystemClock())
    await machine.prepare(toolpath, journal.attempt(attempt.row).file_name(1))
    assert attempt_steps.begin_piece(journal, journal.attempt(attempt.row))
    await machine.start(journal.attempt(attempt.row).file_name(1))
    for kind in (Kind.PAUSE, Kind.STOP):
        words.say(journal, "mk3", kind, "Lena")
    with pytest.raises(Refused):
        await obey(journal, machine, journal.attempts(), lambda about, line: None, Warmth())
    assert order and (await machine.state("")).busy_with == "" and not words.stop_was_said(journal.connection, "mk3")


class Stubborn(VirtualMachine):
    """Will not be held."""

    async def pause(self, name: str) -> None:
        raise Refused("machine.not_taken", "mk3")


async def test_a_walk_in_does_not_go_on_while_the_agent_still_looks_what_became_of_its_pieces(tmp_path: Path) -> None:
    """It needs no router's leave, so nothing else would hold it back at the start of the agent."""
    config = load_config(write_shop(tmp_path, "127.0.0.1:1", **{"process": "sla", "materials": ["resin"]}))
    journal = open_journal(config)
    take(journal, config, config.machine[0], Wanted("a hook", 1, minutes=60))
    (attempt,) = journal.attempts()
    attempt_steps.note_toolpath(journal, attempt, Toolpath("", "", 3600, 1))
    attempt_steps.grant_leave(journal, attempt)
    clock = journal.clock
    machine = VirtualMachine(config.machine[0], config.data_dir, clock)
    floor = Shopfloor(journal, Leases(clock), never, unsigned, 1, lambda: None, lambda facts, seconds: "", Starts(clock), Sensors(journal))
    bench = Bench(machine, floor)
    await bench.reconcile()
    assert (await machine.state("")).busy_with == "" and not journal.attempt(attempt.row).pieces
    await bench.work()
    assert (await machine.state("")).busy_with == attempt.file_name(1)
    await bench.close()


async def never(attempt: AttemptRecord) -> Toolpath:
    raise AssertionError("it is prepared already")


def unsigned(attempt: AttemptRecord) -> v1.SignedWork:
    return v1.SignedWork()
