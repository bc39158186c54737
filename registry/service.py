# SPDX-License-Identifier: AGPL-3.0-or-later
"""The `DesignRegistry` service. Thin: translate, call, translate back. Whatever waits for a disk or a database does so in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter

from commonfab import v1
from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.permissions import caller
from registry.blobs import MOST_CHUNK_BYTES, BlobStore
from registry.catalogue import Catalogue

FIRST_LOOK_SECONDS = 0.1
SLOWEST_LOOK_SECONDS = 1.0
SLOWER = 1.3
"""A watched inspection is looked up after 0.1 s, then ever more slowly while nothing happens, up to once a second."""


class DesignRegistryService(v1.DesignRegistryServicer):
    """Answers for the design commons."""

    def __init__(self, catalogue: Catalogue, blobs: BlobStore, clock: Clock, metrics: CollectorRegistry) -> None:
        self._catalogue = catalogue
        self._blobs = blobs
        self._clock = clock
        self._received = Counter("commonfab_received_bytes", "Bytes of files received from makers", registry=metrics)

    async def StatFile(self, request: v1.StatFileRequest, context: Any) -> v1.StatFileResponse:
        return await asyncio.to_thread(self._blobs.stat, caller().subject, request.sha256)

    async def UploadFile(self, request_iterator: AsyncIterator[v1.UploadFileRequest], context: Any) -> v1.UploadFileResponse:
        messages = aiter(request_iterator)
        first = await anext(messages, v1.UploadFileRequest())
        if first.WhichOneof("message") != "header":
            raise Refused("request.missing", "the header of the file, which must come first")
        size = await self._blobs.receive(caller().subject, first.header, self._chunks(messages))
        return v1.UploadFileResponse(sha256=first.header.sha256, size_bytes=size)

    async def _chunks(self, messages: AsyncIterator[v1.UploadFileRequest]) -> AsyncIterator[bytes]:
        async for message in messages:
            if message.WhichOneof("message") != "chunk" or len(message.chunk) > MOST_CHUNK_BYTES:
                raise Refused("request.malformed", f"after the header come chunks of at most {MOST_CHUNK_BYTES} bytes")
            self._received.inc(len(message.chunk))
            yield message.chunk

    async def FetchFile(self, request: v1.FetchFileRequest, context: Any) -> AsyncIterator[v1.FetchFileResponse]:
        size = await asyncio.to_thread(self._blobs.size, request.sha256)
        yield v1.FetchFileResponse(size_bytes=size)
        async for chunk in self._blobs.read(request.sha256, request.offset):
            yield v1.FetchFileResponse(chunk=chunk)

    async def PublishRevision(self, request: v1.PublishRevisionRequest, context: Any) -> v1.PublishRevisionResponse:
        published = await asyncio.to_thread(self._catalogue.publish, caller(), request.design, request.manifest)
        return v1.PublishRevisionResponse(design=published.design, revision=published.revision)

    async def GetDesign(self, request: v1.GetDesignRequest, context: Any) -> v1.GetDesignResponse:
        return await asyncio.to_thread(self._catalogue.design, request.id)

    async def ListDesigns(self, request: v1.ListDesignsRequest, context: Any) -> v1.ListDesignsResponse:
        return await asyncio.to_thread(self._catalogue.designs, request.page_size, request.page_token)

    async def GetRevision(self, request: v1.GetRevisionRequest, context: Any) -> v1.GetRevisionResponse:
        published = await asyncio.to_thread(self._catalogue.revision, request.digest)
        parts = await asyncio.to_thread(self._catalogue.inspections.inspected, published.revision.manifest, request.material)
        return v1.GetRevisionResponse(design=published.design, revision=published.revision, parts=parts)

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
