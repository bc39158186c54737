# SPDX-License-Identifier: AGPL-3.0-or-later
"""A router that was set back, as one that is restored from an older backup: noticed by the version of what it knows of this shop, also
after the agent was started anew. What it has forgotten is reported all the same, so that the report is kept.
"""

from __future__ import annotations

import sqlite3

from commonfab import v1
from shop_agent.journal import outbox, reports
from shop_agent.journal.book import Journal
from shop_agent.journal.records import AttemptRecord, Ending, PieceState

SET_BACK = "the router was set back"
"""How the line for the log begins."""

LOST_BY_ROUTER = frozenset(("attempt.forgotten", "attempt.given_elsewhere"))
"""Why a router that was set back drops an attempt that was rightly ours."""


def note_version(connection: sqlite3.Connection, node: str, version: int, now: float) -> list[str]:
    """Remember what a router said last, inside the open transaction. One that says less than before was set back: what it took of late
    it may have forgotten, so the reports are sent again. Answers lines for the log.

    Parameters: `node`, which router, because another one knows nothing of what this one was told; `version`, of its answer; `now`,
    seconds since 1970.
    """
    known = connection.execute("SELECT version FROM routers WHERE node = ?", (node,)).fetchone()
    if known is not None and known["version"] == version:
        return []  # what is written wears a card out
    connection.execute("INSERT OR REPLACE INTO routers (node, version) VALUES (?, ?)", (node, version))
    if known is None or version > known["version"]:
        return []
    return [f"{SET_BACK} to an older state; reports sent again: {reports.again_after_setting_back(connection, now)}"]


def unreported(journal: Journal) -> list[AttemptRecord]:
    """Attempts that a router which was set back has dropped, of which something was made, nothing is on the machine any more, and no
    report tells; oldest first."""
    rows = journal.connection.execute(
        "SELECT row FROM attempts a WHERE ended = 'drop' AND leave = 1 AND wish_reason != x''"
        " AND EXISTS (SELECT 1 FROM pieces p WHERE p.attempt = a.row AND p.state != ?)"
        " AND NOT EXISTS (SELECT 1 FROM pieces p WHERE p.attempt = a.row AND p.state = ?) ORDER BY row",
        (PieceState.VOID, PieceState.BEGUN),
    ).fetchall()
    return [one for one in (journal.attempt(row["row"]) for row in rows) if one.wish_reason.code in LOST_BY_ROUTER]


def report(journal: Journal, attempt: AttemptRecord, signed: v1.SignedWork) -> None:
    """Send what was made of an `unreported` attempt. The router will hardly take it; its answer keeps the report, in sight of the owner."""
    event, whole = v1.ShopEvent(id=journal.ids("event")), attempt.good >= attempt.offer.quantity
    if whole:
        event.complete.signed.CopyFrom(signed)
    else:
        event.fail.MergeFrom(v1.Fail(signed=signed, reasons=[attempt.wish_reason]))
    with journal.change() as connection:
        reopened = connection.execute(
            "UPDATE attempts SET ended = ?, end_event = ?, settled = 0 WHERE row = ? AND ended = 'drop'",
            (Ending.COMPLETE if whole else Ending.FAIL, event.id, attempt.row),
        )
        if reopened.rowcount:
            outbox.put(connection, event)
            connection.execute("DELETE FROM given_back WHERE attempt = ?", (attempt.row,))  # the answer says what is to be shown
