# SPDX-License-Identifier: AGPL-3.0-or-later
"""Defects: filed by anybody, closed by a revision that mends them, or with a word on why it is none."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import sqlalchemy as sa

from commonfab import v1
from commonfab.canonical import canonical_json
from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.ids import Ids
from commonfab.moments import moment
from registry import knowledge
from registry.blobs import BlobStore
from registry.evidence.filing import MOST_PHOTOGRAPHS, page, subject
from registry.housekeeping.garbage import spare
from registry.inspection import Inspections
from registry.limits import LONGEST_LINE, check_count, check_length, check_signs
from registry.rows import published, revision_row
from registry.tables import DEFECTS, once


@dataclass(frozen=True)
class Defects:
    """The defects of one node."""

    engine: sa.Engine
    blobs: BlobStore
    inspections: Inspections
    clock: Clock
    ids: Ids

    def file(self, caller: v1.Token, said: v1.Defect) -> v1.Defect:
        """File a defect. The same of the same caller again gives the first, as it stands now.

        Errors: `Refused` (`revision.unknown`, `evidence.part`, `file.unknown`, `request.*`).
        """
        _check(said)
        defect = v1.Defect()
        defect.CopyFrom(said)  # and not field by field: what this version does not know stays
        for set_by_us in ("id", "filed_by", "filed_at", "fixed_by", "closed_at", "closing_note"):
            defect.ClearField(set_by_us)
        origin = hashlib.sha256(json.dumps([caller.subject, canonical_json(defect).decode()]).encode()).hexdigest()
        self.blobs.settle(dict.fromkeys(defect.photographs))
        return once(self.engine, lambda connection: self._file(connection, caller, defect, origin))

    def _file(self, connection: sa.Connection, caller: v1.Token, said: v1.Defect, origin: str) -> v1.Defect:
        about = subject(connection, said.revision_digest, said.part_name)
        row = connection.execute(sa.select(DEFECTS.c.message).where(DEFECTS.c.origin == origin)).scalar()
        if row is not None:
            return v1.Defect.FromString(bytes(row))
        spare(connection, set(said.photographs), self.blobs)
        defect, now = v1.Defect(), self.clock.now()
        defect.CopyFrom(said)
        defect.id, defect.filed_by = self.ids("defect"), caller.subject
        defect.filed_at.CopyFrom(moment(now))
        values = {
            "id": defect.id,
            "origin": origin,
            "digest": about.revision.digest,
            "design_id": about.design.id,
            "filed_at": now,
            "message": defect.SerializeToString(),
        }
        connection.execute(DEFECTS.insert().values(values))
        self._tell(connection, v1.CommonsEvent(defect_filed=defect), defect)
        return defect

    def close(self, caller: v1.Token, request: v1.CloseDefectRequest) -> v1.Defect:
        """Close a defect; one that is closed stays as it is.

        Errors: `Refused` (`defect.*`, `request.*`).
        """
        check_signs(request)
        check_length("a note", request.note)
        if not request.fixed_by and not request.note.strip():
            raise Refused("request.missing", "the revision that mends it, or a note why it is no defect")
        return once(self.engine, lambda connection: self._close(connection, caller, request))

    def _close(self, connection: sa.Connection, caller: v1.Token, request: v1.CloseDefectRequest) -> v1.Defect:
        row = connection.execute(DEFECTS.select().where(DEFECTS.c.id == request.id).with_for_update()).mappings().first()
        if row is None:
            raise Refused("defect.unknown", request.id[:LONGEST_LINE])
        defect = v1.Defect.FromString(bytes(row["message"]))
        _check_closer(connection, caller, defect)
        if row["closed_at"] is not None:
            return defect
        if request.fixed_by:
            _check_fix(connection, defect, request.fixed_by)
        now = self.clock.now()
        defect.fixed_by, defect.closing_note = request.fixed_by, request.note
        defect.closed_at.CopyFrom(moment(now))
        closed = {"closed_at": now, "message": defect.SerializeToString()}
        connection.execute(DEFECTS.update().where(DEFECTS.c.id == defect.id).values(closed))
        self._tell(connection, v1.CommonsEvent(defect_closed=defect), defect)
        return defect

    def defects(self, request: v1.ListDefectsRequest) -> v1.ListDefectsResponse:
        """Defects of a revision or a design, newest first. Errors: `Refused` (`revision.unknown`, `page.token`)."""
        which = [] if request.closed_too else [DEFECTS.c.closed_at.is_(None)]
        with self.engine.connect() as connection:
            filed = DEFECTS.c.filed_at
            found, following = page(connection, request.of, DEFECTS, filed, request.page_size, request.page_token, *which)
        return v1.ListDefectsResponse(defects=map(v1.Defect.FromString, found), next_page_token=following)

    def _tell(self, connection: sa.Connection, event: v1.CommonsEvent, defect: v1.Defect) -> None:
        named = defect.revision_digest
        knowledge.refresh(connection, self.inspections, [named], {named: event})


def _check(said: v1.Defect) -> None:
    """Errors: `Refused` (`request.*`)."""
    check_signs(said)
    if not said.title.strip():
        raise Refused("request.missing", "a title")
    check_length("a title", said.title, LONGEST_LINE)
    check_length("details", said.details)
    check_count("the photographs", said.photographs, MOST_PHOTOGRAPHS)
    if said.severity not in v1.Severity.values():
        raise Refused("request.malformed", f"{said.severity} is no severity")


def _check_closer(connection: sa.Connection, caller: v1.Token, defect: v1.Defect) -> None:
    """Errors: `Refused` (`defect.closer`)."""
    keeper = published(connection, defect.revision_digest).design.keeper
    if caller.scope != v1.SCOPE_STEWARD and caller.subject not in (keeper, defect.filed_by):
        raise Refused("defect.closer", defect.id)


def _check_fix(connection: sa.Connection, defect: v1.Defect, fixed_by: str) -> None:
    """Errors: `Refused` (`defect.fix`)."""
    had, mends = revision_row(connection, defect.revision_digest), revision_row(connection, fixed_by)
    assert had is not None
    if mends is None or mends["design_id"] != had["design_id"] or mends["number"] <= had["number"]:
        raise Refused("defect.fix", fixed_by[:LONGEST_LINE])
