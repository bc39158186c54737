# SPDX-License-Identifier: AGPL-3.0-or-later
"""Fetching a revision's files into a folder."""

from __future__ import annotations

import asyncio
from pathlib import Path, PurePosixPath

from cli.output import bars, plain
from commonfab import v1
from commonfab.client import Node, sha256_of
from commonfab.errors import Refused


async def fetch_revision(node: Node, revision: v1.Revision, folder: Path, overwrite: bool) -> None:
    """Put every file of `revision` under `folder`; those that are there already are left alone.

    Errors: `Refused` (`revision.path` for a path that leaves the folder, `file.exists`, `file.arrived_wrong`); `grpc.aio.AioRpcError`;
    `OSError`.
    """
    files = [(entry, inside(folder, entry.path)) for entry in revision.manifest.files]
    wanted = [(entry, target) for entry, target in files if not (target.is_file() and sha256_of(target) == entry.sha256)]
    taken = next((target for _, target in wanted if target.exists()), None)
    if taken and not overwrite:
        raise Refused("file.exists", str(taken))
    with bars(of_bytes=True) as progress:
        task = progress.add_task("fetching", total=sum(entry.size_bytes for entry, _ in wanted))
        for entry, target in wanted:
            progress.update(task, description=plain(entry.path))
            await asyncio.to_thread(target.parent.mkdir, parents=True, exist_ok=True)
            await _fetch(node, entry, target)
            progress.advance(task, entry.size_bytes)


async def _fetch(node: Node, entry: v1.FileEntry, target: Path) -> None:
    try:
        await node.fetch(entry.sha256, target)
    except ValueError:
        raise Refused("file.arrived_wrong", entry.path) from None


def inside(folder: Path, path: str) -> Path:
    """Where a revision's file goes. A node is not trusted to name places outside `folder`. Errors: `Refused` (`revision.path`)."""
    steps = PurePosixPath(path).parts
    target = folder.joinpath(*steps)
    foreign = path.startswith("/") or ".." in steps or "\\" in path or ":" in path
    if not steps or foreign or not target.resolve().is_relative_to(folder.resolve()):
        raise Refused("revision.path", path)
    return target
