# SPDX-License-Identifier: AGPL-3.0-or-later
"""From files on a disk to a manifest: which files, under which paths, and which of them describe the same part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from commonfab import v1
from commonfab.client import sha256_of
from commonfab.errors import Refused
from commonfab.file_endings import describes_a_part, richness

NONE_NAMED: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class LocalFile:
    """A file to be published: where it is, and its path in the revision."""

    source: Path
    path: str


def gather(paths: Sequence[Path]) -> list[LocalFile]:
    """The files under `paths`, in the order of their paths in the revision.

    A file keeps its name; the files of a folder keep their paths inside it. Hidden files and folders, and links, are left out.
    Errors: `Refused` (`revision.no_files`, `revision.path` where two files would have the same path, `file.empty`); `OSError`.
    """
    found: dict[str, LocalFile] = {}
    for file in (file for given in paths for file in _under(given)):
        if file.path in found:
            raise Refused("revision.path", file.path)
        if file.source.stat().st_size == 0:
            raise Refused("file.empty", file.path)
        found[file.path] = file
    if not found:
        raise Refused("revision.no_files")
    return [found[path] for path in sorted(found)]


def _under(given: Path) -> list[LocalFile]:
    if not given.is_dir():
        return [LocalFile(given, given.name)]
    inside = [(file, file.relative_to(given)) for file in given.rglob("*") if file.is_file() and not file.is_symlink()]
    return [LocalFile(file, path.as_posix()) for file, path in inside if not any(step.startswith(".") for step in path.parts)]


def manifest(files: Sequence[LocalFile], licence: str, demands: v1.Demands, quantities: Mapping[str, int] = NONE_NAMED) -> v1.Manifest:
    """What the files are as a revision without a parent.

    Parameters: `quantities`, pieces of a part that one product needs, by the part's name; 1 where it is not named.
    Errors: `Refused` (`revision.part` where `quantities` names none of the parts); `OSError`.
    """
    parts = parts_of([file.path for file in files], demands, quantities)
    if unknown := sorted(set(quantities) - {part.name for part in parts}):
        raise Refused("revision.part", unknown[0])
    entries = [v1.FileEntry(path=f.path, sha256=sha256_of(f.source), size_bytes=f.source.stat().st_size) for f in files]
    return v1.Manifest(licence=licence, files=entries, parts=parts)


def demand(parts: Iterable[v1.Part], told: Sequence[v1.Part], quantities: Mapping[str, int]) -> None:
    """Put into parts what an Open Know-How manifest says of the one with a file in common, where nobody said otherwise.

    Parameters: `quantities`, as `manifest` has them: what was said of the quantity.
    """
    for part in parts:
        same = next((one for one in told if not set(part.paths).isdisjoint(one.paths)), None)
        if same is None:
            continue
        if part.name not in quantities:
            part.quantity_per_product = same.quantity_per_product
        for field, _ in part.demands.ListFields():
            same.demands.ClearField(field.name)  # type: ignore[arg-type]  # any field
        part.demands.MergeFrom(same.demands)


def parts_of(paths: Iterable[str], demands: v1.Demands, quantities: Mapping[str, int]) -> list[v1.Part]:
    """The parts that files describe, in the order of their names.

    Files of one folder with the same name before the ending show the same part. Where two folders have a part of the same name, the folder
    is made part of the name: "left/arm".
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for path in map(PurePosixPath, sorted(paths)):
        if describes_a_part(str(path)):
            groups.setdefault((str(path.parent), path.stem), []).append(str(path))
    stems = [stem for _, stem in groups]
    named = {stem if stems.count(stem) == 1 else str(PurePosixPath(folder, stem)): shown for (folder, stem), shown in groups.items()}
    return [
        v1.Part(name=name, paths=sorted(shown, key=richness), quantity_per_product=quantities.get(name, 1), demands=demands)
        for name, shown in sorted(named.items())
    ]


def quantities_of(written: Iterable[str]) -> dict[str, int]:
    """Quantities as they are written on the command line, "gear=2". Errors: `Refused` (`command.quantity`)."""
    told: dict[str, int] = {}
    for text in written:
        name, _, number = text.rpartition("=")
        if not name or not number.isdecimal() or int(number) < 1:
            raise Refused("command.quantity", text)
        told[name] = int(number)
    return told
