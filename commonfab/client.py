# SPDX-License-Identifier: AGPL-3.0-or-later
"""The Python client: the services of a node, and the two things that take more than one call: sending a file and fetching one."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import grpc

from commonfab import v1
from commonfab.rpc_client import Endpoint, open_channel, wait_until_reachable
from commonfab.sending import CHUNK_BYTES as CHUNK_BYTES
from commonfab.sending import Progress, send
from commonfab.sending import sha256_of as sha256_of


def _silent(done: int, total: int) -> None:
    pass


@dataclass(frozen=True)
class Node:
    """A node's services. Use as `async with connect(endpoint) as node`."""

    endpoint: Endpoint
    channel: grpc.aio.Channel

    @property
    def registry(self) -> v1.DesignRegistryAsyncStub:
        """The design commons."""
        return v1.DesignRegistryStub(self.channel)

    @property
    def evidence(self) -> v1.DesignEvidenceAsyncStub:
        """Build reports, defects, recalls, and what happens."""
        return v1.DesignEvidenceStub(self.channel)

    @property
    def housekeeping(self) -> v1.HousekeepingAsyncStub:
        """Looking after the files."""
        return v1.HousekeepingStub(self.channel)

    @property
    def router(self) -> v1.JobRouterAsyncStub:
        """Jobs and the shops that take them."""
        return v1.JobRouterStub(self.channel)

    @property
    def desk(self) -> v1.ShopDeskAsyncStub:
        """The shop's side of the router."""
        return v1.ShopDeskStub(self.channel)

    @property
    def ledger(self) -> v1.LedgerAsyncStub:
        """Completed work."""
        return v1.LedgerStub(self.channel)

    @property
    def access(self) -> v1.AccessAsyncStub:
        """Tokens."""
        return v1.AccessStub(self.channel)

    async def __aenter__(self) -> Node:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.channel.close()

    async def reachable(self, seconds: float = 10.0) -> None:
        """Return once the node takes connections. Errors: `Refused` (`node.unreachable`)."""
        await wait_until_reachable(self.channel, self.endpoint.address, seconds)

    async def upload(self, path: Path, progress: Progress = _silent) -> v1.UploadFileResponse:
        """Send a file, from where an earlier try broke off; nothing is sent where the node has it already.

        Errors: `grpc.aio.AioRpcError`, with a refusal that `commonfab.errors.refusal_of` reads; `OSError`.
        """
        return await send(self.channel, path, progress)

    async def fetch(self, sha256: str, target: Path, progress: Progress = _silent) -> None:
        """Fetch a file to `target`, which appears only when it is whole and its SHA-256 is right.

        Errors: `grpc.aio.AioRpcError`; `ValueError` where other bytes arrived.
        """
        scratch = target.with_name(f".{target.name}.part")
        hasher, done, total = hashlib.sha256(), 0, 0
        with scratch.open("wb") as file:
            async for message in self.registry.FetchFile(v1.FetchFileRequest(sha256=sha256)):
                total = message.size_bytes or total
                await asyncio.to_thread(file.write, message.chunk)
                hasher.update(message.chunk)
                done += len(message.chunk)
                progress(done, total)
        if hasher.hexdigest() != sha256:
            scratch.unlink()
            raise ValueError(f"{sha256} was asked for and {hasher.hexdigest()} arrived; fetch it again")
        scratch.rename(target)


def connect(endpoint: Endpoint) -> Node:
    """A node to call; nothing is sent yet. Errors: `Refused` (`node.insecure`)."""
    return Node(endpoint, open_channel(endpoint))
