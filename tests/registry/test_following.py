# SPDX-License-Identifier: AGPL-3.0-or-later
"""Following: what happens is told to whoever asked for it, once, in order, however often they come back."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa
from clocks import ManualClock
from evidence_store import BERLIN, STEWARD, Store, build, signed, token

from commonfab import v1
from commonfab.database import open_database
from commonfab.errors import Refused
from commonfab.tasks import cancelled
from registry.evidence.following import LOOK_SECONDS, Following
from registry.evidence.interests import interest_of

ADA = token("ada", v1.SCOPE_MAKER)
POTSDAM = v1.Place(cell="871f18872ffffff")


@asynccontextmanager
async def reading(store: Store, engine: sa.Engine | None = None) -> AsyncIterator[Following]:
    """A process that has followers."""
    following = Following(engine or store.engine, store.clock)
    task = asyncio.create_task(following.run())
    yield following
    await cancelled(task)


async def heard(following: Following, count: int, request: v1.FollowRequest) -> list[v1.FollowResponse]:
    """The empty message and the next `count` events."""
    stream = following.follow(request)
    async with contextlib.aclosing(stream):  # type: ignore[type-var]
        return [await asyncio.wait_for(anext(stream), 60) for _ in range(count + 1)]


async def test_a_follower_hears_at_once_of_what_this_process_adds(each_store: Store) -> None:
    each_store.revision("design-gear", "gear")
    async with reading(each_store) as following:
        stream = following.follow(v1.FollowRequest())
        first = await anext(stream)
        assert not first.HasField("event") and first.after == 1
        for number in (2, 3):
            await asyncio.to_thread(each_store.revision, "design-gear", "gear")
            told = await asyncio.wait_for(anext(stream), 60)  # the clock stands still: nobody looks but who was woken
            assert told.after == told.event.number == number and told.event.revision_published.number == number
        await stream.aclose()  # type: ignore[attr-defined]
        assert following.followers == 0


async def test_a_follower_hears_within_a_second_of_what_another_process_adds(each_store: Store, manual_clock: ManualClock) -> None:
    elsewhere = open_database(each_store.engine.url.render_as_string(hide_password=False))
    async with reading(each_store, elsewhere) as following:
        stream = following.follow(v1.FollowRequest())
        await anext(stream)
        waiting = asyncio.ensure_future(anext(stream))
        while not manual_clock.sleepers:
            await asyncio.sleep(0)
        await asyncio.to_thread(each_store.revision, "design-gear", "gear")
        assert not (await asyncio.wait([waiting], timeout=0.1))[0]
        manual_clock.advance(LOOK_SECONDS)
        assert (await asyncio.wait_for(waiting, 60)).after == 1
        await stream.aclose()  # type: ignore[attr-defined]
    elsewhere.dispose()


async def test_who_comes_back_goes_on_where_they_were(store: Store) -> None:
    for _ in range(5):
        store.revision("design-gear", "gear")
    async with reading(store) as following:
        everything = [told.event.number for told in (await heard(following, 5, v1.FollowRequest(from_the_first=True)))[1:]]
        assert everything == [1, 2, 3, 4, 5]
        assert [told.after for told in await heard(following, 2, v1.FollowRequest(after=3))] == [3, 4, 5]
        assert [told.after for told in await heard(following, 2, v1.FollowRequest(after=3, from_the_first=True))] == [3, 4, 5]
        with pytest.raises(Refused) as caught:
            await heard(following, 0, v1.FollowRequest(after=6))
        assert caught.value.code == "follow.after"


@pytest.mark.parametrize("each_store", ["sqlite", "postgresql"], indirect=True)
async def test_nothing_is_lost_or_told_twice_while_many_publish_and_followers_come_and_go(
    each_store: Store, manual_clock: ManualClock
) -> None:
    """Two processes of one node; publishers write through one of them, side by side."""
    each_store.revision("design-0", "gear")
    writers, each, chance = 4, 8, random.Random(7)
    last = 1 + writers * each
    elsewhere = open_database(each_store.engine.url.render_as_string(hide_password=False))

    async def publish(number: int) -> None:
        for _ in range(each):
            await asyncio.to_thread(each_store.revision, f"design-{number}", "gear")

    async def follow(processes: list[Following]) -> list[int]:
        """Leaves after a few events, and goes on after the last one at another process."""
        numbers = [1]
        while numbers[-1] < last:
            stream = chance.choice(processes).follow(v1.FollowRequest(after=numbers[-1]))
            async with contextlib.aclosing(stream):  # type: ignore[type-var]
                patience = chance.randint(1, 6)
                async for told in stream:
                    numbers += [told.event.number] if told.HasField("event") else []
                    patience -= 1
                    if not patience or numbers[-1] == last:
                        break
        return numbers

    async def tick() -> None:
        while True:
            await asyncio.sleep(0.005)
            manual_clock.advance(LOOK_SECONDS)

    async with reading(each_store) as one, reading(each_store, elsewhere) as other:
        ticking = asyncio.create_task(tick())
        work = [publish(number) for number in range(1, writers + 1)]
        followers = [asyncio.create_task(follow([one, other])) for _ in range(8)]
        await asyncio.gather(*work)
        for follower in followers:
            assert await asyncio.wait_for(follower, 120) == list(range(1, last + 1))
        await cancelled(ticking)
    elsewhere.dispose()


async def test_a_thousand_idle_followers_cost_one_question_a_second(store: Store, manual_clock: ManualClock) -> None:
    async with reading(store) as following:
        streams = [following.follow(v1.FollowRequest()) for _ in range(1000)]
        await asyncio.gather(*(anext(stream) for stream in streams))
        waiting = [asyncio.ensure_future(anext(stream)) for stream in streams]
        while not manual_clock.sleepers:
            await asyncio.sleep(0.001)
        asked: list[str] = []
        sa.event.listen(store.engine, "before_cursor_execute", lambda c, cursor, statement, *rest: asked.append(statement))
        for _ in range(5):
            manual_clock.advance(LOOK_SECONDS)
            await asyncio.sleep(0.02)
            while not manual_clock.sleepers:
                await asyncio.sleep(0.001)
        assert 5 <= len([statement for statement in asked if "commons_events" in statement]) <= 6
        await asyncio.to_thread(store.revision, "design-gear", "gear")
        asked.clear()
        assert {told.after for told in await asyncio.wait_for(asyncio.gather(*waiting), 60)} == {1}
        assert len([statement for statement in asked if "SELECT" in statement]) <= 4
        for stream in streams:
            await stream.aclose()  # type: ignore[attr-defined]


async def test_those_who_come_before_the_reader_has_looked_wait_for_it_and_miss_nothing(store: Store) -> None:
    store.revision("design-gear", "gear")
    following = Following(store.engine, store.clock)
    asked: list[str] = []
    sa.event.listen(store.engine, "before_cursor_execute", lambda c, cursor, statement, *rest: asked.append(statement))
    streams = [following.follow(v1.FollowRequest()) for _ in range(20)]
    await asyncio.gather(*(anext(stream) for stream in streams))
    waiting = [asyncio.ensure_future(anext(stream)) for stream in streams]
    await asyncio.sleep(0)
    await asyncio.to_thread(store.revision, "design-gear", "gear")  # after they began, before anybody reads
    assert not [statement for statement in asked if "LIMIT" in statement and "commons_events" in statement]
    reader = asyncio.create_task(following.run())
    assert {told.after for told in await asyncio.wait_for(asyncio.gather(*waiting), 60)} == {2}
    await cancelled(reader)
    for stream in streams:
        await stream.aclose()  # type: ignore[attr-defined]


async def test_who_is_far_behind_gets_everything_all_the_same(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.evidence.following.PAGE", 3)
    async with reading(store) as following:
        following._at_hand = type(following._at_hand)(maxlen=4)
        slow = following.follow(v1.FollowRequest())
        await anext(slow)
        brisk = following.follow(v1.FollowRequest())
        await anext(brisk)
        for _ in range(12):
            await asyncio.to_thread(store.revision, "design-gear", "gear")
            await asyncio.wait_for(anext(brisk), 60)
        assert [(await asyncio.wait_for(anext(slow), 60)).after for _ in range(12)] == list(range(1, 13))
        for stream in (slow, brisk):
            await stream.aclose()  # type: ignore[attr-defined]


async def test_a_database_that_is_away_for_a_while_is_asked_again(store: Store, manual_clock: ManualClock) -> None:
    async with reading(store) as following:
        stream = following.follow(v1.FollowRequest())
        await anext(stream)
        while not manual_clock.sleepers:  # the reader has looked
            await asyncio.sleep(0.001)
        waiting = asyncio.ensure_future(anext(stream))
        with store.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE commons_events RENAME TO away")
        for _ in range(3):
            while not manual_clock.sleepers:
                await asyncio.sleep(0.001)
            manual_clock.advance(LOOK_SECONDS)
        with store.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE away RENAME TO commons_events")
        await asyncio.to_thread(store.revision, "design-gear", "gear")
        while not waiting.done():
            await asyncio.sleep(0.001)
            manual_clock.advance(LOOK_SECONDS)
        assert waiting.result().after == 1
        await stream.aclose()  # type: ignore[attr-defined]


def told_to(store: Store, **wanted: object) -> list[int]:
    """The numbers of the events that somebody with this interest is told of."""
    interest = interest_of(v1.FollowRequest(**wanted))  # type: ignore[arg-type]
    return [event.number for event in store.events() if interest.fits(event)]


def test_a_design_is_followed_with_all_that_happens_to_it(store: Store) -> None:
    gear, pin = store.revision("design-gear", "gear"), store.revision("design-pin", "pin")
    store.reports.report(STEWARD, signed(build(gear, process="fdm")))
    filed = store.defects.file(ADA, v1.Defect(revision_digest=gear, title="it squeaks"))
    store.defects.close(ADA, v1.CloseDefectRequest(id=filed.id, note="oil it"))
    store.recalls.recall(ADA, v1.Recall(revision_digest=gear, reason="it bursts"))
    store.defects.file(ADA, v1.Defect(revision_digest=pin, title="it bends"))
    everything = ["revision_published", "revision_published", "build_reported", "maturity_changed", "defect_filed", "defect_closed"]
    assert store.happened() == [*everything, "recalled", "defect_filed"]
    assert told_to(store, designs=["design-gear"]) == [1, 3, 4, 5, 6, 7]
    assert told_to(store, designs=["design-pin"]) == [2, 8]
    assert told_to(store, designs=["design-none"]) == []
    assert told_to(store) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_module_is_followed_with_what_is_built_from_any_revision_of_it(store: Store) -> None:
    module, _ = store.revision("design-motor", "rotor"), store.revision("design-motor", "rotor", "shaft")
    pump = store.revision("design-pump", "bowl", uses=(module, "0" * 64))
    store.revision("design-kettle", "bowl")
    store.defects.file(ADA, v1.Defect(revision_digest=pump, title="it drips"))
    assert told_to(store, modules=["design-motor"]) == [1, 2, 3]
    assert told_to(store, designs=["design-motor"]) == [1, 2]


def test_a_class_of_machines_is_followed_and_narrower_satisfies_broader(store: Store) -> None:
    gear = store.revision("design-gear", "gear")
    store.reports.report(STEWARD, signed(build(gear, process="fdm")))
    store.reports.report(STEWARD, signed(build(gear, process="sla")))
    assert told_to(store, processes=["fdm"]) == [2]
    assert told_to(store, processes=["sla"]) == [4]
    assert told_to(store, processes=["additive"]) == [2, 4]
    assert told_to(store, processes=["milling", "FDM"]) == [2]


def test_a_place_is_followed_with_what_was_built_around_it(store: Store) -> None:
    gear, pin = store.revision("design-gear", "gear"), store.revision("design-pin", "pin")
    store.reports.report(STEWARD, signed(build(gear, good=2), place=BERLIN))
    store.reports.report(STEWARD, signed(build(pin, good=2), place=POTSDAM))
    store.reports.report(STEWARD, signed(build(gear, good=3)))
    store.recalls.recall(STEWARD, v1.Recall(revision_digest=gear, reason="it bursts"))
    assert store.happened()[2:] == [*["build_reported", "maturity_changed"] * 2, "build_reported", "recalled"]
    assert told_to(store, near=BERLIN, within_km=5) == [3, 8]
    assert told_to(store, near=BERLIN, within_km=60) == [3, 5, 8]
    assert told_to(store, near=BERLIN) == [3, 8], "20 km where nothing is said"
    assert told_to(store, near=POTSDAM, within_km=5, designs=["design-gear"]) == [1, 3, 4, 5, 7, 8]


@pytest.mark.parametrize("wrong", [{"near": v1.Place(cell="8a1f1d4890e7fff")}, {"within_km": -1}, {"within_km": float("nan")}])
def test_an_interest_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Refused) as caught:
        interest_of(v1.FollowRequest(**wrong))  # type: ignore[arg-type]
    assert caught.value.code == "request.malformed"
