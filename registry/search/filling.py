# SPDX-License-Identifier: AGPL-3.0-or-later
"""Keeps what a design is found by, in the transaction that changes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from registry.rows import newest_row
from registry.search import full_text
from registry.search.facts import RULES, Facts, facts_of
from registry.search.tables import SEARCH_DESIGNS, SEARCH_ITEMS

if TYPE_CHECKING:
    from registry.known import Known  # which calls us


def put(connection: sa.Connection, known: Known) -> None:
    """Within a transaction: have a design found by what is known of its newest revision. An older one changes nothing."""
    if not known.newest:
        return
    facts = facts_of(known)
    row = _row(connection, known.design.id)
    if row is None:
        _begin(connection, known.design.id, facts)
        row = _row(connection, known.design.id)
        assert row is not None
    # On PostgreSQL somebody may have published a newer revision since `known` was gathered; now that the row is ours, nobody can.
    newest = newest_row(connection, known.design.id)
    if newest is None or newest["digest"] != known.revision.digest:
        return
    values, begun = facts.values() | {"rules": RULES}, row["changed"] == 0
    if not begun and all(row[column] == value for column, value in values.items()):
        return
    its_row = SEARCH_DESIGNS.c.number == row["number"]
    connection.execute(SEARCH_DESIGNS.update().where(its_row).values(values | {"changed": _now(connection)}))
    full_text.keep(connection, row["number"], None if begun else row["words"], facts.words)
    if begun or row["items"] != facts.items:
        _keep_items(connection, row["number"], facts)


def _row(connection: sa.Connection, design_id: str) -> sa.RowMapping | None:
    """The design's row; nobody else changes it until the end of the transaction."""
    query = sa.select(SEARCH_DESIGNS).where(SEARCH_DESIGNS.c.design_id == design_id).with_for_update()
    return connection.execute(query).mappings().first()


def _begin(connection: sa.Connection, design_id: str, facts: Facts) -> None:
    """A row that says nothing yet. Two that begin the same get one."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    values = facts.values() | {"design_id": design_id, "rules": "", "changed": 0}
    connection.execute(insert(SEARCH_DESIGNS).values(values).on_conflict_do_nothing(index_elements=["design_id"]))


def _keep_items(connection: sa.Connection, number: int, facts: Facts) -> None:
    connection.execute(SEARCH_ITEMS.delete().where(SEARCH_ITEMS.c.number == number))
    names = json.loads(facts.items)
    rows = [
        {"number": number, "place": place, "maker": maker, "model": model, "part_number": part}
        for place, (maker, model, part) in enumerate(names)
    ]
    if rows:
        connection.execute(SEARCH_ITEMS.insert(), rows)


def _now(connection: sa.Connection) -> sa.ColumnElement[int]:
    """What tells readers that a row has changed; see `index.horizon`."""
    if connection.dialect.name == "sqlite":  # one writer at a time
        return sa.select(sa.func.max(SEARCH_DESIGNS.c.changed) + 1).scalar_subquery()
    return sa.cast(sa.cast(sa.func.pg_current_xact_id(), sa.Text), sa.BigInteger)
