# SPDX-License-Identifier: AGPL-3.0-or-later
"""The door through which files come in: nobody sends more than they may, and nobody is told that a file is here which is about to go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from commonfab import v1
from commonfab.errors import Refused
from registry.blobs import BlobStore
from registry.blobs.wire import Piece
from registry.housekeeping.garbage import Garbage
from registry.housekeeping.quotas import Quotas


@dataclass(frozen=True)
class Intake:
    """The way into a node's store."""

    blobs: BlobStore
    garbage: Garbage
    quotas: Quotas

    def stat(self, subject: str, request: v1.StatFileRequest) -> v1.StatFileResponse:
        """As `BlobStore.stat`. A file that is said to be complete is kept for a day at the least."""
        if request.sha256:
            self.garbage.ask_for(request.sha256)
        return self.blobs.stat(subject, request)

    async def receive(self, subject: str, header: v1.UploadHeader, pieces: AsyncIterator[Piece]) -> v1.UploadFileResponse:
        """As `BlobStore.receive`. Errors: also `Refused` (`quota.full`)."""
        await asyncio.to_thread(self.quotas.admit_upload, subject, header)
        try:
            answer = await self.blobs.receive(subject, header, pieces)
        except Refused:
            await asyncio.to_thread(self.quotas.let_go, subject, header)
            raise
        await asyncio.to_thread(self._arrived, subject, header, answer.sha256)
        return answer

    def _arrived(self, subject: str, header: v1.UploadHeader, sha256: str) -> None:
        self.quotas.arrived(subject, header, sha256)
        # The same content may have been here before, and on its way out.
        if self.garbage.ask_for(sha256):
            self.blobs.size(sha256)
