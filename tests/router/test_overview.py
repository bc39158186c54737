# SPDX-License-Identifier: AGPL-3.0-or-later
"""The overview is always what the board says, though it reads only what has changed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from clocks import ManualClock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from real_router import PRESENT_SECONDS, TERMS, Meddled, open_router, pictured, read_anew
from redis.asyncio import Redis
from redis.exceptions import ConnectionError
from router_street import Garage, Street, event, printer

from commonfab import v1
from router.board import Board
from router.board_reading import read_offers
from router.overview import Overview
from router.pulse import Terms

NAMES = ("lena", "shed", "attic")

STEPS = st.one_of(
    st.tuples(st.just("call"), st.sampled_from(NAMES)),
    st.tuples(st.just("grow"), st.sampled_from(NAMES)),
    st.tuples(st.just("close"), st.sampled_from(NAMES)),
    st.tuples(st.just("open"), st.sampled_from(NAMES)),
    st.tuples(st.just("accept"), st.sampled_from(NAMES)),
    st.tuples(st.just("decline"), st.sampled_from(NAMES)),
    st.tuples(st.just("make"), st.sampled_from(NAMES)),
    st.tuples(st.just("ask"), st.integers(1, 9)),
    st.tuples(st.just("plan"), st.just(0)),
    st.tuples(st.just("wait"), st.sampled_from((1, 70, 200, 700))),
    st.tuples(st.just("empty"), st.just(0)),
)


class Changing:
    """A street that is changed at random, with a router before it."""

    def __init__(self, street: Street) -> None:
        self.street = street
        self.router = open_router(street)
        self.garages = {name: Garage(name) for name in NAMES}

    async def step(self, kind: str, what: str | int) -> None:
        street, router = self.street, self.router
        if kind == "ask":
            await street.ask(int(what))
        elif kind == "plan":
            await router.plan()
        elif kind == "wait":
            await street.pass_time(float(what))
        elif kind == "empty":
            await street.board.redis.flushall()
            street.clock.advance(1)
        else:
            await self._shop(kind, self.garages[str(what)])

    async def _shop(self, kind: str, garage: Garage) -> None:
        offers = (await read_offers(self.street.board, garage.id)).offers
        if kind == "accept":
            await self.router.accept(garage)
        elif kind == "decline":
            told = [event(decline=v1.Decline(work_order_id=offer.work_order_id)) for offer in offers]
            await self.street.call(garage, *told)
        elif kind == "make" and not garage.closed:
            await self.router.make(garage)
        else:
            garage.closed = {"close": "holidays", "open": ""}.get(kind, garage.closed)
            if kind == "grow":
                garage.machines.append(printer(f"more-{len(garage.machines)}", x=250 + 10 * len(garage.machines)))
            await self.street.call(garage)


@given(steps=st.lists(STEPS, max_size=25), every=st.integers(1, 6))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_after_any_changes_the_overview_is_what_a_fresh_reading_of_the_board_says(
    redis_url: str, steps: list[tuple[str, str | int]], every: int
) -> None:
    async def live() -> None:
        redis, clock = Redis.from_url(redis_url), ManualClock()
        await redis.flushall()
        changing = Changing(Street(Board(redis, "test", clock), clock, []))
        overview = changing.router.overview
        for number, step in enumerate(steps):
            await changing.step(*step)
            if number % every == 0:
                await overview.catch_up()
                assert pictured(overview) == await read_anew(changing.street.board)
        await overview.catch_up()
        assert pictured(overview) == await read_anew(changing.street.board)
        await redis.aclose()

    asyncio.run(live())


async def test_work_that_was_just_offered_is_seen_before_the_board_is_read_again(street: Street) -> None:
    router, lena = open_router(street), Garage("lena")
    await street.call(lena)
    await street.ask(5)
    await router.plan()
    assert pictured(router.overview)["lena"].queued == {"mk3": 150}
    await router.overview.catch_up()
    assert pictured(router.overview) == await read_anew(street.board)


@pytest.mark.parametrize("refused", [False, True], ids=["offered", "refused"])
async def test_work_that_another_task_reads_off_the_board_meanwhile_counts_as_it_lies_there(street: Street, refused: bool) -> None:
    """Between an offer and its answer, whoever explains a job may read the board with the same overview."""
    board = Meddled(street.board)
    router, lena = open_router(street, board=board), Garage("lena")
    await street.call(lena)
    await street.ask(5)

    async def it_changes() -> None:
        if refused:
            lena.closed = "holidays"
            await street.call(lena)

    board.before, board.after = it_changes, router.overview.catch_up
    await router.plan()
    await router.overview.catch_up()
    assert pictured(router.overview) == await read_anew(street.board)


async def test_an_offer_that_never_reached_redis_leaves_no_work_in_the_picture(street: Street) -> None:
    board = Meddled(street.board)
    router, lena = open_router(street, board=board), Garage("lena")
    await street.call(lena)
    await street.ask(5)

    async def line_breaks() -> None:
        raise ConnectionError("Redis is away")

    board.before = line_breaks
    with pytest.raises(ConnectionError):
        await router.plan()
    await router.overview.catch_up()
    assert pictured(router.overview) == await read_anew(street.board)


async def test_a_shop_that_is_heard_again_after_a_silence_counts_as_changed_and_one_that_was_never_silent_does_not(street: Street) -> None:
    router, lena, shed = open_router(street), Garage("lena"), Garage("shed")
    overview = router.overview
    await street.call(lena)
    await street.call(shed)
    await overview.catch_up()
    street.clock.advance(PRESENT_SECONDS - 20)
    await street.call(shed)
    await overview.catch_up()
    street.clock.advance(30)
    await overview.catch_up()
    round_of_the_silence = overview.round
    for garage in (lena, shed):
        await street.call(garage)
    await overview.catch_up()
    assert overview.moved_since(round_of_the_silence) == {"lena"}


async def test_a_silent_shop_that_is_heard_again_counts_as_changed_though_the_street_has_grown_meanwhile(street: Street) -> None:
    """With more agents each calls more seldom, so what was a long silence is none any more; but jobs were tried while it was one."""
    overview = Overview(street.board, Terms(offer_seconds=600, lease_seconds=60, most_calls=0.05))
    lena = Garage("lena")
    await street.call(lena)
    await overview.catch_up()
    street.clock.advance(overview.present_seconds + 5)
    await overview.catch_up()
    round_of_the_silence = overview.round
    for number in range(6):
        await street.call(Garage(f"new-{number}"))
    street.clock.advance(1)
    await overview.catch_up()
    street.clock.advance(1)
    await street.call(lena)
    await overview.catch_up()
    assert "lena" in overview.moved_since(round_of_the_silence)


async def test_who_is_present_is_seen_by_when_they_called_though_nothing_else_changed(street: Street) -> None:
    router, lena = open_router(street), Garage("lena")
    await street.call(lena)
    await router.overview.catch_up()
    for _ in range(5):
        street.clock.advance(100)
        await street.call(lena)
        await router.overview.catch_up()
    known = router.overview.index.shop("lena", router.overview.now_ms)
    assert known is not None and known.heard_ago == 0
    street.clock.advance(150)
    await router.overview.catch_up()
    known = router.overview.index.shop("lena", router.overview.now_ms)
    assert known is not None and known.heard_ago == 150 > router.overview.present_seconds


async def test_the_pulse_follows_how_many_agents_call(street: Street) -> None:
    overview = Overview(street.board, replace(TERMS, most_calls=0.1))
    for number in range(10):
        await street.call(Garage(f"shop-{number}"))
    await overview.catch_up()
    assert overview.pulse == overview._terms.pulse(10)
    assert overview.pulse.call_every_seconds == pytest.approx(100)
    street.clock.advance(3700)  # All but one have gone home for good.
    await street.call(Garage("shop-10"))
    await overview.catch_up()
    assert overview.pulse == overview._terms.pulse(1)


async def test_an_emptied_board_makes_it_begin_anew(street: Street) -> None:
    router = open_router(street)
    for name in NAMES:
        await street.call(Garage(name))
    await router.overview.catch_up()
    assert set(pictured(router.overview)) == set(NAMES)
    await street.board.redis.flushall()
    street.clock.advance(1)
    await router.overview.catch_up()
    assert pictured(router.overview) == {}
    await street.call(Garage("lena"))
    await router.overview.catch_up()
    assert set(pictured(router.overview)) == {"lena"}


async def test_two_that_read_at_once_see_the_same(street: Street) -> None:
    router = open_router(street)
    for name in NAMES:
        await street.call(Garage(name))
    await asyncio.gather(*(router.overview.catch_up() for _ in range(5)))
    assert pictured(router.overview) == await read_anew(street.board)


async def test_what_day_and_minute_it_is_follows_the_boards_clock(street: Street) -> None:
    router = open_router(street)
    await router.overview.catch_up()
    assert router.overview.today.isoformat() == "2027-01-15"  # a Friday; the clock begins at 1.8e9 s
    assert router.overview.minute_of_week == 4 * 24 * 60 + 8 * 60
