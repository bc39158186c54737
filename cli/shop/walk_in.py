# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab shop walk-in`: work for somebody who came to the door, whether or not a router can be heard."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from cli.options import JsonOption
from cli.shop.bench import DEFAULT_CONFIG, ConfigOption


def walk_in(
    machine: Annotated[str, typer.Argument(metavar="MACHINE", help="The machine's id in shop.toml.")],
    what: Annotated[str, typer.Argument(metavar="WHAT", help="What is made, in your words.")],
    pieces: Annotated[int, typer.Option(min=1, help="How many.")] = 1,
    file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="An STL or 3MF file, or a toolpath where outside_toolpaths allows it.")
    ] = None,
    material: Annotated[str, typer.Option(help="As shop.toml names it; else what is loaded.")] = "",
    minutes: Annotated[float, typer.Option(min=0, help="About how many minutes a piece takes.")] = 0.0,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Put work for somebody at the door on a bench. Example: commonfab shop walk-in mk3 "a hook for the door" --pieces 2 --file hook.stl"""
    from cli import output
    from shop_agent.config import load_config
    from shop_agent.desk import walk_ins
    from shop_agent.desk.actions import Bench
    from shop_agent.gcode import ToolpathRefused
    from shop_agent.journal.book import open_journal
    from shop_agent.people.walk_in import Wanted

    shop = load_config(config)
    with closing(open_journal(shop)) as journal:
        try:
            order = walk_ins.take(Bench(shop, journal), machine, Wanted(what, pieces, file, material, minutes))
        except ToolpathRefused as refused:
            for reason in refused.reasons:
                output.notes().print(output.plain(reason.message), soft_wrap=True)
            raise typer.Exit(1) from None
    if as_json:
        output.print_json({"work_order": order, "machine": machine, "pieces": pieces})
        return
    output.say().print(f"{output.plain(order)} lies on the bench of {output.plain(machine)}.", soft_wrap=True)
