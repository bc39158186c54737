# SPDX-License-Identifier: AGPL-3.0-or-later
"""From rows of SQL to the messages of the contract: designs and revisions as they stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from commonfab import v1
from commonfab.moments import moment
from commonfab.paging import not_a_token, page_size
from registry.tables import DEFECTS, DESIGNS, RECALLS, REVISIONS

MOST_AT_ONCE = 500
"""Values in one SQL statement; every database takes that many."""


@dataclass(frozen=True)
class Published:
    """A design as it stands, and one revision of it."""

    design: v1.Design
    revision: v1.Revision


def design_row(connection: sa.Connection, design_id: str) -> sa.RowMapping | None:
    """The row of a design, or None."""
    return connection.execute(DESIGNS.select().where(DESIGNS.c.id == design_id)).mappings().first()


def revision_row(connection: sa.Connection, named: str) -> sa.RowMapping | None:
    """The row of the revision with this digest, or None."""
    return connection.execute(REVISIONS.select().where(REVISIONS.c.digest == named)).mappings().first()


def newest_row(connection: sa.Connection, design_id: str) -> sa.RowMapping | None:
    """The row of the newest revision of a design, or None."""
    query = REVISIONS.select().where(REVISIONS.c.design_id == design_id).order_by(REVISIONS.c.number.desc()).limit(1)
    return connection.execute(query).mappings().first()


def row_of(connection: sa.Connection, name: str) -> sa.RowMapping | None:
    """The row of the revision with this digest, else of the newest one of the design with this id, else None."""
    return revision_row(connection, name) or newest_row(connection, name)


def published(connection: sa.Connection, named: str) -> Published:
    """The revision with this digest, which must be there, and its design."""
    row = revision_row(connection, named)
    assert row is not None
    return Published(designs_of(connection, [row["design_id"]])[0], revisions_of(connection, [row])[0])


def newest_first(
    connection: sa.Connection, table: sa.Table, since: sa.Column[float], size: int, token: str, *which: sa.ColumnElement[bool]
) -> tuple[list[str], str]:
    """The ids of a page of a table, newest first, and the token of the next page: the id of the last row of this one.

    Parameters: `since`, the column of seconds that rows are in order of; `size` and `token`, as the request has them; `which`, what must
    hold of a row. Errors: `Refused` (`page.token`).
    """
    size = page_size(size)
    query = sa.select(table.c.id).where(*which).order_by(since.desc(), table.c.id.desc()).limit(size + 1)
    if token:
        last = connection.execute(sa.select(since).where(table.c.id == token)).scalar()
        if last is None:
            raise not_a_token(token)
        query = query.where(sa.tuple_(since, table.c.id) < sa.tuple_(sa.literal(last), sa.literal(token)))
    found = list(connection.execute(query).scalars())
    return found[:size], found[size - 1] if len(found) > size else ""


def designs_of(connection: sa.Connection, design_ids: Sequence[str]) -> list[v1.Design]:
    """These designs in this order, each as its newest revision has it; those that are not here are left out."""
    found: dict[str, v1.Design] = {}
    for some in batches(design_ids):
        others = REVISIONS.alias()
        newest = sa.select(sa.func.max(others.c.number)).where(others.c.design_id == DESIGNS.c.id).correlate(DESIGNS).scalar_subquery()
        query = (
            sa.select(DESIGNS, REVISIONS)
            .select_from(DESIGNS)
            .join(REVISIONS, (REVISIONS.c.design_id == DESIGNS.c.id) & (REVISIONS.c.number == newest))
            .where(DESIGNS.c.id.in_(some))
        )
        rows = connection.execute(query).mappings().all()
        for row, revision in zip(rows, revisions_of(connection, rows), strict=True):
            found[row[DESIGNS.c.id]] = _design(row, revision)
    return [found[design_id] for design_id in design_ids if design_id in found]


def revisions_of(connection: sa.Connection, rows: Sequence[sa.RowMapping]) -> list[v1.Revision]:
    """The revisions of these rows, with what is known of each: maturity, recall, open defects."""
    named = [row[REVISIONS.c.digest] for row in rows]
    recalls, defects = _recalls(connection, named), _open_defects(connection, named)
    return [_revision(row, recalls.get(row[REVISIONS.c.digest]), defects.get(row[REVISIONS.c.digest], 0)) for row in rows]


def _recalls(connection: sa.Connection, digests: Sequence[str]) -> dict[str, v1.Recall]:
    found: dict[str, v1.Recall] = {}
    for some in batches(digests):
        rows = connection.execute(sa.select(RECALLS).where(RECALLS.c.digest.in_(some)))
        found |= {row.digest: v1.Recall.FromString(bytes(row.message)) for row in rows}
    return found


def _open_defects(connection: sa.Connection, digests: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in batches(digests):
        still_open = DEFECTS.c.digest.in_(some) & DEFECTS.c.closed_at.is_(None)
        counted = sa.select(DEFECTS.c.digest, sa.func.count()).where(still_open).group_by(DEFECTS.c.digest)
        found |= {row.digest: row[1] for row in connection.execute(counted)}
    return found


def _design(row: sa.RowMapping, newest: v1.Revision) -> v1.Design:
    design = v1.Design.FromString(bytes(row[DESIGNS.c.message]))
    manifest = newest.manifest
    if manifest.HasField("description"):  # revisions from before there were descriptions have none
        said = manifest.description
        design.title, design.summary, design.tags[:] = said.title, said.summary, said.tags
        design.description.CopyFrom(said)
    design.id, design.keeper = row[DESIGNS.c.id], row[DESIGNS.c.keeper]
    design.latest_revision, design.licence = newest.digest, manifest.licence
    design.maturity, design.recalled = newest.maturity, newest.HasField("recall")
    design.created_at.CopyFrom(moment(row[DESIGNS.c.created_at]))
    return design


def _revision(row: sa.RowMapping, recall: v1.Recall | None, open_defects: int) -> v1.Revision:
    signed = row[REVISIONS.c.signature]
    return v1.Revision(
        digest=row[REVISIONS.c.digest],
        number=row[REVISIONS.c.number],
        manifest=v1.Manifest.FromString(bytes(row[REVISIONS.c.manifest])),
        author=row[REVISIONS.c.author],
        published_at=moment(row[REVISIONS.c.published_at]),
        signature=v1.Signature.FromString(bytes(signed)) if signed is not None else None,
        maturity=row[REVISIONS.c.maturity],
        recall=recall,
        open_defects=open_defects,
    )


def batches(values: Iterable[str]) -> Iterable[list[str]]:
    """`values` in lists that one SQL statement takes."""
    whole = list(values)
    return (whole[begin : begin + MOST_AT_ONCE] for begin in range(0, len(whole), MOST_AT_ONCE))
