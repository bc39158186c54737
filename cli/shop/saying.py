# SPDX-License-Identifier: AGPL-3.0-or-later
"""How something is said at the bench from the command line: into the agent's journal, and by whom. The agent, which may be running or not,
does the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from shop_agent.desk.actions import Bench
    from shop_agent.journal.words import Kind


MachineArgument = Annotated[str, typer.Argument(metavar="MACHINE", help="The machine's id in shop.toml.")]
OrderArgument = Annotated[str, typer.Argument(metavar="WORK_ORDER", help="As `commonfab shop status` names it.")]
WhoOption = Annotated[str, typer.Option(help="Who says so; else the name of the account. It is in no report.")]


@contextmanager
def bench_of(config: Path) -> Iterator[Bench]:
    """Where things are said; the agent itself may be running, and notices."""
    from shop_agent.config import load_config
    from shop_agent.desk.actions import Bench
    from shop_agent.journal.book import open_journal

    shop = load_config(config)
    with closing(open_journal(shop)) as journal:
        yield Bench(shop, journal)


def say(config: Path, as_json: bool, machine: str, told: str, action: Callable[..., None], who: str, *more: object) -> None:
    """Say something to a machine. Whoever says it is told where no agent hears it: a machine that runs then runs on."""
    from cli import output

    with bench_of(config) as bench:
        action(bench, machine, name_of(who), *more)
        hears = is_heard(bench, machine)
    tell(as_json, told, machine=machine, agent_runs=hears)
    if not hears:
        nobody = f"[bold red]No agent is running that knows {output.plain(machine)}:[/bold red] no machine hears this until it does"
        output.notes().print(f"{nobody} (commonfab shop run).", soft_wrap=True)


def is_heard(bench: Bench, machine: str = "") -> bool:
    """Whether an agent is at work that hears what is said; of a machine, whether it knows that one."""
    from shop_agent.live import read_live

    live = read_live(bench.config.data_dir)
    if live is None or live.is_stale(bench.journal.clock.now()):
        return False
    return not machine or machine in [one.id for one in live.machines]


@contextmanager
def whatever_shop_toml_says(config: Path, machine: str, kind: Kind, who: str) -> Iterator[None]:
    """Say a word that holds a machine also where shop.toml has an error, which does not keep a running agent from hearing it."""
    from cli import output
    from commonfab.errors import Refused
    from shop_agent.config import data_dir_of
    from shop_agent.journal import words
    from shop_agent.journal.book import journal_in
    from shop_agent.live import read_live

    try:
        yield
    except Refused as refused:
        live = read_live(data_dir_of(config))
        if refused.code != "shop.config" or live is None or machine not in [one.id for one in live.machines]:
            raise
        with closing(journal_in(data_dir_of(config))) as journal:
            words.say(journal, machine, kind, name_of(who))
        output.notes().print(f"{output.plain(machine)} is told to {kind.value}, though shop.toml has an error:", soft_wrap=True)
        raise


def tell(as_json: bool, told: str, **facts: object) -> None:
    from cli import output

    if as_json:
        output.print_json({**facts, "told": told})
    else:
        output.say().print(output.plain(told), soft_wrap=True)


def name_of(who: str) -> str:
    import getpass

    return who or getpass.getuser()
