# SPDX-License-Identifier: AGPL-3.0-or-later
"""What was said of a machine no longer holds: somebody said otherwise since, or it was said of something else."""

from __future__ import annotations

from shop_agent.journal import absences, words
from shop_agent.journal.book import Journal
from shop_agent.shop_toml.machine_section import GO

SET_UP = frozenset(("stock", "tool", GO))
"""What is said of a machine whose zero is where somebody set it."""


def take_back(journal: Journal, machine_id: str) -> bool:
    """Nothing that was said of a machine holds any more, nor does it clear itself: somebody says anew that it is ready. Answers whether
    anybody's word has fallen."""
    return absences.doubt_bed(journal, machine_id, "")


def take_back_go(journal: Journal, machine_id: str) -> bool:
    """That it may begin now was said of an order that is not the next one any more. What was said of bed, stock and tool stands. Answers
    whether anybody's word has fallen."""
    rows = journal.connection.execute("SELECT sequence, confirms FROM readiness WHERE machine_id = ? AND used = 0", (machine_id,))
    fallen = [(row["sequence"],) for row in rows if GO in row["confirms"].split(",")]
    if fallen:  # else nothing is written: a bench looks every second
        with journal.change() as connection:
            connection.executemany("UPDATE readiness SET used = 1 WHERE sequence = ?", fallen)
    return bool(fallen)


def take_back_moves(journal: Journal, machine_id: str) -> list[words.Word]:
    """Home, unlock and resume that were not carried out: the machine, or the agent, was away since, and nothing moves because one of them
    is back. Answers which words have fallen."""
    fallen = [word for word in words.unheard(journal, machine_id) if word.kind in words.SETS_IN_MOTION]
    for word in fallen:
        words.heard(journal, word)
    return fallen


def take_back_setting_up(journal: Journal, machine_id: str) -> bool:
    """Its controller came up anew and no longer knows where its zero is: what was said of stock and tool, and that it may begin, no longer
    holds; what was said of the bed does. Answers whether anybody's word has fallen."""
    rows = journal.connection.execute("SELECT sequence, confirms FROM readiness WHERE machine_id = ? AND used = 0", (machine_id,))
    fallen = []
    for row in rows:
        keeps = ",".join(word for word in row["confirms"].split(",") if word not in SET_UP)
        if keeps != row["confirms"]:
            fallen.append((keeps, not keeps, row["sequence"]))
    if fallen:
        with journal.change() as connection:
            connection.executemany("UPDATE readiness SET confirms = ?, used = ? WHERE sequence = ? AND used = 0", fallen)
    return bool(fallen)
