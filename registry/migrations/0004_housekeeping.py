# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who may have how much, and files that nothing refers to any more."""

import sqlalchemy as sa
from alembic import op

revision = "registry_0004"
down_revision = "registry_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "doomed_files",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("since", sa.Float, nullable=False),
        sa.Column("removed_at", sa.Float, nullable=True),
    )
    op.create_table(
        "quotas",
        sa.Column("subject", sa.String(64), primary_key=True),
        sa.Column("quota_bytes", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "uploads",
        sa.Column("subject", sa.String(64), primary_key=True),
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )


def downgrade() -> None:
    for table in ("uploads", "quotas", "doomed_files"):
        op.drop_table(table)
