# SPDX-License-Identifier: AGPL-3.0-or-later
"""A job as it goes on."""

from __future__ import annotations

from cli import describe
from cli.calls import follow
from cli.output import as_json as to_json
from cli.output import notes, print_json_line, say
from commonfab import v1
from commonfab.client import Node


async def watch_job(node: Node, job_id: str, as_json: bool) -> None:
    """Show a job at every change, until it is done or cancelled.

    On a terminal one picture is kept up to date; elsewhere every change is written below the one before, and as JSON one line each.
    Errors: `grpc.aio.AioRpcError`, `Refused` (`node.unreachable`).
    """
    from rich.live import Live
    from rich.text import Text

    console = say()
    last: list[str] = []
    with Live(Text(""), console=console if console.is_terminal else notes(), auto_refresh=False, transient=True) as live:
        async for told in follow(node, lambda: node.router.WatchJob(v1.WatchJobRequest(id=job_id))):
            if as_json:
                print_json_line(to_json(told.job))
                continue
            lines = list(describe.job(told.job))
            if console.is_terminal:
                live.update(Text.from_markup("\n".join(lines)), refresh=True)
            elif lines != last:
                console.print("\n".join(lines), soft_wrap=True)
            last = lines
    if console.is_terminal and not as_json:
        console.print("\n".join(last), soft_wrap=True)
