# SPDX-License-Identifier: AGPL-3.0-or-later
"""The `Housekeeping` service. Thin: translate, call, translate back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from commonfab import v1
from commonfab.access import check_subject
from commonfab.errors import Refused
from registry.housekeeping.garbage import Garbage
from registry.housekeeping.quotas import Quotas
from registry.housekeeping.verifying import Verifier

MOST_BYTES = 2**63 - 1
"""What SQL can count."""


class HousekeepingService(v1.HousekeepingServicer):
    """Answers for the files of one node."""

    def __init__(self, garbage: Garbage, verifier: Verifier, quotas: Quotas) -> None:
        self._garbage = garbage
        self._verifier = verifier
        self._quotas = quotas

    async def CollectGarbage(self, request: v1.CollectGarbageRequest, context: Any) -> v1.CollectGarbageResponse:
        return await asyncio.to_thread(self._garbage.collect, request.dry_run)

    async def VerifyFiles(self, request: v1.VerifyFilesRequest, context: Any) -> AsyncIterator[v1.VerifyFilesResponse]:
        messages = self._verifier.verify()
        while (message := await asyncio.to_thread(next, messages, None)) is not None:
            yield message

    async def ListUsage(self, request: v1.ListUsageRequest, context: Any) -> v1.ListUsageResponse:
        return v1.ListUsageResponse(usage=await asyncio.to_thread(self._quotas.usage, request.subject))

    async def SetQuota(self, request: v1.SetQuotaRequest, context: Any) -> v1.SetQuotaResponse:
        check_subject(request.subject)
        if request.quota_bytes > MOST_BYTES:
            raise Refused("request.malformed", f"a quota may be {MOST_BYTES} bytes; 0 is none")
        quota = None if request.as_everybody else request.quota_bytes
        return v1.SetQuotaResponse(usage=await asyncio.to_thread(self._quotas.set, request.subject, quota))
