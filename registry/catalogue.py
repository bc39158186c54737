# SPDX-License-Identifier: AGPL-3.0-or-later
"""The catalogue: designs, and immutable revisions named by the digest of their manifest, for reading."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from commonfab import v1
from commonfab.errors import Refused
from commonfab.recalled import recall_reason
from registry.inspection import Inspections
from registry.licences import Licences
from registry.lineage import references as lineage
from registry.rows import Published, designs_of, newest_first, published, revisions_of, row_of
from registry.tables import DESIGNS, REVISIONS


@dataclass(frozen=True)
class Catalogue:
    """The designs of one node."""

    engine: sa.Engine
    inspections: Inspections
    licences: Licences

    def design(self, design_id: str) -> v1.GetDesignResponse:
        """A design and its revisions, newest first. Errors: `Refused` (`design.unknown`)."""
        with self.engine.connect() as connection:
            found = designs_of(connection, [design_id])
            if not found:
                raise Refused("design.unknown", design_id)
            query = REVISIONS.select().where(REVISIONS.c.design_id == design_id).order_by(REVISIONS.c.number.desc())
            revisions = revisions_of(connection, connection.execute(query).mappings().all())
        return v1.GetDesignResponse(design=found[0], revisions=revisions)

    def revision(self, name: str) -> Published:
        """The revision with this digest, or the newest of the design with this id. Errors: `Refused` (`revision.unknown`)."""
        with self.engine.connect() as connection:
            row = row_of(connection, name)
            if row is None:
                raise Refused("revision.unknown", name)
            return published(connection, row["digest"])

    def known(self, name: str, material: str = "") -> v1.GetRevisionResponse:
        """A revision with all that is known of it. Parameters: as `revision`; `material`, as `Inspections.inspected` has it.

        Errors: `Refused` (`revision.unknown`).
        """
        found = self.revision(name)
        return v1.GetRevisionResponse(
            design=found.design,
            revision=found.revision,
            parts=self.inspections.inspected(found.revision.manifest, material),
            hindrances=hindrances(found.revision, self.licences),
            notice=lineage.notice(self.engine, found.revision.digest, self.licences),
        )

    def designs(self, page_size: int, page_token: str) -> v1.ListDesignsResponse:
        """A page of designs, newest first. Errors: `Refused` (`page.token`)."""
        with self.engine.connect() as connection:
            found, following = newest_first(connection, DESIGNS, DESIGNS.c.created_at, page_size, page_token)
            return v1.ListDesignsResponse(designs=designs_of(connection, found), next_page_token=following)


def hindrances(revision: v1.Revision, licences: Licences) -> list[v1.Reason]:
    """Why no job can be made of a revision; nothing where one can."""
    found = []
    if revision.HasField("recall"):
        found.append(recall_reason(revision.recall))
    unknown = licences.routable(revision.manifest.licence)
    return found if unknown is None else [*found, unknown]
