# SPDX-License-Identifier: AGPL-3.0-or-later
"""What can be told of a design from its files, each with where it stands: an Open Know-How manifest, a README, a licence, a table.

What an `okh.toml` or `okh.yml` says is certain: its author filled it in for this. Everything else is inferred, and is only ever a proposal
that a person takes or changes. Nothing is looked up anywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from commonfab import v1
from commonfab.errors import Refused
from registry.licences import Licences
from registry.licences.finding import licences_in
from registry.okh.files import MANIFESTS, read_text
from registry.okh.mapping import bill_of, description_of, licences_of, parts_of
from registry.okh.reading import read
from registry.proposing.bill_files import read_bill
from registry.proposing.readme import Readme, items_in, parse_readme

MOST_BYTES = 256 * 1024
BILL_NAMES = frozenset(("bom.csv", "bom.tsv", "bill.csv", "bill.toml", "bom.toml", "bill_of_materials.csv", "bill-of-materials.csv"))
TOOL_WORDS = re.compile(r"\b(?:jig|gauge|mou?ld|fixture|template)\b", re.IGNORECASE)


Value = str | tuple[str, ...] | v1.Item | tuple[v1.BillLine, ...] | tuple[v1.Link, ...] | tuple[v1.Part, ...]


@dataclass(frozen=True)
class Proposal:
    """Something that the files say of a design.

    `field` is a field of the manifest or of its description: "title", "licence", "fits", …; `source` the file, with its line where there is
    one; `certain` where its author wrote it to be read by programs.
    """

    field: str
    value: Value
    source: str
    certain: bool = False


def propose(files: Mapping[str, Path], folder_name: str, licences: Licences) -> tuple[Proposal, ...]:
    """What `files` say, at most one proposal a field (several for "fits" and "replaces"), the certain before the inferred.

    Parameters: `files`, by their paths in the revision; `folder_name`, empty where no folder was given.
    Errors: `OSError`; `Refused` (`okh.*`) where there is an Open Know-How manifest that cannot be read.
    """
    certain = list(_from_okh(files))
    inferred = [*_from_readme(files), *_from_licences(files, licences), *_from_bill(files)]
    if folder_name:
        inferred.append(Proposal("title", folder_name.replace("_", " ").strip(), "the folder's name"))
    taken = {proposal.field for proposal in certain}
    kept = list(certain)
    for proposal in inferred:
        if proposal.field not in taken:
            kept.append(proposal)
            taken |= {proposal.field} - {"fits", "replaces"}
    return tuple(kept)


def text_of(file: Path) -> str:
    """The beginning of a text file; empty where it is none. Errors: `OSError`."""
    with file.open("rb") as opened:
        content = opened.read(MOST_BYTES)
    if b"\0" in content:
        return ""
    return content.decode("utf-8", errors="replace").lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def is_okh(path: str) -> bool:
    """Whether a path names an Open Know-How manifest."""
    return any(fnmatch(PurePosixPath(path).name.lower(), pattern) for pattern in MANIFESTS)


def okh_among(paths: Iterable[str]) -> str:
    """The manifest that lies highest; among several there, the first of the names that it may have. Empty where there is none."""
    named = sorted(filter(is_okh, paths), key=lambda path: (path.count("/"), PurePosixPath(path).stem.lower() != "okh", path))
    return named[0] if named else ""


def _from_okh(files: Mapping[str, Path]) -> Iterator[Proposal]:
    named = okh_among(files)
    if not named:
        return
    record = read(read_text(files[named]), named).record
    said, licences = description_of(record), licences_of(record)
    values: dict[str, Value] = {
        "title": said.title,
        "summary": said.summary,
        "tags": tuple(said.tags),
        "licence": licences.hardware,
        "documentation_licence": licences.documentation,
        "software_licence": licences.software,
        "authors": tuple(said.authors),
        "version": said.version,
        "language": said.language,
        "links": tuple(said.links),
        "bill": tuple(bill_of(record)),
        "parts": tuple(parts_of(record, sorted(files))[0]),
    }
    for field, value in values.items():
        if value:
            yield Proposal(field, value, named, certain=True)


def _from_readme(files: Mapping[str, Path]) -> Iterator[Proposal]:
    readmes = [path for path in files if "/" not in path and PurePosixPath(path).stem.lower() == "readme"]
    if not readmes:
        return
    path = min(readmes, key=lambda name: (PurePosixPath(name).suffix.lower() not in (".md", ".rst", ".txt", ""), name))
    readme = parse_readme(text_of(files[path]))
    if readme.title:
        yield Proposal("title", readme.title.text, f"{path}:{readme.title.line}")
    if readme.summary:
        yield Proposal("summary", readme.summary.text, f"{path}:{readme.summary.line}")
    found = list(items_in(readme))
    for field, item, line in found:
        yield Proposal(field, item, f"{path}:{line}")
    yield from _kind(readme, path, {field for field, _, _ in found})


def _kind(readme: Readme, path: str, fields: set[str]) -> Iterator[Proposal]:
    """A guess from what it replaces or fits, or from a word in the title."""
    if "replaces" in fields:
        yield Proposal("kind", "replacement-part", f"{path}, from what it replaces")
    elif "fits" in fields:
        yield Proposal("kind", "accessory", f"{path}, from what it fits")
    elif readme.title and TOOL_WORDS.search(readme.title.text):
        yield Proposal("kind", "tool", f"{path}:{readme.title.line}")


def _from_licences(files: Mapping[str, Path], licences: Licences) -> Iterator[Proposal]:
    for field, expression, source in licences_in(files, text_of, licences):
        yield Proposal(field, expression, source)


def _from_bill(files: Mapping[str, Path]) -> Iterator[Proposal]:
    """Lines that name a file of the folder are parts of it, not of the bill."""
    stems = {PurePosixPath(path).stem.lower() for path in files}
    for path in sorted(path for path in files if PurePosixPath(path).name.lower() in BILL_NAMES):
        try:
            lines = read_bill(text_of(files[path]), path)
        except Refused:
            continue
        others = tuple(line for line in lines if PurePosixPath(line.name).stem.lower() not in stems)
        if others:
            yield Proposal("bill", others, path)
            return
