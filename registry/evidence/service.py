# SPDX-License-Identifier: AGPL-3.0-or-later
"""The `DesignEvidence` service. Thin: translate, call, translate back. Whatever waits for a database does so in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from commonfab import v1
from commonfab.permissions import caller
from registry.evidence.defects import Defects
from registry.evidence.following import Following
from registry.evidence.recalls import Recalls
from registry.evidence.reports import BuildReports


@dataclass(frozen=True)
class DesignEvidenceService(v1.DesignEvidenceServicer):
    """Answers for what is known from making and using."""

    reports: BuildReports
    defects: Defects
    recalls: Recalls
    following: Following

    async def ReportBuild(self, request: v1.ReportBuildRequest, context: Any) -> v1.ReportBuildResponse:
        return await asyncio.to_thread(self.reports.report, caller(), request)

    async def ListBuildReports(self, request: v1.ListBuildReportsRequest, context: Any) -> v1.ListBuildReportsResponse:
        return await asyncio.to_thread(self.reports.reports, request)

    async def FileDefect(self, request: v1.FileDefectRequest, context: Any) -> v1.FileDefectResponse:
        return v1.FileDefectResponse(defect=await asyncio.to_thread(self.defects.file, caller(), request.defect))

    async def CloseDefect(self, request: v1.CloseDefectRequest, context: Any) -> v1.CloseDefectResponse:
        return v1.CloseDefectResponse(defect=await asyncio.to_thread(self.defects.close, caller(), request))

    async def ListDefects(self, request: v1.ListDefectsRequest, context: Any) -> v1.ListDefectsResponse:
        return await asyncio.to_thread(self.defects.defects, request)

    async def RecallRevision(self, request: v1.RecallRevisionRequest, context: Any) -> v1.RecallRevisionResponse:
        return v1.RecallRevisionResponse(recall=await asyncio.to_thread(self.recalls.recall, caller(), request.recall))

    async def ListRecalls(self, request: v1.ListRecallsRequest, context: Any) -> v1.ListRecallsResponse:
        return v1.ListRecallsResponse(recalls=await asyncio.to_thread(self.recalls.recalls, list(request.digests)))

    async def Follow(self, request: v1.FollowRequest, context: Any) -> AsyncIterator[v1.FollowResponse]:
        async for told in self.following.follow(request):
            yield told
