# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab job`: what a requester decides about a job that is there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.job_options import JobArgument, OrderArgument
from cli.options import CaOption, JsonOption, NodeOption, TokenOption

if TYPE_CHECKING:
    from commonfab import v1
    from commonfab.client import Node


def cancel(
    job_id: JobArgument, as_json: JsonOption = False, node: NodeOption = None, token: TokenOption = None, ca: CaOption = None
) -> None:
    """Withdraw a job; what has not started ends, and shops are told to stop what runs."""
    from commonfab import v1

    async def work(of: Node) -> v1.Job:
        return (await of.router.CancelJob(v1.CancelJobRequest(id=job_id))).job

    _decide(work, as_json, node, token, ca)


def confirm(
    job_id: JobArgument,
    codes: Annotated[list[str], typer.Argument(metavar="CODE...", help="The codes of the questions that hold it: what is shown is right.")],
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Answer the questions that hold a job: the figures shown are right, go on."""
    from commonfab import v1

    async def work(of: Node) -> v1.Job:
        return (await of.router.ConfirmJob(v1.ConfirmJobRequest(id=job_id, codes=codes))).job

    _decide(work, as_json, node, token, ca)


def approve(
    job_id: JobArgument, as_json: JsonOption = False, node: NodeOption = None, token: TokenOption = None, ca: CaOption = None
) -> None:
    """Approve of a job's first article: you looked at it, and the rest is made."""
    from commonfab import v1

    async def work(of: Node) -> v1.Job:
        return (await of.router.ApproveFirstArticle(v1.ApproveFirstArticleRequest(job_id=job_id))).job

    _decide(work, as_json, node, token, ca)


def withdraw(
    work_order: OrderArgument, as_json: JsonOption = False, node: NodeOption = None, token: TokenOption = None, ca: CaOption = None
) -> None:
    """Take one lot back from a shop and have it offered to others; what runs is asked to stop first."""
    from commonfab import v1

    async def work(of: Node) -> v1.Job:
        return (await of.router.WithdrawWorkOrder(v1.WithdrawWorkOrderRequest(work_order_id=work_order))).job

    _decide(work, as_json, node, token, ca)


def elsewhere(
    work_order: Annotated[str, typer.Argument(metavar="WORK_ORDER", help="An uncertain work order, as `commonfab job show` names it.")],
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Have the rest of an uncertain work order made elsewhere; what that shop still reports of it is refused."""
    from commonfab import v1

    async def work(of: Node) -> v1.Job:
        return (await of.router.MakeRestElsewhere(v1.MakeRestElsewhereRequest(work_order_id=work_order))).job

    _decide(work, as_json, node, token, ca)


def answer(job: v1.Job, as_json: bool) -> None:
    """Write a job to stdout."""
    from cli import describe, output

    if as_json:
        output.print_json(output.as_json(job))
        return
    for line in describe.job(job):
        output.say().print(line, soft_wrap=True)


def _decide(work: Callable[[Node], Awaitable[v1.Job]], as_json: bool, node: str | None, token: str | None, ca: Path | None) -> None:
    from cli.calls import call, endpoint

    answer(call(endpoint(node, token, ca), work), as_json)
