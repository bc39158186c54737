# SPDX-License-Identifier: AGPL-3.0-or-later
"""The router's three services over gRPC. Thin: translate, call, translate back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from commonfab import v1
from commonfab.errors import Refused
from commonfab.paging import page_size
from commonfab.permissions import caller
from router.desk import Desk
from router.jobs import Jobs
from router.ledger import LedgerBook


class JobRouterService(v1.JobRouterServicer):
    """Jobs and the shops that take them."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def RequestJob(self, request: v1.RequestJobRequest, context: Any) -> v1.RequestJobResponse:
        return v1.RequestJobResponse(job=await self._jobs.request(request.request, request.idempotency_key))

    async def GetJob(self, request: v1.GetJobRequest, context: Any) -> v1.GetJobResponse:
        return v1.GetJobResponse(job=await self._jobs.show(request.id))

    async def ListJobs(self, request: v1.ListJobsRequest, context: Any) -> v1.ListJobsResponse:
        jobs, next_page = await self._jobs.page(request.page_token, page_size(request.page_size))
        return v1.ListJobsResponse(jobs=jobs, next_page_token=next_page)

    async def WatchJob(self, request: v1.WatchJobRequest, context: Any) -> AsyncIterator[v1.WatchJobResponse]:
        async for job in self._jobs.watch(request.id):
            yield v1.WatchJobResponse(job=job)

    async def CancelJob(self, request: v1.CancelJobRequest, context: Any) -> v1.CancelJobResponse:
        return v1.CancelJobResponse(job=await self._jobs.cancel(request.id))

    async def ConfirmJob(self, request: v1.ConfirmJobRequest, context: Any) -> v1.ConfirmJobResponse:
        return v1.ConfirmJobResponse(job=await self._jobs.confirm(request.id, request.codes))

    async def ApproveFirstArticle(self, request: v1.ApproveFirstArticleRequest, context: Any) -> v1.ApproveFirstArticleResponse:
        return v1.ApproveFirstArticleResponse(job=await self._jobs.approve_first_article(request.job_id))

    async def WithdrawWorkOrder(self, request: v1.WithdrawWorkOrderRequest, context: Any) -> v1.WithdrawWorkOrderResponse:
        return v1.WithdrawWorkOrderResponse(job=await self._jobs.withdraw_order(request.work_order_id))

    async def MakeRestElsewhere(self, request: v1.MakeRestElsewhereRequest, context: Any) -> v1.MakeRestElsewhereResponse:
        return v1.MakeRestElsewhereResponse(job=await self._jobs.make_rest_elsewhere(request.work_order_id))

    async def ExplainJob(self, request: v1.ExplainJobRequest, context: Any) -> v1.ExplainJobResponse:
        if request.WhichOneof("subject") == "job_id":
            return await self._jobs.explain_job(request.job_id)
        return await self._jobs.explain_request(request.request)

    async def ListNeeds(self, request: v1.ListNeedsRequest, context: Any) -> v1.ListNeedsResponse:
        return await self._jobs.needs(request.place, request.within_km)

    async def ListShops(self, request: v1.ListShopsRequest, context: Any) -> v1.ListShopsResponse:
        return v1.ListShopsResponse(shops=await self._jobs.shops())


class ShopDeskService(v1.ShopDeskServicer):
    """The shop's side of the router."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def Synchronize(self, request: v1.SynchronizeRequest, context: Any) -> v1.SynchronizeResponse:
        if not request.HasField("shop"):
            raise Refused("request.missing", "shop")
        return await self._desk.synchronize(request, caller().subject)


class LedgerService(v1.LedgerServicer):
    """Completed work."""

    def __init__(self, book: LedgerBook) -> None:
        self._book = book

    async def ListEntries(self, request: v1.ListEntriesRequest, context: Any) -> v1.ListEntriesResponse:
        count = page_size(request.page_size)
        entries = await asyncio.to_thread(self._book.entries, request.after, count, request.job_id)
        return v1.ListEntriesResponse(entries=entries, next_after=entries[-1].number if len(entries) == count else 0)
