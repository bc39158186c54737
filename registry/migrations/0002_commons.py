# SPDX-License-Identifier: AGPL-3.0-or-later
"""Signatures, the files and references of revisions, and what is known from making them: build reports, defects, recalls, events."""

import sqlalchemy as sa
from alembic import op

from commonfab import v1

revision = "registry_0002"
down_revision = "registry_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("revisions", sa.Column("signature", sa.LargeBinary, nullable=True))
    op.add_column("revisions", sa.Column("public_key", sa.LargeBinary, nullable=True))
    op.add_column("revisions", sa.Column("maturity", sa.Integer, nullable=False, server_default="0"))
    op.create_index("ix_revisions_public_key", "revisions", ["public_key"])
    files = op.create_table(
        "revision_files",
        sa.Column("digest", sa.String(64), sa.ForeignKey("revisions.digest"), primary_key=True),
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_revision_files_sha256", "revision_files", ["sha256"])
    lineage = op.create_table(
        "lineage",
        sa.Column("digest", sa.String(64), sa.ForeignKey("revisions.digest"), primary_key=True),
        sa.Column("relation", sa.Integer, primary_key=True),
        sa.Column("of_digest", sa.String(64), primary_key=True),
        sa.Column("quantity", sa.Float, nullable=False),
    )
    op.create_index("ix_lineage_of_digest", "lineage", ["of_digest"])
    _create_evidence()
    _fill(files, lineage)


def _create_evidence() -> None:
    op.create_table(
        "build_reports",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("digest", sa.String(64), sa.ForeignKey("revisions.digest"), nullable=False),
        sa.Column("design_id", sa.String(40), nullable=False),
        sa.Column("shop_id", sa.String(64), nullable=False),
        sa.Column("received_at", sa.Float, nullable=False),
        sa.Column("message", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_build_reports_shop_id", "build_reports", ["shop_id"])
    op.create_table(
        "defects",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("origin", sa.String(64), nullable=False, unique=True),
        sa.Column("digest", sa.String(64), sa.ForeignKey("revisions.digest"), nullable=False),
        sa.Column("design_id", sa.String(40), nullable=False),
        sa.Column("filed_at", sa.Float, nullable=False),
        sa.Column("closed_at", sa.Float, nullable=True),
        sa.Column("message", sa.LargeBinary, nullable=False),
    )
    for table in ("build_reports", "defects"):
        for column in ("digest", "design_id"):
            op.create_index(f"ix_{table}_{column}", table, [column])
    op.create_table(
        "recalls",
        sa.Column("digest", sa.String(64), sa.ForeignKey("revisions.digest"), primary_key=True),
        sa.Column("recalled_at", sa.Float, nullable=False),
        sa.Column("message", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "commons_events",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("design_id", sa.String(40), nullable=False),
        sa.Column("message", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_commons_events_design_id", "commons_events", ["design_id"])


def _fill(files: sa.Table, lineage: sa.Table) -> None:
    """What stood only inside the manifests so far."""
    revisions = sa.table("revisions", sa.column("digest", sa.String), sa.column("manifest", sa.LargeBinary))
    connection = op.get_bind()
    for digest, written in connection.execute(sa.select(revisions.c.digest, revisions.c.manifest)).all():
        manifest = v1.Manifest.FromString(bytes(written))
        sizes = {file.sha256: file.size_bytes for file in manifest.files}
        rows = [{"digest": digest, "sha256": sha256, "size_bytes": size} for sha256, size in sizes.items()]
        if rows:
            connection.execute(files.insert(), rows)
        if manifest.parent:
            row = {"digest": digest, "relation": v1.RELATION_DERIVES_FROM, "of_digest": manifest.parent, "quantity": 1.0}
            connection.execute(lineage.insert().values(row))


def downgrade() -> None:
    for table in ("commons_events", "recalls", "defects", "build_reports", "lineage", "revision_files"):
        op.drop_table(table)
    op.drop_index("ix_revisions_public_key", "revisions")
    for column in ("maturity", "public_key", "signature"):
        op.drop_column("revisions", column)
