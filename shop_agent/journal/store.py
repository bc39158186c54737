# SPDX-License-Identifier: AGPL-3.0-or-later
"""The agent's SQLite file: its tables, how it is opened, and the lock that keeps a second agent away.

Every change of state and the event that it causes are written in one transaction, and a transaction that has ended survives a power cut.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commonfab.errors import Refused

VERSION = 4

TABLES = """
CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, body BLOB NOT NULL);
CREATE TABLE offers (
  work_order_id TEXT PRIMARY KEY, body BLOB NOT NULL, stands INTEGER NOT NULL, first_seen REAL NOT NULL,
  answer TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '', reasons BLOB NOT NULL DEFAULT x'', considered INTEGER NOT NULL DEFAULT 0);
CREATE TABLE attempts (
  row INTEGER PRIMARY KEY AUTOINCREMENT, work_order_id TEXT NOT NULL, number INTEGER NOT NULL, epoch INTEGER NOT NULL,
  offer BLOB NOT NULL, machine_id TEXT NOT NULL,
  toolpath_file TEXT, toolpath_sha256 TEXT, toolpath_seconds REAL, toolpath_grams REAL, toolpath_note TEXT,
  go_after INTEGER NOT NULL DEFAULT 0, go_by TEXT NOT NULL DEFAULT '',
  start_asked INTEGER NOT NULL DEFAULT 0, leave INTEGER NOT NULL DEFAULT 0,
  wish INTEGER NOT NULL DEFAULT 0, wish_reason BLOB NOT NULL DEFAULT x'', withdrawn TEXT NOT NULL DEFAULT '',
  ended TEXT NOT NULL DEFAULT '', end_event TEXT NOT NULL DEFAULT '', end_refusal BLOB NOT NULL DEFAULT x'',
  settled INTEGER NOT NULL DEFAULT 0,
  UNIQUE (work_order_id, number, epoch));
CREATE TABLE pieces (
  attempt INTEGER NOT NULL REFERENCES attempts (row), number INTEGER NOT NULL, state TEXT NOT NULL,
  began_at REAL NOT NULL, seconds REAL NOT NULL DEFAULT 0, grams REAL NOT NULL DEFAULT 0,
  used_ready INTEGER, PRIMARY KEY (attempt, number));
CREATE TABLE seen (machine_id TEXT PRIMARY KEY, busy_with TEXT NOT NULL);
CREATE TABLE readiness (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, machine_id TEXT NOT NULL, who TEXT NOT NULL, at REAL NOT NULL,
  used INTEGER NOT NULL DEFAULT 0);
"""

RECALLS = """
CREATE TABLE recalls (
  revision TEXT PRIMARY KEY, body BLOB NOT NULL, heard_at REAL NOT NULL, acknowledged INTEGER NOT NULL DEFAULT 0)
"""

PEOPLE = """
ALTER TABLE seen ADD COLUMN owners_work INTEGER NOT NULL DEFAULT 0;
ALTER TABLE readiness ADD COLUMN confirms TEXT NOT NULL DEFAULT 'bed,stock,tool';
ALTER TABLE readiness ADD COLUMN by_sensor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE offers ADD COLUMN toolpath_file TEXT;
ALTER TABLE offers ADD COLUMN toolpath_sha256 TEXT;
ALTER TABLE offers ADD COLUMN toolpath_seconds REAL;
ALTER TABLE offers ADD COLUMN toolpath_grams REAL;
ALTER TABLE offers ADD COLUMN toolpath_note TEXT;
ALTER TABLE offers ADD COLUMN measured INTEGER NOT NULL DEFAULT 0;
ALTER TABLE offers ADD COLUMN refused BLOB NOT NULL DEFAULT x'';
ALTER TABLE attempts ADD COLUMN walk_in INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempts ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE pieces ADD COLUMN judged_by TEXT NOT NULL DEFAULT '';
CREATE TABLE words (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, machine_id TEXT NOT NULL, kind TEXT NOT NULL, who TEXT NOT NULL, at REAL NOT NULL,
  amount INTEGER NOT NULL DEFAULT 1, heard INTEGER NOT NULL DEFAULT 0);
