# SPDX-License-Identifier: AGPL-3.0-or-later
"""The journal and its outbox: what is written survives, and the owner's words reach the agent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from small_shop import offer, seconds, shop

from commonfab import v1
from commonfab.errors import Refused
from commonfab.reasons import reason, refusal
from shop_agent.desk_link import apply
from shop_agent.journal import attempt_steps
from shop_agent.journal.book import Journal, journal_file, open_journal
from shop_agent.journal.records import PieceRecord, PieceState, Toolpath
from shop_agent.journal.store import only_agent

REF = v1.AttemptRef(work_order_id="wo-1", number=1, epoch=7)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return open_journal(shop(tmp_path))


def hear(journal: Journal, *receipts: v1.Receipt, offers: tuple[v1.Offer, ...] = (), wishes: tuple[v1.WishedAttempt, ...] = ()) -> None:
    apply(v1.SynchronizeResponse(receipts=receipts, offers=offers, wishes=wishes, lease=seconds(30)), journal)


def accept(journal: Journal, quantity: int = 1) -> None:
    """An offer, our yes, and the router's receipt: attempt REF is on the bench."""
    hear(journal, offers=(offer(quantity=quantity),))
    journal.decide("wo-1", accept=True)
    hear(journal, v1.Receipt(event_id=journal.unsettled()[0].id, attempt=REF))


def leave_to_start(journal: Journal) -> None:
    attempt_steps.note_toolpath(journal, journal.attempts()[0], Toolpath("f", "s", 60, 5))
    attempt_steps.ask_to_start(journal, journal.attempts()[0])
    hear(journal, v1.Receipt(event_id=journal.unsettled()[0].id))


def test_an_offer_is_seen_until_it_no_longer_stands(journal: Journal) -> None:
    hear(journal, offers=(offer(), offer("wo-2")))
    assert [record.offer.work_order_id for record in journal.offers()] == ["wo-1", "wo-2"]
    hear(journal, offers=(offer("wo-2"),))
    assert [record.offer.work_order_id for record in journal.offers()] == ["wo-2"]


def test_yes_is_in_the_outbox_until_the_router_has_named_the_attempt(journal: Journal) -> None:
    hear(journal, offers=(offer(),))
    journal.decide("wo-1", accept=True)
    (event,) = journal.unsettled()
    assert event.accept.work_order_id == "wo-1" and journal.attempts() == []
    receipt = v1.Receipt(event_id=event.id, attempt=REF)
    hear(journal, receipt)
    assert [attempt.ref for attempt in journal.attempts()] == [REF] and journal.unsettled() == []
    hear(journal, receipt)  # the same answer again
    assert len(journal.attempts()) == 1


def test_an_offer_can_be_answered_once_only(journal: Journal) -> None:
    hear(journal, offers=(offer(),))
    journal.decide("wo-1", accept=False, note="on holiday")
    assert journal.unsettled()[0].decline.note == "on holiday"
    with pytest.raises(Refused) as refused:
        journal.decide("wo-1", accept=True)
    assert refused.value.code == "shop.unanswered"
    assert len(journal.unsettled()) == 1


def test_an_answer_to_an_offer_that_is_gone_is_refused(journal: Journal) -> None:
    with pytest.raises(Refused):
        journal.decide("wo-9", accept=True)


def test_a_yes_that_came_too_late_makes_no_attempt(journal: Journal) -> None:
    hear(journal, offers=(offer(),))
    journal.decide("wo-1", accept=True)
    hear(journal, v1.Receipt(event_id=journal.unsettled()[0].id, refusal=refusal("offer.gone", "wo-1")))
    assert journal.attempts() == [] and journal.unsettled() == []


def test_an_offer_that_comes_again_after_it_was_given_back_is_new_and_says_so(journal: Journal) -> None:
    accept(journal)
    attempt_steps.release(journal, journal.attempts()[0], [reason("toolpath.empty")])
    hear(journal, offers=(offer(),))
    assert journal.unconsidered() == []  # the release is still on its way
    hear(journal, v1.Receipt(event_id=journal.unsettled()[0].id), offers=(offer(),))
    (again,) = journal.unconsidered()
    assert again.tried_before


