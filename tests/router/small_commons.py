# SPDX-License-Identifier: AGPL-3.0-or-later
"""A small real gRPC commons that does as a test says: it takes build reports or refuses them, knows recalls, and tells what happens."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import grpc
from serving import serving

from commonfab import v1
from commonfab.errors import Refused, status_of

DIGEST = "d" * 64


@dataclass
class SmallCommons(v1.DesignEvidenceServicer, v1.DesignRegistryServicer):
    """`kept`: the reports taken, by what was signed; `tries`, how often it was asked to take one; `refuses`: a reason code, by part, or
    "" for an error that nobody foresaw."""

    kept: dict[str, v1.ReportBuildRequest] = field(default_factory=dict)
    tries: int = 0
    refuses: dict[str, str] = field(default_factory=dict)
    known_recalls: list[v1.Recall] = field(default_factory=list)
    happened: asyncio.Queue[v1.CommonsEvent] = field(default_factory=asyncio.Queue)
    followers: int = 0
    revisions_asked: int = 0
    authorization: set[str] = field(default_factory=set)

    def recall(self, recall: v1.Recall) -> None:
        """Recall a revision; who follows is told."""
        self.known_recalls.append(recall)
        self.happened.put_nowait(v1.CommonsEvent(title="Gear", recalled=recall))

    async def ReportBuild(self, request: v1.ReportBuildRequest, context: Any) -> v1.ReportBuildResponse:
        self.tries += 1
        self.authorization |= {str(value) for key, value in context.invocation_metadata() if key == "authorization"}
        part = v1.CompletedWork.FromString(request.work.work).part_name
        if part in self.refuses:
            code = self.refuses[part]
            if not code:
                await context.abort(grpc.StatusCode.INTERNAL, "something broke")
            await context.abort_with_status(status_of(Refused(code, part)))
        self.kept[hashlib.sha256(request.work.work).hexdigest()] = request
        return v1.ReportBuildResponse()

    async def ListRecalls(self, request: v1.ListRecallsRequest, context: Any) -> v1.ListRecallsResponse:
        asked = set(request.digests)
        return v1.ListRecallsResponse(recalls=[one for one in self.known_recalls if not asked or one.revision_digest in asked])

    async def Follow(self, request: v1.FollowRequest, context: Any) -> AsyncIterator[v1.FollowResponse]:
        self.followers += 1
        try:
            yield v1.FollowResponse()
            while True:
                yield v1.FollowResponse(event=await self.happened.get())
        finally:
            self.followers -= 1

    async def GetRevision(self, request: v1.GetRevisionRequest, context: Any) -> v1.GetRevisionResponse:
        self.revisions_asked += 1
        recalled = any(one.revision_digest == request.digest for one in self.known_recalls)
        hindrances = [v1.Reason(code="revision.recalled", message="it was recalled")] if recalled else []
        return v1.GetRevisionResponse(design=v1.Design(title="Gear"), revision=v1.Revision(digest=request.digest), hindrances=hindrances)

    async def _unused(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    ListBuildReports = FileDefect = CloseDefect = ListDefects = RecallRevision = _unused  # type: ignore[assignment]


def served(commons: SmallCommons, port: int = 0) -> AbstractAsyncContextManager[str]:
    """The commons on a port of the loopback interface; answers its address."""
    return serving(
        port, partial(v1.add_DesignEvidenceServicer_to_server, commons), partial(v1.add_DesignRegistryServicer_to_server, commons)
    )


async def until(condition: Any, limit_seconds: float = 100.0) -> None:
    """Return once `condition()` is true."""
    async with asyncio.timeout(limit_seconds):
        while not condition():
            await asyncio.sleep(0.01)
