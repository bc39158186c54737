# SPDX-License-Identifier: AGPL-3.0-or-later
"""Packages for tests: signed revisions made here, written by the writer, and changed entry by entry."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cli.package import reading
from cli.package.layout import INDEX, Contents, Packed, plain_json
from cli.package.verifying import Verified, verify
from cli.package.writing import write
from commonfab import v1
from commonfab.canonical import digest
from commonfab.identity import BUILD_DOMAIN, design_id_of, sign, sign_manifest

ADA = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
BEN = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


@dataclass
class Author:
    """Somebody who signs revisions. `contents`: every file by its SHA-256."""

    key: Ed25519PrivateKey
    contents: dict[str, bytes] = field(default_factory=dict)

    def revision(self, title: str, files: dict[str, bytes], after: Packed | None = None, **more: Any) -> Packed:
        """A signed revision; of the design of `after`, else of a new one."""
        entries = []
        for path, content in sorted(files.items()):
            sha256 = hashlib.sha256(content).hexdigest()
            self.contents[sha256] = content
            entries.append(v1.FileEntry(path=path, sha256=sha256, size_bytes=len(content)))
        manifest = v1.Manifest(licence="CC0-1.0", files=entries, description=v1.Description(title=title), **more)
        public = self.key.public_key().public_bytes_raw()
        manifest.design_id = after.manifest.design_id if after else design_id_of(public, manifest)
        return Packed(digest(manifest), manifest, sign_manifest(manifest, self.key), True)

    def report(self, of: Packed) -> v1.KeptBuildReport:
        """A build report that this author's shop signed."""
        told = v1.BuildReport(revision_digest=of.digest, shop_id="shop-north", pieces_good=3, process="fdm")
        written = told.SerializeToString()
        signed = v1.SignedBuildReport(report=written, signature=sign(BUILD_DOMAIN, written, self.key))
        return v1.KeptBuildReport(report=told, signed_report=signed)


def packed(contents: Contents, files: dict[str, bytes]) -> bytes:
    """A package of these contents."""
    stream = io.BytesIO()
    write(stream, contents, {"NOTICE": b"notice\n", "okh.toml": b""}, {}, lambda sha256: io.BytesIO(files[sha256]))
    return stream.getvalue()


def verified(path: Path, content: bytes) -> Verified:
    """What verifying makes of a package. Errors: `Refused`."""
    path.write_bytes(content)
    with reading.opened(path) as archive:
        return verify(archive)


def entries_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(entries: Sequence[tuple[str | zipfile.ZipInfo, bytes]]) -> bytes:
    """A zip of these entries; a name may stand twice."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in entries:
            archive.writestr(name, content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def changed(content: bytes, change: Callable[[dict[str, bytes]], object], reindexed: bool = True) -> bytes:
    """A package with its entries changed; by default the index is made to agree, as somebody would who means harm."""
    entries = entries_of(content)
    change(entries)
    if reindexed:
        index = json.loads(entries[INDEX])
        others = {name: text for name, text in entries.items() if name != INDEX}
        index["entries"] = {name: {"sha256": hashlib.sha256(text).hexdigest(), "bytes": len(text)} for name, text in others.items()}
        entries[INDEX] = plain_json(index)
    return zipped(list(entries.items()))
