# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab shop`: what people say of a work order: which pieces are good, how long it took, how it came out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from cli.options import JsonOption
from cli.shop.bench import DEFAULT_CONFIG, ConfigOption
from cli.shop.saying import OrderArgument, WhoOption, bench_of, is_heard, name_of, tell


def judge(
    work_order: OrderArgument,
    good: Annotated[bool | None, typer.Option("--good/--scrap", help="Whether the piece is good.")] = None,
    piece: Annotated[int | None, typer.Option(min=1, help="Which piece; else the oldest that nobody has judged.")] = None,
    who: WhoOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Say whether a piece is good; that can be corrected until the work is reported. Example: commonfab shop judge wo-1 --good"""
    from shop_agent.desk import actions

    if good is None:
        raise typer.BadParameter("say --good or --scrap")
    with bench_of(config) as bench:
        number = actions.judge(bench, work_order, good, name_of(who), piece)
    tell(as_json, f"Piece {number} of {work_order} is {'good' if good else 'scrap'}.", work_order=work_order, piece=number, good=good)


def made(
    work_order: OrderArgument,
    good: Annotated[int, typer.Option(min=0, help="So many more good pieces.")] = 0,
    scrap: Annotated[int, typer.Option(min=0, help="So many more spoiled pieces.")] = 0,
    who: WhoOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Say how many more pieces were made by hand. Example: commonfab shop made wo-1 --good 3 --scrap 1"""
    from cli import output
    from shop_agent.desk import actions

    with bench_of(config) as bench:
        actions.made(bench, work_order, good, scrap, name_of(who))
        hears = is_heard(bench.config.data_dir)
    told = f"{work_order}: {good} more are good, {scrap} are scrap."
    tell(as_json, told, work_order=work_order, good=good, scrap=scrap, agent_runs=hears)
    if not hears:
        output.notes().print("[bold yellow]The agent is not running:[/bold yellow] they are counted once it does (commonfab shop run).")


def dismiss(work_order: OrderArgument, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Show no longer what came to nothing, once you have read why; else it is shown for a day."""
    from shop_agent.desk import actions

    with bench_of(config) as bench:
        actions.dismiss(bench, work_order)
    tell(as_json, f"{work_order} is no longer shown.", work_order=work_order)


def spent(
    work_order: OrderArgument,
    minutes: Annotated[float, typer.Option(help="Minutes that people worked; never whose.")],
    task: Annotated[str, typer.Option(help="setting_up, running, clearing, finishing, measuring, packing or another.")] = "finishing",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Add minutes of people's work to a work order's report. Example: commonfab shop spent wo-1 --task finishing --minutes 12"""
    from shop_agent.desk import actions

    with bench_of(config) as bench:
        actions.spent(bench, work_order, task, minutes)
    tell(as_json, f"{work_order}: {minutes:g} min of {task} are noted.", work_order=work_order, task=task, minutes=minutes)


def measured(
    work_order: OrderArgument,
    sizes: Annotated[list[str], typer.Argument(metavar="NAME=DRAWN/MEASURED", help="In mm: bore=8.0/8.03")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Add sizes as they came out to a work order's report. Example: commonfab shop measured wo-1 bore=8.0/8.03"""
    from shop_agent.desk import actions

    told = [actions.size_in(size) for size in sizes]  # all of them are understood before the first is written
    with bench_of(config) as bench:
        for name, nominal, came_out in told:
            actions.measured(bench, work_order, name, nominal, came_out)
    tell(as_json, f"{work_order}: {len(told)} sizes are noted.", work_order=work_order, sizes=[one[0] for one in told])


def photo(
    work_order: OrderArgument,
    pictures: Annotated[list[Path], typer.Argument(metavar="FILE", help="JPEG or PNG; a copy is kept and sent with the report.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Add photographs of what was made to a work order's report."""
    from shop_agent.desk import actions

    with bench_of(config) as bench:
        sha256 = [actions.photograph(bench, work_order, picture) for picture in pictures]
    tell(as_json, f"{work_order}: {len(sha256)} photographs are kept.", work_order=work_order, sha256=sha256)


def resend(work_order: OrderArgument, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Send a work order's signed report again, as after the router was restored or mended; what it has is not counted twice."""
    from shop_agent.desk import actions

    with bench_of(config) as bench:
        actions.resend(bench, work_order)
        hears = is_heard(bench.config.data_dir)
    tell(as_json, f"The report of {work_order} is sent again.", work_order=work_order, agent_runs=hears)


COMMANDS: tuple[tuple[str, Callable[..., None]], ...] = (
    ("judge", judge),
    ("made", made),
    ("dismiss", dismiss),
    ("spent", spent),
    ("measured", measured),
    ("photo", photo),
    ("resend", resend),
)
"""Each by the name that people type."""
