# SPDX-License-Identifier: AGPL-3.0-or-later
"""How long machines ran and how much they used, in all: what is over is summed once, so that nobody reads a year of work to know it."""

from __future__ import annotations

import sqlite3
from collections import defaultdict

from commonfab import v1
from shop_agent.journal.records import PieceState

AT_ONCE = 1000
"""So many attempts are summed in one transaction: the first time after an update there may be a year of them."""


def sum_up(connection: sqlite3.Connection) -> bool:
    """Add what is over to the sums, inside the transaction that the caller has open. Answers whether there may be more of it.

    Over is what the router has heard the end of and of which nothing can be on a machine any more.
    """
    rows = connection.execute(
        "SELECT row, machine_id, offer FROM attempts a WHERE summed = 0 AND settled = 1"
        " AND NOT EXISTS (SELECT 1 FROM pieces p WHERE p.attempt = a.row AND p.state = ?) LIMIT ?",
        (PieceState.BEGUN, AT_ONCE),
    ).fetchall()
    for row in rows:
        seconds, grams = _of_pieces(connection, row["row"])
        if seconds or grams:
            connection.execute(
                "INSERT INTO sums (machine_id, material, seconds, grams) VALUES (?, ?, ?, ?) ON CONFLICT (machine_id, material)"
                " DO UPDATE SET seconds = seconds + excluded.seconds, grams = grams + excluded.grams",
                (row["machine_id"], _material(row), seconds, grams),
            )
        connection.execute("UPDATE attempts SET summed = 1 WHERE row = ?", (row["row"],))
    return len(rows) == AT_ONCE


def used_by(connection: sqlite3.Connection, machine_id: str) -> dict[str, float]:
    """Grams that the pieces of a machine have used, by the material that their offers named (empty where they named none)."""
    found: dict[str, float] = defaultdict(float)
    for row in connection.execute("SELECT material, grams FROM sums WHERE machine_id = ?", (machine_id,)):
        found[row["material"]] += row["grams"]
    for row in _not_summed(connection, machine_id):
        if (grams := _of_pieces(connection, row["row"])[1]) > 0:
            found[_material(row)] += grams
    return dict(found)


def seconds_run(connection: sqlite3.Connection, machine_id: str) -> float:
    """Seconds that a machine ran for pieces in the journal."""
    before: float = connection.execute("SELECT coalesce(sum(seconds), 0) FROM sums WHERE machine_id = ?", (machine_id,)).fetchone()[0]
    return before + sum(_of_pieces(connection, row["row"])[0] for row in _not_summed(connection, machine_id))


def _not_summed(connection: sqlite3.Connection, machine_id: str) -> list[sqlite3.Row]:
    # "+": by what is not summed, of which there is little, and not by the machine, of which there is a year.
    return connection.execute("SELECT row, offer FROM attempts WHERE summed = 0 AND +machine_id = ?", (machine_id,)).fetchall()


def _of_pieces(connection: sqlite3.Connection, row: int) -> tuple[float, float]:
    found = connection.execute(
        "SELECT coalesce(sum(seconds), 0), coalesce(sum(max(grams, 0)), 0) FROM pieces WHERE attempt = ?", (row,)
    ).fetchone()
    return found[0], found[1]


def _material(row: sqlite3.Row) -> str:
    return v1.Offer.FromString(row["offer"]).requirement.material
