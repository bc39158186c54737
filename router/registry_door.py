# SPDX-License-Identifier: AGPL-3.0-or-later
"""How the router asks the design registry: over the contract, on behalf of the caller, with no more than the caller's rights; and with the
node's own where nobody called: for build reports and recalls."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable
from typing import TypeVar

import grpc

from commonfab import v1
from commonfab.canonical import is_sha256
from commonfab.clock import Clock
from commonfab.errors import Refused, refusal_of
from commonfab.permissions import caller_metadata

DEADLINE_SECONDS = 10.0

OPTIONS = (("grpc.initial_reconnect_backoff_ms", 200), ("grpc.max_reconnect_backoff_ms", 5_000))
"""The registry is on this machine; when it is back it need not be waited for."""

KEPT_SECONDS = 10.0
"""How long an answer about an inspected revision is used again. A revision never changes, but the rules by which it is judged may."""

MOST_KEPT = 256

T = TypeVar("T")

Metadata = tuple[tuple[str, str], ...]


class RegistryDoor:
    """A channel to the registry. It is opened late, because a node must listen before its rooms can call each other.

    Whoever may ask for a job may read any revision, so an answer that one caller was given may be used for another. What is kept is
    looked through once more: a revision that was recalled meanwhile must not be made for as long as the answer would be kept.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._channel: grpc.aio.Channel | None = None
        self._own: Metadata = ()
        self._kept: OrderedDict[tuple[str, str], tuple[float, v1.GetRevisionResponse]] = OrderedDict()

    def open(self, address: str, token: str) -> None:
        """Say where the registry answers: an address on this machine. `token`, the node's own, for what nobody called for."""
        self._own = (("authorization", f"Bearer {token}"),)
        self._channel = grpc.aio.insecure_channel(address, OPTIONS)

    async def close(self) -> None:
        """Close the channel, if it was opened."""
        if self._channel is not None:
            await self._channel.close()

    async def revision(self, digest: str, material: str) -> v1.GetRevisionResponse:
        """A revision and what inspection found, judged for `material`. The answer is shared: read it, do not change it.

        Errors: `Refused`, as the registry refused; `node.unreachable` where it does not answer.
        """
        until, kept = self._kept.get((digest, material), (0.0, None))
        if kept is not None and self._clock.monotonic() < until and (kept.hindrances or not await self._recalled(digest)):
            return kept
        answer = await self._ask(digest, material)
        if is_sha256(digest) and all(part.state == v1.INSPECTION_STATE_DONE for part in answer.parts):
            self._kept[digest, material] = (self._clock.monotonic() + KEPT_SECONDS, answer)
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return answer

    async def closure(self, digest: str, quantity: int) -> v1.GetClosureResponse:
        """All that so many products take. Errors: as `revision`."""
        asked = v1.GetClosureRequest(revision=digest, quantity=quantity)
        return await _answered(self._registry().GetClosure(asked, metadata=caller_metadata(), timeout=DEADLINE_SECONDS))

    async def report_build(self, work: v1.SignedWork, place: v1.Place | None) -> None:
        """Report completed work of the ledger as a build of its revision, as the node. Errors: as `revision`."""
        asked = v1.ReportBuildRequest(work=work, place=place)
        await _answered(self._evidence().ReportBuild(asked, metadata=self._own, timeout=DEADLINE_SECONDS))

    async def recalls(self) -> list[v1.Recall]:
        """Every recall there is, as the node. Errors: as `revision`."""
        asked = v1.ListRecallsRequest()
        return list((await _answered(self._evidence().ListRecalls(asked, metadata=self._own, timeout=DEADLINE_SECONDS))).recalls)

    async def follow(self) -> AsyncGenerator[v1.FollowResponse, None]:
        """What happens in the commons from now on, as the node; an empty message first, when following has begun. Errors: as `revision`."""
        told = self._evidence().Follow(v1.FollowRequest(), metadata=self._own)
        try:
            async for message in told:
                yield message
        except grpc.aio.AioRpcError as error:
            raise _refused(error) from error
        finally:
            told.cancel()

    async def title(self, digest: str) -> str:
        """What the design of a revision is called, asked as the node. Errors: as `revision`."""
        asked = v1.GetRevisionRequest(digest=digest)
        return (await _answered(self._registry().GetRevision(asked, metadata=self._own, timeout=DEADLINE_SECONDS))).design.title

    async def _ask(self, digest: str, material: str) -> v1.GetRevisionResponse:
        asked = v1.GetRevisionRequest(digest=digest, material=material)
        return await _answered(self._registry().GetRevision(asked, metadata=caller_metadata(), timeout=DEADLINE_SECONDS))

    async def _recalled(self, digest: str) -> bool:
        """Whether it was recalled, or nobody says: then the revision is asked for anew."""
        asked = v1.ListRecallsRequest(digests=[digest])
        try:
            return bool((await self._evidence().ListRecalls(asked, metadata=caller_metadata(), timeout=DEADLINE_SECONDS)).recalls)
        except grpc.aio.AioRpcError:
            return True

    def _registry(self) -> v1.DesignRegistryAsyncStub:
        return v1.DesignRegistryStub(self._opened())

    def _evidence(self) -> v1.DesignEvidenceAsyncStub:
        return v1.DesignEvidenceStub(self._opened())

    def _opened(self) -> grpc.aio.Channel:
        if self._channel is None:
            raise _away()
        return self._channel


async def _answered(call: Awaitable[T]) -> T:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise _refused(error) from error


def _refused(error: grpc.aio.AioRpcError) -> Refused:
    told = refusal_of(error)
    return _away() if told is None else Refused.relayed(told, error.code())


def _away() -> Refused:
    return Refused("node.unreachable", "the registry's address")
