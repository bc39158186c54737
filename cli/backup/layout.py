# SPDX-License-Identifier: AGPL-3.0-or-later
"""How a backup lies in its folder.

`backup.json` says what the newest backup is; it is replaced when everything it names is on the disk, so a backup that broke off leaves the
one before it as it was. `blobs/ab/cdef…` holds files by their SHA-256 for all backups; everything else is in a folder of that backup's own.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from commonfab.client import sha256_of
from commonfab.errors import Refused
from commonfab.identity import write_private
from registry.blobs.disk import sync_folder

FORMAT = 1
MANIFEST = "backup.json"
BLOBS = "blobs"
BOARD = "board.jsonl"
FILES = "files.jsonl"
SQL = "sql"
KEYS = "keys"
SETTINGS = "commonfab.toml"


@dataclass(frozen=True)
class Manifest:
    """What a backup holds. `contents`, SHA-256 by path below `folder`; `missing`, files that the node itself had lost."""

    format: int
    version: str
    taken_at: str
    folder: str
    schemas: dict[str, str]
    database: str
    neighbourhood: str
    board_keys: int
    board_note: str
    files: int
    file_bytes: int
    rows: dict[str, int]
    contents: dict[str, str]
    missing: list[str]


def read_manifest(target: Path) -> Manifest | None:
    """The newest backup in a folder; None where there is none. Errors: `Refused` (`backup.folder`, `backup.newer`)."""
    try:
        said = json.loads((target / MANIFEST).read_text(encoding="utf-8"))
        if said["format"] > FORMAT:
            raise Refused("backup.newer", f"its form is {said['format']}, this version knows {FORMAT}")
        return Manifest(**{name: said[name] for name in Manifest.__dataclass_fields__})
    except FileNotFoundError:
        return None
    except (KeyError, TypeError, ValueError):
        raise Refused("backup.folder", str(target)) from None


def write_manifest(target: Path, manifest: Manifest) -> None:
    """Make a backup the newest one, then remove those before it; their files stay."""
    write_private(target / MANIFEST, (json.dumps(asdict(manifest), indent=2, sort_keys=True) + "\n").encode())
    sync_folder(target)
    for other in target.glob("taken-*"):
        if other.name != manifest.folder:
            shutil.rmtree(other)


def blob_path(target: Path, sha256: str) -> Path:
    """Where a backup keeps a file."""
    return target / BLOBS / sha256[:2] / sha256[2:]


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by its path there; each is on the disk afterwards."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                found[str(path.relative_to(folder))] = hashlib.file_digest(file, "sha256").hexdigest()
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            sync_folder(path)
    return found


def check(source: Path, manifest: Manifest) -> None:
    """Hash everything but the blobs. Errors: `Refused` (`backup.damaged`)."""
    for name, sha256 in manifest.contents.items():
        path = source / manifest.folder / name
        if not path.is_file() or sha256_of(path) != sha256:
            raise Refused("backup.damaged", f"{manifest.folder}/{name}")
