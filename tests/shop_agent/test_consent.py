# SPDX-License-Identifier: AGPL-3.0-or-later
"""Idle is not ready, and what cuts, burns or welds starts when a person says so, every time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from clocks import ManualClock
from small_shop import shop
from test_bench import attempt, automatic, fresh, pieces, scene, waits

from commonfab.errors import Refused
from shop_agent.bench import steps as bench
from shop_agent.bench.steps import Scene, next_step
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.freshness import GO_SECONDS
from shop_agent.journal.records import PieceState, ReadyRecord
from shop_agent.machines import Look, Standing
from shop_agent.shop_toml.machine_section import GO

__all__ = ["scene"]  # a fixture

ALL = ("bed", "stock", "tool")


@pytest.fixture
def router(tmp_path: Path, scene: Scene) -> Scene:
    """A CNC router that is ready, but nobody has said start."""
    keys = {"process": "cnc_routing", "control": "grbl", "port": "/dev/ttyUSB0", "starts_itself": False, "clears_itself": False}
    facts = shop(tmp_path / "cnc", **keys).machine[0]
    return replace(scene, facts=facts, ready=ReadyRecord(5, "mk3", "Lena", 0.0, frozenset(ALL)))


def go(scene: Scene) -> Scene:
    return replace(scene, ready=ReadyRecord(6, "mk3", "Lena", 0.0, frozenset((*ALL, GO))))


def test_a_machine_that_cuts_waits_for_start_though_it_is_ready_and_has_leave(router: Scene) -> None:
    step = waits(next_step(attempt(), router))
    assert step.person and "commonfab shop start mk3" in step.why
    assert next_step(attempt(), go(router)) == bench.StartPiece(1)


def test_it_asks_the_router_for_leave_before_anybody_says_start_so_that_who_says_it_sees_it_move(router: Scene) -> None:
    assert next_step(fresh(go_by="Lena"), router) == bench.AskToStart()


def test_start_without_readiness_is_not_enough(router: Scene) -> None:
    only_go = replace(router, ready=ReadyRecord(6, "mk3", "Lena", 0.0, frozenset((GO,))))
    step = waits(next_step(attempt(), only_go))
    assert "clear the bed of and load the stock of and set the tool of mk3" in step.why


def test_every_piece_needs_its_own_start(router: Scene) -> None:
    one_made = attempt(pieces=pieces(PieceState.GOOD))
    assert waits(next_step(one_made, router)).person
    assert next_step(one_made, go(router)) == bench.StartPiece(2)


@pytest.mark.parametrize("process", ["milling", "laser_cutting", "plasma_cutting", "mig_welding", "turning", "hot_wire_cutting", "sewing"])
@pytest.mark.parametrize("key", ["starts_itself", "clears_itself"])
def test_no_owner_can_let_such_a_machine_start_by_itself(tmp_path: Path, process: str, key: str) -> None:
    keys = {"process": process, "control": "grbl", "port": "/dev/ttyUSB0", "starts_itself": False, "clears_itself": False} | {key: True}
    with pytest.raises(Refused, match="starts when a person says so, every time"):
        shop(tmp_path, **keys)


def test_a_printer_may_where_its_owner_switched_it_on(scene: Scene) -> None:
    assert next_step(attempt(), automatic(scene)) == bench.StartPiece(1)


def test_what_a_sensor_saw_is_no_word_of_a_person(scene: Scene) -> None:
    """It clears the bed; it neither says go nor settles what became of a piece."""
    seen = replace(scene, ready=ReadyRecord(0, "mk3", "sensor /run/bed", 0.0, frozenset(ALL)))
    assert next_step(attempt(), seen) == bench.StartPiece(1)
    assert waits(next_step(fresh(), seen)).person
    lost = replace(seen, look=Look(Standing.UNKNOWN))
    assert waits(next_step(attempt(pieces=pieces(PieceState.BEGUN)), lost)).person


def test_what_must_be_said_is_what_shop_toml_says(tmp_path: Path) -> None:
    assert shop(tmp_path / "a").machine[0].confirms == {"bed", "stock"}
    assert shop(tmp_path / "b", confirm=["bed"]).machine[0].confirms == {"bed"}
    cuts = {"starts_itself": False, "clears_itself": False, "process": "milling"}
    assert shop(tmp_path / "c", **cuts, control="grbl", port="x").machine[0].confirms == {"bed", "stock", "tool", GO}
    assert shop(tmp_path / "d", **cuts, control="by_hand").machine[0].confirms == frozenset()


def journal_at(tmp_path: Path, clock: ManualClock) -> Journal:
    return open_journal(shop(tmp_path), clock)


def said(journal: Journal) -> frozenset[str]:
    ready = journal.ready("mk3")
    return ready.confirms if ready else frozenset()


def test_start_is_good_for_a_minute(tmp_path: Path, manual_clock: ManualClock) -> None:
    journal = journal_at(tmp_path, manual_clock)
    journal.mark_ready("mk3", "Lena")
    journal.mark_ready("mk3", "Lena", (GO,))
    assert said(journal) == {*ALL, GO}
    manual_clock.advance(GO_SECONDS + 1)
    assert said(journal) == set(ALL)


@pytest.mark.parametrize("jump", [-86_400, 86_400])
def test_a_clock_that_jumps_by_a_day_makes_no_old_start_young(tmp_path: Path, manual_clock: ManualClock, jump: float) -> None:
    journal = journal_at(tmp_path, manual_clock)
    journal.mark_ready("mk3", "Lena", (GO,))
    manual_clock.advance(jump)
    assert said(journal) == frozenset()


def test_what_one_sees_to_and_another_sees_to_adds_up_with_the_name_of_the_last(tmp_path: Path, manual_clock: ManualClock) -> None:
    journal = journal_at(tmp_path, manual_clock)
    journal.mark_ready("mk3", "Lena", ("bed",))
    journal.mark_ready("mk3", "sensor spool", ("stock",), by_sensor=True)
    manual_clock.advance(5)
    journal.mark_ready("mk3", "Tom", ("tool",))
    ready = journal.ready("mk3")
    assert ready is not None and ready.confirms == set(ALL) and (ready.who, ready.at) == ("Tom", manual_clock.now())
    journal.unsay("mk3", "stock")
    assert said(journal) == {"bed", "tool"}
