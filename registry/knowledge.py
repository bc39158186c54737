# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is known of a revision, gathered whenever something about it changes, so that lists and searches need not gather it anew.

A revision's manifest never changes; its inspection, its build reports, defects and recalls do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import sqlalchemy as sa

from commonfab import v1
from registry.evidence import events
from registry.evidence.maturity import maturity_of
from registry.inspection import Inspections
from registry.known import Known
from registry.rows import Published, batches, published
from registry.search.filling import put
from registry.tables import BUILD_REPORTS, REVISION_FILES, REVISIONS

NOTHING_TOLD: Mapping[str, v1.CommonsEvent] = MappingProxyType({})


def refresh(
    connection: sa.Connection, inspections: Inspections, digests: Iterable[str], told: Mapping[str, v1.CommonsEvent] = NOTHING_TOLD
) -> None:
    """Within a transaction, after everything else that it changes: compute anew what follows from what is known of these revisions.

    Parameters: `told`, by digest, what happened to revisions of these; it is told to whoever follows, and so is what follows from it.
    """
    ordered = sorted(set(digests))
    _keep(connection, ordered)
    happened: list[tuple[v1.Design, v1.CommonsEvent]] = []
    for named in ordered:
        known = _gather(connection, inspections, published(connection, named))
        computed, before = maturity_of(known.parts, known.reports), known.revision.maturity
        connection.execute(REVISIONS.update().where(REVISIONS.c.digest == named).values(maturity=computed))
        known.revision.maturity = computed
        put(connection, known)
        if named in told:
            happened.append((known.design, known.about(told[named])))
        # Of one that was never computed and is not new there is nothing to tell: it is from before there was maturity. A new one may have
        # files that were inspected before, and has come so far at once.
        if before != computed and (before or (named in told and computed > v1.MATURITY_DRAFT)):
            changed = v1.MaturityChanged(digest=named, before=before, now=computed)
            happened.append((known.design, known.about(v1.CommonsEvent(maturity_changed=changed))))
    for design, event in happened:  # last, as `events.add` asks for
        events.add(connection, inspections.clock.now(), design, event)


def _keep(connection: sa.Connection, digests: Sequence[str]) -> None:
    """Let nobody else compute anew for these revisions until the end of the transaction, or two would each miss what the other changed.

    In their order, so that two never wait for each other. SQLite has one writer at a time anyhow.
    """
    for some in batches(digests):
        query = sa.select(REVISIONS.c.digest).where(REVISIONS.c.digest.in_(some)).order_by(REVISIONS.c.digest)
        connection.execute(query.with_for_update(key_share=True)).all()


def refresh_of_file(connection: sa.Connection, inspections: Inspections, sha256: str) -> None:
    """The same for every revision that has this file. Errors: `sqlalchemy.exc.OperationalError`."""
    named = connection.execute(sa.select(REVISION_FILES.c.digest).where(REVISION_FILES.c.sha256 == sha256)).scalars().all()
    refresh(connection, inspections, named)


def _gather(connection: sa.Connection, inspections: Inspections, of: Published) -> Known:
    rows = connection.execute(sa.select(BUILD_REPORTS.c.message).where(BUILD_REPORTS.c.digest == of.revision.digest)).scalars()
    reports = tuple(v1.KeptBuildReport.FromString(bytes(row)) for row in rows)
    parts = tuple(inspections.inspected(of.revision.manifest, connection=connection))
    return Known(of.design, of.revision, parts, reports)
