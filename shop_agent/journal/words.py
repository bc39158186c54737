# SPDX-License-Identifier: AGPL-3.0-or-later
"""What people say to a machine beside "ready": pause, resume, stop, home, unlock, and of work by hand how many pieces are done.

A word is written down by whoever says it (command line, desk, terminal screen) and carried out by the agent within a moment. A word that
would set something in motion is good for a minute only: an agent that was away does not carry it out when it is back.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from shop_agent.journal.book import Journal
from shop_agent.journal.freshness import Moment, is_young, moment_of, this_moment


class Kind(StrEnum):
    """What can be said."""

    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    HOME = "home"
    UNLOCK = "unlock"
    GOOD = "good"  # so many pieces are done and good, where the machine cannot say so itself
    SCRAP = "scrap"


SETS_IN_MOTION = frozenset((Kind.RESUME, Kind.HOME, Kind.UNLOCK))
"""What nobody may carry out later who cannot know that a person still stands there. A machine that is unlocked may move again."""


HALTS = frozenset((Kind.STOP, Kind.PAUSE))
"""Who says that does not want to see the machine begin anything, whatever was said before."""


@dataclass(frozen=True)
class Word:
    """One thing that was said. `amount`: pieces, for GOOD and SCRAP."""

    sequence: int
    machine_id: str
    kind: Kind
    who: str
    said: Moment
    amount: int


def say(journal: Journal, machine_id: str, kind: Kind, who: str, amount: int = 1) -> None:
    """Write a word down for the agent."""
    with journal.change() as connection:
        said = this_moment(journal.clock)
        connection.execute(
            "INSERT INTO words (machine_id, kind, who, at, ticks, boot, amount) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (machine_id, kind, who, said.at, said.ticks, said.boot, amount),
        )


def unheard(journal: Journal, machine_id: str) -> list[Word]:
    """What was said to a machine and not carried out, oldest first."""
    rows = journal.connection.execute("SELECT * FROM words WHERE machine_id = ? AND heard = 0 ORDER BY sequence", (machine_id,))
    return [Word(row["sequence"], row["machine_id"], Kind(row["kind"]), row["who"], moment_of(row), row["amount"]) for row in rows]


def heard(journal: Journal, word: Word, left: int = 0) -> None:
    """A word was carried out; of what was said of pieces, `left` are still to be counted."""
    with journal.change() as connection:
        connection.execute("UPDATE words SET heard = ?, amount = ? WHERE sequence = ?", (left <= 0, left, word.sequence))


def too_late(journal: Journal, word: Word) -> bool:
    """Whether a word must not be carried out any more: it would set something in motion, and nobody may be there by now."""
    return word.kind in SETS_IN_MOTION and not is_young(word.said, journal.clock)


def stop_was_said(connection: sqlite3.Connection, machine_id: str) -> bool:
    """Whether somebody said stop and the agent has not yet carried it out: then nothing may begin."""
    found = connection.execute("SELECT 1 FROM words WHERE machine_id = ? AND kind = ? AND heard = 0", (machine_id, Kind.STOP))
    return found.fetchone() is not None
