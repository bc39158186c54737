# SPDX-License-Identifier: AGPL-3.0-or-later
"""The catalogue: designs, and immutable revisions named by the digest of their manifest.

Everything that one publication changes is changed in one transaction. Publishing the same again gives the same revision, so a caller that
lost the answer simply calls again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import sqlalchemy as sa
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode

from commonfab import v1
from commonfab.canonical import digest
from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.ids import Ids
from commonfab.reasons import REASONS
from registry.blobs import BlobStore
from registry.findings import measured_paths
from registry.geometry.faults import Unmeasurable
from registry.geometry.sniff import check_promise
from registry.inspection import Inspections, subjects_of
from registry.licences import Licences
from registry.manifests import check_texts, in_order
from registry.tables import DESIGNS, REVISIONS, writing

DEFAULT_PAGE = 50
LARGEST_PAGE = 500
RACES = 3
"""Two callers that publish the same at once collide at most once: the second try finds what the first caller stored."""


@dataclass(frozen=True)
class Published:
    """A design as it stands, and one revision of it."""

    design: v1.Design
    revision: v1.Revision


@dataclass(frozen=True)
class Catalogue:
    """The designs of one node."""

    engine: sa.Engine
    blobs: BlobStore
    inspections: Inspections
    licences: Licences
    clock: Clock
    ids: Ids

    def publish(self, caller: v1.Token, design: v1.Design, manifest: v1.Manifest) -> Published:
        """Publish a revision of a new design, or of one that the caller keeps; then have its parts inspected.

        Errors: `Refused` (`licence.*`, `revision.*`, `file.…`, `design.unknown`, `design.keeper`, `request.*`).
        """
        check_texts(design)
        asked = in_order(manifest, self.licences, self.blobs.size)
        if design.id and manifest.design_id and design.id != manifest.design_id:
            raise Refused("request.malformed", f"the call is for design {design.id}, its manifest for {manifest.design_id}")
        asked.design_id = design.id or manifest.design_id
        if not asked.design_id and not design.title.strip():
            raise Refused("request.missing", "a title")
        for path in dict.fromkeys(path for part in asked.parts for path in measured_paths(part)):
            self._check_promise(path, asked)
        for race in range(RACES):
            try:
                with writing(self.engine) as connection:
                    published = self._publish(connection, caller, design, asked)
                break
            except sa.exc.IntegrityError:
                if race == RACES - 1:
                    raise
        subjects = set(subjects_of(published.revision.manifest))
        self.inspections.send(sorted(subjects - self.inspections.reports(subjects).keys()))
        return published

    def _check_promise(self, path: str, manifest: v1.Manifest) -> None:
        """Errors: `Refused` (`file.…`) where a part's file plainly is not what its name says, so that nobody waits for its inspection."""
        entry = next(entry for entry in manifest.files if entry.path == path)
        try:
            check_promise(self.blobs.path(entry.sha256), path)
        except Unmeasurable as fault:
            fault.reason.message = f"{path}: {fault.reason.message}"
            told = v1.Refusal(reason=fault.reason, remedy=REASONS[fault.reason.code].remedy)
            raise Refused.relayed(told, StatusCode.INVALID_ARGUMENT) from None

    def _publish(self, connection: sa.Connection, caller: v1.Token, design: v1.Design, asked: v1.Manifest) -> Published:
        same = self._same(connection, caller, design, asked)
        if same is not None:
            return same
        if asked.parent and _revision_row(connection, asked.parent) is None:
            raise Refused("revision.unknown", asked.parent)
        manifest = v1.Manifest()
        manifest.CopyFrom(asked)
        number = 1
        if manifest.design_id:
            number = self._revisions_of(connection, manifest.design_id) + 1
            self._retouch(connection, design, manifest.design_id)
        else:
            manifest.design_id = self._new_design(connection, caller, design, asked)
        named = digest(manifest)
        values = {
            "digest": named,
            "design_id": manifest.design_id,
            "number": number,
            "content": _content(manifest),
            "manifest": manifest.SerializeToString(),
            "author": caller.subject,
            "published_at": self.clock.now(),
        }
        connection.execute(REVISIONS.insert().values(values))
        self.inspections.note_waiting(connection, subjects_of(manifest))
        return _published(connection, named)

    def _same(self, connection: sa.Connection, caller: v1.Token, design: v1.Design, asked: v1.Manifest) -> Published | None:
        """The revision that already says exactly this, in the design asked for, else in one of the caller's of the same title.

        Errors: `Refused` (`design.unknown`, `design.keeper`).
        """
        if asked.design_id:
            row = _design_row(connection, asked.design_id)
            if row is None:
                raise Refused("design.unknown", asked.design_id)
            if row["keeper"] != caller.subject and caller.scope != v1.SCOPE_STEWARD:
                raise Refused("design.keeper", asked.design_id)
            known = _revision_row(connection, digest(asked))
            return _published(connection, known["digest"]) if known is not None else None
        same_title = (DESIGNS.c.keeper == caller.subject) & (DESIGNS.c.title == design.title)
        query = (
            sa.select(REVISIONS.c.digest)
            .join(DESIGNS, DESIGNS.c.id == REVISIONS.c.design_id)
            .where(REVISIONS.c.content == _content(asked), same_title | (DESIGNS.c.origin == _origin(caller, design, asked)))
            .order_by(REVISIONS.c.published_at)
        )
        found = connection.execute(query).scalar()
        return _published(connection, found) if found is not None else None

    def _revisions_of(self, connection: sa.Connection, design_id: str) -> int:
        return connection.execute(sa.select(sa.func.count()).where(REVISIONS.c.design_id == design_id)).scalar_one()

    def _new_design(self, connection: sa.Connection, caller: v1.Token, design: v1.Design, asked: v1.Manifest) -> str:
        design_id = self.ids("design")
        kept = v1.Design()
        kept.CopyFrom(design)
        for set_by_us in ("id", "keeper", "latest_revision", "licence", "created_at"):
            kept.ClearField(set_by_us)
        values = {
            "id": design_id,
            "origin": _origin(caller, design, asked),
            "title": design.title,
            "keeper": caller.subject,
            "message": kept.SerializeToString(),
            "created_at": self.clock.now(),
        }
        connection.execute(DESIGNS.insert().values(values))
        return design_id

    def _retouch(self, connection: sa.Connection, design: v1.Design, design_id: str) -> None:
        """A new revision may come with a new title, summary or tags; what is left out stays as it was."""
        row = _design_row(connection, design_id)
        assert row is not None
        kept = v1.Design.FromString(row["message"])
        kept.title = design.title or kept.title
        kept.summary = design.summary or kept.summary
        if design.tags:
            kept.tags[:] = design.tags
        values = {"title": kept.title, "message": kept.SerializeToString()}
        connection.execute(DESIGNS.update().where(DESIGNS.c.id == design_id).values(values))

    def design(self, design_id: str) -> v1.GetDesignResponse:
        """A design and its revisions, newest first. Errors: `Refused` (`design.unknown`)."""
        with self.engine.connect() as connection:
            row = _design_row(connection, design_id)
            if row is None:
                raise Refused("design.unknown", design_id)
            query = REVISIONS.select().where(REVISIONS.c.design_id == design_id).order_by(REVISIONS.c.number.desc())
            revisions = [_revision(found) for found in connection.execute(query).mappings()]
        return v1.GetDesignResponse(design=_design(row, revisions[0]), revisions=revisions)

    def revision(self, name: str) -> Published:
        """The revision with this digest, or the newest of the design with this id. Errors: `Refused` (`revision.unknown`)."""
        with self.engine.connect() as connection:
            newest = sa.select(REVISIONS.c.digest).where(REVISIONS.c.design_id == name).order_by(REVISIONS.c.number.desc()).limit(1)
            row = _revision_row(connection, name) or _revision_row(connection, connection.execute(newest).scalar() or "")
            if row is None:
                raise Refused("revision.unknown", name)
            return _published(connection, row["digest"])

    def designs(self, page_size: int, page_token: str) -> v1.ListDesignsResponse:
        """A page of designs, newest first. The token is the id of the last design of the page before. Errors: `Refused` (`page.token`)."""
        size = min(page_size or DEFAULT_PAGE, LARGEST_PAGE)
        others = REVISIONS.alias()
        newest = sa.select(sa.func.max(others.c.number)).where(others.c.design_id == DESIGNS.c.id).correlate(DESIGNS).scalar_subquery()
        query = (
            sa.select(DESIGNS, REVISIONS)
            .select_from(DESIGNS)
            .join(REVISIONS, (REVISIONS.c.design_id == DESIGNS.c.id) & (REVISIONS.c.number == newest))
            .order_by(DESIGNS.c.created_at.desc(), DESIGNS.c.id.desc())
            .limit(size + 1)
        )
        with self.engine.connect() as connection:
            if page_token:
                last = _design_row(connection, page_token)
                if last is None:
                    raise Refused("page.token", repr(page_token[:80]))
                query = query.where(sa.tuple_(DESIGNS.c.created_at, DESIGNS.c.id) < sa.tuple_(last["created_at"], last["id"]))
            rows = connection.execute(query).mappings().all()
        designs = [_design(row, _revision(row)) for row in rows[:size]]
        return v1.ListDesignsResponse(designs=designs, next_page_token=designs[-1].id if len(rows) > size else "")


