# SPDX-License-Identifier: AGPL-3.0-or-later
"""Publishing: from what a caller sends to a revision that never changes again.

Everything that one publication changes is changed in one transaction. Publishing the same again gives the same revision, so a caller that
lost the answer simply calls again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import sqlalchemy as sa
from grpc import StatusCode

from commonfab import v1
from commonfab.canonical import digest
from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.identity import content_digest, design_id_of, manifest_signature_holds
from commonfab.ids import Ids
from commonfab.reasons import REASONS
from registry import knowledge
from registry.blobs import BlobStore
from registry.findings import measured_paths
from registry.geometry.faults import Unmeasurable
from registry.geometry.sniff import check_promise
from registry.housekeeping.garbage import spare
from registry.housekeeping.quotas import Quotas
from registry.inspection import Inspections, subjects_of
from registry.licences import Licences, licence_notes
from registry.lineage import references as lineage
from registry.manifests import check_texts, fill_sizes, in_order
from registry.rows import Published, design_row, designs_of, published, revision_row
from registry.tables import DESIGNS, REVISION_FILES, REVISIONS, once


@dataclass(frozen=True)
class Publisher:
    """Takes revisions in, for one node."""

    engine: sa.Engine
    blobs: BlobStore
    inspections: Inspections
    licences: Licences
    clock: Clock
    ids: Ids
    quotas: Quotas

    def publish(self, caller: v1.Token, request: v1.PublishRevisionRequest) -> v1.PublishRevisionResponse:
        """Publish a revision of a new design, or of one that the caller keeps; then have its parts inspected.

        Errors: `Refused` (`licence.*`, `revision.*`, `file.…`, `design.unknown`, `design.keeper`, `design.id`, `request.*`).
        """
        asked = self._in_form(request)
        fill_sizes(asked, self.blobs.size)
        if request.HasField("signature"):
            _check_signed(request, asked)
        for path in dict.fromkeys(path for part in asked.parts for path in measured_paths(part)):
            self._check_promise(path, asked)
        self.blobs.settle(sorted({file.sha256 for file in asked.files}))
        done = once(self.engine, lambda connection: self._publish(connection, caller, request, asked))
        subjects = set(subjects_of(done.revision.manifest))
        self.inspections.send(sorted(subjects - self.inspections.reports(subjects).keys()))
        notes = self._notes(caller, request, done.revision.manifest)
        return v1.PublishRevisionResponse(design=done.design, revision=done.revision, notes=notes)

    def check(self, caller: v1.Token, request: v1.PublishRevisionRequest) -> v1.CheckManifestResponse:
        """What `publish` would do; nothing is stored, and the files need not be here. Errors: as `publish`, but for `file.…`."""
        asked = self._in_form(request)
        missing = [sha256 for sha256 in dict.fromkeys(file.sha256 for file in asked.files) if not self.blobs.has(sha256)]
        fill_sizes(asked, lambda sha256: 0 if sha256 in missing else self.blobs.size(sha256))
        with self.engine.connect() as connection:
            same = self._same(connection, caller, request, asked)
            if same is not None:
                manifest = same.revision.manifest
            else:
                manifest = self._whole(connection, request, asked)
                lineage.check(connection, manifest, _by(caller, request))
        if not manifest.design_id and request.signature.public_key:
            manifest.design_id = design_id_of(request.signature.public_key, manifest)
            with self.engine.connect() as connection:
                if revision_row(connection, digest(manifest)) is not None:
                    same = published(connection, digest(manifest))
        return v1.CheckManifestResponse(
            manifest=manifest,
            digest=digest(manifest),
            notes=self._notes(caller, request, manifest),
            missing_files=missing,
            new_design=same is None and not asked.design_id,
            published=same is not None,
        )

    def _in_form(self, request: v1.PublishRevisionRequest) -> v1.Manifest:
        """The manifest in its one form, for the design that the call is about; the files' lengths are not looked up yet."""
        design = request.design
        check_texts(design)
        asked = in_order(request.manifest, self.licences)
        if design.id and asked.design_id and design.id != asked.design_id:
            raise Refused("request.malformed", f"the call is for design {design.id}, its manifest for {asked.design_id}")
        asked.design_id = design.id or asked.design_id
        if not asked.design_id and not (design.title.strip() or asked.description.title.strip()):
            raise Refused("request.missing", "a title")
        return asked

    def _notes(self, caller: v1.Token, request: v1.PublishRevisionRequest, manifest: v1.Manifest) -> list[v1.Reason]:
        """What is worth knowing: of the licences as they were sent, and of how the manifest hangs together with others."""
        return [*licence_notes(request.manifest, self.licences), *lineage.notes(self.engine, manifest, _by(caller, request))]

    def _check_promise(self, path: str, manifest: v1.Manifest) -> None:
        """Errors: `Refused` (`file.…`) where a part's file plainly is not what its name says, so that nobody waits for its inspection."""
        entry = next(entry for entry in manifest.files if entry.path == path)
        try:
            with self.blobs.local(entry.sha256) as file:
                check_promise(file, path)
        except Unmeasurable as fault:
            fault.reason.message = f"{path}: {fault.reason.message}"
            told = v1.Refusal(reason=fault.reason, remedy=REASONS[fault.reason.code].remedy)
            raise Refused.relayed(told, StatusCode.INVALID_ARGUMENT) from None

    def _publish(self, connection: sa.Connection, caller: v1.Token, request: v1.PublishRevisionRequest, asked: v1.Manifest) -> Published:
        if asked.design_id:  # whoever publishes a revision of the same design comes after us: it takes the next number
            connection.execute(sa.select(DESIGNS.c.id).where(DESIGNS.c.id == asked.design_id).with_for_update(key_share=True)).all()
        same = self._same(connection, caller, request, asked)
        if same is not None:
            return same
        manifest = self._whole(connection, request, asked)
        lineage.check(connection, manifest, _by(caller, request))
        number = 1
        if manifest.design_id and design_row(connection, manifest.design_id) is not None:
            number = self._revisions_of(connection, manifest.design_id) + 1
            its_row = DESIGNS.c.id == manifest.design_id
            connection.execute(DESIGNS.update().where(its_row).values(title=manifest.description.title))
        else:
            manifest.design_id = self._new_design(connection, caller, request, manifest)
        named = digest(manifest)
        signature = request.signature if request.HasField("signature") else None
        values = {
            "digest": named,
            "design_id": manifest.design_id,
            "number": number,
            "content": content_digest(manifest),
            "manifest": manifest.SerializeToString(),
            "author": caller.subject,
            "published_at": self.clock.now(),
            "signature": signature.SerializeToString() if signature else None,
            "public_key": signature.public_key if signature else None,
        }
        sizes = {file.sha256: file.size_bytes for file in manifest.files}
        self.quotas.admit_revision(connection, caller.subject, sizes)
        spare(connection, sizes, self.blobs)
        connection.execute(REVISIONS.insert().values(values))
        connection.execute(REVISION_FILES.insert(), [{"digest": named, "sha256": s, "size_bytes": size} for s, size in sizes.items()])
        lineage.note(connection, named, manifest)
        self.inspections.note_waiting(connection, subjects_of(manifest))
        told = v1.CommonsEvent(revision_published=v1.RevisionPublished(digest=named, number=number, note=manifest.note))
        knowledge.refresh(connection, self.inspections, [named], {named: told})
        return published(connection, named)

    def _same(
        self, connection: sa.Connection, caller: v1.Token, request: v1.PublishRevisionRequest, asked: v1.Manifest
    ) -> Published | None:
        """The revision that already says exactly this, in the design asked for, else in one of the caller's of the same title.

        Errors: `Refused` (`design.unknown`, `design.keeper`, `design.id`).
        """
        if asked.design_id:
            row = design_row(connection, asked.design_id)
            if row is None:
                _check_new_id(request, asked)
                return None
            whole = self._whole(connection, request, asked)
            known = revision_row(connection, digest(whole))
            if known is not None:
                return published(connection, known["digest"])
            self._check_keeper(connection, caller, request, row)
            return None
        whole = self._whole(connection, request, asked)
        same_title = (DESIGNS.c.keeper == caller.subject) & (DESIGNS.c.title == whole.description.title)
        query = (
            sa.select(REVISIONS.c.digest)
            .join(DESIGNS, DESIGNS.c.id == REVISIONS.c.design_id)
            .where(REVISIONS.c.content == content_digest(whole), same_title | (DESIGNS.c.origin == _origin(caller, whole)))
            .order_by(REVISIONS.c.published_at)
        )
        found = connection.execute(query).scalar()
        return published(connection, found) if found is not None else None

    def _check_keeper(self, connection: sa.Connection, caller: v1.Token, request: v1.PublishRevisionRequest, row: sa.RowMapping) -> None:
        """Errors: `Refused` (`design.keeper`), unless the caller keeps the design or brings what is signed with a key of the design."""
        if row["keeper"] == caller.subject or caller.scope == v1.SCOPE_STEWARD:
            return
        if request.HasField("signature"):
            its_keys = (REVISIONS.c.design_id == row["id"]) & (REVISIONS.c.public_key == request.signature.public_key)
            if connection.execute(sa.select(REVISIONS.c.digest).where(its_keys)).first() is not None:
                return
        raise Refused("design.keeper", row["id"])

    def _whole(self, connection: sa.Connection, request: v1.PublishRevisionRequest, asked: v1.Manifest) -> v1.Manifest:
        """The manifest with a description: its own, else one from the call's design, else what the revision before says."""
        whole = v1.Manifest()
        whole.CopyFrom(asked)
        if request.signature.signature or asked.description.title:
            return whole
        said = v1.Description()
        for before in designs_of(connection, [asked.design_id]):
            said.CopyFrom(before.description)
            # Revisions from before there were descriptions have these with their design.
            said.title, said.summary, said.tags[:] = before.title, before.summary, before.tags
        said.MergeFrom(v1.Description(title=request.design.title, summary=request.design.summary))
        if request.design.tags:
            said.tags[:] = request.design.tags
        for field, _ in asked.description.ListFields():
            # Merging would put lists behind each other: the author of both would be named twice.
            said.ClearField(field.name)  # type: ignore[arg-type]  # any field
        said.MergeFrom(asked.description)
        whole.description.CopyFrom(said)
        return whole

    def _revisions_of(self, connection: sa.Connection, design_id: str) -> int:
        return connection.execute(sa.select(sa.func.count()).where(REVISIONS.c.design_id == design_id)).scalar_one()

    def _new_design(self, connection: sa.Connection, caller: v1.Token, request: v1.PublishRevisionRequest, manifest: v1.Manifest) -> str:
        design_id = manifest.design_id or self.ids("design")
        kept = v1.Design()
        kept.CopyFrom(request.design)
        for set_by_us in ("id", "keeper", "latest_revision", "licence", "created_at", "description", "maturity", "recalled"):
            kept.ClearField(set_by_us)
        values = {
            "id": design_id,
            "origin": _origin(caller, manifest),
            "title": manifest.description.title,
            "keeper": caller.subject,
            "message": kept.SerializeToString(),
            "created_at": self.clock.now(),
        }
        connection.execute(DESIGNS.insert().values(values))
        return design_id


