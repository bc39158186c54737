# SPDX-License-Identifier: AGPL-3.0-or-later
"""Designs, their revisions, and what inspection found in files."""

import sqlalchemy as sa
from alembic import op

revision = "registry_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "designs",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("origin", sa.String(64), nullable=False, unique=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("keeper", sa.String(64), nullable=False),
        sa.Column("message", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
    )
    op.create_index("designs_by_age", "designs", ["created_at", "id"])
    op.create_table(
        "revisions",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("design_id", sa.String(40), sa.ForeignKey("designs.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("content", sa.String(64), nullable=False, index=True),
        sa.Column("manifest", sa.LargeBinary, nullable=False),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("published_at", sa.Float, nullable=False),
        sa.UniqueConstraint("design_id", "number"),
    )
    op.create_table(
        "inspections",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("unit", sa.String(8), primary_key=True),
        sa.Column("enqueued_at", sa.Float, nullable=False),
        sa.Column("report", sa.LargeBinary, nullable=True),
        sa.Column("done_at", sa.Float, nullable=True),
    )
    op.create_index("inspections_waiting", "inspections", ["done_at", "enqueued_at"])


def downgrade() -> None:
    op.drop_table("inspections")
    op.drop_table("revisions")
    op.drop_table("designs")