def test_nothing_can_begin_without_leave(journal: Journal) -> None:
    accept(journal)
    assert not attempt_steps.begin_piece(journal, journal.attempts()[0])


def test_a_refused_start_takes_the_attempt_off_the_bench(journal: Journal) -> None:
    accept(journal)
    attempt_steps.ask_to_start(journal, journal.attempts()[0])
    hear(journal, v1.Receipt(event_id=journal.unsettled()[0].id, refusal=refusal("attempt.superseded", "wo-1")))
    assert journal.attempts() == [] and journal.history()[0].ended == "drop" and not journal.history()[0].leave


def test_leave_is_asked_for_once(journal: Journal) -> None:
    accept(journal)
    for _ in range(3):
        attempt_steps.ask_to_start(journal, journal.attempts()[0])
    assert len(journal.unsettled()) == 1


def test_a_cancel_that_wins_the_race_against_the_start_is_obeyed(journal: Journal) -> None:
    accept(journal)
    leave_to_start(journal)
    decided_on = journal.attempts()[0]  # here the bench decides to start, and then the cancel arrives
    hear(journal, wishes=(v1.WishedAttempt(attempt=REF, wish=v1.WISH_STOP, reason=reason("job.cancelled")),))
    assert not attempt_steps.begin_piece(journal, decided_on)
    assert journal.attempts()[0].pieces == ()


def test_a_piece_begins_once(journal: Journal) -> None:
    accept(journal)
    leave_to_start(journal)
    attempt = journal.attempts()[0]
    assert attempt_steps.begin_piece(journal, attempt)
    assert not attempt_steps.begin_piece(journal, attempt)
    assert not attempt_steps.begin_piece(journal, journal.attempts()[0])


def test_a_start_uses_up_the_word_of_readiness_and_a_refused_one_gives_it_back(journal: Journal) -> None:
    accept(journal)
    leave_to_start(journal)
    journal.mark_ready("mk3", "Lena")
    attempt_steps.begin_piece(journal, journal.attempts()[0])
    assert journal.ready("mk3") is None
    attempt_steps.take_back_piece(journal, journal.attempts()[0], 1)
    ready = journal.ready("mk3")
    assert ready is not None and ready.who == "Lena" and journal.attempts()[0].pieces == ()


def test_an_attempt_ends_once(journal: Journal) -> None:
    accept(journal)
    leave_to_start(journal)
    attempt = journal.attempts()[0]
    attempt_steps.complete(journal, attempt, v1.SignedWork(work=b"1"))
    attempt_steps.complete(journal, attempt, v1.SignedWork(work=b"2"))
    attempt_steps.fail(journal, attempt, v1.SignedWork(work=b"3"), [])
    (event,) = journal.unsettled()
    assert event.complete.signed.work == b"1"
    hear(journal, v1.Receipt(event_id=event.id))
    assert journal.attempts() == [] and journal.history()[0].ended == "complete"


def test_a_piece_is_counted_once(journal: Journal) -> None:
    accept(journal)
    leave_to_start(journal)
    attempt_steps.begin_piece(journal, journal.attempts()[0])
    attempt_steps.finish_piece(journal, journal.attempts()[0], PieceRecord(1, PieceState.GOOD, 60, 5))
    attempt_steps.finish_piece(journal, journal.attempts()[0], PieceRecord(1, PieceState.SCRAP, 1, 1))
    (piece,) = journal.attempts()[0].pieces
    assert (piece.state, piece.seconds) == (PieceState.GOOD, 60)


def test_ready_said_while_the_machine_still_ran_does_not_count_for_the_bed_with_the_piece_on_it(journal: Journal) -> None:
    accept(journal, quantity=2)
    leave_to_start(journal)
    attempt_steps.begin_piece(journal, journal.attempts()[0])
    journal.mark_ready("mk3", "Lena")
    attempt_steps.finish_piece(journal, journal.attempts()[0], PieceRecord(1, PieceState.GOOD, 60, 5))
    assert journal.ready("mk3") is None


