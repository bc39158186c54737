# SPDX-License-Identifier: AGPL-3.0-or-later
"""All that some products take: the parts to be made with what is known of them, what is bought or salvaged, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from commonfab import v1
from commonfab.errors import Refused
from registry.catalogue import Catalogue, hindrances
from registry.licences.compatibility import How, bill_verdict
from registry.lineage.bills import MOST_PIECES, Total, made_whole, multiplied
from registry.lineage.inheritance import manifests_of, reached
from registry.rows import batches, revisions_of, row_of
from registry.tables import REVISIONS

MOST_REVISIONS = 5_000
MOST_BYTES = 3_000_000
"""Of the parts in one answer; a message has 4 MiB, and the lines to be bought need room too."""

PLAIN_RULES = ("licence.bill_aggregate", "licence.bill_bought", "licence.bill_empty")
"""Rules that say no more than that nothing is asked; they are told where they decide, and else left out."""


def closure(catalogue: Catalogue, request: v1.GetClosureRequest) -> v1.GetClosureResponse:
    """All that the products of a request take.

    Errors: `Refused` (`revision.unknown`, `closure.too_large`, `closure.too_many`).
    """
    with catalogue.engine.connect() as connection:
        row = row_of(connection, request.revision)
        if row is None:
            raise Refused("revision.unknown", request.revision)
        manifests = _gathered(connection, row["digest"])
        total = multiplied(row["digest"], request.quantity or 1, manifests)
        revisions = _revisions(connection, total)
    _check_count(total)
    return v1.GetClosureResponse(
        revision=row["digest"],
        make=_to_make(total, manifests, revisions, catalogue),
        buy=total.buy,
        salvage=total.salvage,
        missing=total.missing,
        licences=_licences(row["digest"], total, manifests),
    )


def _gathered(connection: sa.Connection, begin: str) -> dict[str, v1.Manifest]:
    """The manifests of all revisions that bills lead to, those of which only a part is made too."""
    whole = reached(connection, [begin], made_whole, MOST_REVISIONS + 1)
    parts = {line.make.revision for manifest in whole.values() for line in manifest.bill if line.make.part}
    found = {**manifests_of(connection, sorted(parts - whole.keys())), **whole}
    if len(found) > MOST_REVISIONS:
        raise Refused("closure.too_large", most=MOST_REVISIONS)
    return found


def _check_count(total: Total) -> None:
    most = max(total.make.items(), key=lambda entry: entry[1], default=None)
    if most is not None and most[1] > MOST_PIECES:
        raise Refused("closure.too_many", f"{most[1]} of {most[0][1]}")


def _revisions(connection: sa.Connection, total: Total) -> dict[str, v1.Revision]:
    """The revisions of which something is made, with recalls."""
    found: dict[str, v1.Revision] = {}
    for some in batches(dict.fromkeys(digest for digest, _ in total.make)):
        rows = connection.execute(REVISIONS.select().where(REVISIONS.c.digest.in_(some))).mappings().all()
        found |= {revision.digest: revision for revision in revisions_of(connection, rows)}
    return found


def _to_make(
    total: Total, manifests: Mapping[str, v1.Manifest], revisions: Mapping[str, v1.Revision], catalogue: Catalogue
) -> list[v1.PartToMake]:
    wanted: dict[str, dict[str, int]] = {}
    for (digest, part), pieces in total.make.items():
        wanted.setdefault(digest, {})[part] = pieces
    found = []
    for digest, pieces_of in wanted.items():
        manifest = manifests[digest]
        against = hindrances(revisions[digest], catalogue.licences)
        title = manifest.description.title or manifest.design_id
        for inspected in catalogue.inspections.inspected(_only(manifest, pieces_of)):
            pieces = pieces_of[inspected.part.name]
            made = v1.PartToMake(revision=digest, title=title, licence=manifest.licence, quantity=pieces, hindrances=against)
            made.part.CopyFrom(inspected)
            found.append(made)
    return _bounded(found)


def _bounded(parts: list[v1.PartToMake]) -> list[v1.PartToMake]:
    """The parts; without what inspection found where the answer would be longer than a message may be."""
    if sum(part.ByteSize() for part in parts) > MOST_BYTES:
        for part in parts:
            for found in ("report", "makeability", "files", "found_in_text"):
                part.part.ClearField(found)
    return parts


def _only(manifest: v1.Manifest, parts: Mapping[str, int]) -> v1.Manifest:
    """The manifest with only those of its parts that are made."""
    return v1.Manifest(files=manifest.files, parts=[part for part in manifest.parts if part.name in parts])


def _licences(begin: str, total: Total, manifests: Mapping[str, v1.Manifest]) -> list[v1.Reason]:
    """The rule that decides whether all licences go together, then every other one that asks for something."""
    made = dict.fromkeys([*total.products, *(digest for digest, _ in total.make)])
    lines: list[tuple[str, str, How]] = [
        (manifests[digest].description.title or digest, manifests[digest].licence, "make") for digest in made if digest != begin
    ]
    verdict = bill_verdict(manifests[begin].licence, lines)
    first = (verdict.rule.code, verdict.rule.subject)
    others = [rule for rule in verdict.rules if (rule.code, rule.subject) != first and rule.code not in PLAIN_RULES]
    return [verdict.rule, *others]
