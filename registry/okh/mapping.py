# SPDX-License-Identifier: AGPL-3.0-or-later
"""Between a manifest's record and the registry's contract. Pure.

From a record: description, licences, bill and parts of a revision. Back: the record of a revision, laid over the manifest that it came
with, so that what the registry does not know survives. Licences pass as they are written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

from commonfab import v1
from registry.okh.part_mapping import SOURCE, okh_parts, parts_of, path_among, size_of
from registry.okh.reading import read
from registry.okh.record import Agent, Record
from registry.okh.writing import write

__all__ = ["Licences", "authors_of", "bill_files", "bill_of", "description_of", "licences_of", "parts_of", "record_of", "size_of"]

BILL = "bill"
"""The key of a manifest under which the lines of a bill stand: 2.4 has only files for that, so it is a key of our own."""


@dataclass(frozen=True)
class Licences:
    """The licences of hardware, documents and software, as they are written; empty where the hardware's holds for all."""

    hardware: str
    documentation: str
    software: str


def licences_of(record: Record) -> Licences:
    """What the manifest says of its licences."""
    return Licences(record.license, record.documentation_license, record.software_license)


def description_of(record: Record) -> v1.Description:
    """What the thing is, as its manifest says. Its kind is not said: no version has a word for it."""
    return v1.Description(
        title=record.name,
        summary=record.function or record.intended_use,
        tags=record.keywords,
        authors=authors_of(record),
        language=record.documentation_language[0] if record.documentation_language else "",
        version=record.version,
        links=[v1.Link(kind=kind, url=url) for kind, url in _links(record)],
    )


def authors_of(record: Record) -> list[str]:
    """Licensors, contributors and organizations by name, each once: whom a licence's notice has to name."""
    agents = (*record.licensor, *record.contributors, *record.organization)
    return list(dict.fromkeys(agent.name or agent.email for agent in agents if agent.name or agent.email))


def _links(record: Record) -> list[tuple[str, str]]:
    said: list[tuple[str, Iterable[str]]] = [
        ("repository", [record.repo]),
        ("forked from", [record.fork_of]),
        ("release", [record.release]),
        ("documentation", record.readme),
        ("instructions", record.manufacturing_instructions),
        ("manual", record.user_manual),
        ("bill of materials", record.bom),
        ("publication", record.publication),
        ("attestation", record.attestation),
    ]
    return [(kind, url) for kind, urls in said for url in urls if url.lower().startswith(("http://", "https://"))]


def bill_files(record: Record, paths: list[str]) -> list[str]:
    """Those of the revision's files that the manifest names as its bill of materials."""
    return [path for path in (path_among(said, paths) for said in record.bom) if path]


def bill_of(record: Record) -> list[v1.BillLine]:
    """The lines of the bill that stand in the manifest itself. Lines that are none are left out."""
    lines = record.unknown.get(BILL)
    read = (_line(told) for told in lines) if isinstance(lines, list) else ()
    return [line for line in read if line is not None]


def _line(told: Any) -> v1.BillLine | None:
    try:
        line = ParseDict(told, v1.BillLine()) if isinstance(told, dict) else None
    except (ParseError, RecursionError):
        return None
    return line if line is not None and line.name and line.quantity > 0 and line.WhichOneof("way") else None


def record_of(design: v1.Design, revision: v1.Revision, original: Record | None = None) -> Record:
    """The record of a revision. Errors: `okh.large` where its texts are longer than a manifest may be.

    Parameters: `original`, the record of the manifest that came with it: what the registry does not know is taken from there, and where the
    registry says otherwise, that goes first.
    """
    manifest = revision.manifest
    about = manifest.description if manifest.HasField("description") else _plainly(design)
    record = replace(original or Record(name=""), name=about.title.strip() or design.title.strip() or design.id)
    record = _described(record, about, revision.number)
    record = replace(
        record,
        license=manifest.licence.strip(),
        documentation_license=manifest.documentation_licence.strip(),
        software_license=manifest.software_licence.strip(),
        part=okh_parts(manifest.parts, record.part, [file.path for file in manifest.files]),
    )
    # What people told the registry is put into the form of a record by the rules by which their manifests are.
    return read(write(_billed(record, manifest)), SOURCE).record


def _plainly(design: v1.Design) -> v1.Description:
    return v1.Description(title=design.title, summary=design.summary, tags=design.tags)


def _described(record: Record, about: v1.Description, number: int) -> Record:
    """With what the description says, where the record does not say the same already."""
    held = description_of(record)
    if about.summary != held.summary:
        record = replace(record, function=about.summary.strip())
    if list(about.tags) != list(held.tags):
        record = replace(record, keywords=_said(about.tags))
    if list(about.authors) != list(held.authors):
        record = replace(record, licensor=tuple(Agent(name=name) for name in _said(about.authors)), organization=(), contributors=())
    if about.language != held.language:
        record = replace(record, documentation_language=_said([about.language]))
    record = replace(record, version=about.version.strip() or str(number or ""))
    if list(about.links) != list(held.links):
        record = replace(record, repo=_link(about, "repository"), fork_of=_link(about, "forked from"), release=_link(about, "release"))
    return record


def _said(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(text.strip() for text in texts if text.strip())


def _link(about: v1.Description, kind: str) -> str:
    return next((link.url.strip() for link in about.links if link.kind == kind), "")


def _billed(record: Record, manifest: v1.Manifest) -> Record:
    if list(manifest.bill) == bill_of(record):
        return record
    lines = [MessageToDict(line, preserving_proto_field_name=True) for line in manifest.bill]
    others = {key: value for key, value in record.unknown.items() if key != BILL}
    return replace(record, unknown={**others, BILL: lines} if lines else others)
