# SPDX-License-Identifier: AGPL-3.0-or-later
"""How fast files go into the registry, beside a bare gRPC stream of the same bytes in the same chunks that a server throws away.

The client hashes the file first; the registry hashes what arrives and has it on the disk before it answers. The bare stream does neither.
How fast this disk takes the same bytes from one plain write and fsync is printed too: no registry that keeps its word can be faster.

    python benchmarks/upload_throughput.py [--mebibytes 256] [--rounds 5]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import grpc
from running_node import RunningNode, running_node

from commonfab.client import CHUNK_BYTES, connect

METHOD = "/bare.Stream/Discard"
MEBIBYTE = 1024 * 1024


async def _discard(requests: AsyncIterator[bytes], context: Any) -> bytes:
    received = 0
    async for chunk in requests:
        received += len(chunk)
    return received.to_bytes(8, "big")


def _bare_server(tell: Connection) -> None:
    async def serve() -> None:
        server = grpc.aio.server(options=[("grpc.max_receive_message_length", 4 * MEBIBYTE)])
        handler = grpc.stream_unary_rpc_method_handler(_discard)
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("bare.Stream", {"Discard": handler})])
        tell.send(server.add_insecure_port("127.0.0.1:0"))
        await server.start()
        await server.wait_for_termination()

    asyncio.run(serve())


async def _send_bare(port: int, path: Path) -> float:
    async def chunks() -> AsyncIterator[bytes]:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        await channel.channel_ready()
        started = time.perf_counter()
        received = await channel.stream_unary(METHOD)(chunks())
        seconds = time.perf_counter() - started
    assert int.from_bytes(received, "big") == path.stat().st_size
    return seconds


async def _send_registry(node: RunningNode, path: Path) -> float:
    async with connect(node.steward) as client:
        await client.reachable()
        started = time.perf_counter()
        stored = await client.upload(path)
        seconds = time.perf_counter() - started
    assert stored.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    return seconds


def _write_plainly(path: Path, target: Path) -> float:
    content = path.read_bytes()
    started = time.perf_counter()
    with target.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    seconds = time.perf_counter() - started
    target.unlink()
    return seconds


async def measure(node: RunningNode, port: int, folder: Path, mebibytes: int, rounds: int) -> None:
    """Send a new file in each round, once each way, in turn; print every round, the medians and their ratio."""
    registry: list[float] = []
    bare: list[float] = []
    disk: list[float] = []
    for number in range(rounds):
        path = folder / "file.bin"
        path.write_bytes(os.urandom(mebibytes * MEBIBYTE))  # new bytes, or the registry would have them already
        bare.append(mebibytes / await _send_bare(port, path))
        registry.append(mebibytes / await _send_registry(node, path))
        disk.append(mebibytes / _write_plainly(path, node.folder / "plain"))
        print(f"round {number + 1}: registry {registry[-1]:7.1f}   bare stream {bare[-1]:7.1f}   disk {disk[-1]:7.1f} MiB/s")
    to_stream, to_disk = (statistics.median(a / b for a, b in zip(registry, other, strict=True)) for other in (bare, disk))
    medians = [statistics.median(figures) for figures in (registry, bare, disk)]
    print(f"median : registry {medians[0]:7.1f}   bare stream {medians[1]:7.1f}   disk {medians[2]:7.1f} MiB/s")
    print(f"ratio  : {to_stream:.2f} of the bare stream, {to_disk:.2f} of the disk")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mebibytes", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    bare = multiprocessing.get_context("spawn").Process(target=_bare_server, args=(theirs,), daemon=True)
    bare.start()
    with tempfile.TemporaryDirectory() as folder, running_node(largest_file_mb="4096") as node:
        asyncio.run(measure(node, ours.recv(), Path(folder), arguments.mebibytes, arguments.rounds))
    bare.terminate()


if __name__ == "__main__":
    main()
