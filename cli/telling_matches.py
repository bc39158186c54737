# SPDX-License-Identifier: AGPL-3.0-or-later
"""The answer of `commonfab match`, put into words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cli import describe
from cli.output import plain
from cli.verdict import ACCEPT, HOLD, REJECT, PartVerdict, ShopAnswer, together
from commonfab.units import mm

SHOWN = {ACCEPT: "[green]accept[/green]", HOLD: "[yellow]hold[/yellow]", REJECT: "[red]reject[/red]"}


def told(verdicts: Sequence[PartVerdict], quantity: int) -> Iterator[str]:
    """Every part with its verdict, its questions and its shops; at the end the whole, where there are several."""
    for verdict in verdicts:
        yield from _part(verdict, quantity)
    if len(verdicts) > 1:
        yield f"[bold]all together[/bold]: {SHOWN[together(verdicts).verdict]}"


def _part(of: PartVerdict, quantity: int) -> Iterator[str]:
    ways = f" by {', '.join(of.processes)}" if of.processes else ""
    yield f"[bold]{plain(of.inspected.part.name)}[/bold]: {SHOWN[of.verdict]}{plain(ways)}"
    yield from describe.measured(of.inspected.report)
    if of.questions:
        yield "  [yellow]to be answered or mended first[/yellow]"
        yield from describe.reasons(of.questions)
    told = {question.code for question in of.questions}
    yield from describe.reasons(reason for reason in of.reasons if reason.code not in told)
    for answer in of.shops:
        yield from _shop(answer, quantity)


def _shop(of: ShopAnswer, quantity: int) -> Iterator[str]:
    name = plain(of.shop.name)
    if not of.able or of.machine is None or of.way is None:
        yield f"  [red]no[/red]   {name}: {plain('; '.join(reason.message for reason in of.reasons) or 'it has no machine')}"
        return
    spare = f", {mm(round(of.margin_mm, 2))} to spare" if of.margin_mm is not None else ""
    work = ""
    if of.way.HasField("estimate"):
        seconds = of.way.estimate.machine_time.ToTimedelta().total_seconds() * quantity
        work = f", about {seconds / 60:.0f} min and {of.way.estimate.grams * quantity:.3g} g for {quantity}"
    yield f"  [green]yes[/green]  {name} with {plain(of.machine.id)}: {of.way.process}, {plain(of.material)}{spare}{work}"
