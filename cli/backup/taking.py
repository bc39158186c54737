# SPDX-License-Identifier: AGPL-3.0-or-later
"""Takes a backup of a node, which may go on working meanwhile."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from cli.backup.board import write_board
from cli.backup.layout import BOARD, FILES, FORMAT, KEYS, SETTINGS, SQL, Manifest, blob_path, digests, read_manifest, write_manifest
from cli.backup.tables import newest_schemas, one_moment, schemas, write_tables
from cli.up.announcement import read_announcement
from commonfab import __version__
from commonfab.client import sha256_of
from commonfab.database import open_database
from commonfab.errors import Refused
from commonfab.identity import write_private
from commonfab.settings import NodeSettings
from registry.blobs import BlobStore
from registry.housekeeping.names import all_named
from registry.opening import open_blobs

Progress = Callable[[int, int], None]
"""Told files done and files in all."""


@dataclass(frozen=True)
class Taken:
    """A backup that was taken. `new_files`, those that earlier backups in the same folder did not have."""

    manifest: Manifest
    new_files: int
    new_bytes: int


def take_backup(settings: NodeSettings, target: Path, with_keys: bool, progress: Progress) -> Taken:
    """Back up the node of `settings` to the folder `target`, which becomes the newest backup there when it is whole.

    Errors: `Refused` (`backup.…`); `OSError`: then the backup before it is as it was.
    """
    _check(settings, target)
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    moment = datetime.now(UTC)
    folder = target / f"taken-{moment:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    folder.mkdir(mode=0o700)
    try:
        return _take(settings, target, folder, moment.isoformat(timespec="seconds"), with_keys, progress)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _take(settings: NodeSettings, target: Path, folder: Path, taken_at: str, with_keys: bool, progress: Progress) -> Taken:
    note, keys = "", 0
    try:
        keys = asyncio.run(write_board(settings, folder / BOARD))
    except Refused as refused:
        note = refused.reason.message
        (folder / BOARD).unlink(missing_ok=True)
    engine = open_database(settings.database())
    try:
        with one_moment(engine) as connection:
            versions = schemas(connection)
            if versions != newest_schemas():
                raise Refused("backup.schema", json.dumps(versions))
            rows = write_tables(connection, folder / SQL)
            named = _named(connection)
            dialect = connection.dialect.name
    finally:
        engine.dispose()
    _write_keys(settings, folder / KEYS, with_keys)
    copied = _copy_files(open_blobs(settings), target, named, progress)
    with (folder / FILES).open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps([sha256, size])}\n" for sha256, size in sorted(copied.sizes.items()))
    manifest = Manifest(
        format=FORMAT,
        version=__version__,
        taken_at=taken_at,
        folder=folder.name,
        schemas=versions,
        database=dialect,
        neighbourhood=settings.neighbourhood,
        board_keys=keys,
        board_note=note,
        files=len(copied.sizes),
        file_bytes=sum(copied.sizes.values()),
        rows=rows,
        contents=digests(folder),
        missing=copied.missing,
    )
    write_manifest(target, manifest)
    return Taken(manifest, copied.new, copied.new_bytes)


def _check(settings: NodeSettings, target: Path) -> None:
    """Errors: `Refused` (`backup.no_node`, `backup.inside`, `backup.folder`, `backup.other_database`)."""
    if not settings.data_dir.is_dir():
        raise Refused("backup.no_node", str(settings.data_dir))
    if target.resolve().is_relative_to(settings.data_dir.resolve()):
        raise Refused("backup.inside", str(target))
    if target.exists() and (not target.is_dir() or (any(target.iterdir()) and read_manifest(target) is None)):
        raise Refused("backup.folder", str(target))
    running = read_announcement(settings.data_dir)
    mine = sa.engine.make_url(settings.database())
    if running is not None and Path(f"/proc/{running.pid}").exists():
        theirs = sa.engine.make_url(running.database)
        if (theirs.host, theirs.port, theirs.database) != (mine.host, mine.port, mine.database):
            raise Refused("backup.other_database", running.database)


def _named(connection: sa.Connection) -> dict[str, bool]:
    """Every file that SQL names, and whether it must be here."""
    found: dict[str, bool] = {}
    for one in all_named(connection):
        found[one.sha256] = found.get(one.sha256, False) or one.needed
    return found


def _write_keys(settings: NodeSettings, folder: Path, with_keys: bool) -> None:
    folder.mkdir(mode=0o700)
    wanted: list[Path | None] = [settings.steward_token_file(), settings.data_dir / SETTINGS]
    wanted += [settings.tls_certificate, settings.tls_key] if with_keys else []
    for path in wanted:
        if path is not None and path.is_file():
            write_private(folder / path.name, path.read_bytes())


@dataclass
class _Copied:
    """What became of the files. `sizes`, bytes by SHA-256 of all that the backup has now."""

    sizes: dict[str, int]
    missing: list[str]
    new: int = 0
    new_bytes: int = 0


def _copy_files(blobs: BlobStore, target: Path, named: dict[str, bool], progress: Progress) -> _Copied:
    """Bring those over that are not there yet. Each new one is hashed: a spoilt file is of no use in a backup, and is told of now."""
    done = _Copied({}, [])
    for number, (sha256, needed) in enumerate(sorted(named.items()), 1):
        place = blob_path(target, sha256)
        if not place.is_file():
            try:
                with blobs.local(sha256) as source:
                    right = _copy(source, place, sha256)
            except Refused:
                right = False
            except ValueError:  # a bucket gave other bytes than were asked for
                right, needed = False, True
            if not right:
                done.missing += [sha256] if needed else []
                continue
            done.new += 1
            done.new_bytes += place.stat().st_size
        done.sizes[sha256] = place.stat().st_size
        progress(number, len(named))
    return done


def _copy(source: Path, place: Path, sha256: str) -> bool:
    """Link or copy a file into its place, if it is what its name says."""
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{place.name}.part")
    part.unlink(missing_ok=True)
    try:
        os.link(source, part)
    except OSError:  # another disk, or one without links
        shutil.copyfile(source, part)
    if sha256_of(part) != sha256:
        part.unlink()
        return False
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.rename(place)
    return True


def shown(names: Iterable[str]) -> str:
    """A few names for a sentence."""
    every = list(names)
    return ", ".join(name[:12] for name in every[:5]) + (" …" if len(every) > 5 else "")
