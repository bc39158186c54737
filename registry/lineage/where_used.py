# SPDX-License-Identifier: AGPL-3.0-or-later
"""What refers to a revision or a design: users, forks, variants, and what is made with it; level by level, one SQL statement each."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from commonfab import v1
from commonfab.canonical import is_sha256
from commonfab.errors import Refused
from registry.rows import batches
from registry.tables import DESIGNS, LINEAGE, REVISIONS

MOST_USES = 5_000
"""References in one answer; with longer titles than most they still fit into a message of 4 MiB."""


@dataclass(frozen=True)
class _Reference:
    """A row of lineage with the revision that refers."""

    digest: str
    relation: int
    of: str
    quantity: float
    design_id: str
    title: str
    number: int
    newest: int


def where_used(engine: sa.Engine, request: v1.WhereUsedRequest) -> v1.WhereUsedResponse:
    """What refers to the revision or design that the request names, nearest first.

    Of a design that refers with several revisions, the newest is told for each thing that it refers to. What a design's own revisions
    derive from each other is left out where the design was asked for. Errors: `Refused` (`revision.unknown`).
    """
    with engine.connect() as connection:
        begin = _named(connection, request.of)
        own = "" if request.of in begin else request.of
        seen, frontier, distance = set(begin), list(begin), 1
        uses: dict[tuple[str, int, str], v1.Use] = {}
        while frontier and len(uses) <= MOST_USES:
            found = [one for one in _referring(connection, frontier, request.relations) if one.design_id != own]
            for use in _uses(found, distance):
                uses.setdefault((use.design_id, use.relation, use.of), use)
            frontier = sorted({one.digest for one in found} - seen) if request.all_the_way else []
            seen |= set(frontier)
            distance += 1
    ordered = sorted(uses.values(), key=lambda use: (use.distance, use.title, use.design_id, use.relation, use.of))
    return v1.WhereUsedResponse(uses=ordered[:MOST_USES], more=len(ordered) > MOST_USES)


def _named(connection: sa.Connection, name: str) -> list[str]:
    """The digests that a name stands for. One that is not here may be in a bill all the same."""
    query = sa.select(REVISIONS.c.digest).where(REVISIONS.c.design_id == name)
    if found := list(connection.execute(query).scalars()):
        return found
    if not is_sha256(name):
        raise Refused("revision.unknown", name)
    known = sa.union(
        sa.select(REVISIONS.c.digest).where(REVISIONS.c.digest == name), sa.select(LINEAGE.c.of_digest).where(LINEAGE.c.of_digest == name)
    )
    if connection.execute(known).first() is None:
        raise Refused("revision.unknown", name)
    return [name]


def _referring(connection: sa.Connection, of: Iterable[str], relations: Collection[int]) -> list[_Reference]:
    """Every row that refers to one of these."""
    others = REVISIONS.alias()
    newest = sa.select(sa.func.max(others.c.number)).where(others.c.design_id == DESIGNS.c.id).correlate(DESIGNS).scalar_subquery()
    rows, its = LINEAGE.c, REVISIONS.c
    columns = (rows.digest, rows.relation, rows.of_digest, rows.quantity, its.design_id, DESIGNS.c.title, its.number, newest)
    joined = LINEAGE.join(REVISIONS, its.digest == rows.digest).join(DESIGNS, DESIGNS.c.id == its.design_id)
    found: list[_Reference] = []
    for some in batches(of):
        query = sa.select(*columns).select_from(joined).where(rows.of_digest.in_(some))
        if relations:
            query = query.where(rows.relation.in_(sorted(set(relations))))
        found += [_Reference(*row) for row in connection.execute(query)]
    return found


def _uses(found: Iterable[_Reference], distance: int) -> Iterable[v1.Use]:
    newest: dict[tuple[str, int, str], _Reference] = {}
    for one in found:
        key = (one.design_id, one.relation, one.of)
        if key not in newest or newest[key].number < one.number:
            newest[key] = one
    for one in newest.values():
        yield v1.Use(
            design_id=one.design_id,
            title=one.title,
            digest=one.digest,
            relation=one.relation,  # type: ignore[arg-type]  # a relation of a later version is told by its number
            of=one.of,
            quantity=one.quantity,
            distance=distance,
            current=one.number == one.newest,
        )
