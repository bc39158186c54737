# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab shop toolpath`: a toolpath that somebody made elsewhere, for work that was accepted."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from cli.shop.bench import DEFAULT_CONFIG, ConfigOption


def toolpath(
    work_order: Annotated[str, typer.Argument(metavar="WORK_ORDER", help="As `commonfab shop status` names it.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="The toolpath.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Bring a toolpath that was made elsewhere, where outside_toolpaths allows it: every line is checked, and it waits for a person."""
    from cli import output
    from shop_agent.config import load_config
    from shop_agent.desk import actions
    from shop_agent.desk.actions import Bench
    from shop_agent.gcode import ToolpathRefused
    from shop_agent.journal.book import open_journal

    shop = load_config(config)
    with closing(open_journal(shop)) as journal:
        try:
            taken = actions.bring(Bench(shop, journal), work_order, file)
        except ToolpathRefused as refused:
            for reason in refused.reasons:
                output.notes().print(output.plain(reason.message), soft_wrap=True)
            raise typer.Exit(1) from None
    minutes = f"{taken.seconds / 60:.0f} min"
    output.say().print(f"{output.plain(work_order)} has its toolpath ({minutes}, {taken.sha256[:12]}); it waits for somebody to say go.")
