# SPDX-License-Identifier: AGPL-3.0-or-later
"""The `DesignRegistry` service. Thin: translate, call, translate back. Whatever waits for a disk or a database does so in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from prometheus_client import CollectorRegistry, Counter

from commonfab import v1
from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.large_blocks import keep_large_blocks
from commonfab.permissions import caller
from registry.blobs.wire import Piece, read_uploads_swiftly
from registry.catalogue import Catalogue
from registry.housekeeping.intake import Intake
from registry.lineage.closure import closure
from registry.lineage.where_used import where_used
from registry.publishing import Publisher
from registry.search.finding import Search

FIRST_LOOK_SECONDS = 0.1
SLOWEST_LOOK_SECONDS = 1.0
SLOWER = 1.3
"""A watched inspection is looked up after 0.1 s, then ever more slowly while nothing happens, up to once a second."""


def add_service(service: DesignRegistryService, server: grpc.aio.Server) -> None:
    """Have `server` serve the commons."""
    keep_large_blocks()
    v1.add_DesignRegistryServicer_to_server(service, server)
    read_uploads_swiftly(server, service)


class DesignRegistryService(v1.DesignRegistryServicer):
    """Answers for the design commons."""

    def __init__(
        self, catalogue: Catalogue, publisher: Publisher, intake: Intake, search: Search, clock: Clock, metrics: CollectorRegistry
    ) -> None:
        self._catalogue = catalogue
        self._search = search
        self._publisher = publisher
        self._intake = intake
        self._blobs = intake.blobs
        self._clock = clock
        self._received = Counter("commonfab_received_bytes", "Bytes of files received from makers", registry=metrics)

    async def StatFile(self, request: v1.StatFileRequest, context: Any) -> v1.StatFileResponse:
        return await asyncio.to_thread(self._intake.stat, caller().subject, request)

    async def UploadFile(self, request_iterator: AsyncIterator[Piece], context: Any) -> v1.UploadFileResponse:
        pieces = aiter(request_iterator)  # as `read_piece` reads them
        first = await anext(pieces, None)
        if not isinstance(first, v1.UploadFileRequest) or first.WhichOneof("message") != "header":
            raise Refused("request.missing", "the header of the file, which must come first")
        return await self._intake.receive(caller().subject, first.header, self._counted(pieces))

    async def _counted(self, pieces: AsyncIterator[Piece]) -> AsyncIterator[Piece]:
        async for piece in pieces:
            if isinstance(piece, memoryview):
                self._received.inc(len(piece))
            yield piece

    async def FetchFile(self, request: v1.FetchFileRequest, context: Any) -> AsyncIterator[v1.FetchFileResponse]:
        size = await asyncio.to_thread(self._blobs.size, request.sha256)
        yield v1.FetchFileResponse(size_bytes=size)
        async for chunk in self._blobs.read(request.sha256, min(request.offset, size)):
            yield v1.FetchFileResponse(chunk=chunk)

    async def PublishRevision(self, request: v1.PublishRevisionRequest, context: Any) -> v1.PublishRevisionResponse:
        return await asyncio.to_thread(self._publisher.publish, caller(), request)

    async def CheckManifest(self, request: v1.CheckManifestRequest, context: Any) -> v1.CheckManifestResponse:
        return await asyncio.to_thread(self._publisher.check, caller(), request.publication)

    async def WhereUsed(self, request: v1.WhereUsedRequest, context: Any) -> v1.WhereUsedResponse:
        return await asyncio.to_thread(where_used, self._catalogue.engine, request)

    async def GetClosure(self, request: v1.GetClosureRequest, context: Any) -> v1.GetClosureResponse:
        return await asyncio.to_thread(closure, self._catalogue, request)

    async def SearchDesigns(self, request: v1.SearchDesignsRequest, context: Any) -> v1.SearchDesignsResponse:
        return await asyncio.to_thread(self._search.find, request)

    async def GetDesign(self, request: v1.GetDesignRequest, context: Any) -> v1.GetDesignResponse:
        return await asyncio.to_thread(self._catalogue.design, request.id)

    async def ListDesigns(self, request: v1.ListDesignsRequest, context: Any) -> v1.ListDesignsResponse:
        return await asyncio.to_thread(self._catalogue.designs, request.page_size, request.page_token)

    async def GetRevision(self, request: v1.GetRevisionRequest, context: Any) -> v1.GetRevisionResponse:
        return await asyncio.to_thread(self._catalogue.known, request.digest, request.material)

    async def WatchInspection(self, request: v1.WatchInspectionRequest, context: Any) -> AsyncIterator[v1.WatchInspectionResponse]:
        published = await asyncio.to_thread(self._catalogue.revision, request.digest)
        waiting = published.revision.manifest
        total = len(waiting.parts)
        pause, told = FIRST_LOOK_SECONDS, False
        while True:
            parts = await asyncio.to_thread(self._catalogue.inspections.inspected, waiting)
            newly_done = [part for part in parts if part.state == v1.INSPECTION_STATE_DONE]
            waiting = v1.Manifest(files=waiting.files, parts=[part.part for part in parts if part.state != v1.INSPECTION_STATE_DONE])
            if newly_done or not told:
                yield v1.WatchInspectionResponse(done=total - len(waiting.parts), total=total, newly_done=newly_done)
                pause, told = FIRST_LOOK_SECONDS, True
            if not waiting.parts:
                return
            await self._clock.sleep(pause)
            pause = min(pause * SLOWER, SLOWEST_LOOK_SECONDS)
