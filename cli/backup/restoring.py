# SPDX-License-Identifier: AGPL-3.0-or-later
"""Restores a backup into an empty data folder and an empty database, of whichever kind, and brings it up to this version."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from cli.backup.board import check_no_board, drop_board, read_board
from cli.backup.layout import BOARD, FILES, KEYS, SETTINGS, SQL, Manifest, blob_path, check, read_manifest
from cli.backup.tables import ROOMS, any_table, drop_tables, make_tables, read_tables
from cli.up.lock import hold_folder
from commonfab.client import sha256_of
from commonfab.database import migrate, open_database
from commonfab.errors import Refused
from commonfab.identity import write_private
from commonfab.settings import NodeSettings
from registry.opening import open_blobs

Progress = Callable[[str, int, int], None]
"""Told what is being done, files done and files in all."""

OLD_SETTINGS = "commonfab.toml.of-backup"
"""The settings of the node that was backed up lie beside, and are not in force: they may name its database, which is not to be touched."""

MAY_BE_THERE = frozenset((SETTINGS, "node.lock"))


def restore(settings: NodeSettings, source: Path, progress: Progress) -> Manifest:
    """Restore the newest backup in `source` to the node of `settings`. It is looked through whole before anything is written.

    Errors: `Refused` (`backup.…`, `restore.…`); `OSError`: then what was written is taken away again.
    """
    manifest = read_manifest(source)
    if manifest is None:
        raise Refused("backup.none", str(source))
    check(source, manifest)
    files = _files(source, manifest)
    for number, (sha256, size) in enumerate(files, 1):
        path = blob_path(source, sha256)
        if not path.is_file() or path.stat().st_size != size or sha256_of(path) != sha256:
            raise Refused("backup.damaged", str(path.relative_to(source)))
        progress("checking", number, len(files))
    data_dir = settings.data_dir
    if data_dir.exists() and any(path.name not in MAY_BE_THERE for path in data_dir.iterdir()):
        raise Refused("restore.folder", str(data_dir))
    with hold_folder(data_dir):
        _check_empty(settings)
        try:
            _restore(settings, source, manifest, files, progress)
        except BaseException:
            _take_away(settings)
            raise
    return manifest


def _files(source: Path, manifest: Manifest) -> list[tuple[str, int]]:
    lines = (source / manifest.folder / FILES).read_text(encoding="utf-8").splitlines()
    return [(str(sha256), int(size)) for sha256, size in map(json.loads, lines)]


def _check_empty(settings: NodeSettings) -> None:
    """Errors: `Refused` (`restore.database`, `restore.board`)."""
    if settings.database_url:
        engine = open_database(settings.database())
        try:
            with engine.connect() as connection:
                if table := any_table(connection):
                    raise Refused("restore.database", table)
        finally:
            engine.dispose()
    asyncio.run(check_no_board(settings))


def _restore(settings: NodeSettings, source: Path, manifest: Manifest, files: list[tuple[str, int]], progress: Progress) -> None:
    folder = source / manifest.folder
    blobs = open_blobs(settings)
    for number, (sha256, _) in enumerate(files, 1):
        blobs.adopt(blob_path(source, sha256))
        progress("restoring", number, len(files))
    if (folder / BOARD).is_file():
        asyncio.run(read_board(settings, folder / BOARD))
    engine = open_database(settings.database())
    try:
        make_tables(engine, manifest.schemas)
        with engine.begin() as connection:
            read_tables(connection, folder / SQL, manifest.rows)
        for room in ROOMS:
            migrate(engine, room)
    finally:
        engine.dispose()
    for path in sorted((folder / KEYS).glob("*")):
        write_private(settings.data_dir / (OLD_SETTINGS if path.name == SETTINGS else path.name), path.read_bytes())


def _take_away(settings: NodeSettings) -> None:
    """Leave folder, database and board as empty as they were; what cannot be taken away is met by the next try."""
    if settings.database_url:
        engine = open_database(settings.database())
        with contextlib.suppress(Exception):
            drop_tables(engine)
        engine.dispose()
    with contextlib.suppress(Exception):
        asyncio.run(drop_board(settings))
    for path in settings.data_dir.iterdir():
        if path.name not in MAY_BE_THERE:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
