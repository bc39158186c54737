# SPDX-License-Identifier: AGPL-3.0-or-later
"""A recall reaches the journal once, is acknowledged, and stands against every start, whether the router can be heard or not."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from small_shop import SmallRouter, offer, served, shop, until
from test_bench import attempt as on_the_bench
from test_bench import automatic, fresh, scene
from test_desk_link import linked
from test_journal import accept, hear, journal, leave_to_start
from typer.testing import CliRunner

from cli.main import app
from commonfab import v1
from shop_agent.bench import steps as bench
from shop_agent.bench.steps import Scene, next_step
from shop_agent.desk_link import Situation, apply, request_of
from shop_agent.journal import attempt_steps
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.records import PieceRecord, PieceState
from shop_agent.machines import Look, Standing

__all__ = ["journal", "scene"]  # fixtures

REVISION = "d" * 64
RECALL = v1.Recall(revision_digest=REVISION, reason="the gear splinters", instead="e" * 64)
NOTICE = v1.RecallNotice(
    recall=RECALL, title="Coffee grinder", made=[v1.RecalledWork(work_order_id="wo-0", job_id="job-0", part_name="gear", pieces_good=7)]
)


def told(journal: Journal, *notices: v1.RecallNotice) -> list[str]:
    """The router's answer; what it says for the log."""
    return apply(v1.SynchronizeResponse(recalls=notices), journal)


def seen(journal: Journal) -> list[str]:
    return list(request_of(Situation(v1.Shop(), []), journal, "run", 0).seen_recalls)


def test_a_recall_is_said_once_and_acknowledged_until_the_router_has_heard_that(journal: Journal) -> None:
    (line,) = told(journal, NOTICE)
    assert line.startswith("RECALL of Coffee grinder") and "the gear splinters; make revision" in line
    assert seen(journal) == [REVISION]
    assert told(journal, NOTICE) == []  # the acknowledgement was lost
    assert seen(journal) == [REVISION]
    assert told(journal) == [] and seen(journal) == []
    assert [record.notice for record in journal.recalls()] == [NOTICE]


def test_what_was_accepted_before_does_not_ask_for_leave_to_start_though_the_router_cannot_be_heard(journal: Journal) -> None:
    accept(journal, quantity=2)
    told(journal, NOTICE)
    attempt_steps.ask_to_start(journal, journal.attempts()[0])
    assert journal.unsettled() == []


def test_no_piece_begins_once_the_recall_is_written_down_whatever_was_decided_before(journal: Journal) -> None:
    accept(journal, quantity=2)
    leave_to_start(journal)
    decided_before = journal.attempts()[0]
    told(journal, NOTICE)
    assert not attempt_steps.begin_piece(journal, decided_before)
    told(journal)
    assert not attempt_steps.begin_piece(journal, decided_before)  # heard by the router or not, it is recalled for good


def test_a_recalled_attempt_that_has_not_moved_is_given_back_with_the_reason(scene: Scene) -> None:
    step = next_step(fresh(), replace(automatic(scene), recall=RECALL))
    assert isinstance(step, bench.GiveBack)
    assert [why.code for why in step.reasons] == ["revision.recalled"]


def test_between_two_pieces_a_recalled_attempt_ends_with_what_was_made(scene: Scene) -> None:
    one_made = on_the_bench(pieces=(PieceRecord(1, PieceState.GOOD, 60, 5),))
    assert isinstance(next_step(one_made, automatic(scene)), bench.StartPiece)
    assert isinstance(next_step(one_made, replace(automatic(scene), recall=RECALL)), bench.Fail)


def test_a_piece_that_runs_is_stopped_when_the_router_wishes_so_and_not_before(scene: Scene) -> None:
    running = replace(automatic(scene), look=Look(Standing.RUNNING, busy_with="cf-wo-1-a1-e7-p1.gcode"), recall=RECALL)
    begun = (PieceRecord(1, PieceState.BEGUN, 0, 0),)
    assert isinstance(next_step(on_the_bench(pieces=begun), running), bench.Wait)
    assert isinstance(next_step(on_the_bench(pieces=begun, wish=v1.WISH_STOP), running), bench.StopMachine)


async def test_a_recall_is_logged_loudly_and_acknowledged_with_the_next_call(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    router = RecallingRouter()
    with caplog.at_level(logging.WARNING, "shop_agent.desk_link"):
        async with served(router) as address, linked(tmp_path, address) as shop_side:
            await until(lambda: any(REVISION in request.seen_recalls for request in router.requests), 5)
            assert shop_side.journal.recall_of(REVISION) == RECALL
    assert any(line.message.startswith("RECALL of Coffee grinder") for line in caplog.records)


class RecallingRouter(SmallRouter):
    """Tells of the recall until it is seen."""

    def answer(self, request: v1.SynchronizeRequest, receipts: list[v1.Receipt]) -> v1.SynchronizeResponse:
        answer = super().answer(request, receipts)
        if not any(REVISION in before.seen_recalls for before in self.requests):
            answer.recalls.append(NOTICE)
        return answer


def test_the_owner_sees_what_was_recalled_what_was_made_of_it_and_a_sheet_that_says_so(tmp_path: Path) -> None:
    config = shop(tmp_path)
    journal = open_journal(config)
    told(journal, NOTICE)
    hear(journal, offers=(offer(notice="by Ada\nCC-BY-4.0", first_article=True),))
    journal.close()
    run, file = CliRunner(), str(tmp_path / "shop.toml")

    status = run.invoke(app, ["shop", "status", "--config", file])
    assert status.exit_code == 0, status.output
    assert "RECALLED Coffee grinder" in status.output and "made here: 7 × gear in wo-0, for job job-0" in status.output
    as_json = json.loads(run.invoke(app, ["shop", "status", "--config", file, "--json"]).output)
    assert as_json["recalls"][0]["recall"]["instead"] == "e" * 64

    sheet = run.invoke(app, ["shop", "sheet", "wo-1", "--config", file]).output
    assert sheet.startswith("# 1 × gear of Coffee grinder\n")
    assert "**RECALLED. Do not make or use it: the gear splinters" in sheet
    assert "First article: make one piece and stop." in sheet and "> by Ada\n> CC-BY-4.0\n" in sheet
