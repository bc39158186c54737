# SPDX-License-Identifier: AGPL-3.0-or-later
"""Invitations, by the hash of their code."""

import sqlalchemy as sa
from alembic import op

revision = "commonfab_0002"
down_revision = "commonfab_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "invitations",
        sa.Column("code_hash", sa.String(64), primary_key=True),
        sa.Column("scope", sa.Integer, nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("used_at", sa.Float, nullable=True),
    )


def downgrade() -> None:
    op.drop_table("invitations")
