# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether a package is what it says: every byte by the index, every revision by its digest and signature, every design's id by its key.

Nothing is sent anywhere before all of this holds.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.json_format import Parse, ParseError
from google.protobuf.message import DecodeError, Message

from cli.package import layout
from cli.package.layout import Contents, Packed
from cli.package.reading import Archive, shown
from commonfab import v1
from commonfab.canonical import digest, is_sha256
from commonfab.errors import Refused
from commonfab.identity import BUILD_DOMAIN, design_id_of, holds, manifest_signature_holds, signature_holds

M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Verified:
    """A package that holds. `places`: the entry that has a content, by its SHA-256."""

    contents: Contents
    places: Mapping[str, str]


def verify(archive: Archive) -> Verified:
    """The contents of a package, once all of it has been checked. Errors: `Refused` (`package.*`), `OSError`."""
    index = _index(archive)
    places = _check_entries(archive, index)
    contents = Contents(
        revisions=_revisions(archive, index),
        reports=tuple(_report(archive, name) for name in sorted(archive.infos) if name.startswith(f"{layout.REPORTS}/")),
        defects=tuple(_messages(archive, layout.DEFECTS, v1.Defect)),
        recalls=tuple(_messages(archive, layout.RECALLS, v1.Recall)),
    )
    _check_revisions(contents, {sha256: archive.infos[name].file_size for sha256, name in places.items()})
    _check_evidence(contents)
    return Verified(contents, places)


def _index(archive: Archive) -> dict[str, Any]:
    """The index, every field in the form that it must have. Errors: `Refused` (`package.foreign`, `package.newer`, `package.index`)."""
    if layout.INDEX not in archive.infos:
        raise Refused("package.foreign", archive.name)
    index = _json(archive, layout.INDEX)
    if not isinstance(index, dict) or index.get("format") != layout.FORMAT:
        raise Refused("package.foreign", archive.name)
    version = index.get("version")
    if not isinstance(version, int) or version < 1:
        raise Refused("package.index", "the version is no number")
    if version > layout.VERSION:
        raise Refused("package.newer", f"format {version}")
    _check_form(index)
    return index


def _check_form(index: dict[str, Any]) -> None:
    entries, revisions = index.get("entries"), index.get("revisions")
    if not isinstance(entries, dict) or not all(_is_entry(entry) for entry in entries.values()):
        raise Refused("package.index", "its list of entries")
    if not isinstance(revisions, list) or not 0 < len(revisions) <= layout.MOST_REVISIONS:
        raise Refused("package.index", "its list of revisions")
    for number, told in enumerate(revisions, 1):
        good = isinstance(told, dict) and is_sha256(told.get("digest")) and isinstance(told.get("whole"), bool)
        if not good or told.get("folder") != layout.folder_of(number, told["digest"]):
            raise Refused("package.index", f"revision {number}")
    digests = [told["digest"] for told in revisions]
    if len(set(digests)) < len(digests) or index.get("revision") != digests[-1] or not revisions[-1]["whole"]:
        raise Refused("package.index", "which revision is packed")


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, dict) or not is_sha256(entry.get("sha256")):
        return False
    size = entry.get("bytes")
    return isinstance(size, int) and not isinstance(size, bool) and size >= 0


def _check_entries(archive: Archive, index: dict[str, Any]) -> dict[str, str]:
    """Every entry by its length and SHA-256; returns where each content is. Errors: `Refused` (`package.index`, `package.content`)."""
    listed = index["entries"]
    unlike = sorted(set(listed) ^ (archive.infos.keys() - {layout.INDEX}))
    if unlike:
        raise Refused("package.index", shown(unlike[0]))
    places: dict[str, str] = {}
    for name, entry in listed.items():
        if archive.infos[name].file_size != entry["bytes"] or archive.sha256(name) != entry["sha256"]:
            raise Refused("package.content", shown(name))
        places.setdefault(entry["sha256"], name)
    return places


def _revisions(archive: Archive, index: dict[str, Any]) -> tuple[Packed, ...]:
    found = []
    for told in index["revisions"]:
        name, signed = f"{told['folder']}/manifest.json", f"{told['folder']}/signature.json"
        if name not in archive.infos:
            raise Refused("package.index", shown(name))
        text = archive.text(name)
        if hashlib.sha256(text).hexdigest() != told["digest"]:
            raise Refused("package.digest", told["digest"])
        manifest = _parsed(text, name, v1.Manifest)
        if digest(manifest) != told["digest"]:
            raise Refused("package.digest", told["digest"])
        signature = _parsed(archive.text(signed), signed, v1.Signature) if signed in archive.infos else None
        if signature is not None and not manifest_signature_holds(manifest, signature):
            raise Refused("package.signature", f"revision {told['digest']}")
        found.append(Packed(told["digest"], manifest, signature, told["whole"]))
    return tuple(found)


