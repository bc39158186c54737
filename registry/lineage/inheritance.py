# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a revision inherits: its ancestors, the licences of what it is built of, and the works that its notice names.

Every walk goes level by level, one SQL statement a level, sees each revision once, and has an end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa

from commonfab import v1
from registry.licences.compatibility import How
from registry.licences.expressions import branches
from registry.licences.notice import MOST_GENERATIONS, NoticeEntry
from registry.licences.understanding import Licences
from registry.lineage.relations import parents_of
from registry.rows import batches
from registry.tables import REVISIONS

MOST_ANCESTORS = 10_000
MOST_NAMED = 1_000
"""Works that one notice names. What is beyond stands in the notices of those that are named."""

Parents = Callable[[v1.Manifest], Sequence[str]]


def manifests_of(connection: sa.Connection, digests: Iterable[str]) -> dict[str, v1.Manifest]:
    """By digest, the manifests of those revisions that are here."""
    found: dict[str, v1.Manifest] = {}
    for some in batches(dict.fromkeys(digests)):
        query = sa.select(REVISIONS.c.digest, REVISIONS.c.manifest).where(REVISIONS.c.digest.in_(some))
        found |= {row.digest: v1.Manifest.FromString(bytes(row.manifest)) for row in connection.execute(query)}
    return found


def reached(
    connection: sa.Connection, begin: Iterable[str], onward: Parents, most: int, generations: int | None = None
) -> dict[str, v1.Manifest]:
    """What is reached from `begin` by going `onward` from manifest to manifest, the nearest first; `begin` itself is part of it."""
    found: dict[str, v1.Manifest] = {}
    frontier, generation = list(dict.fromkeys(begin)), 0
    while frontier and len(found) < most and (generations is None or generation <= generations):
        level = manifests_of(connection, frontier)
        found |= {named: level[named] for named in frontier if named in level}
        onwards = dict.fromkeys(further for named in frontier if named in level for further in onward(level[named]))
        frontier = [named for named in onwards if named not in found][: most - len(found)]
        generation += 1
    return found


def ancestors(connection: sa.Connection, parents: Sequence[str]) -> dict[str, v1.Manifest]:
    """The manifests of `parents` and of all that they derive from, by digest, the nearest first."""
    return reached(connection, parents, parents_of, MOST_ANCESTORS)


def bill_lines(manifest: v1.Manifest, here: Mapping[str, v1.Manifest]) -> list[tuple[str, str, How]]:
    """Name and licence of each line of a bill that is made or bought, for a verdict. What is made and not `here` says nothing."""
    lines: list[tuple[str, str, How]] = []
    for line in manifest.bill:
        if line.HasField("make") and line.make.revision in here:
            lines.append((line.name, here[line.make.revision].licence, "make"))
        elif line.HasField("buy"):
            lines.append((line.name, "", "buy"))
    return lines


def notice_entries(connection: sa.Connection, digest: str, licences: Licences | None) -> list[NoticeEntry]:
    """The works that the notice of a revision names: itself, and what its bill makes, each above those that it derives from."""
    built = reached(connection, [digest], _made, MOST_NAMED, MOST_GENERATIONS)
    parents = (parent for manifest in built.values() for parent in parents_of(manifest))
    older = reached(connection, parents, parents_of, MOST_NAMED, MOST_GENERATIONS)
    names = _names_in_bills(built)
    made: dict[str, NoticeEntry] = {}
    everything = {**older, **built}
    for named in _parents_first(everything):
        above = tuple(made[parent] for parent in parents_of(everything[named]) if parent in made)
        made[named] = _entry(named, everything[named], above, licences)
    return [_part_of(made[named], names.get(named, "")) for named in built if named in made]


def _made(manifest: v1.Manifest) -> list[str]:
    return list(dict.fromkeys(line.make.revision for line in manifest.bill if line.HasField("make")))


def _names_in_bills(built: Mapping[str, v1.Manifest]) -> dict[str, str]:
    names: dict[str, str] = {}
    for manifest in built.values():
        for line in manifest.bill:
            if line.HasField("make"):
                names.setdefault(line.make.revision, line.name)
    return names


def _parents_first(manifests: Mapping[str, v1.Manifest]) -> list[str]:
    """The digests in an order in which each stands behind what it derives from. What goes in a circle, which no digest can, is left out."""
    children: dict[str, list[str]] = {}
    waits: dict[str, int] = {}
    for named, manifest in manifests.items():
        here = [parent for parent in parents_of(manifest) if parent in manifests]
        waits[named] = len(here)
        for parent in here:
            children.setdefault(parent, []).append(named)
    ready, order = [named for named, count in waits.items() if not count], list[str]()
    while ready:
        named = ready.pop()
        order.append(named)
        for child in children.get(named, ()):
            waits[child] -= 1
            if not waits[child]:
                ready.append(child)
    return order


def _entry(digest: str, manifest: v1.Manifest, parents: tuple[NoticeEntry, ...], licences: Licences | None) -> NoticeEntry:
    said = manifest.description
    return NoticeEntry(
        title=said.title or manifest.design_id,
        authors=tuple(said.authors),
        licence=manifest.licence,
        known=_known(manifest.licence, licences),
        documentation_licence=manifest.documentation_licence,
        software_licence=manifest.software_licence,
        source=digest,
        changes=manifest.note,
        parents=parents,
    )


def _part_of(entry: NoticeEntry, name: str) -> NoticeEntry:
    return replace(entry, part_of=name) if name else entry


def _known(licence: str, licences: Licences | None) -> bool:
    return bool(branches(licence)) if licences is None else licences.routable(licence) is None