CREATE TABLE service (machine_id TEXT PRIMARY KEY, mode TEXT NOT NULL, why TEXT NOT NULL, who TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE upkeep (
  machine_id TEXT NOT NULL, what TEXT NOT NULL, who TEXT NOT NULL, at REAL NOT NULL, seconds REAL NOT NULL,
  PRIMARY KEY (machine_id, what));
CREATE TABLE stock_counts (
  machine_id TEXT NOT NULL, material TEXT NOT NULL, grams REAL NOT NULL, pieces INTEGER NOT NULL, who TEXT NOT NULL, at REAL NOT NULL,
  used_grams REAL NOT NULL, listed_grams REAL NOT NULL, listed_pieces INTEGER NOT NULL, PRIMARY KEY (machine_id, material));
CREATE TABLE person_time (attempt INTEGER NOT NULL REFERENCES attempts (row), task TEXT NOT NULL, seconds REAL NOT NULL);
CREATE TABLE sizes (
  attempt INTEGER NOT NULL REFERENCES attempts (row), name TEXT NOT NULL, nominal_mm REAL NOT NULL, measured_mm REAL NOT NULL);
CREATE TABLE photographs (
  attempt INTEGER NOT NULL REFERENCES attempts (row), sha256 TEXT NOT NULL, file TEXT NOT NULL, sent INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (attempt, sha256));
"""

LASTING = """
ALTER TABLE seen ADD COLUMN last_ran TEXT NOT NULL DEFAULT '';
CREATE TABLE given_back (attempt INTEGER PRIMARY KEY REFERENCES attempts (row), at REAL NOT NULL, reasons BLOB NOT NULL);
CREATE TABLE reports (
  attempt INTEGER PRIMARY KEY REFERENCES attempts (row), body BLOB NOT NULL, at REAL NOT NULL, refusal BLOB NOT NULL,
  seen INTEGER NOT NULL DEFAULT 0);
CREATE INDEX reports_refused ON reports (seen) WHERE refusal != x'' AND seen = 0;
CREATE INDEX attempts_dropped ON attempts (ended) WHERE ended = 'drop' AND leave = 1;
CREATE TABLE routers (node TEXT PRIMARY KEY, version INTEGER NOT NULL);
ALTER TABLE readiness ADD COLUMN ticks REAL;
ALTER TABLE readiness ADD COLUMN boot TEXT NOT NULL DEFAULT '';
ALTER TABLE words ADD COLUMN ticks REAL;
ALTER TABLE words ADD COLUMN boot TEXT NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN summed INTEGER NOT NULL DEFAULT 0;
CREATE TABLE sums (
  machine_id TEXT NOT NULL, material TEXT NOT NULL, seconds REAL NOT NULL, grams REAL NOT NULL, PRIMARY KEY (machine_id, material));
CREATE INDEX attempts_unsettled ON attempts (settled) WHERE settled = 0;
CREATE INDEX attempts_unsummed ON attempts (summed) WHERE summed = 0;
CREATE INDEX attempts_by_machine ON attempts (machine_id);
CREATE INDEX pieces_by_state ON pieces (state);
CREATE INDEX offers_standing ON offers (stands) WHERE stands = 1;
CREATE INDEX readiness_unused ON readiness (machine_id, used);
CREATE INDEX words_unheard ON words (machine_id, heard);
CREATE INDEX photographs_unsent ON photographs (sent) WHERE sent = 0;
"""
"""What ran last, what came to nothing, a word's age by the clock that nobody can set; and what lets an agent with years of work look at
what is new alone."""

PATIENCE_SECONDS = 10.0
"""How long a writer waits for its turn."""

IMPATIENT_SECONDS = 1.0

STEPS = (TABLES, RECALLS, PEOPLE, LASTING)
"""What makes a journal of each version from one of the version before. The journal of an older agent may hold work under way."""


def open_store(path: Path) -> sqlite3.Connection:
    """The agent's database, made where it is not there yet. Errors: `Refused` (`shop.data`); `sqlite3.Error`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=PATIENCE_SECONDS, isolation_level=None)
    connection.row_factory = sqlite3.Row
    # FULL: a piece that is about to start must be on the disk before the machine moves.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    version = _version(connection)
    if version < VERSION:  # else nothing is written: whoever wants to say stop opens a journal on a full disk, or one that is locked
        with transaction(connection):
            version = _version(connection)  # another program may have been faster
            for step in STEPS[version:]:
                for statement in filter(str.strip, step.split(";")):
                    connection.execute(statement)
            if version < VERSION:
                connection.execute(f"PRAGMA user_version={VERSION}")
    if version > VERSION:
        connection.close()
        raise Refused("shop.data", str(path))
    return connection


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def impatient(connection: sqlite3.Connection) -> Iterator[None]:
    """Wait no longer than a moment for another program that holds the journal: a machine is to be stopped meanwhile."""
    connection.execute(f"PRAGMA busy_timeout={IMPATIENT_SECONDS * 1000:.0f}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout={PATIENCE_SECONDS * 1000:.0f}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All of it or nothing. A second writer (the command line) waits for its turn."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk may have ended it; one that was left open would block every later one
            connection.execute("ROLLBACK")
        raise


LOCK = "agent.lock"
LOCK_SECONDS = 0.5
"""How long an agent that starts waits for the lock: whoever looks whether one is there holds it for a moment."""


@contextmanager
def only_agent(data_dir: Path) -> Iterator[None]:
    """Hold the bench alone. The operating system lets go of it when the process ends, however it ends.

    A lock on an empty SQLite file works the same on every system. Errors: `Refused` (`shop.running`).
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    lock = sqlite3.connect(data_dir / LOCK, timeout=LOCK_SECONDS, isolation_level=None)
    try:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            raise Refused("shop.running", str(data_dir)) from None
        yield
    finally:
        lock.close()


def agent_is_there(data_dir: Path) -> bool:
    """Whether an agent holds the bench at this moment. True where that cannot be found out, as by an account that may not read the lock."""
    file = data_dir / LOCK
    try:
        if not file.exists():
            return False
        with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=0)) as lock:
            lock.execute("SELECT 1 FROM sqlite_master").fetchone()
    except (OSError, sqlite3.Error):
        return True
    return False
