# SPDX-License-Identifier: AGPL-3.0-or-later
"""The router's tables: the ledger, and which of its entries the design commons has not heard of."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

LEDGER = sa.Table(
    "ledger",
    METADATA,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("previous_hash", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("signed", sa.LargeBinary, nullable=False),
    sa.Column("work_order_id", sa.String(40), nullable=False),
    sa.Column("attempt_number", sa.Integer, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("job_id", sa.String(40), nullable=False, index=True),
    sa.Column("recorded_at", sa.Float, nullable=False),
    sa.Column("revision_digest", sa.String(64), nullable=False, server_default="", index=True),
    sa.UniqueConstraint("work_order_id", "attempt_number", "epoch", name="one_entry_an_attempt"),
)

UNREPORTED_BUILDS = sa.Table(
    "unreported_builds",
    METADATA,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),  # of the ledger's entry
)
