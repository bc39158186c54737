# SPDX-License-Identifier: AGPL-3.0-or-later
"""The answer of `commonfab match`, put into words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cli import describe
from cli.output import plain
from cli.verdict import ACCEPT, HOLD, REJECT, PartVerdict, ShopAnswer, together
from commonfab.units import grams, mm

SHOWN = {ACCEPT: "[green]accept[/green]", HOLD: "[yellow]hold[/yellow]", REJECT: "[red]reject[/red]"}


def told(verdicts: Sequence[PartVerdict], quantity: int) -> Iterator[str]:
    """Every part with its verdict, its questions and its shops; at the end the whole, where there are several."""
    for verdict in verdicts:
        yield from _part(verdict, quantity)
    if len(verdicts) > 1:
        yield f"[bold]all together[/bold]: {SHOWN[together(verdicts).verdict]}"


def _part(of: PartVerdict, quantity: int) -> Iterator[str]:
    ways = f"{', though it could be made' if of.verdict == REJECT else ''} by {', '.join(of.processes)}" if of.processes else ""
    yield f"[bold]{plain(of.inspected.part.name)}[/bold]: {SHOWN[of.verdict]}{plain(ways)}"
    yield from describe.measured(of.inspected.report)
    if of.questions:
        yield "  [yellow]to be answered or mended first[/yellow]"
        yield from describe.reasons(of.questions)
    told = {question.code for question in of.questions}
    others = [reason for reason in of.reasons if reason.code not in told]
    if of.verdict == HOLD:  # Several ways may ask for the same thing, each with its own list.
        others = list({reason.code: reason for reason in reversed(others)}.values())[::-1]
    if of.questions and others:
        yield "  [dim]made another way, it asks[/dim]" if of.verdict == HOLD else "  [dim]and[/dim]"
    yield from describe.reasons(others)
    if not of.processes:
        return  # Nobody can, whoever it is: what is wrong with the part was told.
    yes = "[green]yes[/green] " if of.verdict == ACCEPT else "[yellow]then[/yellow]"
    for answer in of.shops:
        yield from _shop(answer, quantity, yes)


def _against(of: ShopAnswer) -> str:
    """Why a shop cannot; that it has no machine of the kind is said once, whichever processes there are."""
    if not of.reasons or all(reason.code == "process.other" for reason in of.reasons):
        return "it has no machine for it"
    return "; ".join(reason.message for reason in of.reasons)


def _shop(of: ShopAnswer, quantity: int, yes: str) -> Iterator[str]:
    """Parameters: `yes`, the word for a shop that can: now, or once the questions are answered."""
    name = plain(of.shop.name)
    if of.asks and of.machine is not None:
        yield f"  [yellow]ask[/yellow]  {name} about {plain(of.machine.id)}: {plain('; '.join(reason.message for reason in of.reasons))}"
        return
    if not of.able or of.machine is None or of.way is None:
        yield f"  [red]no[/red]   {name}: {plain(_against(of))}"
        return
    spare = f", {mm(round(of.margin_mm, 2))} to spare" if of.margin_mm is not None else ""
    work = ""
    if of.way.HasField("estimate"):
        seconds = of.way.estimate.machine_time.ToTimedelta().total_seconds() * quantity
        work = f", about {seconds / 60:.0f} min and {grams(of.way.estimate.grams * quantity)} for {quantity}"
    yield f"  {yes} {name} with {plain(of.machine.id)}: {of.way.process}, {plain(of.material)}{spare}{work}"
