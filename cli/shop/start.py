# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab shop init`, `shop join`, `shop check`: from nothing to an agent that could work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import JsonOption, LatitudeOption, LongitudeOption
from cli.shop.bench import DEFAULT_CONFIG, ConfigOption

if TYPE_CHECKING:
    from cli.shop.answers import Answers
    from commonfab.errors import Refused
    from shop_agent.config import ShopConfig
    from shop_agent.starting.check import CheckFinding

CA_FILE = "node-ca.pem"
_MACHINE = "One machine, as often as needed: octoprint=http://octopi.local,key=KEY,materials=pla+petg; grbl=/dev/…, by_hand, …"


def init(
    shop_id: Annotated[str, typer.Option("--id", help="The shop's id: a-z, 0-9, '-' and '.'; the subject of its token.")] = "",
    name: Annotated[str, typer.Option(help="What its people call it; else the id.")] = "",
    node: Annotated[str, typer.Option(metavar="HOST:PORT", help="The node whose offers it hears; an invitation names it.")] = "",
    invitation: Annotated[str, typer.Option(help="What the node's steward gave you; it brings node, certificate and token.")] = "",
    machine: Annotated[list[str] | None, typer.Option(metavar="KIND=ADDRESS,…", help=_MACHINE)] = None,
    find: Annotated[bool, typer.Option("--find", help="Take every machine server that announces itself on this network.")] = False,
    okw: Annotated[Path | None, typer.Option(metavar="FILE", help="Take the machines of an Open Know-Where description.")] = None,
    lab: Annotated[str, typer.Option(help="Which shop of that description, by id or name, where it holds several.")] = "",
    lat: LatitudeOption = None,
    lon: LongitudeOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; take what is given and what the machines say.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write a first shop.toml, join a node and look at everything. At a terminal it asks a few questions.
    Example: commonfab shop init --id lenas-garage"""
    import sys

    from cli import output
    from cli.shop import beginning
    from commonfab.errors import Refused
    from shop_agent.starting.init import try_folder, write_shop

    if config.exists():
        if invitation:
            output.notes().print(f"To take the invitation up with the shop that is there: {_join_line(invitation, config)}", soft_wrap=True)
        raise Refused("shop.exists", str(config))
    try_folder(config)
    asks = not yes and sys.stdin.isatty()
    told = beginning.Given(shop_id, name, node, invitation, tuple(machine or ()), find, okw, lab, lat, lon)
    answers, invited = beginning.begun(told)
    if invited:  # before anything is asked: an invitation to the wrong node should not be found out at the end
        from cli.joining import trusted_authority

        config.parent.mkdir(parents=True, exist_ok=True)
        try:
            trusted_authority(invited, config.parent / CA_FILE)
        except Refused as refused:
            raise _in_shops_words(refused) from None
    if asks:
        _asked(answers, config, named=bool(shop_id), invitation=invitation)
    if not answers.shop.name:
        answers.shop = replace(answers.shop, name=answers.shop.id)
    try:
        made = write_shop(config, answers.shop)
    except (Refused, OSError, KeyboardInterrupt):
        if asks:
            _keep(answers, config, invitation)
        raise
    console = output.say()
    console.print(f"{output.plain(str(config))} is written, and the shop's key is {output.plain(str(made.key_file))}.", soft_wrap=True)
    if invited:
        made = _joined(made, invitation, config)
    found = _look(made)
    _tell(found)
    _next_steps(config, made, bool(made.router.token), all(finding.ok for finding in found))


def join(
    invitation: Annotated[str, typer.Argument(help="The invitation, whole, as the node's steward gave it to you.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take up an invitation for a shop whose shop.toml is written: its token goes into shop.token."""
    from commonfab.errors import Refused
    from commonfab.invitation import read_invitation
    from shop_agent.config import load_config

    shop, invited = load_config(config), read_invitation(invitation)
    if shop.router.node != invited.address or (invited.tls and shop.router.ca is None):
        ca = '; ca = "node-ca.pem"' if invited.authority else ""
        raise Refused("shop.other_node", f'node = "{invited.address}"{ca}')
    _joined(shop, invitation, config)


def _asked(answers: Answers, config: Path, named: bool, invitation: str) -> None:
    """Ask. Where the owner breaks off, or the line to the Pi does, what was answered is kept beside where shop.toml would be."""
    import signal

    from cli import output
    from cli.shop.questions import ask_all
    from cli.shop.surroundings import Terminal
    from shop_agent.starting.init import unfinished

    for earlier in unfinished(config):
        output.notes().print(f"{output.plain(str(earlier))} holds what was answered earlier; it is left alone.", soft_wrap=True)
    for lost in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(lost, signal.default_int_handler)
    try:
        ask_all(answers, Terminal(), named)
    except (KeyboardInterrupt, EOFError, typer.Abort):
        for again in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            signal.signal(again, signal.SIG_IGN)  # whoever presses it twice loses nothing either
        _keep(answers, config, invitation)
        raise typer.Exit(130) from None
    for lost in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(lost, signal.SIG_DFL)


def _keep(answers: Answers, config: Path, invitation: str) -> None:
    """Put what was answered beside where `shop.toml` would be, and say how to go on with it; on a full disk, at least show it."""
    from cli import output
    from shop_agent.starting.init import keep_unfinished, unfinished_text

    notes = output.notes()
    try:
        kept = keep_unfinished(config, answers.so_far)
    except OSError:
        notes.print("\nWhat you answered could not be kept in a file. Here it is, keys and all; keep it elsewhere:\n")
        output.say().print(output.plain(unfinished_text(answers.so_far)), soft_wrap=True)
        return
    notes.print(f"\nWhat you answered so far is in {output.plain(str(kept))}. To go on with it:", soft_wrap=True)
    steps = [f"mv {kept} {config}", f"nano {config}", _join_line(invitation or "INVITATION", config)]
    for step in [*steps, f"commonfab shop check{_config_option(config)}"]:
        notes.print(f"  {output.plain(step)}", soft_wrap=True)


def _in_shops_words(refused: Refused) -> Refused:
    """A node that is away is the steward's affair: a shop is not told to start one."""
    from commonfab.errors import Refused

    return Refused("shop.node_away", refused.reason.subject) if refused.code == "node.unreachable" else refused


def _join_line(invitation: str, config: Path) -> str:
    return f"commonfab shop join {invitation}{_config_option(config)}"


def _config_option(config: Path) -> str:
    return "" if config == DEFAULT_CONFIG else f" --config {config}"


def _joined(made: ShopConfig, invitation: str, config: Path) -> ShopConfig:
    """Take up the invitation. What was written stays where that fails, and the invitation can be taken up later."""
    import grpc

    from cli import output
    from cli.joining import join_node, write_token
    from commonfab.errors import Refused
    from shop_agent.config import load_config

    token_file = config.parent / "shop.token"
    if token_file.exists() and token_file.read_text(encoding="utf-8").strip():
        raise Refused("shop.exists", str(token_file))
    try:
        joined = join_node(invitation, config.parent / CA_FILE)
    except (Refused, grpc.aio.AioRpcError) as error:
        told = _join_line("INVITATION", config)
        output.notes().print(f"The shop has not joined yet, and what was written stays. Once that is mended: {told}", soft_wrap=True)
        raise (_in_shops_words(error) if isinstance(error, Refused) else error) from None
    write_token(token_file, joined.answer.secret)
    subject = joined.answer.token.subject
    told = f"Joined {joined.address} as {subject}; the token is {token_file}."
    output.say().print(output.plain(told), soft_wrap=True)
    if subject != made.shop.id:
        raise Refused("shop.other_id", subject)
    return load_config(config)


def check(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Look whether the shop could work now: its key, disk, slicer, machines, node and token. Nothing is changed."""
    from dataclasses import asdict

    from cli import output
    from commonfab.errors import Refused
    from shop_agent.config import load_config

    found = _look(load_config(config))
    if as_json:
        output.print_json([asdict(finding) for finding in found])
    else:
        _tell(found)
    if missing := [finding.about for finding in found if not finding.ok]:
        raise Refused("command.shop_not_ready", ", ".join(dict.fromkeys(missing)))


def _look(config: ShopConfig) -> list[CheckFinding]:
    from shop_agent.starting.check import check_shop_now

    return check_shop_now(config)


def _tell(found: list[CheckFinding]) -> None:
    from cli import output

    for finding in found:
        mark = "[green]ok[/green]     " if finding.ok else "[red]not yet[/red]"
        output.say().print(f"{mark} {output.plain(finding.about)}: {output.plain(finding.told)}", soft_wrap=True)
        if finding.remedy:
            output.say().print(f"          [dim]→ {output.plain(finding.remedy)}[/dim]", soft_wrap=True)


def _next_steps(config: Path, made: ShopConfig, joined: bool, all_well: bool) -> None:
    from cli import output

    named = _config_option(config)
    steps = [f"Look over {config}: every line is explained there."]
    if not joined:
        steps.append(f"Ask the node's steward for an invitation (commonfab token invite shop {made.shop.id}).")
        steps.append(f"commonfab shop join INVITATION{named}")
    steps += [] if all_well else [f"commonfab shop check{named}"]
    console = output.say()
    console.print("Next:")
    for number, step in enumerate([*steps, f"commonfab shop run{named}"], 1):
        console.print(f"  {number}. {output.plain(step)}", soft_wrap=True)
