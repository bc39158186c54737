# SPDX-License-Identifier: AGPL-3.0-or-later
"""The tables of the search. `migrations/0003_search.py` makes them, and `search_words` beside them, which each database has in its own way.

`search_words` is an FTS5 table over the words of `search_designs` on SQLite, and a table of `tsvector`s on PostgreSQL.
"""

from __future__ import annotations

import sqlalchemy as sa

from registry.tables import METADATA

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")

SEARCH_DESIGNS = sa.Table(
    "search_designs",
    METADATA,
    sa.Column("number", _NUMBER, sa.Identity(), primary_key=True),  # small, and for this database only
    sa.Column("design_id", sa.String(40), sa.ForeignKey("designs.id"), nullable=False, unique=True),
    sa.Column("rules", sa.String(80), nullable=False),  # by which rules it was entered, see `facts.RULES`
    # Which transaction wrote it: readers go on from the one they have seen.
    sa.Column("changed", sa.BigInteger, nullable=False, index=True),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("words", sa.Text, nullable=False),  # as `words.stored` has them
    sa.Column("ways", sa.Text, nullable=False),  # JSON: for each part, the processes it can be made by
    sa.Column("materials", sa.Text, nullable=False),  # JSON: what parts demand; "" where one demands nothing
    sa.Column("licences", sa.Text, nullable=False),  # JSON: the expression and its alternatives
    sa.Column("kind", sa.Integer, nullable=False),  # v1.DesignKind
    sa.Column("maturity", sa.Integer, nullable=False),  # v1.Maturity
    sa.Column("recalled", sa.Boolean, nullable=False),
    sa.Column("keeper", sa.Text, nullable=False),
    sa.Column("items", sa.Text, nullable=False),  # JSON: maker, model, part number of what it fits or replaces
    # What the parts need, mm: of each the shortest side, the middle one and the longest; the largest of all. NULL where one is not known.
    sa.Column("short_mm", sa.Float),
    sa.Column("middle_mm", sa.Float),
    sa.Column("long_mm", sa.Float),
)
"""What each design is found by: its newest revision."""

SEARCH_ITEMS = sa.Table(
    "search_items",
    METADATA,
    sa.Column("number", _NUMBER, sa.ForeignKey("search_designs.number"), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),  # in `items`
    sa.Column("maker", sa.Text, nullable=False),  # as `words.name_of` has it
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("part_number", sa.Text, nullable=False),
    sa.Index("search_items_by_maker", "maker", "model"),
    sa.Index("search_items_by_model", "model"),
    sa.Index("search_items_by_part_number", "part_number"),
)
"""`search_designs.items`, to be looked up."""
