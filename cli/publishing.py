# SPDX-License-Identifier: AGPL-3.0-or-later
"""Publishing a revision: the files, then the manifest, then what inspection says of the parts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cli.calls import follow
from cli.folder import LocalFile
from cli.output import bars, plain
from commonfab import v1
from commonfab.client import Node

UPLOADS_AT_ONCE = 4
"""Enough to fill a home's uplink while one file is being hashed."""


async def upload_all(node: Node, files: Sequence[LocalFile]) -> None:
    """Send every file that the node does not have. Errors: `grpc.aio.AioRpcError`, `OSError`."""
    gate = asyncio.Semaphore(UPLOADS_AT_ONCE)
    with bars(of_bytes=True) as progress:

        async def send(file: LocalFile) -> None:
            async with gate:
                task = progress.add_task(plain(file.path), total=file.source.stat().st_size)
                await node.upload(file.source, lambda done, total: progress.update(task, completed=done, total=total))

        sending = [asyncio.create_task(send(file)) for file in files]
        try:
            await asyncio.gather(*sending)
        finally:
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)


async def publish(node: Node, files: Sequence[LocalFile], design: v1.Design, manifest: v1.Manifest) -> v1.PublishRevisionResponse:
    """Upload and publish. Publishing the same again gives the same revision. Errors: `grpc.aio.AioRpcError`, `OSError`."""
    await upload_all(node, files)
    return await node.registry.PublishRevision(v1.PublishRevisionRequest(design=design, manifest=manifest))


async def inspected(node: Node, digest: str) -> v1.GetRevisionResponse:
    """The revision once all its parts have been inspected. Errors: `grpc.aio.AioRpcError`."""
    with bars() as progress:
        task = progress.add_task("inspecting", total=None)
        async for told in follow(node, lambda: node.registry.WatchInspection(v1.WatchInspectionRequest(digest=digest))):
            progress.update(task, completed=told.done, total=told.total)
    return await node.registry.GetRevision(v1.GetRevisionRequest(digest=digest))
