# SPDX-License-Identifier: AGPL-3.0-or-later
"""SQL tables as text that any database takes: one JSON array a row, bytes in base64. SQLite and PostgreSQL can be swapped."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import sqlalchemy as sa
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from commonfab import tokens
from commonfab.database import migrate, migrations_of
from commonfab.errors import Refused
from registry import tables as registry_tables
from router import tables as router_tables

ROOMS = ("commonfab", "registry", "router")
AT_ONCE = 500

NOT_KEPT = ("doomed_files", "uploads")
"""What holds for the files of this machine only."""

COMPUTED = "search_"
"""Tables that a node fills anew at its start."""


def kept_tables(room: str) -> list[str]:
    """The tables of a room that go into a backup."""
    metadata = {"commonfab": tokens.TABLE.metadata, "registry": registry_tables.METADATA, "router": router_tables.METADATA}[room]
    return [name for name in metadata.tables if name not in NOT_KEPT and not name.startswith(COMPUTED)]


@contextmanager
def one_moment(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that reads everything as it was at one moment, while others write."""
    with engine.connect() as plain:
        if plain.dialect.name == "sqlite":
            plain.exec_driver_sql("BEGIN")
            plain.exec_driver_sql("SELECT count(*) FROM sqlite_master")  # with the first read the moment is fixed
            yield plain
            plain.rollback()
        else:
            with plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True) as connection:
                yield connection


def schemas(connection: sa.Connection) -> dict[str, str]:
    """The version of each room's tables; empty text for a room that has none."""
    there = set(sa.inspect(connection).get_table_names())
    found = {}
    for room in ROOMS:
        table = f"alembic_version_{room}"
        found[room] = (connection.exec_driver_sql(f"SELECT version_num FROM {table}").scalar() or "") if table in there else ""
    return found


def newest_schemas() -> dict[str, str]:
    """The versions that this program makes."""
    return {room: ScriptDirectory.from_config(migrations_of(room)).get_current_head() or "" for room in ROOMS}


def any_table(connection: sa.Connection) -> str:
    """A table of Commonfab that is there; empty where none is."""
    there = set(sa.inspect(connection).get_table_names())
    return next((name for room in ROOMS for name in (f"alembic_version_{room}", *kept_tables(room)) if name in there), "")


def write_tables(connection: sa.Connection, folder: Path) -> dict[str, int]:
    """Write every table to a file of its own; returns how many rows each has."""
    counts = {}
    for room in ROOMS:
        for name in kept_tables(room):
            table = sa.Table(name, sa.MetaData(), autoload_with=connection)
            counts[f"{room}.{name}"] = _write(connection, table, folder / f"{room}.{name}.jsonl")
    return counts


def _write(connection: sa.Connection, table: sa.Table, path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    query = sa.select(table).order_by(*table.primary_key.columns).execution_options(yield_per=AT_ONCE)
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps([column.name for column in table.columns]) + "\n")
        for row in connection.execute(query):
            file.write(json.dumps([_plain(value) for value in row], ensure_ascii=False) + "\n")
            count += 1
    return count


def _plain(value: object) -> object:
    if isinstance(value, bytes | memoryview):
        return {"b64": base64.b64encode(bytes(value)).decode()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a backup cannot hold a {type(value).__name__}")


def make_tables(engine: sa.Engine, versions: dict[str, str]) -> None:
    """Make empty tables as they were in the versions of a backup. Errors: `Refused` (`backup.newer`)."""
    for room in ROOMS:
        if versions[room]:
            try:
                migrate(engine, room, versions[room])
            except CommandError as error:
                raise Refused("backup.newer", str(error)) from None


def read_tables(connection: sa.Connection, folder: Path, rows: dict[str, int]) -> None:
    """Fill the empty tables from their files, in one transaction. Errors: `Refused` (`backup.damaged`)."""
    names = [name.partition(".")[2] for name in rows]
    metadata = sa.MetaData()
    metadata.reflect(connection, only=names)
    rooms = {name.partition(".")[2]: name.partition(".")[0] for name in rows}
    for table in metadata.sorted_tables:
        if table.name not in rooms:
            continue
        named = f"{rooms[table.name]}.{table.name}"
        if _read(connection, table, folder / f"{named}.jsonl") != rows[named]:
            raise Refused("backup.damaged", f"{named} does not have {rows[named]} rows")


def _read(connection: sa.Connection, table: sa.Table, path: Path) -> int:
    count = 0
    with path.open(encoding="utf-8") as file:
        columns = json.loads(next(file))
        while lines := list(islice(file, AT_ONCE)):
            values = [{name: _value(value) for name, value in zip(columns, json.loads(line), strict=True)} for line in lines]
            connection.execute(table.insert(), values)
            count += len(values)
    return count


def _value(value: object) -> object:
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value


def drop_tables(engine: sa.Engine) -> None:
    """Take away what a restoring that failed had made; the database was empty before it."""
    metadata = sa.MetaData()
    with engine.begin() as connection:
        metadata.reflect(connection)
        metadata.drop_all(connection)