def _check_signed(request: v1.PublishRevisionRequest, asked: v1.Manifest) -> None:
    """Errors: `Refused` (`revision.signature`, `revision.form`, `request.missing`)."""
    if not manifest_signature_holds(request.manifest, request.signature):
        raise Refused("revision.signature")
    if digest(asked) != digest(request.manifest):
        raise Refused("revision.form", digest(asked))
    if not asked.design_id:
        raise Refused("request.missing", "the design's id in the signed manifest")
    if not asked.description.title.strip():
        raise Refused("request.missing", "a title in the description of the signed manifest")


def _check_new_id(request: v1.PublishRevisionRequest, asked: v1.Manifest) -> None:
    """A design that is not known here: its id must be that of what its author signed first.

    Errors: `Refused` (`design.unknown` where nothing is signed, `design.id`).
    """
    if not request.HasField("signature"):
        raise Refused("design.unknown", asked.design_id)
    first, key = asked, request.signature.public_key
    if request.HasField("origin"):
        first, key = request.origin.manifest, request.origin.signature.public_key
        if not manifest_signature_holds(first, request.origin.signature) or key != request.signature.public_key:
            raise Refused("design.id", asked.design_id)
    if design_id_of(key, first) != asked.design_id:
        raise Refused("design.id", asked.design_id)


def _by(caller: v1.Token, request: v1.PublishRevisionRequest) -> lineage.Publisher:
    return lineage.Publisher(caller.subject, request.signature.public_key)


def _origin(caller: v1.Token, first: v1.Manifest) -> str:
    """What tells two new designs apart: who published them, under which title, with which content."""
    return hashlib.sha256(json.dumps([caller.subject, first.description.title, content_digest(first)]).encode()).hexdigest()
