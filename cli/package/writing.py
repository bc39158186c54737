# SPDX-License-Identifier: AGPL-3.0-or-later
"""Writing a package: the same contents give the same bytes."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from cli.package import layout
from cli.package.datapackage import datapackage
from cli.package.layout import Contents
from commonfab import v1
from commonfab.canonical import canonical_json

if TYPE_CHECKING:
    from registry.okh.record import Record

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can name. Real times would make each export another file."""

PACKED_ALREADY = (".3mf", ".png", ".jpg", ".jpeg", ".webp", ".zip", ".gz", ".xz", ".7z", ".pdf", ".mp4", ".fcstd")
CHUNK_BYTES = 1024 * 1024

PATHS_OF_A_PART = ("source", "export", "auxiliary")
PATHS = (*PATHS_OF_A_PART, "readme", "bom", "manufacturing_instructions", "user_manual", "contribution_guide")
"""Where an Open Know-How record names files, besides its pictures."""

Opener = Callable[[str], IO[bytes]]
"""Opens the content with this SHA-256."""


@dataclass(frozen=True)
class Entry:
    """An entry with its length and SHA-256. `text` is its content, where it is no file of the commons."""

    sha256: str
    size_bytes: int
    text: bytes | None = None


def file_entries(contents: Contents, photographs: Mapping[str, int]) -> dict[str, Entry]:
    """The files that a package holds: the packed revision's under their own paths, and of the others what no entry has yet.

    Parameters: `photographs`, lengths in bytes by SHA-256.
    """
    main = contents.main.manifest.files
    found = {f"{layout.FILES}/{file.path}": Entry(file.sha256, file.size_bytes) for file in main}
    held = {file.sha256 for file in main}
    for number, packed in enumerate(contents.revisions[:-1], 1):
        for file in packed.manifest.files if packed.whole else ():
            if file.sha256 not in held:
                held.add(file.sha256)
                found[f"{layout.folder_of(number, packed.digest)}/{layout.FILES}/{file.path}"] = Entry(file.sha256, file.size_bytes)
    for sha256, size in photographs.items():
        if sha256 not in held:
            found[f"{layout.PHOTOGRAPHS}/{sha256}"] = Entry(sha256, size)
    return found


def write(stream: BinaryIO, contents: Contents, papers: Mapping[str, bytes], photographs: Mapping[str, int], content_of: Opener) -> None:
    """Write a package to `stream`, which must be able to seek.

    Parameters: `papers`, what stands at the top beside the index, by name; `photographs` as for `file_entries`; `content_of` opens files.
    Errors: `OSError`, and what `content_of` raises.
    """
    texts = {**papers, "datapackage.json": datapackage(contents.main.manifest), **_texts(contents)}
    entries = {name: Entry(hashlib.sha256(text).hexdigest(), len(text), text) for name, text in texts.items()}
    files = file_entries(contents, photographs)
    index = _index(contents, {**entries, **files})
    with zipfile.ZipFile(stream, "w") as archive:
        _put(archive, layout.INDEX, index)
        for name in sorted(entries):
            _put(archive, name, entries[name].text or b"")
        for name in sorted(files):
            with content_of(files[name].sha256) as source, archive.open(_info(name, files[name].size_bytes), "w") as target:
                shutil.copyfileobj(source, target, CHUNK_BYTES)


def _index(contents: Contents, entries: Mapping[str, Entry]) -> bytes:
    revisions = [
        {"digest": packed.digest, "folder": layout.folder_of(number, packed.digest), "whole": packed.whole}
        for number, packed in enumerate(contents.revisions, 1)
    ]
    listed = {name: {"sha256": entry.sha256, "bytes": entry.size_bytes} for name, entry in entries.items()}
    told = {"format": layout.FORMAT, "version": layout.VERSION, "revision": contents.main.digest}
    return layout.plain_json({**told, "revisions": revisions, "entries": listed})


def _texts(contents: Contents) -> dict[str, bytes]:
    found = {}
    for number, packed in enumerate(contents.revisions, 1):
        folder = layout.folder_of(number, packed.digest)
        found[f"{folder}/manifest.json"] = canonical_json(packed.manifest)
        if packed.signature is not None:
            found[f"{folder}/signature.json"] = layout.signature_json(packed.signature)
    for kept in contents.reports:
        signed = kept.signed_work.work if kept.HasField("signed_work") else kept.signed_report.report
        found[f"{layout.REPORTS}/{hashlib.sha256(signed).hexdigest()}.json"] = layout.report_json(kept)
    if contents.defects:
        found[layout.DEFECTS] = layout.messages_json(contents.defects)
    if contents.recalls:
        found[layout.RECALLS] = layout.messages_json(contents.recalls)
    return found


def _info(name: str, size: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, EPOCH)
    stored = PurePosixPath(name).suffix.lower() in PACKED_ALREADY
    info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    info.external_attr = 0o100644 << 16
    info.create_system = 3
    info.file_size = size
    return info


def _put(archive: zipfile.ZipFile, name: str, text: bytes) -> None:
    with archive.open(_info(name, len(text)), "w") as target:
        target.write(text)


def okh_manifest(design: v1.Design, revision: v1.Revision, open_file: Opener | None = None) -> bytes:
    """`okh.toml`: the revision as Open Know-How has it, the paths beginning beside it.

    Parameters: `open_file`, where the revision's files can be had: what its own Open Know-How manifest says besides is said here too.
    """
    from registry.okh.mapping import record_of
    from registry.okh.writing import write as written

    original = _original(revision.manifest, open_file) if open_file else None
    own = v1.Revision()
    own.CopyFrom(revision)
    for file in own.manifest.files:
        file.path = f"{layout.FILES}/{file.path}"
    for part in own.manifest.parts:
        part.paths[:] = [f"{layout.FILES}/{path}" for path in part.paths]
    return written(record_of(design, own, original)).encode()


def _original(manifest: v1.Manifest, open_file: Opener) -> Record | None:
    """The record of the manifest among a revision's files, its paths as they are in the package; None where there is none to be read."""
    from commonfab.errors import Refused
    from registry.okh.files import decoded
    from registry.okh.reading import read
    from registry.proposing.folder import okh_among

    digests = {file.path: file.sha256 for file in manifest.files}
    named = okh_among(digests)
    if not named:
        return None
    try:
        with open_file(digests[named]) as file:
            record = read(decoded(file, named), named).record
    except Refused:
        return None
    return _moved(record, list(digests))


def _moved(record: Record, paths: Sequence[str]) -> Record:
    """A record that names the files of the revision where they lie in the package."""
    from registry.okh.part_mapping import path_among

    def moved(said: str) -> str:
        found = path_among(said, paths)
        return f"{layout.FILES}/{found}" if found else said

    def all_moved(of: Any, fields: Sequence[str]) -> dict[str, Any]:
        values = {field: getattr(of, field) for field in fields}
        return {field: moved(said) if isinstance(said, str) else tuple(map(moved, said)) for field, said in values.items()}

    def images(of: Any) -> dict[str, Any]:
        return {"image": tuple(replace(image, location=moved(image.location)) for image in of.image)}

    parts = tuple(replace(part, **all_moved(part, PATHS_OF_A_PART), **images(part)) for part in record.part)
    return replace(record, part=parts, **all_moved(record, PATHS), **images(record))
