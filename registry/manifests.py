# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a maker publishes, checked and put into its one form before anything is stored."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

from commonfab import v1
from commonfab.errors import Refused
from commonfab.units import MILLIMETRES_PER, Quantity
from registry.licences import Licences

LONGEST_TEXT = 10_000
LONGEST_TITLE = 200
LONGEST_PATH = 500
LONGEST_LICENCE = 500


def in_order(manifest: v1.Manifest, licences: Licences, size_of: Callable[[str], int]) -> v1.Manifest:
    """The manifest as it will be named: licence as SPDX writes it, files by path, parts by name, lengths filled in.

    Parameters: `size_of`, the length of a stored file by its SHA-256; raises `Refused` (`file.unknown`, `file.sha256`).
    Errors: `Refused` (`licence.*`, `revision.*`, `file.unknown`, `file.sha256`, `request.malformed`).
    """
    ordered = v1.Manifest()
    ordered.CopyFrom(manifest)  # and not field by field: what this version does not know stays
    _check_length("a licence", manifest.licence, LONGEST_LICENCE)
    _check_length("a note", manifest.note, LONGEST_TEXT)
    ordered.licence = licences.normalise(manifest.licence)
    ordered.files.sort(key=lambda file: file.path)
    ordered.parts.sort(key=lambda part: part.name)
    _check_paths([file.path for file in ordered.files])
    _check_parts(ordered)
    for file in ordered.files:
        _check_size(file, size_of(file.sha256))
    return ordered


def check_texts(design: v1.Design) -> None:
    """Errors: `Refused` (`request.malformed`) where a title, summary or tag is too long to be one."""
    _check_length("a title", design.title, LONGEST_TITLE)
    _check_length("a summary", design.summary, LONGEST_TEXT)
    _check_length("all tags together", " ".join(design.tags), LONGEST_TEXT)


def _check_length(what: str, text: str, most: int) -> None:
    if len(text) > most:
        raise Refused("request.malformed", f"{what} may have {most} characters, not {len(text)}")


def _check_paths(paths: Sequence[str]) -> None:
    if not paths:
        raise Refused("revision.no_files")
    times = Counter(paths)
    for path in paths:
        folders = (path[:index] for index, sign in enumerate(path) if sign == "/")
        if not _keeps(path) or times[path] > 1 or any(folder in times for folder in folders):
            raise Refused("revision.path", repr(path[:LONGEST_PATH]))


def _keeps(path: str) -> bool:
    """Whether a path means the same file on every machine, inside the folder it is unpacked to."""
    steps = path.split("/")
    clean = not any(unicodedata.category(sign) in ("Cc", "Cs") for sign in path)
    return 0 < len(path) <= LONGEST_PATH and clean and "\\" not in path and ":" not in steps[0] and not {"", ".", ".."} & set(steps)


def _check_parts(manifest: v1.Manifest) -> None:
    paths = {file.path for file in manifest.files}
    times = Counter(part.name for part in manifest.parts)
    for part in manifest.parts:
        named = bool(part.name.strip()) and times[part.name] == 1
        if not named or part.quantity_per_product < 1 or not part.paths or not paths.issuperset(part.paths):
            raise Refused("revision.part", repr(part.name[:LONGEST_TITLE]))
        if part.demands.unit and part.demands.unit not in MILLIMETRES_PER:
            raise Refused("revision.unit", repr(part.demands.unit[:40]))


def _check_size(file: v1.FileEntry, stored: int) -> None:
    if file.size_bytes not in (0, stored):
        raise Refused("revision.file_size", file.path, has=Quantity(stored, "bytes"), says=Quantity(file.size_bytes, "bytes"))
    file.size_bytes = stored
