# SPDX-License-Identifier: AGPL-3.0-or-later
"""The tables of the design commons. `migrations/` makes them; a test holds the two together.

Messages are stored as the maker sent them, so that fields which this version does not know survive; what is asked for by SQL stands in
columns beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import sqlalchemy as sa

T = TypeVar("T")

RACES = 3
"""Two callers that store the same at once collide at most once: the second try finds what the first caller stored."""

DEADLOCK = "40P01"
"""PostgreSQL's SQLSTATE for two transactions that waited for each other; one was undone, and may simply be tried again."""

METADATA = sa.MetaData()

DESIGNS = sa.Table(
    "designs",
    METADATA,
    sa.Column("id", sa.String(40), primary_key=True),
    # Keeper, title and first content in one digest: two calls that publish the same new design at once cannot both win.
    sa.Column("origin", sa.String(64), nullable=False, unique=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("keeper", sa.String(64), nullable=False),
    sa.Column("message", sa.LargeBinary, nullable=False),  # v1.Design
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Index("designs_by_age", "created_at", "id"),
)

REVISIONS = sa.Table(
    "revisions",
    METADATA,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("design_id", sa.String(40), sa.ForeignKey("designs.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("content", sa.String(64), nullable=False, index=True),  # digest of the manifest without its design
    sa.Column("manifest", sa.LargeBinary, nullable=False),  # v1.Manifest
    sa.Column("author", sa.String(64), nullable=False),
    sa.Column("published_at", sa.Float, nullable=False),
    sa.Column("signature", sa.LargeBinary),  # v1.Signature; NULL where it is not signed
    sa.Column("public_key", sa.LargeBinary, index=True),  # the key it is signed with
    sa.Column("maturity", sa.Integer, nullable=False, server_default="0"),  # v1.Maturity, kept up to date by `knowledge.py`
    sa.UniqueConstraint("design_id", "number"),
)

REVISION_FILES = sa.Table(
    "revision_files",
    METADATA,
    sa.Column("digest", sa.String(64), sa.ForeignKey("revisions.digest"), primary_key=True),
    sa.Column("sha256", sa.String(64), primary_key=True, index=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
)
"""Which contents a revision has, each once: who needs a file, and who has how much."""

LINEAGE = sa.Table(
    "lineage",
    METADATA,
    sa.Column("digest", sa.String(64), sa.ForeignKey("revisions.digest"), primary_key=True),  # the revision that refers
    sa.Column("relation", sa.Integer, primary_key=True),  # v1.Relation
    sa.Column("of_digest", sa.String(64), primary_key=True, index=True),  # need not be here: a bill may name what another node has
    sa.Column("quantity", sa.Float, nullable=False),  # how many one product takes; 1 for what is not in a bill
)

BUILD_REPORTS = sa.Table(
    "build_reports",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),  # SHA-256 of what was signed
    sa.Column("digest", sa.String(64), sa.ForeignKey("revisions.digest"), nullable=False, index=True),
    sa.Column("design_id", sa.String(40), nullable=False, index=True),
    sa.Column("shop_id", sa.String(64), nullable=False, index=True),
    sa.Column("received_at", sa.Float, nullable=False),
    sa.Column("message", sa.LargeBinary, nullable=False),  # v1.KeptBuildReport
)

DEFECTS = sa.Table(
    "defects",
    METADATA,
    sa.Column("id", sa.String(40), primary_key=True),
    # Who filed it and what it says, in one digest: filing the same again finds the first.
    sa.Column("origin", sa.String(64), nullable=False, unique=True),
    sa.Column("digest", sa.String(64), sa.ForeignKey("revisions.digest"), nullable=False, index=True),
    sa.Column("design_id", sa.String(40), nullable=False, index=True),
    sa.Column("filed_at", sa.Float, nullable=False),
    sa.Column("closed_at", sa.Float),
    sa.Column("message", sa.LargeBinary, nullable=False),  # v1.Defect
)

RECALLS = sa.Table(
    "recalls",
    METADATA,
    sa.Column("digest", sa.String(64), sa.ForeignKey("revisions.digest"), primary_key=True),
    sa.Column("recalled_at", sa.Float, nullable=False),
    sa.Column("message", sa.LargeBinary, nullable=False),  # v1.Recall
)

EVENTS = sa.Table(
    "commons_events",
    METADATA,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("design_id", sa.String(40), nullable=False, index=True),
    sa.Column("message", sa.LargeBinary, nullable=False),  # v1.CommonsEvent
)

INSPECTIONS = sa.Table(
    "inspections",
    METADATA,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("unit", sa.String(8), primary_key=True),  # as the maker says; empty where nothing is said
    sa.Column("enqueued_at", sa.Float, nullable=False),
    sa.Column("report", sa.LargeBinary),  # v1.GeometryReport; NULL while it waits
    sa.Column("done_at", sa.Float),
    sa.Index("inspections_waiting", "done_at", "enqueued_at"),
)

DOOMED = sa.Table(
    "doomed_files",
    METADATA,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("since", sa.Float, nullable=False),  # when it was found that nothing names it
    sa.Column("removed_at", sa.Float),  # NULL while it is only marked
)

QUOTAS = sa.Table(
    "quotas",
    METADATA,
    sa.Column("subject", sa.String(64), primary_key=True),
    sa.Column("quota_bytes", sa.BigInteger, nullable=False),  # 0 for no limit
)

UPLOADS = sa.Table(
    "uploads",
    METADATA,
    sa.Column("subject", sa.String(64), primary_key=True),
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),  # as announced
    sa.Column("at", sa.Float, nullable=False),
)
"""What somebody with a quota sends or has sent within a week: it counts before a revision names it."""


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that will write. On SQLite it takes its turn at the start, so that what it reads still holds when it writes."""
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


def once(engine: sa.Engine, change: Callable[[sa.Connection], T]) -> T:
    """Do `change` in a transaction; again where another process stored the same in between, or where PostgreSQL undid it for another."""
    for race in range(RACES):
        try:
            with writing(engine) as connection:
                return change(connection)
        except sa.exc.DBAPIError as error:
            collided = isinstance(error, sa.exc.IntegrityError) or getattr(error.orig, "sqlstate", None) == DEADLOCK
            if not collided or race == RACES - 1:
                raise
    raise AssertionError  # not reached


def one_at_a_time(connection: sa.Connection, lock: int) -> None:
    """Until the end of a transaction that writes, keep others out that ask for the same lock.

    Parameters: `lock`, a number of 64 bits of PostgreSQL's advisory locks. On SQLite only one transaction writes at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({lock})")
