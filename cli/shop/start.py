# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab shop init`, `shop check`: from nothing to an agent that could work."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import JsonOption
from cli.shop.bench import DEFAULT_CONFIG, ConfigOption


def init(
    shop_id: Annotated[str, typer.Option("--id", help="The shop's id: a-z, 0-9, '-' and '.'; the subject of its token.")] = "my-shop",
    name: Annotated[str, typer.Option(help="What its people call it; else the id.")] = "",
    node: Annotated[str, typer.Option(metavar="HOST:PORT", help="The node whose offers it hears.")] = "127.0.0.1:4780",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write a first shop.toml and make the shop's key. Example: commonfab shop init --id lenas-garage"""
    from cli import output
    from shop_agent.init import init_shop

    made = init_shop(config, shop_id, name or shop_id, node)
    console = output.say()
    console.print(f"{output.plain(str(config))} is written, and the shop's key is {output.plain(str(made.key_file))}.", soft_wrap=True)
    console.print("Next:")
    console.print(f"  1. Describe your machines in {output.plain(str(config))}.", soft_wrap=True)
    console.print(f"  2. Ask the node's steward for a token (commonfab token issue shop {output.plain(shop_id)})", soft_wrap=True)
    console.print(f"     and put it into {output.plain(str(config.parent / 'shop.token'))}.", soft_wrap=True)
    console.print(f"  3. commonfab shop check --config {output.plain(str(config))}", soft_wrap=True)
    console.print(f"  4. commonfab shop run --config {output.plain(str(config))}", soft_wrap=True)


def check(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Look whether the shop could work now: its key, slicer, machines, node and token. Nothing is changed."""
    from dataclasses import asdict

    from cli import output
    from commonfab.errors import Refused
    from shop_agent.check import check_shop_now
    from shop_agent.config import load_config

    found = check_shop_now(load_config(config))
    if as_json:
        output.print_json([asdict(finding) for finding in found])
    else:
        for finding in found:
            mark = "[green]ok[/green]     " if finding.ok else "[red]not yet[/red]"
            output.say().print(f"{mark} {output.plain(finding.about)}: {output.plain(finding.told)}", soft_wrap=True)
            if finding.remedy:
                output.say().print(f"          [dim]→ {output.plain(finding.remedy)}[/dim]", soft_wrap=True)
    if missing := [finding.about for finding in found if not finding.ok]:
        raise Refused("command.shop_not_ready", ", ".join(missing))
