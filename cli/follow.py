# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab follow`: what happens in the design commons, as it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CaOption, CellOption, JsonOption, LatitudeOption, LongitudeOption, NodeOption, TokenOption

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from commonfab import v1
    from commonfab.client import Node


def follow(
    design: Annotated[list[str] | None, typer.Option("--design", metavar="ID", help="A design; may be repeated.")] = None,
    module: Annotated[
        list[str] | None, typer.Option("--module", metavar="ID", help="A design, and what is built from it; may be repeated.")
    ] = None,
    process: Annotated[
        list[str] | None, typer.Option("--process", metavar="TERM", help="A class of machines, such as fdm; may be repeated.")
    ] = None,
    latitude: LatitudeOption = None,
    longitude: LongitudeOption = None,
    cell: CellOption = "",
    within_km: Annotated[float, typer.Option("--within-km", min=0, help="How far around the place.")] = 20.0,
    after: Annotated[int, typer.Option("--after", min=0, metavar="NUMBER", help="Go on after the event with this number.")] = 0,
    from_the_first: Annotated[bool, typer.Option("--from-the-first", help="Begin with all that has happened.")] = False,
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Follow designs, modules, classes of machines or a place: new revisions, builds, defects, recalls, a line each. Ctrl-C ends it.

    What fits any of what you name is told; with nothing named, everything.

    Example: commonfab follow --design DESIGN --process fdm
    """
    from cli.calls import call, endpoint
    from cli.place import place_of
    from commonfab import v1

    near = place_of(latitude, longitude, cell)
    wanted = v1.FollowRequest(designs=design or (), modules=module or (), processes=process or (), after=after)
    wanted.from_the_first = from_the_first
    if near.cell:
        wanted.near.CopyFrom(near)
        wanted.within_km = within_km

    async def work(of: Node) -> None:
        await _tell_all(of, wanted, as_json)

    call(endpoint(node, token, ca), work)


async def _tell_all(node: Node, wanted: v1.FollowRequest, as_json: bool) -> None:
    """Tell every event once, whatever happens to the connection. Errors: `grpc.aio.AioRpcError`, `Refused` (`node.unreachable`)."""
    from cli import calls, output
    from cli.design import telling_evidence

    def go_on() -> AsyncIterable[v1.FollowResponse]:
        return node.evidence.Follow(wanted)

    console = output.say()
    async for told in calls.follow(node, go_on):
        # From here on we go on after what was told, even where that was nothing: else the whole past would be told again, or a gap be left.
        wanted.after, wanted.from_the_first = told.after, not told.after
        if not told.HasField("event"):
            if not as_json:
                output.notes().print(f"Following after event {told.after}.")
        elif as_json:
            output.print_json_line(output.as_json(told.event))
        else:
            console.print(output.plain(telling_evidence.event(told.event)), soft_wrap=True)
