# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab shop`: what people say at the bench: ready, start, pause, stop, good, scrap, and how it went.

Each writes into the agent's journal; the agent, which may be running or not, does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import JsonOption
from cli.shop.bench import DEFAULT_CONFIG, ConfigOption

if TYPE_CHECKING:
    from shop_agent.desk.actions import Bench
    from shop_agent.journal.words import Kind

MachineArgument = Annotated[str, typer.Argument(metavar="MACHINE", help="The machine's id in shop.toml.")]
OrderArgument = Annotated[str, typer.Argument(metavar="WORK_ORDER", help="As `commonfab shop status` names it.")]
WhoOption = Annotated[str, typer.Option(help="Who says so; else the name of the account. It is in no report.")]
WhyOption = Annotated[str, typer.Argument(metavar="WHY", help="Why, in your words.")]


def ready(
    machine: MachineArgument,
    bed: Annotated[bool, typer.Option("--bed", help="Only that its bed is clear.")] = False,
    stock: Annotated[bool, typer.Option("--stock", help="Only that its stock is loaded.")] = False,
    tool: Annotated[bool, typer.Option("--tool", help="Only that its tool is set.")] = False,
    who: WhoOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Say that a machine's bed is clear, its stock is loaded and its tool is set; a printer that waits for it then starts."""
    from shop_agent.desk import actions
    from shop_agent.journal.book import EVERYTHING

    said = tuple(name for name, given in (("bed", bed), ("stock", stock), ("tool", tool)) if given)
    told = f"{machine} is ready{': ' if said else ''}{', '.join(said)}."
    _say(config, as_json, machine, told, actions.ready, who, said or EVERYTHING)


def start(machine: MachineArgument, who: WhoOption = "", config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Say, standing at a machine that is clear, that it may begin now. Good for one start, and for a minute."""
    from shop_agent.desk import actions

    _say(config, as_json, machine, f"{machine} may start within the next minute.", actions.start, who)


def pause(machine: MachineArgument, who: WhoOption = "", config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Hold what runs on a machine."""
    from shop_agent.desk import actions
    from shop_agent.journal.words import Kind

    with _whatever_shop_toml_says(config, machine, Kind.PAUSE, who):
        _say(config, as_json, machine, f"{machine} is told to pause.", actions.pause, who)


def resume(machine: MachineArgument, who: WhoOption = "", config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Let a machine go on with what it holds. Good for a minute."""
    from shop_agent.desk import actions

    _say(config, as_json, machine, f"{machine} is told to go on.", actions.resume, who)


def stop(machine: MachineArgument, who: WhoOption = "", config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Stop what the agent runs on a machine. In danger use the machine's own switch: this is no emergency stop."""
    from shop_agent.desk import actions
    from shop_agent.journal.words import Kind

    with _whatever_shop_toml_says(config, machine, Kind.STOP, who):
        _say(config, as_json, machine, f"{machine} is told to stop.", actions.stop, who)


def home(machine: MachineArgument, who: WhoOption = "", config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Home a machine that is not at work. Say it standing there: it moves within the next minute."""
    from shop_agent.desk import actions

    _say(config, as_json, machine, f"{machine} is told to home; the agent's log says what came of it.", actions.home, who)


def unlock(machine: MachineArgument, who: WhoOption = "", config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Take the lock off a Grbl that stands in an alarm, without homing it. Good for a minute."""
    from shop_agent.desk import actions

    _say(config, as_json, machine, f"{machine} is told to unlock; the agent's log says what came of it.", actions.unlock, who)


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
        number = actions.judge(bench, work_order, good, _who(who), piece)
    _told(as_json, f"Piece {number} of {work_order} is {'good' if good else 'scrap'}.", work_order=work_order, piece=number, good=good)


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
        actions.made(bench, work_order, good, scrap, _who(who))
        hears = _is_heard(bench)
    told = f"{work_order}: {good} more are good, {scrap} are scrap."
    _told(as_json, told, work_order=work_order, good=good, scrap=scrap, agent_runs=hears)
    if not hears:
        output.notes().print("[bold yellow]The agent is not running:[/bold yellow] they are counted once it does (commonfab shop run).")


def dismiss(work_order: OrderArgument, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Show no longer what came to nothing, once you have read why; else it is shown for a day."""
    from shop_agent.desk import actions

    with bench_of(config) as bench:
        actions.dismiss(bench, work_order)
    _told(as_json, f"{work_order} is no longer shown.", work_order=work_order)


def drain(
    machine: MachineArgument, why: WhyOption = "", who: WhoOption = "", config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False
) -> None:
    """Let a machine take no new work; what was accepted is made. `commonfab shop back` ends it."""
    from shop_agent.desk import actions

    _say(config, as_json, machine, f"{machine} takes no new work.", actions.drain, who, why)


def out_of_order(
    machine: MachineArgument, why: WhyOption, who: WhoOption = "", config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False
) -> None:
    """Take a machine out of service: nothing is started on it. Example: commonfab shop out-of-order mk3 "the belt is torn" """
    from shop_agent.desk import actions

    _say(config, as_json, machine, f"{machine} is out of order.", actions.out_of_order, who, why)


def maintenance(
    machine: MachineArgument, why: WhyOption = "", who: WhoOption = "", config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False
) -> None:
    """Look after a machine: nothing is started on it until `commonfab shop back`."""
    from shop_agent.desk import actions

    _say(config, as_json, machine, f"{machine} is being looked after.", actions.maintenance, who, why)


def back(machine: MachineArgument, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Let a machine take work again, after drain, maintenance or out-of-order."""
    from shop_agent.desk import actions

    with bench_of(config) as bench:
        actions.back(bench, machine)
    _told(as_json, f"{machine} is back.", machine=machine)


def maintained(
    machine: MachineArgument,
    what: Annotated[str, typer.Argument(metavar="WHAT", help="As shop.toml names it under upkeep.")],
    who: WhoOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Say that upkeep was done, so that its hours count anew. Example: commonfab shop maintained mk3 "grease the rails" """
    from shop_agent.desk import actions

    with bench_of(config) as bench:
        actions.maintained(bench, machine, what, _who(who))
    _told(as_json, f"{machine}: {what} is done.", machine=machine, what=what)


def stock(
    machine: MachineArgument,
    material: Annotated[str, typer.Argument(metavar="MATERIAL", help="As shop.toml names it.")],
    grams: Annotated[float, typer.Option(min=0, help="Grams that are left.")] = 0.0,
    pieces: Annotated[int, typer.Option(min=0, help="Sheets or bars that are left.")] = 0,
    who: WhoOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Say how much of a material is left at a machine, counted or weighed. Example: commonfab shop stock mk3 pla --grams 640"""
    from shop_agent.desk import actions

    with bench_of(config) as bench:
        actions.counted(bench, machine, material, grams, pieces, _who(who))
    left = f"{grams:g} g" if grams or not pieces else f"{pieces} pieces"
    _told(as_json, f"{machine}: {left} of {material} are left.", machine=machine, material=material, grams=grams, pieces=pieces)


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
    _told(as_json, f"{work_order}: {minutes:g} min of {task} are noted.", work_order=work_order, task=task, minutes=minutes)


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
    _told(as_json, f"{work_order}: {len(told)} sizes are noted.", work_order=work_order, sizes=[one[0] for one in told])


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
    _told(as_json, f"{work_order}: {len(sha256)} photographs are kept.", work_order=work_order, sha256=sha256)


COMMANDS: tuple[tuple[str, Callable[..., None]], ...] = (
    ("ready", ready),
    ("start", start),
    ("pause", pause),
    ("resume", resume),
    ("stop", stop),
    ("home", home),
    ("unlock", unlock),
    ("judge", judge),
    ("made", made),
    ("dismiss", dismiss),
    ("drain", drain),
    ("out-of-order", out_of_order),
    ("maintenance", maintenance),
    ("back", back),
    ("maintained", maintained),
    ("stock", stock),
    ("spent", spent),
    ("measured", measured),
    ("photo", photo),
)
"""Each by the name that people type."""


@contextmanager
def bench_of(config: Path) -> Iterator[Bench]:
    """Where things are said; the agent itself may be running, and notices."""
    from shop_agent.config import load_config
    from shop_agent.desk.actions import Bench
    from shop_agent.journal.book import open_journal

    shop = load_config(config)
    with closing(open_journal(shop)) as journal:
        yield Bench(shop, journal)


def _say(config: Path, as_json: bool, machine: str, told: str, action: Callable[..., None], who: str, *more: object) -> None:
    """Say something to a machine. Whoever says it is told where no agent hears it: a machine that runs then runs on."""
    from cli import output

    with bench_of(config) as bench:
        action(bench, machine, _who(who), *more)
        hears = _is_heard(bench)
    _told(as_json, told, machine=machine, agent_runs=hears)
    if not hears:
        output.notes().print("[bold red]The agent is not running:[/bold red] no machine hears this until it does (commonfab shop run).")


def _is_heard(bench: Bench) -> bool:
    """Whether an agent is at work that hears what is said."""
    from shop_agent.live import read_live

    live = read_live(bench.config.data_dir)
    return live is not None and not live.is_stale(bench.journal.clock.now())


@contextmanager
def _whatever_shop_toml_says(config: Path, machine: str, kind: Kind, who: str) -> Iterator[None]:
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
            words.say(journal, machine, kind, _who(who))
        output.notes().print(f"{output.plain(machine)} is told to {kind.value}, though shop.toml has an error:", soft_wrap=True)
        raise


def _told(as_json: bool, told: str, **facts: object) -> None:
    from cli import output

    if as_json:
        output.print_json({**facts, "told": told})
    else:
        output.say().print(output.plain(told), soft_wrap=True)


def _who(who: str) -> str:
    import getpass

    return who or getpass.getuser()
