# SPDX-License-Identifier: AGPL-3.0-or-later
"""The signed reports, kept for good: what the router refused is shown until somebody has read it, and any of them can be sent again to a
router that was mended, or that was set back to an older state and has forgotten what it had heard.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from commonfab import v1
from commonfab.errors import Refused
from shop_agent.journal import outbox
from shop_agent.journal.book import Journal

HEARD_BEFORE = "attempt.reported"
"""The refusal of a report that a router had taken before: the receipt was lost."""

SET_BACK_SECONDS = 7 * 86_400.0
"""So far back are reports sent again by themselves to a router that was set back. It forgets ended jobs after thirty days."""


def keep(connection: sqlite3.Connection, event: v1.ShopEvent, refusal: v1.Refusal, now: float) -> None:
    """Keep what was sent, and the answer; inside the transaction that settles it. An answer without a code took the report."""
    connection.execute(
        "INSERT OR REPLACE INTO reports (attempt, body, at, refusal) SELECT row, ?, ?, ? FROM attempts WHERE end_event = ?",
        (event.SerializeToString(), now, refusal.SerializeToString(), event.id),
    )


def refused(journal: Journal) -> list[tuple[int, v1.Refusal]]:
    """Attempts whose report the router did not take and nobody has dismissed, each with the reason, oldest first."""
    rows = journal.connection.execute(
        "SELECT r.attempt, r.refusal FROM reports r JOIN attempts a ON a.row = r.attempt"
        " WHERE r.refusal != x'' AND r.seen = 0 AND a.settled = 1 ORDER BY r.attempt"
    )
    return [(row["attempt"], v1.Refusal.FromString(row["refusal"])) for row in rows]


def dismiss(connection: sqlite3.Connection, work_order_id: str) -> bool:
    """Show a refused report no longer; its bytes stay. Answers whether there was one."""
    seen = connection.execute(
        "UPDATE reports SET seen = 1 WHERE refusal != x'' AND seen = 0 AND attempt IN (SELECT row FROM attempts WHERE work_order_id = ?)",
        (work_order_id,),
    )
    return seen.rowcount > 0


def resend(journal: Journal, work_order_id: str) -> None:
    """Send the last report of a work order again, byte for byte. A router that has it answers so, and counts nothing twice.

    Errors: `Refused` (`shop.no_report`).
    """
    with journal.change() as connection:
        if not again(connection, "a.work_order_id = ?", (work_order_id,)):
            raise Refused("shop.no_report", work_order_id)


def again_after_setting_back(connection: sqlite3.Connection, now: float) -> int:
    """The router was set back: what it took of late it may have forgotten. Answers how many are sent again."""
    return again(connection, "r.refusal = x'' AND abs(? - r.at) < ?", (now, SET_BACK_SECONDS))


def again(connection: sqlite3.Connection, which: str, values: Sequence[object]) -> int:
    """Put kept reports into the outbox, inside the open transaction; of each work order the last. `which`: SQL on attempts `a` and
    reports `r`. Answers how many."""
    rows = connection.execute(
        f"SELECT max(a.row) AS row, r.body FROM reports r JOIN attempts a ON a.row = r.attempt WHERE a.settled = 1 AND {which}"
        " GROUP BY a.work_order_id ORDER BY 1",
        tuple(values),
    ).fetchall()
    for row in rows:
        # The same event under the same name: its first sending is settled, so nothing else of that name waits.
        outbox.put(connection, v1.ShopEvent.FromString(row["body"]))
        connection.execute("UPDATE attempts SET settled = 0, end_refusal = x'' WHERE row = ?", (row["row"],))
    return len(rows)
