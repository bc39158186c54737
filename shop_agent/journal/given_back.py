# SPDX-License-Identifier: AGPL-3.0-or-later
"""What came to nothing, and why: kept in sight until somebody has read it, or for a day. Whoever waits for it must not find it in a log.

What its owner takes off the bench herself is none of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from commonfab import v1
from commonfab.errors import Refused
from shop_agent.journal import reports
from shop_agent.journal.book import Journal
from shop_agent.journal.records import AttemptRecord

SHOWN_SECONDS = 86_400.0


@dataclass(frozen=True)
class GivenBack:
    """An attempt that ended before all its pieces were made, or whose report the router did not take, and why.

    `refusal`: the router's answer to its report; None where it took it, or there was none.
    """

    attempt: AttemptRecord
    reasons: tuple[v1.Reason, ...]
    refusal: v1.Refusal | None = None


def note(connection: sqlite3.Connection, attempt: AttemptRecord, now: float, reasons: Sequence[v1.Reason]) -> None:
    """Keep why an attempt ends; inside the transaction in which it does."""
    if reasons and not attempt.withdrawn:
        kept = v1.Release(reasons=reasons).SerializeToString()
        connection.execute("INSERT OR REPLACE INTO given_back (attempt, at, reasons) VALUES (?, ?, ?)", (attempt.row, now, kept))


def keep(connection: sqlite3.Connection, ref: v1.AttemptRef, now: float, reasons: Sequence[v1.Reason]) -> None:
    """The same of an attempt that the router ended, by its name."""
    connection.execute(
        "INSERT OR REPLACE INTO given_back (attempt, at, reasons)"
        " SELECT row, ?, ? FROM attempts WHERE work_order_id = ? AND number = ? AND epoch = ? AND ended = '' AND withdrawn = ''",
        (now, v1.Release(reasons=reasons).SerializeToString(), ref.work_order_id, ref.number, ref.epoch),
    )


def given_back(journal: Journal) -> list[GivenBack]:
    """What came to nothing within the last day, and every report that the router did not take, until somebody dismisses it."""
    now = journal.clock.now()
    rows = journal.connection.execute("SELECT * FROM given_back ORDER BY at, attempt").fetchall()
    fresh = [row for row in rows if abs(now - row["at"]) < SHOWN_SECONDS]  # abs: a clock that was set back keeps nothing for ever
    refused = dict(reports.refused(journal))
    shown = [row for row in fresh if row["attempt"] not in refused]
    return [
        *(GivenBack(journal.attempt(row), (refusal.reason,), refusal) for row, refusal in refused.items()),
        *(GivenBack(journal.attempt(row["attempt"]), tuple(v1.Release.FromString(row["reasons"]).reasons)) for row in shown),
    ]


def dismiss(journal: Journal, work_order_id: str) -> None:
    """Somebody has read it. Errors: `Refused` (`shop.not_given_back`)."""
    with journal.change() as connection:
        gone = connection.execute(
            "DELETE FROM given_back WHERE attempt IN (SELECT row FROM attempts WHERE work_order_id = ?)", (work_order_id,)
        )
        if not reports.dismiss(connection, work_order_id) and gone.rowcount == 0:
            raise Refused("shop.not_given_back", work_order_id)
