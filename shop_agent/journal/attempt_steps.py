# SPDX-License-Identifier: AGPL-3.0-or-later
"""How an attempt moves on in the journal: each function is one transaction, with the event that the step causes inside it."""

from __future__ import annotations

from collections.abc import Sequence

from commonfab import v1
from shop_agent.journal import given_back, outbox
from shop_agent.journal.book import Journal
from shop_agent.journal.records import AttemptRecord, Ending, PieceRecord, PieceState, Toolpath
from shop_agent.journal.words import stop_was_said

USED_BY_START = 2
"""Of a word of readiness: used up by the start of the piece that is on the machine, and given back if that turns out not to have begun."""

GOING_ON = (v1.WISH_UNSPECIFIED, v1.WISH_GO_ON)


def note_toolpath(journal: Journal, attempt: AttemptRecord, toolpath: Toolpath) -> None:
    """The toolpath is made and checked. Words of readiness from before now say nothing about starting this attempt."""
    with journal.change() as connection:
        newest = connection.execute("SELECT coalesce(max(sequence), 0) FROM readiness").fetchone()[0]
        connection.execute(
            "UPDATE attempts SET toolpath_file = ?, toolpath_sha256 = ?, toolpath_seconds = ?, toolpath_grams = ?, toolpath_note = ?,"
            " go_after = ? WHERE row = ? AND ended = ''",
            (toolpath.file, toolpath.sha256, toolpath.seconds, toolpath.grams, toolpath.note, newest, attempt.row),
        )


def forget_toolpath(journal: Journal, attempt: AttemptRecord) -> None:
    """The file that was checked is gone or changed, and nothing has moved: it is prepared anew."""
    with journal.change() as connection:
        connection.execute(
            "UPDATE attempts SET toolpath_file = NULL, toolpath_sha256 = NULL, toolpath_seconds = NULL, toolpath_grams = NULL,"
            " toolpath_note = NULL WHERE row = ? AND start_asked = 0 AND ended = ''",
            (attempt.row,),
        )


def note_go(journal: Journal, attempt: AttemptRecord, who: str) -> None:
    """A person said that this attempt may start. The same word sends no other off, should this one come to nothing."""
    with journal.change() as connection:
        connection.execute("UPDATE attempts SET go_by = ? WHERE row = ?", (who, attempt.row))
        newest = connection.execute("SELECT coalesce(max(sequence), 0) FROM readiness").fetchone()[0]
        connection.execute(
            "UPDATE attempts SET go_after = ? WHERE machine_id = ? AND row != ? AND go_by = '' AND ended = ''",
            (newest, attempt.machine_id, attempt.row),
        )


def ask_to_start(journal: Journal, attempt: AttemptRecord) -> None:
    """Ask the router for leave to start, once; not for what was recalled."""
    event = v1.ShopEvent(id=journal.ids("event"), start=v1.Start(attempt=attempt.ref))
    with journal.change() as connection:
        if journal.recall_of(attempt.offer.revision_digest):
            return
        asked = connection.execute("UPDATE attempts SET start_asked = 1 WHERE row = ? AND start_asked = 0 AND ended = ''", (attempt.row,))
        if asked.rowcount:
            outbox.put(connection, event)


def grant_leave(journal: Journal, attempt: AttemptRecord) -> None:
    """Work for somebody who walked in needs no router's leave: nobody else was offered it."""
    with journal.change() as connection:
        connection.execute("UPDATE attempts SET start_asked = 1, leave = 1 WHERE row = ? AND walk_in = 1 AND ended = ''", (attempt.row,))


def begin_piece(journal: Journal, attempt: AttemptRecord) -> bool:
    """Write down that the start command is about to be sent, and use up the machine's readiness. False where it must not be sent.

    Looks once more, inside the transaction, at everything that may have changed since the step was decided: a cancel that wins
    this race is obeyed.
    """
    with journal.change() as connection:
        row = connection.execute("SELECT * FROM attempts WHERE row = ?", (attempt.row,)).fetchone()
        under_way = connection.execute(
            "SELECT 1 FROM pieces WHERE attempt = ? AND (state = ? OR number >= ?)",
            (attempt.row, PieceState.BEGUN, attempt.current_number),
        ).fetchone()
        unwanted = row["withdrawn"] or row["wish"] not in GOING_ON or journal.recall_of(attempt.offer.revision_digest)
        unwanted = unwanted or stop_was_said(connection, attempt.machine_id)
        if row["ended"] or not row["leave"] or unwanted or under_way:
            return False
        connection.execute(
            "INSERT INTO pieces (attempt, number, state, began_at) VALUES (?, ?, ?, ?)",
            (attempt.row, attempt.current_number, PieceState.BEGUN, journal.clock.now()),
        )
        connection.execute("UPDATE readiness SET used = ? WHERE machine_id = ? AND used = 0", (USED_BY_START, attempt.machine_id))
    return True


