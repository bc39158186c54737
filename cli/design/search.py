# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab design search`: finding designs."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CaOption, JsonOption, NodeOption, TokenOption

if TYPE_CHECKING:
    from commonfab import v1
    from commonfab.client import Node

SIZE = re.compile(
    r"\s*(\d{1,6}(?:\.\d{1,6})?)\s*[x×*]\s*(\d{1,6}(?:\.\d{1,6})?)\s*[x×*]\s*(\d{1,6}(?:\.\d{1,6})?)\s*", re.ASCII | re.IGNORECASE
)


class Kind(StrEnum):
    """What sort of thing a design is."""

    REPLACEMENT_PART = "replacement-part"
    ACCESSORY = "accessory"
    MODULE = "module"
    PRODUCT = "product"
    TOOL = "tool"
    MACHINE = "machine"


class Stage(StrEnum):
    """How far a design has come."""

    DRAFT = "draft"
    CHECKED = "checked"
    BUILT = "built"
    IN_PRODUCTION = "in-production"


def search(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="WORDS...", help="Words of its title, summary, tags, authors or parts, or of what it fits; beginnings will do."
        ),
    ] = None,
    process: Annotated[
        list[str] | None, typer.Option(help="Every part can be made by this process, or by another that is named; may be repeated.")
    ] = None,
    material: Annotated[
        list[str] | None, typer.Option(help="It may be made of this, or of another that is named; may be repeated.")
    ] = None,
    fits_machine: Annotated[
        str, typer.Option("--fits-machine", metavar="XxYxZ", help="Every part has room in this, mm, turned as it may be: 220x220x250.")
    ] = "",
    licence: Annotated[
        list[str] | None, typer.Option("--licence", "--license", help="It may be used under this SPDX identifier; may be repeated.")
    ] = None,
    kind: Annotated[list[Kind] | None, typer.Option(help="What sort of thing it is; may be repeated.")] = None,
    fits: Annotated[
        str, typer.Option(metavar="MAKER;MODEL;PART NUMBER", help="It fits or replaces this; what is left empty may be anything.")
    ] = "",
    keeper: Annotated[list[str] | None, typer.Option(help="Who keeps it; may be repeated.")] = None,
    at_least: Annotated[Stage | None, typer.Option("--at-least", help="It has come at least so far.", show_default=False)] = None,
    recalled: Annotated[bool, typer.Option("--recalled", help="Recalled designs too.")] = False,
    facets: Annotated[bool, typer.Option("--facets", help="Count what all that is found has: processes, materials, licences, …")] = False,
    page_size: Annotated[int, typer.Option("--page-size", min=1, max=200, help="Designs of a page.")] = 20,
    page_token: Annotated[str, typer.Option("--page-token", help="Go on where the page before ended; its end told this token.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="All pages.")] = False,
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Find designs. All that is named must be met; the best come first, or the newest where no words are given.

    Example: commonfab design search kenwood gear --process fdm --fits-machine 220x220x250 --at-least built
    """
    from cli import output
    from cli.calls import call, endpoint
    from cli.design.proposal import item_of
    from commonfab import v1

    request = v1.SearchDesignsRequest(
        words=" ".join(words or ()),
        processes=process or (),
        materials=material or (),
        fits_into_mm=size_of(fits_machine) if fits_machine else None,
        licences=licence or (),
        kinds=[v1.DesignKind.Value(f"DESIGN_KIND_{one.name}") for one in kind or ()],
        belongs_to=item_of(fits) if fits else None,
        keepers=keeper or (),
        at_least=v1.Maturity.Value(f"MATURITY_{at_least.name}") if at_least else v1.MATURITY_UNSPECIFIED,
        recalled_too=recalled,
        page_size=200 if everything else page_size,
        page_token=page_token,
        with_facets=facets,
    )
    answer = call(endpoint(node, token, ca), lambda of: _asked(of, request, everything))
    if as_json:
        output.print_json(output.as_json(answer))
    else:
        _show(answer, facets)


def size_of(text: str) -> v1.Size:
    """Three lengths in mm as people write them: "220x220x250", "220 × 220 × 250". Errors: `Refused` (`request.malformed`)."""
    from commonfab import v1
    from commonfab.errors import Refused

    read = SIZE.fullmatch(text)
    if read is None:
        raise Refused("request.malformed", f"'{text}' is not a size; write it as 220x220x250, in mm")
    return v1.Size(x=float(read[1]), y=float(read[2]), z=float(read[3]))


async def _asked(node: Node, request: v1.SearchDesignsRequest, everything: bool) -> v1.SearchDesignsResponse:
    answer = await node.registry.SearchDesigns(request)
    while everything and answer.next_page_token:
        request.page_token = answer.next_page_token
        more = await node.registry.SearchDesigns(request)
        answer.designs.extend(more.designs)
        answer.next_page_token = more.next_page_token
    return answer


def _show(answer: v1.SearchDesignsResponse, facets: bool) -> None:
    from cli import output
    from commonfab import v1

    rows = [
        (
            one.id,
            one.title,
            one.licence,
            one.keeper,
            "recalled" if one.recalled else v1.Maturity.Name(one.maturity).removeprefix("MATURITY_").lower().replace("_", " "),
        )
        for one in answer.designs
    ]
    output.show_table("design", "title", "licence", "kept by", "how far", rows=rows)
    if facets and answer.facets:
        counts = [(facet.name, ", ".join(f"{one.value} {one.count}" for one in facet.counts)) for facet in answer.facets if facet.counts]
        output.show_table("what they are", "and how many", rows=counts)
    output.say().print(f"{len(answer.designs)} of {answer.total} designs")
    if answer.next_page_token:
        output.say().print(f"more: --page-token {answer.next_page_token}", soft_wrap=True)
