# SPDX-License-Identifier: AGPL-3.0-or-later
"""A router that was restored from an older backup does not know what was asked for after it. Its shop finishes the piece that runs, begins
no other, keeps the report, and its owner reads why: nothing that was made is lost. Agents and router are real, the line between them good.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from bad_line import PIECE_MINUTES, SPEED, Garage, Street, open_street
from board_backups import BoardBackup

from shop_agent.desk import actions
from shop_agent.desk.cards import GivenBackCard
from shop_agent.desk.view import look
from shop_agent.journal.records import AttemptRecord
from shop_agent.journal.set_back import note_version
from shop_agent.journal.store import open_store

PIECE_SECONDS = PIECE_MINUTES * 60 / SPEED


@pytest.fixture
async def street(redis_url: str, tmp_path: Path) -> AsyncIterator[Street]:
    street = await open_street(redis_url, tmp_path, ("cellar",))
    yield street
    await street.closes()


def cards(garage: Garage) -> tuple[GivenBackCard, ...]:
    """What the owner reads at the desk."""
    return look(garage.config, garage.journal).given_back


async def turn(street: Street, garage: Garage, seconds: float = 0.0) -> None:
    """The router plans, the agent calls, hears and works; then time goes by."""
    await street.dispatcher.plan_all()
    await street.speaks_with(garage)
    await garage.works()
    await street.passes_time(seconds)


async def until_it_runs(street: Street, garage: Garage, pieces: int) -> AttemptRecord:
    """So many pieces are begun."""
    for _ in range(40):
        if len(garage.starts()) >= pieces:
            return garage.journal.attempts()[0]
        await turn(street, garage, PIECE_SECONDS / 2)
    raise AssertionError("it was never begun")


async def settled(street: Street, garage: Garage) -> None:
    for _ in range(20):
        await turn(street, garage, PIECE_SECONDS / 2)
        if not garage.open_business and not garage.journal.left_behind("mk3"):
            return
    raise AssertionError("something is still on the bench")


async def test_what_was_asked_for_after_the_backup_is_finished_reported_and_kept_in_sight(street: Street) -> None:
    cellar = street.garages["cellar"]
    await turn(street, cellar)
    backup = await BoardBackup.taken(street.board)
    await street.somebody_needs(4)
    attempt = await until_it_runs(street, cellar, 2)
    order = attempt.ref.work_order_id
    await backup.restore()

    await turn(street, cellar)
    (card,) = cards(cellar)
    ((why, remedy),) = card.why
    assert (card.order, card.ended) == (order, "no longer ours") and "no longer knows" in why
    assert "What runs goes on" in remedy and "walk-in" in remedy and f"commonfab shop dismiss {order}" in remedy
    assert len(cellar.made()) == 1 and cellar.journal.left_behind("mk3"), "the piece that ran was stopped"

    await settled(street, cellar)
    assert len(cellar.starts()) == len(cellar.made()) == 2, "another piece was begun, or one was lost"
    (card,) = cards(cellar)
    assert (card.ended, card.resends) == ("the router did not take its report: 2 of 4 good", True)
    assert "no longer knows" in card.why[0][0]
    assert not await street.board.redis.xlen(street.board.key("done"))

    await cellar.dies()
    assert cards(cellar) == (card,)
    actions.dismiss(actions.Bench(cellar.config, cellar.journal), order)
    assert cards(cellar) == ()


async def test_a_report_that_a_router_had_forgotten_is_taken_once_it_is_restored_from_a_newer_backup(street: Street) -> None:
    cellar = street.garages["cellar"]
    await turn(street, cellar)
    backup = await BoardBackup.taken(street.board)
    await street.somebody_needs(1)
    attempt = await until_it_runs(street, cellar, 1)
    newer = await BoardBackup.taken(street.board)
    await backup.restore()
    await settled(street, cellar)
    (card,) = cards(cellar)
    assert card.ended == "the router did not take its report: 1 of 1 good"

    await newer.restore()
    actions.resend(actions.Bench(cellar.config, cellar.journal), attempt.ref.work_order_id)
    await settled(street, cellar)
    assert cards(cellar) == ()
    await street.enters_what_has_ended()
    assert [entry.work.pieces_good for entry in street.book.entries(0, 10)] == [1]


async def test_what_was_reported_before_the_restoring_and_is_not_known_any_more_is_shown_and_kept(street: Street) -> None:
    cellar = street.garages["cellar"]
    await turn(street, cellar)
    backup = await BoardBackup.taken(street.board)
    await street.somebody_needs(1)
    await until_it_runs(street, cellar, 1)
    await settled(street, cellar)
    assert cards(cellar) == ()
    await backup.restore()
    await settled(street, cellar)
    (card,) = cards(cellar)
    assert card.resends and "no longer knows" in card.why[0][0]


@pytest.mark.parametrize("restarted", [False, True])
async def test_reports_of_late_are_sent_again_also_by_an_agent_that_was_started_anew_with_the_router(
    street: Street, restarted: bool
) -> None:
    cellar = street.garages["cellar"]
    await street.somebody_needs(1)
    await until_it_runs(street, cellar, 1)
    backup = await BoardBackup.taken(street.board)
    await settled(street, cellar)
    (done,) = [entry async for entry in street.board.redis.scan_iter(street.board.key("done"))]
    await backup.restore()
    assert not await street.board.redis.exists(done)
    if restarted:
        await cellar.dies()
    await settled(street, cellar)
    await street.enters_what_has_ended()
    assert [entry.work.pieces_good for entry in street.book.entries(0, 10)] == [1], "nobody told the restored router"
    assert cards(cellar) == () and len(cellar.starts()) == 1


async def test_what_was_only_taken_after_the_backup_leaves_the_bench_and_says_why(street: Street) -> None:
    cellar = street.garages["cellar"]
    await turn(street, cellar)
    backup = await BoardBackup.taken(street.board)
    await street.somebody_needs(1)
    for _ in range(10):
        if cellar.journal.attempts():
            break
        await street.dispatcher.plan_all()
        await street.speaks_with(cellar)
        for record in cellar.journal.unconsidered():
            cellar.journal.decide(record.offer.work_order_id, accept=True)
    await backup.restore()
    await settled(street, cellar)
    (card,) = cards(cellar)
    assert card.ended == "no longer ours" and "no longer knows" in card.why[0][0] and not card.resends
    assert cellar.starts() == []


def test_a_router_at_another_address_was_not_set_back(tmp_path: Path) -> None:
    """What the old one was told is its own: the new one would refuse those reports, and they would be shown as refused."""
    with closing(open_store(tmp_path / "agent.db")) as connection:
        assert note_version(connection, "old:1", 7, 0.0) == [] and note_version(connection, "new:1", 2, 0.0) == []
        assert note_version(connection, "new:1", 1, 0.0) and note_version(connection, "new:1", 1, 0.0) == []
