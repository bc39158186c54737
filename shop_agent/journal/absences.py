# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a machine was seen to have run last, and what becomes of a word about its bed after a time in which nobody looked."""

from __future__ import annotations

from shop_agent.journal.book import Journal


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
        ours = any(ran.startswith(name) for name in _under_way(journal, machine_id))
        connection.execute("INSERT OR IGNORE INTO seen (machine_id, busy_with) VALUES (?, '')", (machine_id,))
        connection.execute("UPDATE seen SET owners_work = ? WHERE machine_id = ?", (not ours, machine_id))
        fell = connection.execute("UPDATE readiness SET used = 1 WHERE machine_id = ? AND used = 0", (machine_id,)).rowcount
        # A start that is taken back gives back the word that it used up; not this one.
        connection.execute("UPDATE readiness SET used = 1 WHERE machine_id = ? AND used != 1", (machine_id,))
    return fell > 0


def _under_way(journal: Journal, machine_id: str) -> list[str]:
    """The names on the machine of our pieces that were begun, without their endings."""
    lying = [*journal.left_behind(machine_id), *(one for one in journal.attempts() if one.machine_id == machine_id)]
    begun = [(attempt, attempt.piece_begun) for attempt in lying]
    return [attempt.file_name(piece.number).removesuffix("gcode") for attempt, piece in begun if piece]
