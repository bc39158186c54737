# SPDX-License-Identifier: AGPL-3.0-or-later
"""From the messages of a call to a staged file.

Each upload has a thread of its own, to which its work is given in order. So the node goes on answering while a disk is slow, no two threads
ever write to one file, and a call that is cancelled ends with what had arrived being written and the lock given back, whenever that is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from commonfab import v1
from commonfab.errors import Refused
from registry.blobs.naming import check_sha256
from registry.blobs.staging import Upload
from registry.blobs.wire import Piece

MOST_CHUNK_BYTES = 1024 * 1024
BATCH_BYTES = 1024 * 1024
"""What is given to the thread at once. Measured: smaller batches cost more hops; larger ones leave the processor's cache before they are
written, and a thread that computes while the next message is read only fights with it over the interpreter's lock."""


async def take_in(
    header: v1.UploadHeader, begin: Callable[[], Upload], pieces: AsyncIterator[Piece], finish: Callable[[Upload, str], None]
) -> str:
    """Write what arrives, then `finish` it under the digest that was announced; returns that digest.

    Errors: those of `begin`, `pieces` and `finish`; `Refused` (`request.malformed`, `file.sha256`).
    """
    loop = asyncio.get_running_loop()
    lane = ThreadPoolExecutor(1, "upload")
    opening = lane.submit(begin)
    batch: list[memoryview] = []
    announced, size = header.sha256, 0
    writing: asyncio.Future[None] | None = None
    broken_off = False
    try:
        upload = await asyncio.wrap_future(opening)
        async for piece in pieces:
            if isinstance(piece, v1.UploadFileRequest):
                announced = _trailer(piece, announced)
                break
            if len(piece) > MOST_CHUNK_BYTES:
                raise Refused("request.malformed", f"after the header come chunks of at most {MOST_CHUNK_BYTES} bytes")
            batch.append(piece)
            size += len(piece)
            if size >= BATCH_BYTES:
                # One batch is hashed and written while the next arrives; never more, or a slow disk would fill the memory.
                # Shielded: a call that is cancelled must not take a batch out of the middle.
                if writing is not None:
                    await asyncio.shield(writing)
                writing, batch, size = loop.run_in_executor(lane, upload.add, batch), [], 0
        if writing is not None:
            await asyncio.shield(writing)
        full, batch = batch, []
        await loop.run_in_executor(lane, upload.add, full)
        await loop.run_in_executor(lane, finish, upload, announced)
    except asyncio.CancelledError:
        broken_off = True
        raise
    finally:
        if writing is not None:
            writing.add_done_callback(_heard)
        left = lane.submit(_leave, opening, batch)
        lane.shutdown(wait=False)
        if not broken_off:  # whoever is answered may send again at once, and must not find the file locked by the call that has ended
            await asyncio.shield(asyncio.wrap_future(left))
    return announced


def _trailer(piece: v1.UploadFileRequest, announced: str) -> str:
    """The digest that ends an upload. Errors: `Refused` (`request.malformed`, `file.sha256`)."""
    if piece.WhichOneof("message") != "trailer" or announced:
        raise Refused("request.malformed", "after the header come chunks, and a trailer where the header names no SHA-256")
    check_sha256(piece.trailer.sha256)
    return piece.trailer.sha256


def _heard(writing: asyncio.Future[None]) -> None:
    """Where a call breaks off, nobody else asks what became of the batch that was being written; asyncio would complain in the log."""
    if not writing.cancelled():
        writing.exception()


def _leave(opening: Future[Upload], rest: list[memoryview]) -> None:
    """End an upload, well or not. Where it broke off, what arrived last is kept, to go on from there."""
    if opening.cancelled() or opening.exception() is not None:
        return
    upload = opening.result()
    with upload.file, suppress(OSError, Refused):
        if rest:
            upload.add(rest)
