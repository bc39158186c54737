# SPDX-License-Identifier: AGPL-3.0-or-later
"""SQL for every room: how an engine is opened and how a room's tables are brought up to date.

Each room keeps its own tables and its own migrations (`<room>/migrations/`), with a version table of its own, so that rooms can share one
database or have one each.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url


def open_database(url: str) -> Engine:
    """An engine for `url`. A SQLite file's folder is made; the file is opened so that readers and one writer work side by side.

    Errors: `sqlalchemy.exc.ArgumentError` for a malformed URL.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"timeout": 30})
    event.listen(engine, "connect", _tune_sqlite)
    return engine


def _tune_sqlite(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    # FULL: a revision that was acknowledged must survive a power cut.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def migrate(engine: Engine, room: str, to: str = "head") -> None:
    """Bring the tables of `room` ("registry", "router", "commonfab") up to date, or to the version `to`.

    Errors: `alembic.util.CommandError` where this program does not know the version that is there, or `to`.
    """
    config = migrations_of(room)
    with engine.begin() as connection:
        _one_migration_at_a_time(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, to)


def migrations_of(room: str) -> Config:
    """What Alembic is to know of a room's migrations."""
    config = Config()
    config.set_main_option("script_location", str(files("commonfab") / "migration"))
    config.set_main_option("version_locations", str(files(room) / "migrations"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_table", f"alembic_version_{room}")
    return config


def _one_migration_at_a_time(connection: Connection) -> None:
    """Several processes may start at once; the second waits for the first."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(4780)")
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
