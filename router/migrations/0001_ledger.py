# SPDX-License-Identifier: AGPL-3.0-or-later
"""The ledger."""

import sqlalchemy as sa
from alembic import op

revision = "router_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("previous_hash", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("signed", sa.LargeBinary, nullable=False),
        sa.Column("work_order_id", sa.String(40), nullable=False),
        sa.Column("attempt_number", sa.Integer, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("job_id", sa.String(40), nullable=False),
        sa.Column("recorded_at", sa.Float, nullable=False),
        sa.UniqueConstraint("work_order_id", "attempt_number", "epoch", name="one_entry_an_attempt"),
    )
    op.create_index("ix_ledger_job_id", "ledger", ["job_id"])


def downgrade() -> None:
    op.drop_table("ledger")
