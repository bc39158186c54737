# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the agent lets go of, once a day: a garage works for years on one card.

What was made, who judged it and what was recalled stays for good: it is the shop's own record, and small. What goes are answers to
offers that nobody asks about any more, words that were carried out, and photographs that the node has or will never get.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from shop_agent.journal import outbox
from shop_agent.journal.book import Journal
from shop_agent.journal.given_back import SHOWN_SECONDS
from shop_agent.journal.records import Ending
from shop_agent.people.accounts import PHOTOGRAPHS

FIRST_SECONDS = 3600.0
"""How long after its start: a computer without a battery has learnt by then what day it is."""

DAY_SECONDS = 86_400.0

OFFERS_SECONDS = 30 * DAY_SECONDS
"""`commonfab shop offers --all` shows what was answered within the last month."""

WORDS_SECONDS = DAY_SECONDS
BROUGHT_SECONDS = 3600.0
"""Who has just brought a photograph is about to write that down."""


def keep_house(journal: Journal, data_dir: Path) -> None:
    """Let go of what nobody needs any more. Ages count both ways: a clock that was set back keeps nothing for ever."""
    now = journal.clock.now()
    with journal.change() as connection:
        _offers(connection, now)
        for old in (
            "DELETE FROM readiness WHERE used = 1 AND abs(? - at) > ?",
            "DELETE FROM words WHERE heard = 1 AND abs(? - at) > ?",
        ):
            connection.execute(old, (now, WORDS_SECONDS))
        connection.execute("DELETE FROM given_back WHERE abs(? - at) > ?", (now, SHOWN_SECONDS))
        # Of what was given back or dropped no report tells, so its pictures are never sent.
        connection.execute(
            "DELETE FROM photographs WHERE EXISTS (SELECT 1 FROM attempts a WHERE a.row = attempt AND a.settled = 1"
            " AND (sent != 0 OR a.ended NOT IN (?, ?)))",
            (Ending.COMPLETE, Ending.FAIL),
        )
    _pictures(journal.connection, data_dir / PHOTOGRAPHS, now)


def _offers(connection: sqlite3.Connection, now: float) -> None:
    """Offers that stand no longer, that no answer on its way to the router names, and of which no work lies on a bench."""
    on_the_way = {order for event in outbox.unsettled(connection) for order in (event.accept.work_order_id, event.decline.work_order_id)}
    old = connection.execute(
        "SELECT work_order_id FROM offers o WHERE stands = 0 AND abs(? - first_seen) > ?"
        " AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.work_order_id = o.work_order_id AND a.settled = 0)",
        (now, OFFERS_SECONDS),
    ).fetchall()
    gone = [(row["work_order_id"],) for row in old if row["work_order_id"] not in on_the_way]
    connection.executemany("DELETE FROM offers WHERE work_order_id = ?", gone)


def _pictures(connection: sqlite3.Connection, folder: Path, now: float) -> None:
    """Files that are not waited for: their work came to nothing, or the agent ended between sending and clearing away."""
    waited_for = {Path(row["file"]).name for row in connection.execute("SELECT file FROM photographs WHERE sent = 0")}
    for file in folder.glob("*"):
        with contextlib.suppress(OSError):  # one that will not go today goes another day
            if file.name not in waited_for and abs(now - file.stat().st_mtime) > BROUGHT_SECONDS:
                file.unlink()