def _check_revisions(contents: Contents, sizes: Mapping[str, int]) -> None:
    """Each that will be published is signed, has its files, and stands behind what it derives from; each design's id is proved.

    Errors: `Refused` (`package.unsigned`, `package.content`, `package.parent`, `package.origin`).
    """
    proved = {packed.manifest.design_id for packed in contents.revisions if begins(packed)}
    earlier = set[str]()
    for packed in contents.revisions:
        if not packed.whole:
            continue
        manifest = packed.manifest
        if packed.signature is None:
            raise Refused("package.unsigned", packed.digest)
        lacking = next((file.path for file in manifest.files if sizes.get(file.sha256) != file.size_bytes), None)
        if lacking is not None:
            raise Refused("package.content", f"revision {packed.digest} without its file {shown(lacking)}")
        if missing := [named for named in derived_from(manifest) if named not in earlier]:
            raise Refused("package.parent", f"{packed.digest} → {shown(missing[0])}")
        if manifest.design_id not in proved:
            raise Refused("package.origin", shown(manifest.design_id))
        earlier.add(packed.digest)


def begins(packed: Packed) -> bool:
    """Whether a revision is the first of its design: then the id follows from what it says and the key that signed it."""
    key = packed.signature.public_key if packed.signature is not None else b""
    return bool(key) and design_id_of(key, packed.manifest) == packed.manifest.design_id


def derived_from(manifest: v1.Manifest) -> list[str]:
    """The digests that must be on a node before this revision can be."""
    named = (manifest.parent, *manifest.also_derives_from, manifest.variant_of.revision)
    return list(dict.fromkeys(one for one in named if one))


def _report(archive: Archive, name: str) -> v1.KeptBuildReport:
    """A report out of its signed bytes; what stands beside them for people is not looked at."""
    told = _json(archive, name)
    kept = v1.KeptBuildReport()
    try:
        if "signed_work" in told:
            work = told["signed_work"]
            kept.signed_work.MergeFrom(
                v1.SignedWork(work=_bytes(work["work"]), signature=_bytes(work["signature"]), public_key=_bytes(work["public_key"]))
            )
            done = v1.CompletedWork.FromString(kept.signed_work.work)
            kept.report.MergeFrom(v1.BuildReport(revision_digest=done.revision_digest, part_name=done.part_name, shop_id=done.shop_id))
        else:
            by = told["signed_report"]["signature"]
            signature = v1.Signature(public_key=_bytes(by["public_key"]), signature=_bytes(by["signature"]))
            kept.signed_report.MergeFrom(v1.SignedBuildReport(report=_bytes(told["signed_report"]["report"]), signature=signature))
            kept.report.MergeFromString(kept.signed_report.report)
        if isinstance(told.get("place"), dict):
            kept.place.cell = str(told["place"].get("cell", ""))
    except (KeyError, TypeError, ValueError, AttributeError, DecodeError, binascii.Error):
        raise Refused("package.index", shown(name)) from None
    return kept


def _check_evidence(contents: Contents) -> None:
    """Errors: `Refused` (`package.signature`, `package.index` where something is about a revision that is not in the package)."""
    about = {packed.digest for packed in contents.revisions}
    for kept in contents.reports:
        if kept.HasField("signed_work"):
            good = signature_holds(kept.signed_work)
        else:
            good = holds(BUILD_DOMAIN, kept.signed_report.report, kept.signed_report.signature)
        if not good:
            raise Refused("package.signature", f"a report of {shown(kept.report.shop_id)}")
    named = [kept.report.revision_digest for kept in contents.reports]
    named += [defect.revision_digest for defect in contents.defects] + [recall.revision_digest for recall in contents.recalls]
    if strange := [one for one in named if one not in about]:
        raise Refused("package.index", f"evidence about {shown(strange[0])}")


def _messages(archive: Archive, name: str, kind: type[M]) -> list[M]:
    if name not in archive.infos:
        return []
    told = _json(archive, name)
    if not isinstance(told, list):
        raise Refused("package.index", shown(name))
    return [_parsed(json.dumps(one).encode(), name, kind) for one in told]


def _parsed(text: bytes, name: str, kind: type[M]) -> M:
    """A message out of its JSON form. Errors: `Refused` (`package.newer` at a field that this version does not know, `package.index`)."""
    try:
        return Parse(text.decode(), kind())
    except ParseError as error:
        code = "package.newer" if "no field named" in str(error) else "package.index"
        raise Refused(code, f"{shown(name)}: {str(error)[:200]}") from None
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise Refused("package.index", shown(name)) from None


def _json(archive: Archive, name: str) -> Any:
    try:
        return json.loads(archive.text(name))
    except (ValueError, RecursionError):
        raise Refused("package.index", f"{shown(name)} is no JSON") from None


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
