# SPDX-License-Identifier: AGPL-3.0-or-later
"""Sending a file to a node.

A large file is hashed while it is sent, and its SHA-256 ends the upload. Whether the node may have it already, and where an earlier try
broke off, is asked by its length and its first MiB. A small file is hashed first.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from io import FileIO
from pathlib import Path

import grpc

from commonfab import v1
from commonfab.errors import refusal_of
from commonfab.large_blocks import keep_large_blocks

CHUNK_BYTES = 1024 * 1024
"""The most that a node takes in one message. Fewer, larger messages cost less."""

BEGINNING_BYTES = 1024 * 1024
HASHED_FIRST_BYTES = 8 * 1024 * 1024
"""Up to here a file is hashed before it is sent: it takes milliseconds, and may save sending it."""

METHOD = "/commonfab.v1.DesignRegistry/UploadFile"
CHUNK_TAG = bytes([v1.UploadFileRequest.CHUNK_FIELD_NUMBER << 3 | 2])

Progress = Callable[[int, int], None]
"""Told bytes done and bytes in all."""

WITHOUT_SHA256 = ("file.sha256", "file.busy", "file.digest")
"""Refusals after which it is worth trying with the SHA-256 of the whole file: an older node, another file of the same beginning on its way,
or one whose first part had been sent."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, 64 lower-case hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def send(channel: grpc.aio.Channel, path: Path, progress: Progress) -> v1.UploadFileResponse:
    """Send a file, from where an earlier try broke off; nothing is sent where the node has it already.

    Errors: `grpc.aio.AioRpcError`, with a refusal that `commonfab.errors.refusal_of` reads; `OSError`.
    """
    size = (await asyncio.to_thread(path.stat)).st_size
    try:
        return await _send(channel, path, size, progress)
    except grpc.aio.AioRpcError as error:
        if error.code() != grpc.StatusCode.INTERNAL or refusal_of(error) is not None:
            raise
    # gRPC loses the answer of a node that refuses while chunks are still being sent. Asked again, the node says it before they are.
    return await _send(channel, path, size, progress)


async def _send(channel: grpc.aio.Channel, path: Path, size: int, progress: Progress) -> v1.UploadFileResponse:
    if size > HASHED_FIRST_BYTES:
        keep_large_blocks()
        try:
            sent = await _hash_while_sending(channel, path, size, progress)
        except grpc.aio.AioRpcError as error:
            refusal = refusal_of(error)
            if refusal is None or refusal.reason.code not in WITHOUT_SHA256:
                raise
        else:
            if sent is not None:
                return sent
    return await _hash_first(channel, path, size, progress)


async def _hash_while_sending(channel: grpc.aio.Channel, path: Path, size: int, progress: Progress) -> v1.UploadFileResponse | None:
    """As `send`; None where the node seems to have the file."""
    beginning = await asyncio.to_thread(_beginning_of, path)
    here = await v1.DesignRegistryStub(channel).StatFile(v1.StatFileRequest(size_bytes=size, beginning_sha256=beginning))
    if here.likely_here:
        return None
    return await _upload(channel, path, v1.UploadHeader(size_bytes=size, offset=here.received_bytes, beginning_sha256=beginning), progress)


async def _hash_first(channel: grpc.aio.Channel, path: Path, size: int, progress: Progress) -> v1.UploadFileResponse:
    sha256 = await asyncio.to_thread(sha256_of, path)
    here = await v1.DesignRegistryStub(channel).StatFile(v1.StatFileRequest(sha256=sha256, size_bytes=size))
    if here.complete:
        progress(size, size)
        return v1.UploadFileResponse(sha256=sha256, size_bytes=size)
    return await _upload(channel, path, v1.UploadHeader(sha256=sha256, size_bytes=size, offset=here.received_bytes), progress)


async def _upload(channel: grpc.aio.Channel, path: Path, header: v1.UploadHeader, progress: Progress) -> v1.UploadFileResponse:
    # By hand and not by the built stub: it would copy every chunk twice on its way into a message.
    call: grpc.aio.StreamUnaryMultiCallable[bytes, v1.UploadFileResponse] = channel.stream_unary(
        METHOD, response_deserializer=v1.UploadFileResponse.FromString
    )
    try:
        return await call(_messages(path, header, progress))
    except grpc.aio.AioRpcError as error:
        # Where the node refuses while chunks are being written, gRPC's asyncio client may say INTERNAL and forget the reason, which had
        # come with the end of the call. The header alone is refused for the same reason.
        if error.code() != grpc.StatusCode.INTERNAL or refusal_of(error) is not None:
            raise
        return await call(_only(header))


async def _only(header: v1.UploadHeader) -> AsyncIterator[bytes]:
    yield v1.UploadFileRequest(header=header).SerializeToString()


async def _messages(path: Path, header: v1.UploadHeader, progress: Progress) -> AsyncIterator[bytes]:
    """The messages of an upload as they go over the wire.

    Chunks are read and hashed right here: a thread would take longer to be told, and on two processors two threads that share Python's
    lock are slower than one.
    """
    yield v1.UploadFileRequest(header=header).SerializeToString()
    done, hasher = header.offset, hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        if header.sha256:
            file.seek(done)
        else:
            await asyncio.to_thread(_hash_up_to, done, file, hasher)
        while chunk := file.read(CHUNK_BYTES):
            if not header.sha256:
                hasher.update(chunk)
            yield b"".join((CHUNK_TAG, _varint(len(chunk)), chunk))
            done += len(chunk)
            progress(done, header.size_bytes)
    if not header.sha256:
        yield v1.UploadFileRequest(trailer=v1.UploadTrailer(sha256=hasher.hexdigest())).SerializeToString()


def _beginning_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.sha256(file.read(BEGINNING_BYTES)).hexdigest()


def _hash_up_to(end: int, file: FileIO, hasher: hashlib._Hash) -> None:
    while file.tell() < end and (batch := file.read(min(CHUNK_BYTES, end - file.tell()))):
        hasher.update(batch)


def _varint(number: int) -> bytes:
    """A number as protobuf writes it: seven bits a byte, the lowest first (protobuf.dev, "Base 128 varints")."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
