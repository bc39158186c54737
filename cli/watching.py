# SPDX-License-Identifier: AGPL-3.0-or-later
"""A job as it goes on, and why it goes where it goes."""

from __future__ import annotations

from cli import describe
from cli.calls import follow
from cli.output import as_json as to_json
from cli.output import notes, plain, print_json_line, say
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


def show_explanation(answer: v1.ExplainJobResponse) -> None:
    """Write who can, who cannot, and why."""
    console = say()
    for line in describe.reasons(answer.waiting_for, indent=""):
        console.print(line, soft_wrap=True)
    console.print(f"[green]{len(answer.able)} can make it[/green]" if answer.able else "[yellow]nobody can make it now[/yellow]")
    for able in answer.able:
        why = "; ".join(describe.reason(one) for one in able.why)
        console.print(f"  {_named(able.shop_name, able.shop_id, able.machine_id)}: {why}", soft_wrap=True)
    if answer.refused:
        console.print(f"[red]{len(answer.refused)} cannot[/red], the nearest miss first")
    for refused in answer.refused:
        console.print(f"  {_named(refused.shop_name, refused.shop_id, refused.machine_id)}")
        for line in describe.reasons(refused.reasons):
            console.print(line, soft_wrap=True)


def _named(shop_name: str, shop_id: str, machine_id: str) -> str:
    return f"{plain(shop_name or shop_id)} [dim]{plain(shop_id)}/{plain(machine_id)}[/dim]"
