# SPDX-License-Identifier: AGPL-3.0-or-later
"""What people add to the account of a work order until it is reported: minutes by task (never whose), sizes measured, photographs."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from commonfab.errors import Refused
from shop_agent.journal.book import Journal

RUNNING = "running"

TASKS = ("setting_up", RUNNING, "clearing", "finishing", "measuring", "packing")
"""The usual tasks; any other word will do."""

PHOTOGRAPHS = "photographs"
"""The folder beside the journal with the pictures that the node does not have yet."""

LARGEST_PHOTOGRAPH = 32 * 1024 * 1024


@dataclass(frozen=True)
class Size:
    """One size as drawn and as it came out, mm."""

    name: str
    nominal_mm: float
    measured_mm: float


@dataclass(frozen=True)
class Photograph:
    """A picture of what was made: its SHA-256, where it lies, and whether the node has it."""

    sha256: str
    file: Path
    sent: bool


@dataclass(frozen=True)
class Account:
    """What was added to one attempt. `person_seconds`: by task."""

    person_seconds: tuple[tuple[str, float], ...] = ()
    sizes: tuple[Size, ...] = ()
    photographs: tuple[Photograph, ...] = ()


NOTHING_ADDED = Account()


def note_time(journal: Journal, work_order_id: str, task: str, minutes: float) -> None:
    """People spent so many minutes on a task. Errors: `Refused` (`shop.no_attempt`)."""
    with journal.change() as connection:
        row = _open(connection, work_order_id)
        connection.execute("INSERT INTO person_time (attempt, task, seconds) VALUES (?, ?, ?)", (row, task, minutes * 60))


def note_size(journal: Journal, work_order_id: str, size: Size) -> None:
    """A size was measured. Errors: `Refused` (`shop.no_attempt`)."""
    with journal.change() as connection:
        row = _open(connection, work_order_id)
        connection.execute(
            "INSERT INTO sizes (attempt, name, nominal_mm, measured_mm) VALUES (?, ?, ?, ?)",
            (row, size.name, size.nominal_mm, size.measured_mm),
        )


def note_photograph(journal: Journal, work_order_id: str, picture: Path, data_dir: Path) -> str:
    """Keep a copy of a picture beside the journal, to be sent to the node with the report; answers its SHA-256.

    Errors: `Refused` (`shop.no_attempt`, `shop.photograph`); `OSError`.
    """
    import shutil  # it brings three kinds of compression along, which an idle agent does without

    if picture.stat().st_size > LARGEST_PHOTOGRAPH:
        raise Refused("shop.photograph", picture.name)
    sha256 = hashlib.sha256(picture.read_bytes()).hexdigest()
    kept = data_dir / PHOTOGRAPHS / f"{sha256}{picture.suffix.lower()}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(picture, kept)
    with journal.change() as connection:
        row = _open(connection, work_order_id)
        connection.execute("INSERT OR IGNORE INTO photographs (attempt, sha256, file) VALUES (?, ?, ?)", (row, sha256, str(kept)))
    return sha256


def account_of(journal: Journal, row: int) -> Account:
    """What was added to the attempt in that row of the journal."""
    ask = journal.connection.execute
    times = ask("SELECT task, sum(seconds) AS seconds FROM person_time WHERE attempt = ? GROUP BY task ORDER BY task", (row,)).fetchall()
    sizes = ask("SELECT * FROM sizes WHERE attempt = ? ORDER BY rowid", (row,)).fetchall()
    pictures = ask("SELECT * FROM photographs WHERE attempt = ? ORDER BY rowid", (row,)).fetchall()
    return Account(
        tuple((one["task"], one["seconds"]) for one in times),
        tuple(Size(one["name"], one["nominal_mm"], one["measured_mm"]) for one in sizes),
        tuple(Photograph(one["sha256"], Path(one["file"]), one["sent"] == 1) for one in pictures),
    )


def _open(connection: sqlite3.Connection, work_order_id: str) -> int:
    """The attempt that is not reported yet."""
    found = connection.execute(
        "SELECT row FROM attempts WHERE work_order_id = ? AND ended = '' ORDER BY row DESC LIMIT 1", (work_order_id,)
    ).fetchone()
    if found is None:
        raise Refused("shop.no_attempt", work_order_id)
    return int(found["row"])
