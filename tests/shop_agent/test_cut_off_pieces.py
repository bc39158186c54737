# SPDX-License-Identifier: AGPL-3.0-or-later
"""A piece that was stopped in the middle is scrap by its machine's own word, and a person who looks at it may say otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from desk_shops import accepted, bench, made
from small_shop import offer, shop
from test_bench import attempt, pieces

from commonfab import v1
from commonfab.identity import load_or_make_key
from shop_agent.bench import steps
from shop_agent.bench.steps import Scene, next_step
from shop_agent.desk import actions
from shop_agent.desk.actions import Bench
from shop_agent.desk.view import look
from shop_agent.journal.records import PieceState
from shop_agent.machines import Look, Standing
from shop_agent.reporting import report

__all__ = ["bench"]

GOOD, SCRAP = PieceState.GOOD, PieceState.SCRAP


def scene(folder: Path, **machine: object) -> Scene:
    facts = shop(folder, **({"starts_itself": False, "clears_itself": False} | machine)).machine[0]
    return Scene(Look(Standing.NOT_HERE), facts, True, None, False, True, True, 0)


def test_the_desk_says_whose_word_it_is_and_the_owners_word_stands(bench: Bench) -> None:
    made(bench.journal, accepted(bench.journal, offer(quantity=2)), SCRAP, GOOD)
    (card,) = look(bench.config, bench.journal).benches
    assert (card.scrap, card.cut_off) == (1, (1,)) and "Piece 1 did not end well, says the printer" in card.cut_off_text
    assert actions.judge(bench, "wo-1", True, "Lena", piece=1) == 1
    (card,) = look(bench.config, bench.journal).benches
    assert (card.good, card.scrap, card.cut_off, card.cut_off_text) == (2, 0, (), "")


def test_what_a_person_called_scrap_is_not_asked_about_again(bench: Bench) -> None:
    made(bench.journal, accepted(bench.journal, offer(quantity=2)), SCRAP)
    actions.judge(bench, "wo-1", False, "Lena", piece=1)
    assert look(bench.config, bench.journal).benches[0].cut_off == ()


def test_what_cuts_does_not_end_an_order_over_a_piece_that_nobody_has_looked_at(tmp_path: Path) -> None:
    """A report is signed and sent at once; a piece that was stopped a millimetre before its end may be good."""
    milling = scene(tmp_path, process="milling", materials=["aluminium"], control="grbl", port="/dev/null")
    step = next_step(attempt(pieces=pieces(SCRAP)), milling)
    assert isinstance(step, steps.Wait) and step.person and "commonfab shop judge wo-1" in step.why
    looked_at = tuple(replace(piece, judged_by="Lena") for piece in pieces(SCRAP))
    assert isinstance(next_step(attempt(pieces=looked_at), milling), steps.Fail)
    assert isinstance(next_step(attempt(pieces=pieces(SCRAP)), scene(tmp_path / "printer")), steps.Fail)  # nobody stands beside it


def test_a_piece_that_is_called_good_while_it_is_made_again_costs_nobody_the_report(tmp_path: Path) -> None:
    """A router takes no report of more good pieces than were asked for."""
    config = shop(tmp_path)
    signed = report(attempt(pieces=pieces(GOOD, GOOD, GOOD)), config.machine[0], "garage", load_or_make_key(config.key_file))
    work = v1.CompletedWork.FromString(signed.work)
    assert work.pieces_good == 2 and "1 more good piece was made than asked for" in work.note
