# SPDX-License-Identifier: AGPL-3.0-or-later
"""Recalls: a revision that must not be made or used any more. A recall is never taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from commonfab import v1
from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.moments import moment
from registry import knowledge
from registry.evidence.filing import subject
from registry.inspection import Inspections
from registry.limits import LONGEST_LINE, check_length, check_signs
from registry.rows import Published, batches, revision_row
from registry.tables import RECALLS, once


@dataclass(frozen=True)
class Recalls:
    """The recalls of one node."""

    engine: sa.Engine
    inspections: Inspections
    clock: Clock

    def recall(self, caller: v1.Token, said: v1.Recall) -> v1.Recall:
        """Recall a revision; one that is recalled stays so for its first reason.

        Errors: `Refused` (`revision.unknown`, `recall.*`, `request.*`).
        """
        check_signs(said)
        if not said.reason.strip():
            raise Refused("request.missing", "the reason")
        check_length("a reason", said.reason)
        return once(self.engine, lambda connection: self._recall(connection, caller, said))

    def _recall(self, connection: sa.Connection, caller: v1.Token, said: v1.Recall) -> v1.Recall:
        about = subject(connection, said.revision_digest)
        if caller.scope != v1.SCOPE_STEWARD and caller.subject != about.design.keeper:
            raise Refused("recall.keeper", about.design.id)
        if about.revision.HasField("recall"):
            return about.revision.recall
        if said.instead:
            _check_instead(connection, about, said.instead)
        recall, now = v1.Recall(), self.clock.now()
        recall.CopyFrom(said)
        recall.recalled_by = caller.subject
        recall.recalled_at.CopyFrom(moment(now))
        named = about.revision.digest
        connection.execute(RECALLS.insert().values(digest=named, recalled_at=now, message=recall.SerializeToString()))
        knowledge.refresh(connection, self.inspections, [named], {named: v1.CommonsEvent(recalled=recall)})
        return recall

    def recalls(self, digests: Sequence[str]) -> list[v1.Recall]:
        """The recalls of these revisions, oldest first; of all where none is named."""
        found: list[sa.RowMapping] = []
        with self.engine.connect() as connection:
            for some in batches(dict.fromkeys(digests)) if digests else [[]]:
                query = RECALLS.select().where(RECALLS.c.digest.in_(some)) if some else RECALLS.select()
                found += connection.execute(query).mappings().all()
        found.sort(key=lambda row: (row["recalled_at"], row["digest"]))
        return [v1.Recall.FromString(bytes(row["message"])) for row in found]


def _check_instead(connection: sa.Connection, about: Published, instead: str) -> None:
    """Errors: `Refused` (`revision.unknown`, `recall.instead`)."""
    if revision_row(connection, instead) is None:
        raise Refused("revision.unknown", instead[:LONGEST_LINE])
    recalled = connection.execute(sa.select(RECALLS.c.digest).where(RECALLS.c.digest == instead)).first()
    if instead == about.revision.digest or recalled is not None:
        raise Refused("recall.instead", instead)
