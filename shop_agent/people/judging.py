# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether a piece that was made is good: said, or corrected, by a person until the work is reported."""

from __future__ import annotations

from commonfab.errors import Refused
from shop_agent.journal.book import Journal
from shop_agent.journal.records import PieceState

JUDGED = (PieceState.MADE, PieceState.GOOD, PieceState.SCRAP)


def judge(journal: Journal, work_order_id: str, good: bool, who: str, number: int | None = None) -> int:
    """A person says of a piece that it is good or scrap; answers the piece's number.

    Parameters: `number`, the piece; else the oldest that nobody has judged, else the newest that was made.
    Errors: `Refused` (`shop.no_attempt`, `shop.no_piece`).
    """
    with journal.change() as connection:
        attempt = connection.execute(
            "SELECT row FROM attempts WHERE work_order_id = ? AND ended = '' ORDER BY row DESC LIMIT 1", (work_order_id,)
        ).fetchone()
        if attempt is None:
            raise Refused("shop.no_attempt", work_order_id)
        made = connection.execute(
            "SELECT number, state FROM pieces WHERE attempt = ? AND state IN (?, ?, ?) ORDER BY number", (attempt["row"], *JUDGED)
        ).fetchall()
        waiting: list[int] = [row["number"] for row in made if row["state"] == PieceState.MADE]
        numbers: list[int] = [row["number"] for row in made]
        chosen = number if number is not None else (waiting[:1] or numbers[-1:] or [0])[0]
        if chosen not in numbers:
            raise Refused("shop.no_piece", work_order_id)
        connection.execute(
            "UPDATE pieces SET state = ?, judged_by = ? WHERE attempt = ? AND number = ?",
            (PieceState.GOOD if good else PieceState.SCRAP, who, attempt["row"], chosen),
        )
    return chosen