def _content(manifest: v1.Manifest) -> str:
    """The digest of what a manifest says, whichever design it belongs to."""
    content = v1.Manifest()
    content.CopyFrom(manifest)
    content.ClearField("design_id")
    return digest(content)


def _origin(caller: v1.Token, design: v1.Design, first: v1.Manifest) -> str:
    """What tells two new designs apart: who published them, under which title, with which content."""
    return hashlib.sha256(json.dumps([caller.subject, design.title, _content(first)]).encode()).hexdigest()


def _design_row(connection: sa.Connection, design_id: str) -> sa.RowMapping | None:
    return connection.execute(DESIGNS.select().where(DESIGNS.c.id == design_id)).mappings().first()


def _revision_row(connection: sa.Connection, named: str) -> sa.RowMapping | None:
    return connection.execute(REVISIONS.select().where(REVISIONS.c.digest == named)).mappings().first()


def _published(connection: sa.Connection, named: str) -> Published:
    row = _revision_row(connection, named)
    assert row is not None
    design = _design_row(connection, row["design_id"])
    assert design is not None
    newest = REVISIONS.select().where(REVISIONS.c.design_id == row["design_id"]).order_by(REVISIONS.c.number.desc()).limit(1)
    return Published(_design(design, _revision(connection.execute(newest).mappings().one())), _revision(row))


def _design(row: sa.RowMapping, newest: v1.Revision) -> v1.Design:
    design = v1.Design.FromString(row["message"])
    design.id, design.keeper = row[DESIGNS.c.id], row[DESIGNS.c.keeper]
    design.latest_revision, design.licence = newest.digest, newest.manifest.licence
    design.created_at.CopyFrom(_moment(row[DESIGNS.c.created_at]))
    return design


def _revision(row: sa.RowMapping) -> v1.Revision:
    return v1.Revision(
        digest=row["digest"],
        number=row["number"],
        manifest=v1.Manifest.FromString(row["manifest"]),
        author=row["author"],
        published_at=_moment(row["published_at"]),
    )


def _moment(seconds: float) -> Timestamp:
    moment = Timestamp()
    moment.FromNanoseconds(int(seconds * 1e9))
    return moment
