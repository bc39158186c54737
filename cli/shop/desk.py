# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab shop desk`, `shop screen`: the bench on a tablet, and on a terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.shop.bench import DEFAULT_CONFIG, ConfigOption


def desk(
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where it listens; else as listen under desk in shop.toml says, else 127.0.0.1:4790.")
    ] = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Serve the bench as a web page for a tablet: offers, machines, what was made. Beyond this computer it asks for the PIN."""
    from shop_agent.config import load_config
    from shop_agent.desk.needs import need

    need("nicegui")
    from shop_agent.desk.web.server import serve

    serve(load_config(config), listen)


def screen(
    who: Annotated[str, typer.Option(help="Who sits there; else the name of the account. It is in no report.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Show the bench on this terminal, over ssh too: the same as the web page, with keys."""
    import getpass

    from shop_agent.config import load_config
    from shop_agent.desk.needs import need

    need("textual")
    from shop_agent.desk.screen import show

    show(load_config(config), who or getpass.getuser())
