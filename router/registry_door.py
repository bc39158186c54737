# SPDX-License-Identifier: AGPL-3.0-or-later
"""How the router asks the design registry: over the contract, on behalf of the caller, with no more than the caller's rights."""

from __future__ import annotations

import re
from collections import OrderedDict

import grpc

from commonfab import v1
from commonfab.clock import Clock
from commonfab.errors import Refused, refusal_of
from commonfab.permissions import caller_metadata

DEADLINE_SECONDS = 10.0

KEPT_SECONDS = 10.0
"""How long an answer about an inspected revision is used again. A revision never changes, but the rules by which it is judged may."""

MOST_KEPT = 256

DIGEST = re.compile(r"[0-9a-f]{64}")


class RegistryDoor:
    """A channel to the registry. It is opened late, because a node must listen before its rooms can call each other.

    Whoever may ask for a job may read any revision, so an answer that one caller was given may be used for another.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._channel: grpc.aio.Channel | None = None
        self._kept: OrderedDict[tuple[str, str], tuple[float, v1.GetRevisionResponse]] = OrderedDict()

    def open(self, address: str) -> None:
        """Say where the registry answers: an address on this machine. It needs no token of its own."""
        self._channel = grpc.aio.insecure_channel(address)

    async def close(self) -> None:
        """Close the channel, if it was opened."""
        if self._channel is not None:
            await self._channel.close()

    async def revision(self, digest: str, material: str) -> v1.GetRevisionResponse:
        """A revision and what inspection found, judged for `material`. The answer is shared: read it, do not change it.

        Errors: `Refused`, as the registry refused; `node.unreachable` where it does not answer.
        """
        until, kept = self._kept.get((digest, material), (0.0, None))
        if kept is not None and self._clock.monotonic() < until:
            return kept
        answer = await self._ask(digest, material)
        if DIGEST.fullmatch(digest) and all(part.state == v1.INSPECTION_STATE_DONE for part in answer.parts):
            self._kept[digest, material] = (self._clock.monotonic() + KEPT_SECONDS, answer)
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return answer

    async def _ask(self, digest: str, material: str) -> v1.GetRevisionResponse:
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
