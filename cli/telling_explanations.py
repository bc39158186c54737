# SPDX-License-Identifier: AGPL-3.0-or-later
"""Why a job goes where it goes, put into words: who can, who cannot, what comes nearest, and what is waited for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cli import describe
from cli.output import plain, say, show_table
from commonfab import v1
from commonfab.units import km

MOST_NAMED = 5
"""Machines that are named one by one. The others are in the groups above them, and in the JSON."""


def show_explanation(answer: v1.ExplainJobResponse) -> None:
    """Write the answer of `ExplainJob`; with --json it is told in full."""
    console = say()
    for line in _waiting(answer.waiting_for):
        console.print(line, soft_wrap=True)
    console.print(_headline(answer))
    if answer.able:
        _show_able(answer.able)
    for line in _nearest(answer.nearest):
        console.print(line, soft_wrap=True)
    for line in _asked(answer.ask):
        console.print(line, soft_wrap=True)
    if answer.groups:
        console.print("[bold]why others cannot[/bold]")
        rows = [(str(group.machines), str(group.only_this or ""), group.nearest.message, group.nearest.code) for group in answer.groups]
        show_table("machines", "only this", "the nearest of them", "code", rows=rows)
    for line in _refused(answer.refused):
        console.print(line, soft_wrap=True)


def rank_text(terms: Sequence[v1.RankTerm]) -> str:
    """A rank as the sum that it is, in minutes: "making 30 + fetching 8 − proven 2"."""
    told = "".join(f" {'+' if term.minutes > 0 else '−'} {term.name} {abs(term.minutes):.0f}" for term in terms if round(term.minutes))
    return told.removeprefix(" + ").strip()


def _waiting(reasons: Sequence[v1.Reason]) -> Iterator[str]:
    for one in reasons:
        yield describe.reason(one)
        told = describe.remedy(one)
        if told and "commonfab job explain" not in told:  # That is what the reader has just asked.
            yield f"  [dim]→ {told}[/dim]"


def _headline(answer: v1.ExplainJobResponse) -> str:
    tried = f" of {answer.machines} {'machine' if answer.machines == 1 else 'machines'}" if answer.machines else ""
    if answer.able:
        return f"[green]{len(answer.able)}{tried} can make it[/green], the best placed first"
    return f"[yellow]nobody can make it now[/yellow]{f', none{tried}' if tried else ''}"


def _show_able(able: Sequence[v1.Candidate]) -> None:
    rows = [_candidate(one) for one in able]
    columns = ("who", "how", "would get", "away", "free", "rank", "which is", "and")
    told = [number for number in range(len(columns)) if any(row[number] for row in rows)]
    show_table(*(columns[number] for number in told), rows=[[row[number] for number in told] for row in rows])


def _candidate(one: v1.Candidate) -> tuple[str, ...]:
    return (
        f"{one.shop_name or one.shop_id} ({one.shop_id}/{one.machine_id})",
        ", ".join(filter(None, (one.process, one.material))),
        str(one.lot or ""),
        str(km(one.distance_km)) if one.HasField("distance_km") else "?",
        describe.duration(one.free_in) if one.free_in.ToTimedelta() else "now",
        f"{sum(term.minutes for term in one.terms):.0f} min",
        rank_text(one.terms),
        _more(one.why),
    )


def _more(why: Sequence[v1.Reason]) -> str:
    """What the columns do not say."""
    return "; ".join(one.message for one in why if not one.code.startswith(("place.", "queue.")))


def _nearest(misses: Sequence[v1.NearestMiss]) -> Iterator[str]:
    if misses:
        yield "[bold]what comes nearest[/bold]"
    for miss in misses:
        yield f"  {describe.reason(miss.change)}"
        if miss.machine.machine_id:
            yield f"    than at {_named(miss.machine)}" if miss.change.code == "near.room" else f"    at {_named(miss.machine)}"
        if told := describe.remedy(miss.change):
            yield f"    [dim]→ {told}[/dim]"


def _asked(ask: Sequence[v1.RefusedMachine]) -> Iterator[str]:
    """Those whose owner alone can say; nobody but the reader asks them."""
    if ask:
        yield f"[bold]{len(ask)} whose owner you can ask yourself[/bold]"
    for one in ask[:MOST_NAMED]:
        yield f"  {_named(one)}: {plain('; '.join(why.message for why in one.reasons))}"
    yield from _left_out(ask)


def _refused(refused: Sequence[v1.RefusedMachine]) -> Iterator[str]:
    if refused:
        yield "[bold]the nearest misses[/bold]"
    for one in refused[:MOST_NAMED]:
        yield f"  {_named(one)}: {plain('; '.join(why.message for why in one.reasons))}"
    yield from _left_out(refused)


def _left_out(machines: Sequence[v1.RefusedMachine]) -> Iterator[str]:
    if len(machines) > MOST_NAMED:
        yield f"  [dim]and {len(machines) - MOST_NAMED} more; --json names them[/dim]"


def _named(one: v1.RefusedMachine) -> str:
    return f"{plain(one.shop_name or one.shop_id)} [dim]{plain(one.shop_id)}/{plain(one.machine_id)}[/dim]"
