# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who names a file: revisions, photographs of build reports and defects, and what inspection drew from a file."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from commonfab import v1
from registry.rows import batches
from registry.tables import BUILD_REPORTS, DEFECTS, INSPECTIONS, REVISION_FILES

AT_ONCE = 200
"""Rows that are held in memory at a time; a report can be large."""


@dataclass(frozen=True)
class Named:
    """A file that something names.

    `by`, a revision, or empty; `drawn_from`, the file it was drawn from by inspection, else empty; `needed`, whether it must be here:
    the photographs of a report that came with a package from another node need not have come with it.
    """

    sha256: str
    by: str = ""
    drawn_from: str = ""
    needed: bool = True


def named_among(connection: sa.Connection, files: Collection[str]) -> set[str]:
    """Those of `files` that something names."""
    found: set[str] = set()
    for some in batches(files):
        found.update(connection.execute(sa.select(REVISION_FILES.c.sha256).where(REVISION_FILES.c.sha256.in_(some))).scalars())
    among = set(files) - found
    found.update(one.sha256 for one in (*photographs(connection), *drawn(connection)) if one.sha256 in among) if among else None
    return found


def named_by_revision(connection: sa.Connection, sha256: str) -> bool:
    """Whether a revision has the file."""
    return connection.execute(sa.select(REVISION_FILES.c.digest).where(REVISION_FILES.c.sha256 == sha256).limit(1)).first() is not None


def all_named(connection: sa.Connection) -> Iterator[Named]:
    """Every file that something names, once for each that does."""
    for row in _rows(connection, sa.select(REVISION_FILES.c.digest, REVISION_FILES.c.sha256)):
        yield Named(row.sha256, row.digest)
    yield from photographs(connection)
    yield from drawn(connection)


def photographs(connection: sa.Connection) -> Iterator[Named]:
    """The photographs of build reports and defects."""
    for row in _rows(connection, sa.select(BUILD_REPORTS.c.digest, BUILD_REPORTS.c.message)):
        kept = v1.KeptBuildReport.FromString(bytes(row.message))
        for sha256 in kept.report.photographs:
            yield Named(sha256, row.digest, needed=not kept.carried)
    for row in _rows(connection, sa.select(DEFECTS.c.digest, DEFECTS.c.message)):
        for sha256 in v1.Defect.FromString(bytes(row.message)).photographs:
            yield Named(sha256, row.digest)


def drawn(connection: sa.Connection) -> Iterator[Named]:
    """The meshes and pictures that inspection made of files."""
    for row in _rows(connection, sa.select(INSPECTIONS.c.sha256, INSPECTIONS.c.report).where(INSPECTIONS.c.report.is_not(None))):
        for sha256 in drawn_in(v1.GeometryReport.FromString(bytes(row.report))):
            yield Named(sha256, drawn_from=row.sha256)


def drawn_in(report: v1.GeometryReport) -> list[str]:
    """The files that a report names."""
    return [*([report.mesh_sha256] if report.mesh_sha256 else []), *(preview.sha256 for preview in report.previews)]


def _rows(connection: sa.Connection, query: sa.Select[tuple[object, ...]]) -> Iterator[sa.Row[tuple[object, ...]]]:
    yield from connection.execute(query.execution_options(yield_per=AT_ONCE))