def test_ready_said_while_the_machine_is_seen_at_work_is_refused_and_what_was_said_before_is_void(journal: Journal) -> None:
    """The owner says ready, and then prints a vase of her own: the bed with the vase on it is not ready."""
    journal.mark_ready("mk3", "Lena")
    journal.note_busy("mk3", "vase.gcode")
    with pytest.raises(Refused) as refused:
        journal.mark_ready("mk3", "Lena")
    assert refused.value.code == "machine.busy" and journal.ready("mk3") is None
    journal.note_busy("mk3", "")
    assert journal.ready("mk3") is None
    journal.mark_ready("mk3", "Lena")
    assert journal.ready("mk3") is not None


def test_the_word_that_settled_a_lost_piece_also_says_that_the_bed_is_clear(journal: Journal) -> None:
    accept(journal, quantity=2)
    leave_to_start(journal)
    attempt_steps.begin_piece(journal, journal.attempts()[0])
    journal.mark_ready("mk3", "Lena")
    attempt_steps.finish_piece(journal, journal.attempts()[0], PieceRecord(1, PieceState.VOID, 0, 0), by_person=True)
    assert journal.ready("mk3") is not None


def test_withdrawing_what_is_not_on_the_bench_is_refused(journal: Journal) -> None:
    with pytest.raises(Refused) as refused:
        journal.withdraw("wo-1")
    assert refused.value.code == "shop.no_attempt"


def test_the_agent_notices_what_the_command_line_wrote(tmp_path: Path) -> None:
    config = shop(tmp_path)
    agent, command_line = open_journal(config), open_journal(config)
    before = agent.stamp()
    command_line.mark_ready("mk3", "Lena")
    assert agent.stamp() != before
    ready = agent.ready("mk3")
    assert ready is not None and ready.who == "Lena"


def test_what_was_written_survives_kill_9_in_the_middle_of_writing(tmp_path: Path) -> None:
    """A child writes pairs (readiness and an event) as fast as it can and is killed; afterwards every pair is whole."""
    config = shop(tmp_path)
    program = (
        "import sys; from pathlib import Path; from shop_agent.config import load_config\n"
        "from shop_agent.journal.book import open_journal\n"
        "from shop_agent.journal import outbox; from commonfab import v1\n"
        "j = open_journal(load_config(Path(sys.argv[1])))\n"
        "for n in range(10**6):\n"
        "    with j.change() as c:\n"
        "        c.execute('INSERT INTO readiness (machine_id, who, at) VALUES (?, ?, 0)', ('m', str(n)))\n"
        "        outbox.put(c, v1.ShopEvent(id=str(n)))\n"
        "    print(n, flush=True)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program, str(config.path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    assert child.stdout is not None
    last = [int(child.stdout.readline()) for _ in range(20)][-1]
    os.kill(child.pid, signal.SIGKILL)
    last = max([last, *(int(line) for line in child.stdout.read().splitlines() if line.strip())])
    child.wait()
    child.stdout.close()
    journal = open_journal(config)
    events = [event.id for event in journal.unsettled()]
    said = [row[0] for row in journal.connection.execute("SELECT who FROM readiness ORDER BY sequence")]
    assert events == said and len(events) >= last + 1


def test_a_second_agent_on_the_same_bench_is_sent_away(tmp_path: Path) -> None:
    with only_agent(tmp_path):
        with pytest.raises(Refused) as refused, only_agent(tmp_path):
            pass
        assert refused.value.code == "shop.running"
    with only_agent(tmp_path):
        pass


def test_a_journal_of_a_newer_agent_is_not_touched(tmp_path: Path) -> None:
    config = shop(tmp_path)
    journal = open_journal(config)
    journal.connection.execute("PRAGMA user_version=99")
    journal.close()
    before = journal_file(config).read_bytes()
    with pytest.raises(Refused) as refused:
        open_journal(config)
    assert refused.value.code == "shop.data" and journal_file(config).read_bytes() == before
