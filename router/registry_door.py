# SPDX-License-Identifier: AGPL-3.0-or-later
"""How the router asks the design registry: over the contract, on behalf of the caller, with no more than the caller's rights."""

from __future__ import annotations

import grpc

from commonfab import v1
from commonfab.errors import Refused, refusal_of
from commonfab.permissions import caller_metadata

DEADLINE_SECONDS = 10.0


class RegistryDoor:
    """A channel to the registry. It is opened late, because a node must listen before its rooms can call each other."""

    def __init__(self) -> None:
        self._channel: grpc.aio.Channel | None = None

    def open(self, address: str) -> None:
        """Say where the registry answers: an address on this machine. It needs no token of its own."""
        self._channel = grpc.aio.insecure_channel(address)

    async def close(self) -> None:
        """Close the channel, if it was opened."""
        if self._channel is not None:
            await self._channel.close()

    async def revision(self, digest: str, material: str) -> v1.GetRevisionResponse:
        """A revision and what inspection found, judged for `material`.

        Errors: `Refused`, as the registry refused; `node.unreachable` where it does not answer.
        """
        if self._channel is None:
            raise Refused("node.unreachable", "the registry's address")
        stub = v1.DesignRegistryStub(self._channel)
        asked = v1.GetRevisionRequest(digest=digest, material=material)
        try:
            return await stub.GetRevision(asked, metadata=caller_metadata(), timeout=DEADLINE_SECONDS)
        except grpc.aio.AioRpcError as error:
            told = refusal_of(error)
            if told is None:
                raise Refused("node.unreachable", "the registry's address") from error
            raise Refused.relayed(told, error.code()) from error
