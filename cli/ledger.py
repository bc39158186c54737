# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab ledger`: the work that was done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CaOption, JsonOption, NodeOption, TokenOption

if TYPE_CHECKING:
    from commonfab import v1
    from commonfab.client import Node

app = typer.Typer(no_args_is_help=True, help="The ledger: completed work, signed by the shops and chained by hash.")


@app.callback()
def ledger() -> None:
    """The ledger: completed work, signed by the shops and chained by hash."""


@app.command("show")
def show(
    job: Annotated[str, typer.Option(help="Only the entries of this job.")] = "",
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Show the ledger, and check every hash and signature on this machine."""
    from cli import output
    from cli.calls import call, endpoint

    async def work(of: Node) -> list[v1.LedgerEntry]:
        return await all_entries(of, job)

    entries = call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json([output.as_json(entry) for entry in entries])
    else:
        _show(entries)
    _check(entries, whole=not job)
    if not as_json:
        output.say().print(f"[green]{len(entries)} entries: every hash and signature is right.[/green]")


async def all_entries(node: Node, job_id: str = "") -> list[v1.LedgerEntry]:
    """Every entry, oldest first; of one job where it is named. Errors: `grpc.aio.AioRpcError`."""
    from cli.calls import LARGEST_PAGE
    from commonfab import v1

    found: list[v1.LedgerEntry] = []
    request = v1.ListEntriesRequest(page_size=LARGEST_PAGE, job_id=job_id)
    while True:
        answer = await node.ledger.ListEntries(request)
        found += answer.entries
        if not answer.next_after:
            return found
        request.after = answer.next_after


def _check(entries: list[v1.LedgerEntry], whole: bool) -> None:
    from cli.verify import check_chain, check_entry

    if whole:
        check_chain(entries)
    else:  # the entries between those of one job are not here, so each is checked by itself
        for entry in entries:
            check_entry(entry)


def _show(entries: list[v1.LedgerEntry]) -> None:
    from cli import describe, output

    rows = [
        (
            str(entry.number),
            describe.moment(entry.recorded_at),
            f"{entry.work.shop_id}/{entry.work.machine_id}",
            entry.work.part_name,
            f"{entry.work.pieces_good}" + (f" (+{entry.work.pieces_scrap} scrapped)" if entry.work.pieces_scrap else ""),
            entry.work.control,
            describe.duration(entry.work.machine_time),
            describe.task_times(entry.work.tasks),
            f"{entry.work.grams:.1f} g",
            entry.hash.hex()[:12],
        )
        for entry in entries
    ]
    output.show_table("no.", "recorded", "machine", "part", "good", "control", "machine time", "people", "used", "hash", rows=rows)
