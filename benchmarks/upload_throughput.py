# SPDX-License-Identifier: AGPL-3.0-or-later
"""How fast files go into the registry, beside bare gRPC streams of the same bytes in the same chunks, in the same run.

    python benchmarks/upload_throughput.py [--mebibytes 256] [--rounds 5]

- registry: `client.upload` of a file that the node does not know, until it is acknowledged; both ends compute its SHA-256.
- settled: the same, until the file is on the node's disk and in its place, which publishing waits for.
- bare: a stream with grpcio as it comes, which a server throws away. Nothing is hashed or kept.
- tuned: the same, with the two processes keeping memory for large messages as ours do.
- hashing: the tuned stream, both of whose ends compute the SHA-256, as simply as can be. No registry that checks can be much faster.
- disk: one plain write and fsync of the same bytes.

With each comes the processor time of both processes together: it says more than the clock does where others use the machine too.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import grpc
from running_node import RunningNode, running_node

from commonfab.client import connect
from commonfab.large_blocks import keep_large_blocks
from commonfab.sending import CHUNK_BYTES

METHOD = "/bare.Stream/Discard"
MEBIBYTE = 1024 * 1024
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Stream:
    """One kind of bare stream. Parameters: `tuned`, keep memory for large messages; `hashing`, compute the SHA-256 at both ends."""

    tuned: bool
    hashing: bool


STREAMS = {"bare": Stream(False, False), "tuned": Stream(True, False), "hashing": Stream(True, True)}


@dataclass(frozen=True)
class Measured:
    """One upload: when it began (seconds since 1970), seconds by the clock, and processor seconds of both ends."""

    began: float
    seconds: float
    processor: float


def _serve_bare(stream: Stream, tell: Connection) -> None:
    async def discard(requests: AsyncIterator[bytes], context: Any) -> bytes:
        hasher, received = hashlib.sha256(), 0
        async for chunk in requests:
            received += len(chunk)
            if stream.hashing:
                hasher.update(chunk)
        return received.to_bytes(8, "big") + hasher.digest()

    async def serve() -> None:
        server = grpc.aio.server(options=[("grpc.max_receive_message_length", 4 * MEBIBYTE)])
        handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_unary_rpc_method_handler(discard)
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("bare.Stream", {"Discard": handler})])
        tell.send(server.add_insecure_port("127.0.0.1:0"))
        await server.start()
        await server.wait_for_termination()

    if stream.tuned:
        keep_large_blocks()
    asyncio.run(serve())


def _send_bare(stream: Stream, port: int, path: Path, tell: Connection) -> None:
    """In a process of its own, so that what one kind of stream does to its memory is not another's."""

    async def chunks(hasher: hashlib._Hash) -> AsyncIterator[bytes]:
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(CHUNK_BYTES):
                if stream.hashing:
                    hasher.update(chunk)
                yield chunk

    async def send() -> tuple[float, float]:
        hasher = hashlib.sha256()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            await channel.channel_ready()
            tell.send("ready")
            began, started = time.time(), time.perf_counter()
            call: grpc.aio.StreamUnaryMultiCallable[bytes, bytes] = channel.stream_unary(METHOD)
            received = await call(chunks(hasher))
            seconds = time.perf_counter() - started
        assert received == path.stat().st_size.to_bytes(8, "big") + hasher.digest()
        return began, seconds

    if stream.tuned:
        keep_large_blocks()
    tell.send(asyncio.run(send()))


def _send_registry(node: RunningNode, path: Path, tell: Connection) -> None:
    async def send() -> tuple[float, float]:
        async with connect(node.steward) as client:
            await client.reachable()
            tell.send("ready")
            began, started = time.time(), time.perf_counter()
            stored = await client.upload(path)
            seconds = time.perf_counter() - started
        assert stored.size_bytes == path.stat().st_size
        return began, seconds

    tell.send(asyncio.run(send()))


