# SPDX-License-Identifier: AGPL-3.0-or-later
"""The tables of the design commons. `migrations/` makes them; a test holds the two together.

Messages are stored as the maker sent them, so that fields which this version does not know survive; what is asked for by SQL stands in
columns beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

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
    sa.UniqueConstraint("design_id", "number"),
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


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that will write. On SQLite it takes its turn at the start, so that what it reads still holds when it writes."""
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection
