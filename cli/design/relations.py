# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab design where-used` and `commonfab design closure`: what uses a design, and all that it takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cli.job_options import WithinOption
from cli.options import CaOption, CellOption, JsonOption, LatitudeOption, LongitudeOption, NodeOption, TokenOption

if TYPE_CHECKING:
    from cli.design.making_here import Judged
    from commonfab import v1
    from commonfab.client import Node

DesignArgument = Annotated[str, typer.Argument(metavar="DESIGN", help="A design's id, or a revision's digest.")]

MOST_SHOPS_NAMED = 3


def where_used(
    design: DesignArgument,
    direct: Annotated[bool, typer.Option("--direct", help="Only what refers to it itself, not what refers to that in turn.")] = False,
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Show what uses a design, derives from it, is a variant of it, or is made with it."""
    from cli import output
    from cli.calls import call, endpoint
    from commonfab import v1

    async def work(of: Node) -> v1.WhereUsedResponse:
        return await of.registry.WhereUsed(v1.WhereUsedRequest(of=design, all_the_way=not direct))

    answer = call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json(output.as_json(answer))
        return
    if not answer.uses:
        output.say().print("nothing here refers to it")
        return
    output.show_table("steps", "what", "how", "of it", "still", "design", "revision", rows=map(_use, answer.uses))
    if answer.more:
        output.say().print(f"and more than these {len(answer.uses)}")


def _use(use: v1.Use) -> tuple[str, ...]:
    from cli import describe
    from commonfab import v1

    named = use.relation in v1.Relation.values()
    how = describe.word(v1.Relation.Name(use.relation), "RELATION_") if named else f"relation {use.relation}"
    count = f"{use.quantity:g}" if use.relation == v1.RELATION_USES else ""
    return str(use.distance), use.title, how, count, "yes" if use.current else "no", use.design_id, use.digest


def closure(
    design: DesignArgument,
    quantity: Annotated[int, typer.Option("--quantity", "-n", min=1, help="How many products.")] = 1,
    latitude: LatitudeOption = None,
    longitude: LongitudeOption = None,
    cell: CellOption = "",
    within_km: WithinOption = 0,
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Show all that a product takes: what shops around can make, what must be bought or salvaged, what is missing.

    Example: commonfab design closure design-0k3x… --quantity 10 --lat 52.52 --lon 13.40 --within-km 20
    """
    from cli.calls import call, endpoint
    from cli.design.making_here import judge_all
    from cli.place import place_of
    from commonfab import v1

    place = place_of(latitude, longitude, cell)

    async def work(of: Node) -> tuple[v1.GetClosureResponse, list[Judged]]:
        found = await of.registry.GetClosure(v1.GetClosureRequest(revision=design, quantity=quantity))
        return found, await judge_all(of, found.make, place, within_km)

    found, parts = call(endpoint(node, token, ca), work)
    if as_json:
        _print_closure(found, parts)
    else:
        _show_closure(found, parts)


def _print_closure(found: v1.GetClosureResponse, parts: Sequence[Judged]) -> None:
    from cli import output

    told = output.as_json(found)
    for line, one in zip(told["make"], parts, strict=True):
        line |= {"here": one.here.name.lower(), "shops": list(one.shops), "why": [output.as_json(why) for why in one.why]}
    output.print_json({**told, "summary": summary(found, parts)})


def _show_closure(found: v1.GetClosureResponse, parts: Sequence[Judged]) -> None:
    from cli import describe, output
    from cli.design.making_here import Here

    console = output.say()
    for here in Here:
        these = [one for one in parts if one.here is here]
        if these:
            console.print(f"[bold]{here.value}[/bold]")
            last = "by" if here is Here.MADE else "who, why" if here is Here.ASKED else "nearest"
            output.show_table("pieces", "part", "of", last, rows=[_part(one) for one in these])
    for title, lines in (("to buy", found.buy), ("to salvage", found.salvage)):
        if lines:
            console.print(f"[bold]{title}[/bold]")
            output.show_table("how much", "what", "which", "where, note", rows=[_line(one.line) for one in lines])
    if found.missing:
        console.print("[bold]missing[/bold]")
    for line in describe.reasons((one.reason for one in found.missing), indent="  "):
        console.print(line, soft_wrap=True)
    if found.licences:
        console.print("[bold]licences[/bold]")
    for line in describe.reasons(found.licences, indent="  "):
        console.print(line, soft_wrap=True)
    console.print(output.plain(summary(found, parts)), soft_wrap=True)


def _part(one: Judged) -> tuple[str, ...]:
    who = ", ".join(one.shops[:MOST_SHOPS_NAMED])
    if len(one.shops) > MOST_SHOPS_NAMED:
        who += f" and {len(one.shops) - MOST_SHOPS_NAMED} more"
    why = "; ".join(reason.message for reason in one.why)
    return str(one.part.quantity), one.part.part.part.name, one.part.title, ": ".join(filter(None, (who, why)))


def _line(line: v1.BillLine) -> tuple[str, ...]:
    item = line.buy.item
    thing = " ".join(filter(None, (item.maker, item.model, item.part_number)))
    which = ", ".join(filter(None, (line.buy.standard, thing, line.salvage.source)))
    return f"{line.quantity:.10g} {line.unit}".rstrip(), line.name, which, " ".join(filter(None, (line.buy.url, line.note)))


def summary(found: v1.GetClosureResponse, parts: Sequence[Judged]) -> str:
    """The closure in one sentence."""
    from cli.design.making_here import Here

    def count(here: Here) -> int:
        return sum(one.here is here for one in parts)

    told = [f"{count(Here.MADE)} of {_counted(len(parts), 'part')} can be made here"]
    told += _said((count(Here.ASKED), "{} if somebody says so"), (count(Here.NOT), "{} cannot"))
    told += _said((len(found.buy), "{} to buy"), (len(found.salvage), "{} to salvage"), (len(found.missing), "{} missing"))
    return f"{', '.join(told)}."


def _said(*told: tuple[int, str]) -> Iterable[str]:
    return [text.format(count) for count, text in told if count]


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"
