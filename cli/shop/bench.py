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
    from shop_agent.desk.cards import BenchCard, Desk, GivenBackCard, MachineCard, OutboxCard, RecallCard, WaitingFor
    from shop_agent.journal.book import Journal

ConfigOption = Annotated[
    Path,
    typer.Option("--config", "-c", metavar="FILE", help="The shop's description of itself.", show_default=True),
]
DEFAULT_CONFIG = Path("shop.toml")


def status(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Show the machines as they stand, what lies on the benches, what waits to be sent, and every recall that concerns this shop."""
    from cli import output
    from shop_agent.config import load_config
    from shop_agent.desk.view import look
    from shop_agent.journal.book import open_journal

    shop = load_config(config)
    with closing(open_journal(shop)) as journal:
        desk = look(shop, journal)
        if as_json:
            output.print_json(_as_json(journal, desk))
            return
    console = output.say()
    for recall in desk.recalls:
        for line in _told(recall):
            console.print(line, soft_wrap=True)
    if desk.agent:
        console.print(f"[bold yellow]{output.plain(desk.agent)}[/bold yellow]", soft_wrap=True)
    output.show_table("machine", "stands", "what runs", "waits for", rows=[_machine_row(card) for card in desk.machines])
    rows = [(card.order, _what(card), card.machine_id, _made(card), card.stands) for card in desk.benches]
    output.show_table("work order", "what", "machine", "made", "stands", rows=rows)
    for cut in desk.benches:
        if cut.cut_off:
            judge = f"commonfab shop judge {cut.order} --good --piece {cut.cut_off[-1]}"
            console.print(output.plain(f"{cut.order}: {cut.cut_off_text}: {judge}"), soft_wrap=True)
    for back in desk.given_back:
        for line in _came_to_nothing(back):
            console.print(line, soft_wrap=True)
    for line in _unsent(desk.outbox):
        console.print(line, soft_wrap=True)


def sheet(
    work_order: Annotated[str, typer.Argument(metavar="WORK_ORDER", help="As `commonfab shop offers` or `shop status` names it.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write a work order's sheet for the bench, as Markdown: files, demands, licence and notice; with no node."""
    import sys

    from commonfab.errors import Refused
    from commonfab.job_sheet import sheet_of_offer, written
    from shop_agent.config import load_config
    from shop_agent.journal.book import open_journal

    shop = load_config(config)
    with closing(open_journal(shop)) as journal:
        attempt = next((one for one in reversed(journal.history()) if one.ref.work_order_id == work_order), None)
        offers = [record.offer for record in journal.offers() if record.offer.work_order_id == work_order]
        offer = attempt.offer if attempt else next(iter(offers), None)
        if offer is None:
            raise Refused("order.unknown", work_order)
        recall = journal.recall_of(offer.revision_digest)
    sys.stdout.write(written(sheet_of_offer(offer, shop.shop.name or shop.shop.id, attempt.key if attempt else "", recall)))


def _told(card: RecallCard) -> Iterator[str]:
    """A recall with what this shop made of it."""
    from cli.output import plain

    yield f"[bold red]RECALLED[/bold red] {plain(card.title)}, revision {plain(card.revision)}"
    yield f"  {plain(card.why)}"
    for made in card.made:
        yield f"  made here: {plain(made)}"
    yield "  nothing of it starts here any more"


def _machine_row(card: MachineCard) -> tuple[str, ...]:
    stands = ": ".join(filter(None, (card.state, card.out_of_service or card.why)))
    due = [
        f"{one.what} is {'overdue' if one.in_hours <= 0 else f'due in {one.in_hours:.0f} h'}" for one in card.upkeep if one.in_hours < 10
    ]
    waits = [f"{one.text} ({_button(card.id, one)})" if one.button else one.text for one in card.waits]
    return card.id, stands, _running(card), "; ".join([*waits, *due])


def _button(machine: str, waits: WaitingFor) -> str:
    of_order = {"judge": " --good", "made": " --good 1", "toolpath": " FILE"}.get(waits.button)
    return f"commonfab shop {waits.button} {machine if of_order is None else waits.order + of_order}"


def _running(card: MachineCard) -> str:
    runs = card.running
    if runs is None:
        return ""
    piece = f", piece {runs.piece} of {runs.pieces}" if runs.pieces else ""
    if card.by_hand:
        return f"{runs.what}{piece}"  # nobody knows how far it is but the person
    left = f", {runs.remaining_seconds / 60:.0f} min left" if runs.remaining_seconds else ""
    return f"{runs.what}{piece}, {runs.progress:.0%}{left}"


def _what(card: BenchCard) -> str:
    return f"{card.what} (walk-in)" if card.walk_in else card.what


def _made(card: BenchCard) -> str:
    more = [f"{card.scrap} scrap"] if card.scrap else []
    more += [f"{card.unjudged} to be judged"] if card.unjudged else []
    return ", ".join([f"{card.good}/{card.quantity}", *more])


def _came_to_nothing(card: GivenBackCard) -> Iterator[str]:
    """What came to nothing, why, and what to do."""
    from cli.output import plain

    yield f"[yellow]{plain(card.order)}[/yellow]: {plain(card.what)} on {plain(card.machine)}, {plain(card.ended)}"
    for why, remedy in card.why:
        yield f"  {plain(why)}. {plain(remedy)}".rstrip()
    if card.resends:
        yield f"  The signed report is kept. To send it again once the router is mended: commonfab shop resend {plain(card.order)}"
    yield f"  [dim]Once you have read it: commonfab shop dismiss {plain(card.order)}[/dim]"


def _unsent(card: OutboxCard) -> Iterator[str]:
    """What waits to be sent, and since when the router has not been heard."""
    from cli.output import plain

    if card.trouble:
        since = "in this run" if card.silent_seconds is None else f"for {card.silent_seconds / 60:.0f} min"
        yield f"[yellow]The router has not been heard {since}:[/yellow] {plain(card.trouble)}"
    if card.unsent:
        yield f"Waits to be sent: {plain(', '.join(card.unsent))}"


def _as_json(journal: Journal, desk: Desk) -> dict[str, object]:
    from dataclasses import asdict

    from cli import output

    stands = {card.order: card.stands for card in desk.benches}
    attempts = [
        {
            "offer": output.as_json(one.offer),
            "machine_id": one.machine_id,
            "pieces_good": one.good,
            "pieces_scrap": one.scrap,
            "pieces_unjudged": one.unjudged,
            "stands": stands[one.ref.work_order_id],
        }
        for one in journal.attempts()
    ]
    return {
        "recalls": [output.as_json(record.notice) for record in journal.recalls()],
        "attempts": attempts,
        "agent_runs": desk.agent_runs,
        "machines": [asdict(card) for card in desk.machines],
        "outbox": asdict(desk.outbox),
        "given_back": [asdict(card) for card in desk.given_back],
    }
