# SPDX-License-Identifier: AGPL-3.0-or-later
"""What designs are found by. The tables are filled when the registry starts: what a design is found by takes more than SQL to say."""

import sqlalchemy as sa
from alembic import op

revision = "registry_0003"
down_revision = "registry_0002"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _create_designs()
    op.create_table(
        "search_items",
        sa.Column("number", NUMBER, sa.ForeignKey("search_designs.number"), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("maker", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("part_number", sa.Text, nullable=False),
    )
    op.create_index("search_items_by_maker", "search_items", ["maker", "model"])
    op.create_index("search_items_by_model", "search_items", ["model"])
    op.create_index("search_items_by_part_number", "search_items", ["part_number"])
    _create_words()


def _create_designs() -> None:
    op.create_table(
        "search_designs",
        sa.Column("number", NUMBER, sa.Identity(), primary_key=True),
        sa.Column("design_id", sa.String(40), sa.ForeignKey("designs.id"), nullable=False, unique=True),
        sa.Column("rules", sa.String(80), nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("ways", sa.Text, nullable=False),
        sa.Column("materials", sa.Text, nullable=False),
        sa.Column("licences", sa.Text, nullable=False),
        sa.Column("kind", sa.Integer, nullable=False),
        sa.Column("maturity", sa.Integer, nullable=False),
        sa.Column("recalled", sa.Boolean, nullable=False),
        sa.Column("keeper", sa.Text, nullable=False),
        sa.Column("items", sa.Text, nullable=False),
        sa.Column("short_mm", sa.Float),
        sa.Column("middle_mm", sa.Float),
        sa.Column("long_mm", sa.Float),
    )
    op.create_index("ix_search_designs_changed", "search_designs", ["changed"])


def _create_words() -> None:
    if op.get_bind().dialect.name == "sqlite":
        # The words are folded already; this tokenizer takes them as they are. Queries ask for beginnings of words.
        op.execute(
            "CREATE VIRTUAL TABLE search_words USING fts5(words, "
            "content='search_designs', content_rowid='number', tokenize='ascii', detail='none', prefix='2 3 4')"
        )
        return
    op.execute("CREATE TABLE search_words (number bigint PRIMARY KEY REFERENCES search_designs (number), words tsvector NOT NULL)")
    op.execute("CREATE INDEX search_words_words ON search_words USING gin (words)")


def downgrade() -> None:
    for table in ("search_words", "search_items", "search_designs"):
        op.drop_table(table)
