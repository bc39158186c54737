# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab shop`: what people say of a machine: ready, start, pause, stop, drain, back, and what lies there for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from cli.options import JsonOption
from cli.shop.bench import DEFAULT_CONFIG, ConfigOption
from cli.shop.saying import MachineArgument, WhoOption, bench_of, name_of, say, tell, whatever_ails_the_shop

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
    say(config, as_json, machine, told, actions.ready, who, said or EVERYTHING)


def start(machine: MachineArgument, who: WhoOption = "", config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Say, standing at a machine that is clear, that it may begin now. Good for one start, and for a minute."""
    from shop_agent.desk import actions

    say(config, as_json, machine, f"{machine} may start within the next minute.", actions.start, who)


def pause(machine: MachineArgument, who: WhoOption = "", config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Hold what runs on a machine."""
    from shop_agent.desk import actions
    from shop_agent.journal.words import Kind

    with whatever_ails_the_shop(config, as_json, machine, Kind.PAUSE, who):
        say(config, as_json, machine, f"{machine} is told to pause.", actions.pause, who)


def resume(machine: MachineArgument, who: WhoOption = "", config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Let a machine go on with what it holds. Good for a minute."""
    from shop_agent.desk import actions

    say(config, as_json, machine, f"{machine} is told to go on.", actions.resume, who)


def stop(machine: MachineArgument, who: WhoOption = "", config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Stop what the agent runs on a machine. In danger use the machine's own switch: this is no emergency stop."""
    from shop_agent.desk import actions
    from shop_agent.journal.words import Kind

    with whatever_ails_the_shop(config, as_json, machine, Kind.STOP, who):
        say(config, as_json, machine, f"{machine} is told to stop.", actions.stop, who)


def home(machine: MachineArgument, who: WhoOption = "", config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Home a machine that is not at work. Say it standing there: it moves within the next minute."""
    from shop_agent.desk import actions

    say(config, as_json, machine, f"{machine} is told to home; the agent's log says what came of it.", actions.home, who)


def unlock(machine: MachineArgument, who: WhoOption = "", config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Take the lock off a Grbl that stands in an alarm, without homing it. Good for a minute."""
    from shop_agent.desk import actions

    say(config, as_json, machine, f"{machine} is told to unlock; the agent's log says what came of it.", actions.unlock, who)


def drain(
    machine: MachineArgument, why: WhyOption = "", who: WhoOption = "", config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False
) -> None:
    """Let a machine take no new work; what was accepted is made. `commonfab shop back` ends it."""
    from shop_agent.desk import actions

    say(config, as_json, machine, f"{machine} takes no new work.", actions.drain, who, why)


def out_of_order(
    machine: MachineArgument, why: WhyOption, who: WhoOption = "", config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False
) -> None:
    """Take a machine out of service: nothing is started on it. Example: commonfab shop out-of-order mk3 "the belt is torn" """
    from shop_agent.desk import actions

    say(config, as_json, machine, f"{machine} is out of order.", actions.out_of_order, who, why)


def maintenance(
    machine: MachineArgument, why: WhyOption = "", who: WhoOption = "", config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False
) -> None:
    """Look after a machine: nothing is started on it until `commonfab shop back`."""
    from shop_agent.desk import actions

    say(config, as_json, machine, f"{machine} is being looked after.", actions.maintenance, who, why)


def back(machine: MachineArgument, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Let a machine take work again, after drain, maintenance or out-of-order."""
    from shop_agent.desk import actions

    with bench_of(config) as bench:
        actions.back(bench, machine)
    tell(as_json, f"{machine} is back.", machine=machine)


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
        actions.maintained(bench, machine, what, name_of(who))
    tell(as_json, f"{machine}: {what} is done.", machine=machine, what=what)


def stock(
    machine: MachineArgument,
    material: Annotated[str, typer.Argument(metavar="MATERIAL", help="As shop.toml names it.")],
    grams: Annotated[float | None, typer.Option(min=0, help="Grams that are left.")] = None,
    pieces: Annotated[int | None, typer.Option(min=0, help="Sheets or bars that are left.")] = None,
    who: WhoOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Say how much of a material is left at a machine, counted or weighed. Example: commonfab shop stock mk3 pla --grams 640"""
    from shop_agent.desk import actions

    if grams is None and pieces is None:
        raise typer.BadParameter("say --grams or --pieces; 0 where nothing is left")
    weight, number = grams or 0.0, pieces or 0
    with bench_of(config) as bench:
        actions.counted(bench, machine, material, weight, number, name_of(who))
    left = f"{weight:g} g" if weight or not number else f"{number} pieces"
    tell(as_json, f"{machine}: {left} of {material} are left.", machine=machine, material=material, grams=weight, pieces=number)


COMMANDS: tuple[tuple[str, Callable[..., None]], ...] = (
    ("ready", ready),
    ("start", start),
    ("pause", pause),
    ("resume", resume),
    ("stop", stop),
    ("home", home),
    ("unlock", unlock),
    ("drain", drain),
    ("out-of-order", out_of_order),
    ("maintenance", maintenance),
    ("back", back),
    ("maintained", maintained),
    ("stock", stock),
)
"""Each by the name that people type."""