def _process_of(node: RunningNode) -> int:
    told = json.loads((node.folder / "node.json").read_text(encoding="utf-8"))
    return int(told["pid"])


def _processor_seconds(*processes: int) -> float:
    fields = [Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split() for process in processes]
    return sum(int(of_one[11]) + int(of_one[12]) for of_one in fields) / TICKS


def _measured(server: int, target: Callable[..., None], *arguments: object) -> Measured:
    ours, theirs = multiprocessing.Pipe()
    client = multiprocessing.get_context("spawn").Process(target=target, args=(*arguments, theirs))
    client.start()
    assert client.pid is not None
    assert ours.recv() == "ready"
    before = _processor_seconds(server, client.pid)
    ours.poll(None)  # it has sent its time and has not ended yet, or its processor time could no longer be read
    after = _processor_seconds(server, client.pid)
    began, seconds = ours.recv()
    client.join()
    return Measured(began, seconds, after - before)


def _settled_at(node: RunningNode, sha256: str) -> float:
    """When a file came into its place, seconds since 1970: the kernel notes it when a file gets its name."""
    place = node.folder / "blobs" / sha256[:2] / sha256[2:]
    while not place.exists():
        time.sleep(0.001)
    return place.stat().st_ctime


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


def measure(node: RunningNode, bare: Mapping[str, tuple[int, int]], folder: Path, mebibytes: int, rounds: int) -> None:
    """Send a new file in each round, once each way, in turn; print every round, the medians and their ratios.

    Parameters: `bare`, for each kind of stream its server's process and port.
    """
    rates: dict[str, list[float]] = {name: [] for name in ("registry", "settled", *bare, "disk")}
    costs: dict[str, list[float]] = {name: [] for name in ("registry", *bare)}
    path = folder / "file.bin"
    for number in range(rounds):
        content = os.urandom(mebibytes * MEBIBYTE)  # new bytes, or the registry would have them already
        path.write_bytes(content)
        os.sync()
        for name, (process, port) in bare.items():
            sent = _measured(process, _send_bare, STREAMS[name], port, path)
            rates[name].append(mebibytes / sent.seconds)
            costs[name].append(sent.processor / mebibytes * 1000)
        sent = _measured(_process_of(node), _send_registry, node, path)
        settled = _settled_at(node, hashlib.sha256(content).hexdigest()) - sent.began
        rates["registry"].append(mebibytes / sent.seconds)
        rates["settled"].append(mebibytes / settled)
        costs["registry"].append(sent.processor / mebibytes * 1000)
        rates["disk"].append(mebibytes / _write_plainly(path, node.folder / "plain"))
        print(f"round {number + 1}: " + "   ".join(f"{name} {figures[-1]:6.0f}" for name, figures in rates.items()) + "   MiB/s")
    print("median : " + "   ".join(f"{name} {statistics.median(figures):6.0f}" for name, figures in rates.items()) + "   MiB/s")
    print(
        "costs  : " + "   ".join(f"{name} {statistics.median(figures):6.2f}" for name, figures in costs.items()) + "   processor ms a MiB"
    )
    for name in (*bare, "disk"):
        ratio = statistics.median(ours / theirs for ours, theirs in zip(rates["registry"], rates[name], strict=True))
        print(f"ratio  : {ratio:.2f} of {name}")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mebibytes", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        bare = {}
        for name, stream in STREAMS.items():
            ours, theirs = multiprocessing.Pipe()
            server = multiprocessing.get_context("spawn").Process(target=_serve_bare, args=(stream, theirs), daemon=True)
            server.start()
            stack.callback(server.terminate)
            assert server.pid is not None
            bare[name] = server.pid, ours.recv()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        node = stack.enter_context(running_node(largest_file_mb="4096"))
        measure(node, bare, folder, arguments.mebibytes, arguments.rounds)


if __name__ == "__main__":
    main()
