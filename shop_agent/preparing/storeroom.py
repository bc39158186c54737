# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the agent keeps on its disk for work: meshes and checked toolpaths by what they are made from, folders for people, pictures.

A checked toolpath is two files: the bytes, whose name carries their digest, and a small one beside them, written after the gate, that says
which bytes passed. Whatever standing work needs stays; the rest goes when it is old or when there is too much of it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from shop_agent.journal.records import Toolpath

KEPT_SECONDS = 7 * 24 * 3600.0
MOST_BYTES = 1024**3
"""What no standing work needs is kept for a week, and 1 GiB of it at most: the next lot of the same part is likely to come soon. Our own
choice, small beside a card of 16 GB."""

MESHES, TOOLPATHS, BROUGHT, WORK, PICTURES = "meshes", "toolpaths", "brought", "work", "pictures"


@dataclass(frozen=True)
class Needed:
    """What standing work needs. `files`: meshes, toolpaths and pictures, by path; `attempts`: keys of attempts on the benches."""

    files: Collection[Path]
    attempts: Collection[str]


def digest_of(file: Path) -> str:
    """The SHA-256 of a file. Errors: `OSError`."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def keep_checked(data_dir: Path, key: str, toolpath: Toolpath) -> Toolpath:
    """Keep a toolpath that passed the gate under the key of what it was made from; answers it where it now lies. Errors: `OSError`."""
    file = data_dir / TOOLPATHS / f"{key}-{toolpath.sha256[:12]}.gcode"
    Path(toolpath.file).replace(file)
    kept = Toolpath(str(file), toolpath.sha256, toolpath.seconds, toolpath.grams, toolpath.note)
    scratch = file.with_suffix(".part")
    scratch.write_text(json.dumps({**asdict(kept), "file": file.name}), encoding="utf-8")
    scratch.replace(_note_of(data_dir, key))
    return kept


def checked_before(data_dir: Path, key: str) -> Toolpath | None:
    """The toolpath that was made from the same and passed the gate; None where there is none, or its bytes are no longer those."""
    try:
        told = json.loads(_note_of(data_dir, key).read_text(encoding="utf-8"))
        toolpath = Toolpath(**{**told, "file": str(data_dir / TOOLPATHS / Path(told["file"]).name)})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return toolpath if is_still(toolpath) else None


def is_still(toolpath: Toolpath) -> bool:
    """Whether a toolpath's file still holds the bytes that were checked; it then counts as used just now."""
    file = Path(toolpath.file)
    try:
        if not toolpath.file or digest_of(file) != toolpath.sha256:
            return False
        os.utime(file)
    except OSError:
        return False
    return True


def is_made_from(toolpath: Toolpath, key: str) -> bool:
    """Whether a toolpath lies under this key."""
    return Path(toolpath.file).name.startswith(f"{key}-")


def _remove(folder: Path) -> None:
    """Remove a folder and all in it."""
    import shutil  # it brings three kinds of compression along, which an idle agent does without

    shutil.rmtree(folder, ignore_errors=True)


def tidy(data_dir: Path, needed: Needed, now: float) -> None:
    """Remove what no standing work needs: at once what belongs to one order, the rest when it is old or too much.

    Parameters: `now`, seconds since 1970, by the clock that stamps the files.
    """
    for folder in (data_dir / WORK).glob("*"):
        if folder.name not in needed.attempts:
            _remove(folder)
    for file in (*(data_dir / BROUGHT).glob("*"), *(data_dir / PICTURES).glob("*.png")):
        # An hour: who has just brought it is about to write that down, and a desk fetches pictures for itself.
        if file not in needed.files and _age(file, now) > 3600:
            file.unlink(missing_ok=True)
    for left in (data_dir / TOOLPATHS).glob("slicing-*"):
        if _age(left, now) > 3600:
            _remove(left)
    spare = [file for folder in (MESHES, TOOLPATHS) for file in (data_dir / folder).glob("*") if file.is_file()]
    _drop(_too_many((file for file in spare if file not in needed.files and file.suffix != ".json"), now))
    for note in (data_dir / TOOLPATHS).glob("*.json"):
        if next(note.parent.glob(f"{note.stem}-*.gcode"), None) is None:
            note.unlink(missing_ok=True)


def _too_many(files: Iterable[Path], now: float) -> list[Path]:
    """Of files that nothing needs, those to drop: the old ones, and beyond the limit those that were used longest ago."""
    dropped, room = [], MOST_BYTES
    for file in sorted(files, key=lambda one: _age(one, now)):
        room -= _size(file)
        if room < 0 or _age(file, now) > KEPT_SECONDS:
            dropped.append(file)
    return dropped


def _drop(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _note_of(data_dir: Path, key: str) -> Path:
    return data_dir / TOOLPATHS / f"{key}.json"


def _age(file: Path, now: float) -> float:
    try:
        return abs(now - file.stat().st_mtime)  # abs: stamped by a clock that was wrong, it goes as well
    except OSError:
        return 0.0


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
