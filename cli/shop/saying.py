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
    from shop_agent.people.shouting import Shout


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


def say(config: Path, as_json: bool, machine: str, told: str, action: Callable[..., object], who: str, *more: object) -> None:
    """Say something to a machine. Whoever says it is told where no agent hears it: a machine that runs then runs on."""
    from cli import output

    with bench_of(config) as bench:
        past_the_journal = action(bench, machine, name_of(who), *more) is False
        hears = past_the_journal or is_heard(bench.config.data_dir, machine)
    tell(as_json, told, machine=machine, agent_runs=hears)
    if past_the_journal:
        note_past_the_journal(machine)
    if not hears:
        nobody = f"[bold red]No agent is running that knows {output.plain(machine)}:[/bold red] no machine hears this until it does"
        output.notes().print(f"{nobody} (commonfab shop run).", soft_wrap=True)


def is_heard(data_dir: Path, machine: str = "") -> bool:
    """Whether an agent is at work beside that journal and hears what is said; of a machine, whether it knows that one.

    One that holds the bench and has not told for a while how it stands has no room on the disk for that.
    """
    from commonfab.clock import SystemClock
    from shop_agent.live import read_live

    live = read_live(data_dir)
    if live is None or (live.is_stale(SystemClock().now()) and not live.alone):
        return False
    return not machine or machine in [one.id for one in live.machines]


@contextmanager
def whatever_ails_the_shop(config: Path, as_json: bool, machine: str, kind: Kind, who: str) -> Iterator[None]:
    """Say a word that holds a machine also where shop.toml has an error, or the journal cannot even be opened: neither keeps a running
    agent from hearing it. Errors: `Refused`, where nobody hears it, and that of shop.toml."""
    import sqlite3

    from cli import output
    from commonfab.errors import Refused
    from shop_agent.config import data_dir_of, load_config
    from shop_agent.people.shouting import Shout, shout

    said = Shout(machine, kind, name_of(who))
    try:
        yield
    except sqlite3.Error as error:
        if load_config(config).machine_of(machine) is None:
            raise Refused("command.machine", machine) from None
        shout(data_dir_of(config), said, str(error))
        tell(as_json, f"{machine} is told to {kind.value}.", machine=machine, agent_runs=True)
        note_past_the_journal(machine)
    except Refused as refused:
        if refused.code != "shop.config" or not is_heard(data_dir_of(config), machine):
            raise
        try:
            _say_in(data_dir_of(config), said)
        except sqlite3.Error as error:
            shout(data_dir_of(config), said, str(error))
        output.notes().print(f"{output.plain(machine)} is told to {kind.value}, though shop.toml has an error:", soft_wrap=True)
        raise


def _say_in(data_dir: Path, said: Shout) -> None:
    from shop_agent.journal import words
    from shop_agent.journal.book import journal_in
    from shop_agent.journal.store import impatient

    with closing(journal_in(data_dir)) as journal, impatient(journal.connection):
        words.say(journal, said.machine_id, said.kind, said.who)


def note_past_the_journal(machine: str) -> None:
    from cli import output

    told = "[bold yellow]The journal cannot be written:[/bold yellow] the running agent was told past it. Look that"
    output.notes().print(f"{told} {output.plain(machine)} obeys, and make room on the disk: nothing starts before.", soft_wrap=True)


def tell(as_json: bool, told: str, **facts: object) -> None:
    from cli import output

    if as_json:
        output.print_json({**facts, "told": told})
    else:
        output.say().print(output.plain(told), soft_wrap=True)


def name_of(who: str) -> str:
    import getpass

    return who or getpass.getuser()
