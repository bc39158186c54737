# SPDX-License-Identifier: AGPL-3.0-or-later
"""What came to nothing stays in sight, with the reason and what to do, until somebody has read it or for a day."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

import pytest
from clocks import ManualClock
from desk_shops import accepted, bench, heard, made
from small_shop import SmallRouter, offer, served, until, write_shop
from stl_boxes import stl_box

from commonfab import v1
from commonfab.errors import Refused
from commonfab.reasons import reason
from shop_agent.agent import run
from shop_agent.config import load_config
from shop_agent.desk import actions, walk_ins
from shop_agent.desk.actions import Bench
from shop_agent.desk.cards import GivenBackCard
from shop_agent.desk.screen_tables import rows_of
from shop_agent.desk.view import look
from shop_agent.journal import attempt_steps
from shop_agent.journal.book import open_journal
from shop_agent.journal.given_back import SHOWN_SECONDS
from shop_agent.journal.records import PieceState
from shop_agent.people.walk_in import Wanted

__all__ = ["bench"]


def shown(bench: Bench) -> tuple[GivenBackCard, ...]:
    return look(bench.config, bench.journal).given_back


def walked_in(bench: Bench) -> str:
    """A walk-in that the slicer could do nothing with."""
    order = walk_ins.take(bench, "saw", Wanted("a hook for the door", 1))
    attempt = next(one for one in bench.journal.attempts() if one.ref.work_order_id == order)
    attempt_steps.release(bench.journal, attempt, [reason("slicer.failed", "nothing touches the bed")])
    return order


def test_a_walk_in_that_could_not_be_made_says_why_and_what_to_do_until_it_was_read(bench: Bench) -> None:
    order = walked_in(bench)
    (card,) = shown(bench)
    assert (card.order, card.what, card.machine, card.ended, card.walk_in) == (
        order,
        "a hook for the door",
        "the saw",
        "could not be made",
        True,
    )
    ((why, remedy),) = card.why
    assert "nothing touches the bed" in why and "mesh" in remedy
    row = rows_of(look(bench.config, bench.journal))["benches"][0]
    assert row.key.endswith(order) and "nothing touches the bed" in row.detail
    actions.dismiss(bench, order)
    assert shown(bench) == ()
    with pytest.raises(Refused) as refused:
        actions.dismiss(bench, order)
    assert refused.value.code == "shop.not_given_back"


def test_after_a_day_it_is_shown_no_longer(bench: Bench, manual_clock: ManualClock) -> None:
    walked_in(bench)
    manual_clock.advance(SHOWN_SECONDS - 1)
    assert shown(bench)
    manual_clock.advance(2)
    assert not shown(bench)


def test_an_order_that_came_to_nothing_twice_is_shown_once_with_the_last_reason(bench: Bench) -> None:
    for number, why in enumerate(("out of order", "the nozzle is blocked"), 1):
        attempt = accepted(bench.journal, offer(), number)
        attempt_steps.release(bench.journal, attempt, [reason("slicer.failed", why)])
        heard(bench.journal)
    (card,) = shown(bench)
    assert "the nozzle is blocked" in card.why[0][0]
    actions.dismiss(bench, "wo-1")
    assert not shown(bench)


def test_an_order_that_ended_early_says_why_also_after_the_router_has_heard_it(bench: Bench) -> None:
    attempt = made(bench.journal, accepted(bench.journal, offer(quantity=3)), PieceState.GOOD)
    attempt_steps.fail(bench.journal, attempt, v1.SignedWork(), [reason("machine.spoiled", pieces=2)])
    with bench.journal.change() as connection:
        connection.execute("UPDATE attempts SET settled = 1")
    (card,) = shown(bench)
    assert card.ended == "ended early, 1 of 3 good" and card.why[0][0] == "Too many pieces were spoiled: 2"


def test_what_its_owner_took_off_herself_needs_no_reason(bench: Bench) -> None:
    accepted(bench.journal, offer())
    actions.withdraw(bench, "wo-1", "no time")
    attempt_steps.release(bench.journal, bench.journal.attempts()[0], [reason("owner.withdrew", "no time")])
    assert not shown(bench)


async def test_a_walk_in_that_the_slicer_cannot_take_does_not_vanish_from_a_running_shop(tmp_path: Path) -> None:
    """A box of 200 mm on a bed of 120 mm: only slicing finds out."""
    slicer = tmp_path / "slicer"
    slicer.write_text("#!/bin/sh\necho 'the object does not fit' >&2\nexit 1\n", encoding="utf-8")
    slicer.chmod(0o755)
    (tmp_path / "box.stl").write_bytes(stl_box(200, 200, 10))
    async with served(SmallRouter()) as node:
        file = write_shop(tmp_path, node)
        file.write_text(file.read_text(encoding="utf-8").replace("[router]", f'slicer = "{slicer}"\n[router]', 1), encoding="utf-8")
        config = load_config(file)
        agent = asyncio.create_task(run(config))
        try:
            with closing(open_journal(config)) as journal:
                order = walk_ins.take(Bench(config, journal), "mk3", Wanted("a box", 1, tmp_path / "box.stl"))
                await until(lambda: look(config, journal).given_back)
                (card,) = look(config, journal).given_back
                assert card.order == order and card.why[0][0] and card.why[0][1]
                assert not look(config, journal).benches
        finally:
            agent.cancel()
            await asyncio.gather(agent, return_exceptions=True)
