# SPDX-License-Identifier: AGPL-3.0-or-later
"""One machine's life, decided step by step. No machine, no clock, no waiting: only what is, and what is to be done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_shop import offer, shop

from commonfab import v1
from commonfab.reasons import reason
from shop_agent.bench import steps as bench
from shop_agent.bench.steps import Scene, next_step
from shop_agent.journal.records import AttemptRecord, PieceRecord, PieceState, ReadyRecord, Toolpath
from shop_agent.machines import Look, Standing

LENA = ReadyRecord(5, "mk3", "Lena", 0.0)
IDLE = Look(Standing.HERE)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """An idle, ready machine of the most careful kind: a person says go, a person clears the bed, and a lost start stays a question."""
    facts = shop(tmp_path, starts_itself=False, clears_itself=False).machine[0]
    return Scene(IDLE, facts, start_is_certain=False, ready=LENA, bed_in_doubt=False, first_in_line=True, lease_holds=True, scrap_allowed=1)


def automatic(scene: Scene) -> Scene:
    return replace(scene, facts=scene.facts.model_copy(update={"starts_itself": True, "clears_itself": True}), ready=None)


def attempt(**what: Any) -> AttemptRecord:
    """An attempt that is prepared and has leave to start."""
    told: dict[str, Any] = {
        "row": 1,
        "ref": v1.AttemptRef(work_order_id="wo-1", number=1, epoch=7),
        "offer": offer(quantity=2),
        "machine_id": "mk3",
        "toolpath": Toolpath("f", "s", 60, 5),
        "go_after": 0,
        "go_by": "Lena",
        "start_asked": True,
        "leave": True,
        "wish": v1.WISH_GO_ON,
        "wish_reason": v1.Reason(),
        "withdrawn": "",
        "ended": "",
        "settled": False,
        "pieces": (),
    }
    return AttemptRecord(**(told | what))


def fresh(**what: Any) -> AttemptRecord:
    """An attempt that has no leave yet."""
    return attempt(**({"start_asked": False, "leave": False, "go_by": ""} | what))


def pieces(*states: PieceState) -> tuple[PieceRecord, ...]:
    return tuple(PieceRecord(number, state, 60, 5) for number, state in enumerate(states, start=1))


BEGUN, GOOD, SCRAP = PieceState.BEGUN, PieceState.GOOD, PieceState.SCRAP


def waits(step: bench.Step) -> bench.Wait:
    assert isinstance(step, bench.Wait), step
    return step


def test_first_it_is_prepared_even_while_another_order_is_on_the_machine(scene: Scene) -> None:
    assert next_step(fresh(toolpath=None), replace(scene, first_in_line=False)) == bench.Prepare()


def test_then_it_waits_its_turn(scene: Scene) -> None:
    assert "earlier order" in waits(next_step(fresh(), replace(scene, first_in_line=False))).why


def test_the_toolpath_is_brought_to_the_machine_before_leave_is_asked_for(scene: Scene) -> None:
    assert next_step(fresh(), replace(scene, look=Look(Standing.NOT_HERE))) == bench.PutOnMachine(1)


def test_a_machine_that_does_not_start_itself_waits_for_somebody_to_say_go(scene: Scene) -> None:
    step = waits(next_step(fresh(go_after=5), scene))
    assert step.person and "commonfab shop ready mk3" in step.why


def test_a_word_from_before_the_toolpath_was_ready_is_no_go_for_it_but_a_later_one_is(scene: Scene) -> None:
    assert waits(next_step(fresh(go_after=5), scene)).person
    assert next_step(fresh(go_after=4), scene) == bench.NoteGo("Lena")


def test_idle_is_not_ready(scene: Scene) -> None:
    step = waits(next_step(fresh(go_by="Lena"), replace(scene, ready=None)))
    assert step.person and "clear the bed" in step.why


def test_ready_and_told_to_go_it_asks_for_leave_and_then_waits_for_the_answer(scene: Scene) -> None:
    assert next_step(fresh(go_by="Lena"), scene) == bench.AskToStart()
    assert waits(next_step(fresh(go_by="Lena", start_asked=True), scene)).call


def test_a_machine_that_starts_and_clears_itself_asks_nobody(scene: Scene) -> None:
    assert next_step(fresh(), automatic(scene)) == bench.AskToStart()
    assert next_step(attempt(), automatic(scene)) == bench.StartPiece(1)


def test_after_a_spoiled_piece_even_a_machine_that_clears_itself_waits_for_a_person(scene: Scene) -> None:
    doubtful = replace(automatic(scene), bed_in_doubt=True)
    assert waits(next_step(attempt(pieces=pieces(SCRAP)), doubtful)).person
    assert waits(next_step(fresh(), doubtful)).person
    assert next_step(attempt(pieces=pieces(SCRAP)), replace(doubtful, ready=LENA)) == bench.StartPiece(2)


def test_leave_in_hand_it_starts_the_first_piece(scene: Scene) -> None:
    assert next_step(attempt(), scene) == bench.StartPiece(1)


def test_even_with_leave_nothing_starts_while_another_piece_was_left_on_the_machine(scene: Scene) -> None:
    assert "earlier order" in waits(next_step(attempt(), replace(automatic(scene), first_in_line=False))).why


def test_nothing_starts_when_the_lease_may_have_run_out(scene: Scene) -> None:
    assert waits(next_step(attempt(), replace(scene, lease_holds=False))).call


def test_nothing_starts_on_a_machine_that_is_at_work_for_somebody_else(scene: Scene) -> None:
    busy = Look(Standing.HERE, busy_with="vase.gcode")
    assert "vase.gcode" in waits(next_step(attempt(), replace(scene, look=busy))).why
    assert "vase.gcode" in waits(next_step(fresh(), replace(scene, look=busy))).why


def test_nothing_starts_on_a_machine_that_is_away_or_out_of_order(scene: Scene) -> None:
    waits(next_step(attempt(), replace(scene, look=Look(Standing.UNKNOWN, reachable=False))))
    assert "belt torn" in waits(next_step(attempt(), replace(scene, out_of_service="belt torn"))).why
    alarm = Look(Standing.HERE, fault="alarm 1: hard limit")
    assert "hard limit" in waits(next_step(attempt(), replace(scene, look=alarm))).why


def test_nothing_starts_in_quiet_hours_nor_beside_a_machine_that_has_just_started(scene: Scene) -> None:
    held = waits(next_step(attempt(), replace(scene, held_back="the hours of mk3")))
    assert held.why == "the hours of mk3" and not held.person


def test_in_quiet_hours_leave_is_not_even_asked_for_so_that_the_work_can_still_be_given_back(scene: Scene) -> None:
    told = fresh(go_by="Lena")
    assert next_step(told, scene) == bench.AskToStart()
    assert waits(next_step(told, replace(scene, held_back="quiet hours"))).why == "quiet hours"
    assert next_step(fresh(go_by="Lena", withdrawn="too loud"), replace(scene, held_back="quiet hours")) == bench.GiveBack(
        (reason("owner.withdrew", "too loud"),)
    )


def test_between_pieces_it_waits_until_somebody_cleared_the_bed(scene: Scene) -> None:
    one_made = attempt(pieces=pieces(GOOD))
    assert waits(next_step(one_made, replace(scene, ready=None))).person
    assert next_step(one_made, scene) == bench.StartPiece(2)


def test_a_piece_that_runs_is_left_to_run_and_one_that_is_done_is_counted(scene: Scene) -> None:
    begun = attempt(pieces=pieces(BEGUN))
    waits(next_step(begun, replace(scene, look=Look(Standing.RUNNING, busy_with="ours"))))
    assert next_step(begun, replace(scene, look=Look(Standing.DONE))) == bench.CountPiece(1, GOOD)
    assert next_step(begun, replace(scene, look=Look(Standing.FAILED))) == bench.CountPiece(1, SCRAP)


def test_a_start_that_may_have_been_lost_is_never_sent_again_without_a_person(scene: Scene) -> None:
    begun = attempt(pieces=pieces(BEGUN))
    for standing in (Standing.HERE, Standing.NOT_HERE, Standing.UNKNOWN):
        lost = replace(scene, look=Look(standing), ready=None)
        assert waits(next_step(begun, lost)).person
        assert waits(next_step(begun, automatic(lost))).person  # not even where the machine clears itself


def test_a_person_who_looked_settles_what_the_machine_cannot_say(scene: Scene) -> None:
    begun = attempt(pieces=pieces(BEGUN))
    assert next_step(begun, scene) == bench.CountPiece(1, PieceState.VOID, by_person=True)
    assert next_step(begun, replace(scene, look=Look(Standing.UNKNOWN))) == bench.CountPiece(1, SCRAP, by_person=True)


def test_a_machine_that_is_certain_about_its_starts_may_be_started_again(scene: Scene) -> None:
    begun = attempt(pieces=pieces(BEGUN))
    certain = replace(scene, start_is_certain=True, ready=None)
    assert next_step(begun, certain) == bench.TakeBackPiece(1)
    # Its control was changed in shop.toml, or what it keeps was lost: one that was begun had been brought there before.
    assert waits(next_step(begun, replace(certain, look=Look(Standing.NOT_HERE)))).person


def test_a_spoiled_piece_is_made_again_but_not_for_ever(scene: Scene) -> None:
    assert next_step(attempt(pieces=pieces(SCRAP)), scene) == bench.StartPiece(2)
    step = next_step(attempt(pieces=pieces(SCRAP, GOOD, SCRAP)), scene)
    assert isinstance(step, bench.Fail) and step.reasons[0].code == "machine.spoiled"


def test_good_pieces_that_were_told_are_counted_before_an_order_is_given_up_over_spoiled_ones(scene: Scene) -> None:
    spoiled = replace(attempt(pieces=pieces(SCRAP, SCRAP)), offer=offer(quantity=3))
    by_hand = replace(automatic(scene), person_tells=True)
    assert isinstance(next_step(spoiled, by_hand), bench.Fail)
    assert next_step(spoiled, replace(by_hand, told_good=1)) == bench.StartPiece(3)


@pytest.mark.parametrize(("made", "told"), [(1, "whether a piece is good"), (2, "whether 2 pieces are good")])
def test_whoever_judges_is_asked_in_plain_english(scene: Scene, made: int, told: str) -> None:
    unjudged = replace(attempt(pieces=pieces(*[PieceState.MADE] * made)), offer=offer(quantity=made))
    assert told in waits(next_step(unjudged, scene)).why


@pytest.mark.parametrize("spoiled", [1, 2])
def test_that_pieces_were_spoiled_is_plain_english_of_one_and_of_many(spoiled: int) -> None:
    assert reason("machine.spoiled", pieces=spoiled).message == f"too many pieces were spoiled: {spoiled}"


def test_with_all_pieces_good_it_is_complete_whatever_the_machine_does_now(scene: Scene) -> None:
    made = attempt(pieces=pieces(GOOD, SCRAP, GOOD))
    assert next_step(made, scene) == bench.Complete()
    assert next_step(made, replace(scene, look=Look(Standing.UNKNOWN, reachable=False), lease_holds=False)) == bench.Complete()


def test_a_withdrawn_job_that_has_not_started_is_given_back(scene: Scene) -> None:
    stop = {"wish": v1.WISH_STOP, "wish_reason": reason("job.cancelled")}
    step = next_step(fresh(**stop), scene)
    assert isinstance(step, bench.GiveBack) and step.reasons[0].code == "job.cancelled"


def test_once_leave_was_asked_for_the_answer_is_awaited_before_anything_is_given_back(scene: Scene) -> None:
    """Otherwise leave could be granted for an attempt that is given back, and the lot would hang as running for ever."""
    waits(next_step(fresh(start_asked=True, wish=v1.WISH_STOP), scene))


def test_a_withdrawn_job_that_runs_is_stopped_and_reported(scene: Scene) -> None:
    stopped = attempt(wish=v1.WISH_STOP, pieces=pieces(GOOD, BEGUN))
    running = replace(scene, look=Look(Standing.RUNNING, busy_with="ours"))
    assert next_step(stopped, running) == bench.StopMachine(2)
    assert next_step(stopped, replace(scene, look=Look(Standing.FAILED))) == bench.CountPiece(2, SCRAP)
    assert isinstance(next_step(replace(stopped, pieces=pieces(GOOD, SCRAP)), scene), bench.Fail)


def test_a_withdrawn_job_whose_last_piece_is_just_done_is_complete(scene: Scene) -> None:
    assert next_step(attempt(wish=v1.WISH_STOP, pieces=pieces(GOOD, GOOD)), scene) == bench.Complete()


def test_the_owner_can_take_work_off_the_bench_at_any_time(scene: Scene) -> None:
    step = next_step(fresh(withdrawn="moving house"), scene)
    assert isinstance(step, bench.GiveBack) and "moving house" in step.reasons[0].message
    assert isinstance(next_step(attempt(withdrawn="moving house", pieces=pieces(GOOD)), scene), bench.Fail)
    broken, lost = attempt(withdrawn="it is broken", pieces=pieces(BEGUN)), replace(scene, look=Look(Standing.UNKNOWN), ready=None)
    assert next_step(broken, lost) == bench.CountPiece(1, SCRAP, by_person=True)
    gone = replace(lost, look=Look(Standing.UNKNOWN, reachable=False))  # it may print on, and is then stopped; unless somebody looked
    assert waits(next_step(broken, gone)).person
    assert next_step(broken, replace(gone, ready=LENA)) == bench.CountPiece(1, SCRAP, by_person=True)


@pytest.mark.parametrize("record", [fresh(), fresh(toolpath=None), attempt(), attempt(pieces=pieces(BEGUN)), attempt(pieces=pieces(GOOD))])
def test_an_attempt_that_owns_nothing_any_more_is_dropped_and_its_machine_left_alone(scene: Scene, record: AttemptRecord) -> None:
    assert next_step(replace(record, wish=v1.WISH_DROP), scene) == bench.Drop()


def test_a_dropped_piece_is_watched_until_it_is_off_the_machine(scene: Scene) -> None:
    dropped = attempt(ended="drop", settled=True, pieces=pieces(BEGUN))
    waits(next_step(dropped, replace(scene, look=Look(Standing.RUNNING, busy_with="ours"))))
    assert next_step(dropped, replace(scene, look=Look(Standing.DONE))) == bench.CountPiece(1, GOOD)


def test_a_machine_that_knows_a_piece_which_the_journal_does_not_is_believed(scene: Scene) -> None:
    running = replace(scene, look=Look(Standing.RUNNING, busy_with="ours"))
    assert next_step(attempt(), running) == bench.AdoptPiece(1)
