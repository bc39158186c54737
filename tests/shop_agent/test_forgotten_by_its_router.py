# SPDX-License-Identifier: AGPL-3.0-or-later
"""A running agent whose router was set back and forgot its work: what was made is signed, kept, and shown with the reason."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from desk_shops import accepted, bench, made
from small_shop import SmallRouter, offer, served, until, write_shop

from commonfab import v1
from commonfab.reasons import reason
from shop_agent.agent import run
from shop_agent.config import load_config
from shop_agent.desk.actions import Bench
from shop_agent.desk.view import look
from shop_agent.journal import attempt_steps, set_back
from shop_agent.journal.book import open_journal
from shop_agent.journal.records import PieceState
from shop_agent.journal.settling import note_wish
from shop_agent.reporting import report_forgotten

__all__ = ["bench"]


@dataclass
class ForgetfulRouter(SmallRouter):
    """From some moment on it knows nothing of what it gave out."""

    forgot: bool = False

    def version(self) -> int:
        return 10_000_000 if self.forgot else super().version()

    def answer(self, request: v1.SynchronizeRequest, receipts: list[v1.Receipt]) -> v1.SynchronizeResponse:
        told = super().answer(request, receipts)
        for wished in told.wishes if self.forgot else ():
            wished.wish = v1.WISH_DROP
            wished.reason.CopyFrom(reason("attempt.forgotten", wished.attempt.work_order_id))
        return told

    def _carry_out(self, kind: str, event: v1.ShopEvent, order: str) -> str:
        return "attempt.forgotten" if self.forgot else super()._carry_out(kind, event, order)


async def test_a_running_agent_finishes_its_piece_and_keeps_the_report(tmp_path: Path) -> None:
    router = ForgetfulRouter()
    router.put_up(offer(quantity=200))
    async with served(router) as node:
        config = load_config(write_shop(tmp_path, node))
        agent = asyncio.create_task(run(config))
        try:
            with closing(open_journal(config)) as journal:
                await until(lambda: any(attempt.piece_begun for attempt in journal.attempts()), 120)
                router.forgot = True
                router.ring()
                await until(lambda: any(card.resends for card in look(config, journal).given_back), 120)
                (card,) = look(config, journal).given_back
                (attempt,) = journal.history()
                assert attempt.good >= 1 and attempt.piece_begun is None
                assert card.ended == f"the router did not take its report: {attempt.good} of 200 good"
                assert "no longer knows wo-1" in card.why[0][0] and "commonfab shop dismiss wo-1" in card.why[0][1]
                assert router.reports == []
        finally:
            agent.cancel()
            await asyncio.gather(agent, return_exceptions=True)


@pytest.mark.parametrize(
    ("code", "states", "reports"),
    [
        ("attempt.forgotten", (PieceState.GOOD,), True),
        ("attempt.given_elsewhere", (PieceState.SCRAP,), True),
        ("attempt.forgotten", (PieceState.MADE,), True),
        ("attempt.forgotten", (PieceState.GOOD, PieceState.BEGUN), False),
        ("attempt.forgotten", (), False),
        ("attempt.forgotten", (PieceState.VOID,), False),
        ("attempt.superseded", (PieceState.GOOD,), False),
    ],
)
def test_a_report_is_made_of_what_was_made_once_nothing_of_it_runs(
    bench: Bench, code: str, states: tuple[PieceState, ...], reports: bool
) -> None:
    """Superseded is what a requester had made elsewhere by her own word: that it comes to nothing here is no fault of a router."""
    attempt = made(bench.journal, accepted(bench.journal, offer(quantity=3)), *states)
    with bench.journal.change() as connection:
        note_wish(connection, v1.WishedAttempt(attempt=attempt.ref, wish=v1.WISH_DROP, reason=reason(code, "wo-1")))
    attempt_steps.drop(bench.journal, bench.journal.attempt(attempt.row))
    assert [one.row for one in set_back.unreported(bench.journal)] == ([attempt.row] if reports else [])
    signed = v1.SignedWork(signature=b"by Lena")
    for _ in range(2):  # once
        report_forgotten(bench.journal, {attempt.machine_id: lambda attempt: signed})
    assert [event.fail.signed for event in bench.journal.unsettled()] == ([signed] if reports else [])
    report_forgotten(bench.journal, {})  # a machine that was taken out of shop.toml
