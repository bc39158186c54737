# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab needs`: what the neighbourhood cannot make, and what would change that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CaOption, JsonOption, NodeOption, TokenOption, latitude, longitude

if TYPE_CHECKING:
    from commonfab import v1
    from commonfab.client import Node


def needs(
    lat: Annotated[
        float | None,
        typer.Option("--lat", parser=latitude, metavar="DEGREES", help="Latitude of a place, -90 to 90; only a coarse cell is sent."),
    ] = None,
    lon: Annotated[float | None, typer.Option("--lon", parser=longitude, metavar="DEGREES", help="Longitude, -180 to 180.")] = None,
    cell: Annotated[str, typer.Option("--cell", metavar="H3", help="The place as an H3 cell, instead of --lat and --lon.")] = "",
    within_km: Annotated[float, typer.Option("--within-km", min=0, help="How far around the place, km; 0 for any distance.")] = 0,
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Say what the neighbourhood cannot make, and which machine, material or skill would unlock most of it."""
    from cli import output
    from cli.calls import call, endpoint
    from cli.place import place_of
    from commonfab import v1
    from commonfab.errors import Refused

    place = place_of(lat, lon, cell)
    if within_km and not place.cell:
        raise Refused("need.around")

    async def work(of: Node) -> v1.ListNeedsResponse:
        return await of.router.ListNeeds(v1.ListNeedsRequest(place=place if place.cell else None, within_km=within_km))

    answer = call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json(output.as_json(answer))
    else:
        show_needs(answer)


def show_needs(answer: v1.ListNeedsResponse) -> None:
    """Write what is needed, what unlocks most jobs first."""
    from cli import describe, output
    from commonfab import v1

    console = output.say()
    if not answer.needs:
        console.print("[green]nothing is missing: no job waits because nobody can make it[/green]")
        return
    waiting = f"{answer.waiting_jobs} jobs wait" if answer.waiting_jobs != 1 else "1 job waits"
    console.print(f"{waiting} because nobody can make it; this would unlock most of it:")
    rows = [
        (describe.word(v1.NeedKind.Name(need.kind), "NEED_KIND_"), need.what.message, str(need.pieces), need.place.cell)
        for need in answer.needs
    ]
    output.show_table("missing", "what", "pieces", "around cell", rows=rows)
