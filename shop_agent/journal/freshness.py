# SPDX-License-Identifier: AGPL-3.0-or-later
"""How old a word is, whatever happens to the clock on the wall.

The command line, the desk and the agent are processes of one computer, so they share the clock that counts since it was switched on. A word
is young only where both clocks say so: one on the wall that is set back comes round to the same minute again, and so does the one of a
Raspberry Pi without a battery after a power cut.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from commonfab.clock import Clock

GO_SECONDS = 60.0
"""How long a word is good that sets something in motion."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Where Linux says which start of the computer this is (man 4 random); elsewhere the two clocks must do."""


@dataclass(frozen=True)
class Moment:
    """When something was said: `at`, seconds since 1970; `ticks`, by the clock that is never set, of that start of the computer; None where
    an older agent wrote it."""

    at: float
    ticks: float | None = None
    boot: str = ""


def moment_of(row: sqlite3.Row) -> Moment:
    """The moment that stands in a row of the journal."""
    return Moment(row["at"], row["ticks"], row["boot"])


def this_moment(clock: Clock) -> Moment:
    """Now."""
    return Moment(clock.now(), clock.monotonic(), boot_id())


def is_young(said: Moment, clock: Clock) -> bool:
    """Whether it was said within the last minute, and since the computer was started. What has no such mark is old."""
    if said.ticks is None or said.boot != boot_id():
        return False
    return abs(clock.now() - said.at) <= GO_SECONDS and 0 <= clock.monotonic() - said.ticks <= GO_SECONDS


def boot_id() -> str:
    """Names this start of the computer; empty where it has no name."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
