# SPDX-License-Identifier: AGPL-3.0-or-later
"""A picture of many shops is kept by reading only those that changed; and what the board notices about each."""

from __future__ import annotations

import pytest
from router_street import Garage, Street, event, printer, status

from commonfab import v1
from router.board_changes import Changes, read_changes, read_shops


async def changed(street: Street, since: Changes) -> list[str]:
    return sorted(known.shop.id for known, _ in (await read_changes(street.board, since.sequence, since.now_ms)).shops)


async def picture(street: Street) -> Changes:
    return await read_changes(street.board, 0, 0)


async def test_a_mere_call_is_heard_and_changes_nothing(street: Street) -> None:
    await street.call(Garage("lena"))
    shed = Garage("shed")
    await street.call(shed)
    before = await picture(street)
    street.clock.advance(5)
    await street.call(shed)
    after = await read_changes(street.board, before.sequence, before.now_ms + 1)
    assert (after.shops, after.sequence, after.heard) == ((), before.sequence, {"shed": before.now_ms + 5000})
    assert not after.restarted


async def test_the_moment_from_which_calls_are_read_counts_itself(street: Street) -> None:
    await street.call(Garage("lena"))
    before = await picture(street)
    assert (await read_changes(street.board, before.sequence, before.now_ms)).heard == {"lena": before.now_ms}


async def test_every_change_that_a_plan_depends_on_is_told_and_only_of_the_shops_concerned(street: Street) -> None:
    lena, shed = Garage("lena"), Garage("shed")
    await street.call(lena)
    await street.call(shed)
    await street.ask()

    async def moves() -> list[str]:
        nonlocal before
        told, before = await changed(street, before), await picture(street)
        return told

    before = await picture(street)
    lena.machines = [printer("mk4")]
    await street.call(lena)
    assert await moves() == ["lena"]
    await street.offer("job-0001", await street.lot("order-1", ["lena", "shed"]))
    assert await moves() == ["lena", "shed"]
    attempt = await street.board.accept("order-1", "lena", 60_000)
    assert await moves() == ["lena", "shed"]
    await street.start(lena, attempt)
    assert await moves() == []
    await street.call(lena, held=(status(attempt, good=2),))
    assert await moves() == ["lena"]
    assert (await street.shop("lena")).queued_minutes == {"mk3": 90.0}
    await street.complete(lena, attempt, 5)
    assert await moves() == ["lena"]
    shed.closed = "full"
    await street.call(shed)
    assert await moves() == ["shed"]


async def test_many_shops_are_read_page_by_page_and_none_is_left_out(street: Street) -> None:
    for number in range(23):
        await street.call(Garage(f"shop-{number:02d}"))
        if number % 5 == 0:
            street.clock.advance(1)
    whole = await read_changes(street.board, 0, 0)
    for at_once in (1, 2, 5, 23, 24):
        paged = await read_changes(street.board, 0, 0, at_once)
        assert [known for known, _ in paged.shops] == [known for known, _ in whole.shops]
        assert (paged.heard, paged.sequence) == (whole.heard, whole.sequence)
    assert len(whole.shops) == len(whole.heard) == 23


async def test_an_emptied_board_is_noticed_and_read_anew(street: Street) -> None:
    await street.call(Garage("lena"))
    await street.call(Garage("shed"))
    before = await picture(street)
    await street.board.redis.flushall()
    await street.call(Garage("attic"))
    anew = await read_changes(street.board, before.sequence, before.now_ms)
    assert anew.restarted
    assert [known.shop.id for known, _ in anew.shops] == ["attic"]


async def test_an_emptied_board_that_has_changed_more_often_than_the_old_one_is_noticed_too(street: Street) -> None:
    await street.call(Garage("lena"))
    before = await picture(street)
    await street.board.redis.flushall()
    street.clock.advance(1)
    for number in range(3):
        await street.call(Garage(f"shop-{number}"))
    anew = await read_changes(street.board, before.sequence, before.now_ms)
    assert anew.sequence > before.sequence and anew.restarted
    assert len(anew.shops) == 3


async def test_a_board_on_which_nothing_ever_happened_is_no_new_board(street: Street) -> None:
    nothing = await picture(street)
    assert (nothing.sequence, nothing.shops, nothing.restarted) == (0, (), False)


async def make_five(street: Street, lena: Garage, minutes: float) -> None:
    """Five pieces that were estimated at 150 minutes and took so many."""
    job_id = await street.ask(5)
    await street.call(lena)
    await street.plan()
    (attempt,) = await street.accept_all(lena)
    await street.start(lena, attempt)
    await street.complete(lena, attempt, 5, minutes=minutes, job_id=job_id)


async def test_the_pace_of_a_machine_is_the_median_of_what_it_reported_once_there_are_three(street: Street) -> None:
    lena = Garage("lena")
    for minutes in (300, 300):
        await make_five(street, lena, minutes)
    assert (await street.shop("lena")).pace == {}
    await make_five(street, lena, 150)
    assert (await street.shop("lena")).pace == {"mk3": pytest.approx(2.0)}


async def test_one_wild_report_counts_as_ten_at_most_and_one_without_a_time_not_at_all(street: Street) -> None:
    lena = Garage("lena")
    for minutes in (1_000_000, 1_000_000, 0, 1_000_000):
        await make_five(street, lena, minutes)
    assert (await street.shop("lena")).pace == {"mk3": pytest.approx(10.0)}


async def test_only_the_last_fifteen_reports_count(street: Street) -> None:
    lena = Garage("lena")
    for minutes in [600] * 15 + [150] * 8:
        await make_five(street, lena, minutes)
    assert (await street.shop("lena")).pace == {"mk3": pytest.approx(1.0)}
    written = await street.board.redis.hget(street.board.key("shop", "lena", "pace"), "mk3")
    assert len(written.split()) == 15


async def test_good_pieces_are_counted_by_process(street: Street) -> None:
    lena = Garage("lena")
    await make_five(street, lena, 150)
    await make_five(street, lena, 150)
    assert (await street.shop("lena")).proven == {"fdm": 10}


async def test_work_that_a_shop_was_given_counts_half_after_a_fortnight(street: Street) -> None:
    await street.accepted(Garage("lena"))
    assert (await street.shop("lena")).had_minutes == pytest.approx(150)
    street.clock.advance(14 * 24 * 3600)
    assert (await street.shop("lena")).had_minutes == pytest.approx(75)


async def test_work_that_was_given_back_before_it_began_was_not_had(street: Street) -> None:
    lena = Garage("lena")
    await make_five(street, lena, 150)
    attempt = await street.accepted(lena)
    street.clock.advance(50)
    had = (await street.shop("lena")).had_minutes
    await street.call(lena, event(release=v1.Release(attempt=attempt)))
    assert (await street.shop("lena")).had_minutes == pytest.approx(had - 150, abs=0.01)


async def test_an_offer_that_was_never_taken_is_nothing_that_a_shop_had(street: Street) -> None:
    await street.call(Garage("lena"))
    await street.ask()
    await street.plan()
    await street.pass_time(601)
    assert (await street.shop("lena")).had_minutes == 0


async def test_shops_are_listed_in_the_order_of_their_ids(street: Street) -> None:
    for name in ("shed", "attic", "lena"):
        await street.call(Garage(name))
    assert [known.shop.id for known in await read_shops(street.board)] == ["attic", "lena", "shed"]
