# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a package is made of: the messages in it, the names of its entries, and the limits within which one is read."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from commonfab import v1
from commonfab.canonical import canonical_json

INDEX = "commonfab.json"
FORMAT = "commonfab-design-package"
VERSION = 1

FILES = "files"
PHOTOGRAPHS = "evidence/photographs"
DEFECTS = "evidence/defects.json"
RECALLS = "evidence/recalls.json"
REPORTS = "evidence/reports"

MOST_ENTRIES = 20_000
MOST_REVISIONS = 2_000
MOST_TEXT_BYTES = 8 * 1024 * 1024
"""Of an entry that is read as a whole: the index, a manifest, a report. A revision's files may be as long as they are."""

MOST_DIRECTORY_BYTES = 16 * 1024 * 1024
"""Of a zip's directory. 20,000 entries with names of 500 bytes take 12 MB."""

MOST_TOTAL_BYTES = 256 * 1024**3
FREE_BYTES = 256 * 1024 * 1024
MOST_RATIO = 100
"""Unpacked, a package may have 256 MiB and a hundred times its own length: text in STL packs to a tenth, a bomb to a thousandth."""


@dataclass(frozen=True)
class Packed:
    """A revision in a package. `whole`: with its files; else it only tells of the design's history and proves whose it is.

    `signature` is None where it was not signed.
    """

    digest: str
    manifest: v1.Manifest
    signature: v1.Signature | None
    whole: bool


@dataclass(frozen=True)
class Contents:
    """All that a package says. `revisions` stand oldest first, the packed one last; `reports` hold the signed bytes."""

    revisions: tuple[Packed, ...]
    reports: tuple[v1.KeptBuildReport, ...] = ()
    defects: tuple[v1.Defect, ...] = ()
    recalls: tuple[v1.Recall, ...] = ()

    @property
    def main(self) -> Packed:
        """The packed revision."""
        return self.revisions[-1]


def folder_of(number: int, digest: str) -> str:
    """Where what belongs to a revision lies. Parameters: `number`, its place among the revisions, from 1."""
    return f"revisions/{number:04}-{digest[:8]}"


def photographs_of(contents: Contents) -> list[str]:
    """The SHA-256 of every photograph that reports and defects name, in order."""
    named = [sha256 for kept in contents.reports for sha256 in kept.report.photographs]
    return list(dict.fromkeys([*named, *(sha256 for defect in contents.defects for sha256 in defect.photographs)]))


def signature_json(signature: v1.Signature) -> bytes:
    """A signature as an entry."""
    return canonical_json(signature)


def report_json(kept: v1.KeptBuildReport) -> bytes:
    """The signed bytes of a report as an entry, in base64, with the place where it is known; beside them what they say, for people."""
    signed: dict[str, Any]
    if kept.HasField("signed_work"):
        work = kept.signed_work
        signed = {"signed_work": {"work": _base64(work.work), "signature": _base64(work.signature), "public_key": _base64(work.public_key)}}
    else:
        told = kept.signed_report
        by = {"public_key": _base64(told.signature.public_key), "signature": _base64(told.signature.signature)}
        signed = {"signed_report": {"report": _base64(told.report), "signature": by}}
    signed["says"] = json.loads(canonical_json(kept.report))
    if kept.HasField("place"):
        signed["place"] = json.loads(canonical_json(kept.place))
    return plain_json(signed)


def messages_json(messages: Iterable[v1.Defect | v1.Recall]) -> bytes:
    """Messages as an entry: a list of their JSON forms."""
    return plain_json([json.loads(canonical_json(message)) for message in messages])


def plain_json(value: object) -> bytes:
    """JSON for people and programs: sorted and indented, so that the same value is the same bytes."""
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False).encode() + b"\n"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
