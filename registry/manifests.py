# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a maker publishes, checked and put into its one form before anything is stored."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

from commonfab import v1
from commonfab.errors import Refused
from commonfab.units import MILLIMETRES_PER, Quantity
from registry.licences import Licences, correct_licences
from registry.limits import LONGEST_LINE, check_length, check_signs
from registry.lineage import relations

LONGEST_PATH = 500
LONGEST_LICENCE = 500


def in_order(manifest: v1.Manifest, licences: Licences) -> v1.Manifest:
    """The manifest as it will be named: licences as SPDX writes them, files by path, parts and bill by name. Lengths are filled in later.

    Errors: `Refused` (`licence.*`, `revision.*`, `bill.*`, `request.malformed`).
    """
    check_signs(manifest)
    ordered = v1.Manifest()
    ordered.CopyFrom(manifest)  # and not field by field: what this version does not know stays
    for licence in (manifest.licence, manifest.documentation_licence, manifest.software_licence):
        check_length("a licence", licence, LONGEST_LICENCE)
    check_length("a note", manifest.note)
    correct_licences(ordered, licences)
    ordered.files.sort(key=lambda file: file.path)
    ordered.parts.sort(key=lambda part: part.name)
    _check_paths([file.path for file in ordered.files])
    _check_parts(ordered)
    relations.check(ordered)
    return ordered


def fill_sizes(manifest: v1.Manifest, size_of: Callable[[str], int]) -> None:
    """Fill in the lengths of the files.

    Parameters: `size_of`, the length of a stored file by its SHA-256, 0 where it is not known yet.
    Errors: `Refused` (`revision.file_size`), and what `size_of` raises.
    """
    for file in manifest.files:
        if stored := size_of(file.sha256):
            _check_size(file, stored)


def check_texts(design: v1.Design) -> None:
    """Errors: `Refused` (`request.malformed`) where a title, summary or tag is too long to be one, or holds a NUL."""
    check_signs(design)
    check_length("a title", design.title, LONGEST_LINE)
    check_length("a summary", design.summary)
    check_length("all tags together", " ".join(design.tags))


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
            raise Refused("revision.part", repr(part.name[:LONGEST_LINE]))
        if part.demands.unit and part.demands.unit not in MILLIMETRES_PER:
            raise Refused("revision.unit", repr(part.demands.unit[:40]))
        if not all(0 <= figure < math.inf for figure in (part.demands.thickness_mm, part.demands.tolerance_mm)):
            raise Refused("request.malformed", f"thickness and tolerance of part {part.name[:LONGEST_LINE]!r} are numbers of mm, 0 or more")


def _check_size(file: v1.FileEntry, stored: int) -> None:
    if file.size_bytes not in (0, stored):
        raise Refused("revision.file_size", file.path, has=Quantity(stored, "bytes"), says=Quantity(file.size_bytes, "bytes"))
    file.size_bytes = stored
