# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab shop`: what lies on the benches of a shop, and what was recalled; read from the agent's journal, with no node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import JsonOption

if TYPE_CHECKING:
    from shop_agent.journal import Journal
    from shop_agent.records import AttemptRecord, RecallRecord

ConfigOption = Annotated[
    Path,
    typer.Option("--config", "-c", metavar="FILE", help="The shop's description of itself.", show_default=True),
]
DEFAULT_CONFIG = Path("shop.toml")


def status(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Show what lies on the benches, and every recall that concerns this shop: what it made of it, and what to do."""
    from cli import output
    from shop_agent.config import load_config
    from shop_agent.journal import open_journal

    with closing(open_journal(load_config(config))) as journal:
        if as_json:
            output.print_json(_as_json(journal))
            return
        for record in journal.recalls():
            for line in _told(record, journal):
                output.say().print(line, soft_wrap=True)
        rows = [_row(attempt, journal) for attempt in journal.attempts()]
    output.show_table("work order", "what", "machine", "made", "stands", rows=rows)


def sheet(
    work_order: Annotated[str, typer.Argument(metavar="WORK_ORDER", help="As `commonfab shop offers` or `shop status` names it.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write a work order's sheet for the bench, as Markdown: files, demands, licence and notice; with no node."""
    import sys

    from commonfab.errors import Refused
    from commonfab.job_sheet import sheet_of_offer, written
    from shop_agent.config import load_config
    from shop_agent.journal import open_journal

    shop = load_config(config)
    with closing(open_journal(shop)) as journal:
        attempt = next((one for one in reversed(journal.history()) if one.ref.work_order_id == work_order), None)
        offers = [record.offer for record in journal.offers() if record.offer.work_order_id == work_order]
        offer = attempt.offer if attempt else next(iter(offers), None)
        if offer is None:
            raise Refused("order.unknown", work_order)
        recall = journal.recall_of(offer.revision_digest)
    sys.stdout.write(written(sheet_of_offer(offer, shop.shop.name or shop.shop.id, attempt.key if attempt else "", recall)))


def _told(record: RecallRecord, journal: Journal) -> Iterator[str]:
    """A recall with what this shop made of it, by the ledger and by its own journal, each work order once."""
    from cli.output import plain
    from commonfab.recalled import recall_text

    recall = record.notice.recall
    yield f"[bold red]RECALLED[/bold red] {plain(record.notice.title)}, revision {plain(recall.revision_digest)}"
    yield f"  {plain(recall_text(recall))}"
    made = [(work.work_order_id, work.job_id, work.part_name, work.pieces_good) for work in record.notice.made]
    known = {order for order, *_ in made}
    mine = [one for one in journal.history() if one.offer.revision_digest == recall.revision_digest]
    made += [(one.ref.work_order_id, one.offer.job_id, one.offer.part_name, one.good) for one in mine if one.ref.work_order_id not in known]
    for order, job, part, good in made:
        if good:
            yield f"  made here: {good} × {plain(part)} in {plain(order)}, for job {plain(job)}"
    yield "  nothing of it starts here any more"


def _row(attempt: AttemptRecord, journal: Journal) -> tuple[str, ...]:
    offer = attempt.offer
    made = f"{attempt.good}/{offer.quantity}"
    return attempt.ref.work_order_id, f"{offer.part_name} of {offer.title}", attempt.machine_id, made, _standing(attempt, journal)


def _standing(attempt: AttemptRecord, journal: Journal) -> str:
    if journal.recall_of(attempt.offer.revision_digest):
        return "recalled"
    if attempt.ended:
        return f"{attempt.ended}, not yet heard by the router"
    if attempt.piece_begun:
        return f"piece {attempt.piece_begun.number} is on the machine"
    return "running" if attempt.leave else "prepared" if attempt.toolpath else "preparing"


def _as_json(journal: Journal) -> dict[str, object]:
    from cli import output

    attempts = [
        {"offer": output.as_json(one.offer), "machine_id": one.machine_id, "pieces_good": one.good, "stands": _standing(one, journal)}
        for one in journal.attempts()
    ]
    return {"recalls": [output.as_json(record.notice) for record in journal.recalls()], "attempts": attempts}
