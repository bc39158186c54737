# SPDX-License-Identifier: AGPL-3.0-or-later
"""What must reach the router and has not yet: events, kept until there is a receipt.

These functions write inside the transaction that their caller has open, so that no state changes without its event, nor the reverse.
"""

from __future__ import annotations

import sqlite3

from commonfab import v1


def put(connection: sqlite3.Connection, event: v1.ShopEvent) -> None:
    """Keep `event` until its receipt. Its id must be new."""
    connection.execute("INSERT INTO events (id, body) VALUES (?, ?)", (event.id, event.SerializeToString()))


def unsettled(connection: sqlite3.Connection) -> list[v1.ShopEvent]:
    """Events without a receipt, oldest first."""
    return [v1.ShopEvent.FromString(row["body"]) for row in connection.execute("SELECT body FROM events ORDER BY seq")]


def take(connection: sqlite3.Connection, event_id: str) -> v1.ShopEvent | None:
    """Remove and return the event that a receipt names; None where it was settled before."""
    row = connection.execute("DELETE FROM events WHERE id = ? RETURNING body", (event_id,)).fetchone()
    return v1.ShopEvent.FromString(row["body"]) if row else None