def finish_piece(journal: Journal, attempt: AttemptRecord, piece: PieceRecord, by_person: bool = False) -> None:
    """A piece that was begun is good, scrap, or not there. Saying it twice changes nothing.

    A word of readiness that was given while the machine still ran cannot have meant the bed that the piece now lies on, so it is used
    up. Where a person settled what became of the piece, that very word stands.
    """
    with journal.change() as connection:
        done = connection.execute(
            "UPDATE pieces SET state = ?, seconds = ?, grams = ? WHERE attempt = ? AND number = ? AND state = ?",
            (piece.state, piece.seconds, piece.grams, attempt.row, piece.number, PieceState.BEGUN),
        )
        if done.rowcount:
            which = "used = ?" if by_person else "(used = ? OR used = 0)"
            connection.execute(f"UPDATE readiness SET used = 1 WHERE machine_id = ? AND {which}", (attempt.machine_id, USED_BY_START))


def take_back_piece(journal: Journal, attempt: AttemptRecord, number: int) -> None:
    """It is certain that nothing moved: the piece was not begun after all, and the bed is as ready as it was."""
    with journal.change() as connection:
        taken = connection.execute(
            "DELETE FROM pieces WHERE attempt = ? AND number = ? AND state = ? RETURNING number",
            (attempt.row, number, PieceState.BEGUN),
        ).fetchone()
        if taken is not None:
            connection.execute("UPDATE readiness SET used = 0 WHERE machine_id = ? AND used = ?", (attempt.machine_id, USED_BY_START))


def complete(journal: Journal, attempt: AttemptRecord, signed: v1.SignedWork) -> None:
    """The attempt ended with all its pieces accounted for."""
    event = _walked_in(signed) if attempt.walk_in else v1.ShopEvent(complete=v1.Complete(signed=signed))
    _end(journal, attempt, Ending.COMPLETE, event)


def fail(journal: Journal, attempt: AttemptRecord, signed: v1.SignedWork, reasons: Sequence[v1.Reason]) -> None:
    """The attempt ended early."""
    event = _walked_in(signed) if attempt.walk_in else v1.ShopEvent(fail=v1.Fail(signed=signed, reasons=reasons))
    _end(journal, attempt, Ending.FAIL, event, reasons)


def _walked_in(signed: v1.SignedWork) -> v1.ShopEvent:
    """No job is moved by it; the ledger has it, whenever the router can be heard again."""
    return v1.ShopEvent(walk_in=v1.WalkIn(signed=signed))


def release(journal: Journal, attempt: AttemptRecord, reasons: Sequence[v1.Reason]) -> None:
    """The attempt is given back; nothing moved. Of work for somebody who walked in nobody else needs to hear."""
    event = None if attempt.walk_in else v1.ShopEvent(release=v1.Release(attempt=attempt.ref, reasons=reasons))
    _end(journal, attempt, Ending.RELEASE, event, reasons)


def drop(journal: Journal, attempt: AttemptRecord) -> None:
    """The attempt owns nothing any more; nobody needs to be told."""
    _end(journal, attempt, Ending.DROP, None, [attempt.wish_reason] if attempt.wish_reason.message else [])


def _end(journal: Journal, attempt: AttemptRecord, ending: Ending, event: v1.ShopEvent | None, reasons: Sequence[v1.Reason] = ()) -> None:
    with journal.change() as connection:
        if event is not None:
            event.id = journal.ids("event")
        ended = connection.execute(
            "UPDATE attempts SET ended = ?, end_event = ?, settled = ? WHERE row = ? AND ended = ''",
            (ending, event.id if event else "", event is None, attempt.row),
        )
        if ended.rowcount and event is not None:
            outbox.put(connection, event)
        if ended.rowcount:
            given_back.note(connection, attempt, journal.clock.now(), reasons)
