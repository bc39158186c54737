# SPDX-License-Identifier: AGPL-3.0-or-later
"""Is every file still what it was? Each is hashed again; so is each revision's manifest, and its signature is checked.

A file that is no longer what its name says is set aside: then it counts as not being here, and whoever has the right one can upload it
again. What inspection had drawn is drawn again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from commonfab import v1
from commonfab.canonical import digest
from commonfab.errors import Refused
from commonfab.identity import manifest_signature_holds
from registry.blobs import BlobStore
from registry.housekeeping.names import AT_ONCE, all_named
from registry.tables import INSPECTIONS, REVISION_FILES, REVISIONS, one_at_a_time, writing

MISSING, CHANGED, UNREADABLE, MANIFEST, SIGNATURE = "missing", "changed", "unreadable", "manifest", "signature"
VERIFY_LOCK = 4783
"""PostgreSQL's advisory lock: two that verify set a file aside one after the other."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Verifier:
    """Looks through the files of one node. `aside`, the folder to which files go that are no longer what they were."""

    engine: sa.Engine
    blobs: BlobStore
    aside: Path

    def verify(self) -> Iterator[v1.VerifyFilesResponse]:
        """One message for each file that was hashed, and one for each revision that is at fault; the latter has no SHA-256.

        Errors: `sqlalchemy.exc.OperationalError`; `OSError` of the store as a whole.
        """
        stored = {file.sha256 for file in self.blobs.all()}
        with self.engine.connect() as connection:
            names = _names(connection)
        every = sorted(stored | names.keys())
        for done, sha256 in enumerate(every, 1):
            told = v1.VerifyFilesResponse(done=done, total=len(every))
            fault = self._fault(sha256, sha256 in names and names[sha256].needed)
            if fault:
                told.sha256, told.fault = sha256, fault
                told.revisions.extend(sorted(names[sha256].revisions) if sha256 in names else [])
                log.error("file %s: %s", sha256, fault)
                if sha256 in names:
                    self._draw_again(names[sha256])
            yield told
        for named, fault in self._revisions():
            log.error("revision %s: %s", named, fault)
            yield v1.VerifyFilesResponse(done=len(every), total=len(every), fault=fault, revisions=[named])

    def _fault(self, sha256: str, needed: bool) -> str:
        """What is wrong with a file; empty where nothing is, or where it was removed because nothing names it."""
        try:
            if self.blobs.hash_again(sha256) == sha256 or self._set_aside(sha256) == sha256:
                return ""
            return CHANGED
        except Refused as refused:
            if refused.code != "file.unknown":
                raise
            return MISSING if needed else ""
        except OSError as error:
            log.error("file %s cannot be read: %s", sha256, error)
            return UNREADABLE

    def _set_aside(self, sha256: str) -> str:
        """Hash a file that seems to have changed once more, and set it aside if it really has. Returns its SHA-256.

        Nobody else may do so at the same time: they could take away the right file that was uploaded in between.
        """
        with writing(self.engine) as connection:
            one_at_a_time(connection, VERIFY_LOCK)
            has = self.blobs.hash_again(sha256)
            if has != sha256:
                self.aside.mkdir(parents=True, exist_ok=True, mode=0o700)
                asyncio.run(self._copy(sha256, self.aside / sha256))
                self.blobs.delete(sha256)
            return has

    async def _copy(self, sha256: str, target: Path) -> None:
        with target.open("wb") as file:
            async for chunk in self.blobs.read(sha256, 0):
                file.write(chunk)

    def _draw_again(self, names: _Names) -> None:
        """Have the files inspected anew from which it was drawn; nobody could upload what inspection makes."""
        if names.drawn_from:
            values = {"report": None, "done_at": None, "enqueued_at": 0.0}
            with writing(self.engine) as connection:
                connection.execute(INSPECTIONS.update().where(INSPECTIONS.c.sha256.in_(sorted(names.drawn_from))).values(values))

    def _revisions(self) -> Iterator[tuple[str, str]]:
        """The revisions that are not what their digest says, or whose signature is not one over them."""
        query = sa.select(REVISIONS.c.digest, REVISIONS.c.manifest, REVISIONS.c.signature).execution_options(yield_per=AT_ONCE)
        with self.engine.connect() as connection:
            for named, manifest, signature in connection.execute(query):
                fault = revision_fault(named, bytes(manifest), None if signature is None else bytes(signature))
                if fault:
                    yield named, fault


def revision_fault(named: str, manifest: bytes, signature: bytes | None) -> str:
    """What is wrong with a revision as it is stored; empty where nothing is."""
    try:
        read = v1.Manifest.FromString(manifest)
        signed = None if signature is None else v1.Signature.FromString(signature)
    except ValueError:  # protobuf's DecodeError is one
        return MANIFEST
    if digest(read) != named:
        return MANIFEST
    return SIGNATURE if signed is not None and not manifest_signature_holds(read, signed) else ""


@dataclass
class _Names:
    """Who names a file."""

    revisions: set[str] = field(default_factory=set)
    drawn_from: set[str] = field(default_factory=set)
    needed: bool = False


def _names(connection: sa.Connection) -> Mapping[str, _Names]:
    found: dict[str, _Names] = defaultdict(_Names)
    for one in all_named(connection):
        (found[one.sha256].revisions if one.by else found[one.sha256].drawn_from).add(one.by or one.drawn_from)
        found[one.sha256].needed |= one.needed
    for names in list(found.values()):
        for source in names.drawn_from:
            of_source = sa.select(REVISION_FILES.c.digest).where(REVISION_FILES.c.sha256 == source)
            names.revisions.update(found[source].revisions if source in found else connection.execute(of_source).scalars())
    return dict(found)
