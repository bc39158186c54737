# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a machine was seen to have run last, and what becomes of a word about its bed after a time in which nobody looked."""

from __future__ import annotations

from shop_agent.journal.book import Journal
from shop_agent.journal.records import PieceState


def last_ran(journal: Journal, machine_id: str) -> str:
    """The mark (`Look.ran`) of what had run last when somebody last looked; empty where that is not known."""
    row = journal.connection.execute("SELECT last_ran FROM seen WHERE machine_id = ?", (machine_id,)).fetchone()
    return str(row["last_ran"]) if row is not None else ""


def note_ran(journal: Journal, machine_id: str, ran: str) -> None:
    """Write down what has run last."""
    with journal.change() as connection:
        connection.execute("INSERT OR IGNORE INTO seen (machine_id, busy_with) VALUES (?, '')", (machine_id,))
        connection.execute("UPDATE seen SET last_ran = ? WHERE machine_id = ?", (ran, machine_id))


def doubt_bed(journal: Journal, machine_id: str, ran: str) -> bool:
    """Something has, or may have, run on a machine while nobody looked: what was said of it no longer holds, nor does it clear itself.

    `ran`: what has run last; empty where that is not known. Our own piece that was under way is no reason to doubt a bed that clears
    itself. Answers whether anybody's word has fallen.
    """
    with journal.change() as connection:
        connection.execute("INSERT OR IGNORE INTO seen (machine_id, busy_with) VALUES (?, '')", (machine_id,))
        ours = connection.execute(
            "SELECT 1 FROM attempts a JOIN pieces p ON p.attempt = a.row WHERE a.machine_id = ? AND p.state = ? AND"
            " instr(?, 'cf-' || a.work_order_id || '-a' || a.number || '-e' || a.epoch || '-p' || p.number || '.') = 1",
            (machine_id, PieceState.BEGUN, ran),
        ).fetchone()
        connection.execute("UPDATE seen SET owners_work = ? WHERE machine_id = ?", (ours is None, machine_id))
        fell = connection.execute("UPDATE readiness SET used = 1 WHERE machine_id = ? AND used = 0", (machine_id,)).rowcount
        # A start that is taken back gives back the word that it used up; not this one.
        connection.execute("UPDATE readiness SET used = 1 WHERE machine_id = ? AND used != 1", (machine_id,))
    return fell > 0
