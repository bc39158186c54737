# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab shop`: the agent beside the machines, and what its owner says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CaOption, JsonOption, NodeOption, TokenOption
from cli.shop import bench, desk, machine_words, order_words, start, toolpath, walk_in
from cli.shop.bench import DEFAULT_CONFIG, ConfigOption
from cli.shop.saying import bench_of

if TYPE_CHECKING:
    from commonfab import v1
    from commonfab.client import Node
    from shop_agent.desk.actions import Bench
    from shop_agent.journal.records import OfferRecord

app = typer.Typer(no_args_is_help=True, help="Shops: run the agent beside your machines, and answer offers.")

OrderArgument = Annotated[str, typer.Argument(metavar="WORK_ORDER", help="As `commonfab shop offers` names it.")]
NoteOption = Annotated[str, typer.Option(help="Why, in your words; the requester sees it.")]


@app.command("run")
def run(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Run the agent: it hears offers, prepares and makes what is accepted, and reports it. Ctrl-C stops it; machines go on."""
    from shop_agent.agent import run_until_stopped
    from shop_agent.config import load_config

    run_until_stopped(load_config(config))


@app.command("offers")
def offers(
    everything: Annotated[bool, typer.Option("--all", help="Those that were answered and are gone, too.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """List the offers that stand, and what was answered."""
    from cli import output

    with bench_of(config) as bench:
        known = [(record, _against(record, bench)) for record in bench.journal.offers() if record.stands or everything]
    if as_json:
        output.print_json([_offer_as_json(record, against) for record, against in known])
        return
    output.show_table("work order", "what", "pieces", "machine", "km", "takes", "answer", rows=[_offer_row(record) for record, _ in known])
    for record, against in known:
        for one in (*against, *record.refused, *record.reasons) if record.stands and not record.answer else ():
            if one.code != "policy.ask":  # that it stands here says so
                output.say().print(f"{output.plain(record.offer.work_order_id)}: {output.plain(one.message)}", soft_wrap=True)


def _against(record: OfferRecord, bench: Bench) -> tuple[v1.Reason, ...]:
    """What speaks now against an offer that waits for its answer."""
    from shop_agent.answering import against

    return against(record, bench.config, bench.journal) if record.stands and not record.answer else ()


@app.command("accept")
def accept(work_order: OrderArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Take an offer; the agent tells the router with its next call."""
    from shop_agent.desk import actions

    with bench_of(config) as bench:
        actions.accept(bench, work_order)
    _answered(work_order, "accepted")


@app.command("decline")
def decline(work_order: OrderArgument, note: NoteOption = "", config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Do not take an offer; that costs the shop nothing."""
    from shop_agent.desk import actions

    with bench_of(config) as bench:
        actions.decline(bench, work_order, note)
    _answered(work_order, "declined")


@app.command("withdraw")
def withdraw(work_order: OrderArgument, note: NoteOption = "", config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Take accepted work off the bench: given back where nothing moved, else stopped and reported."""
    from cli import output
    from shop_agent.desk import actions

    with bench_of(config) as bench:
        actions.withdraw(bench, work_order, note)
    output.say().print(f"{output.plain(work_order)} is withdrawn; the agent does the rest.")


@app.command("list")
def list_shops(as_json: JsonOption = False, node: NodeOption = None, token: TokenOption = None, ca: CaOption = None) -> None:
    """List the shops that the node knows, with their machines."""
    from cli import output
    from cli.calls import call, endpoint
    from commonfab import v1

    async def work(of: Node) -> v1.ListShopsResponse:
        return await of.router.ListShops(v1.ListShopsRequest())

    answer = call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json(output.as_json(answer)["shops"])
        return
    rows = [_machine_row(known, machine) for known in answer.shops for machine in known.shop.machines]
    output.show_table("shop", "name", "machine", "process", "room", "materials", "state", "heard", rows=rows)


app.command("init")(start.init)
app.command("join")(start.join)
app.command("check")(start.check)
app.command("status")(bench.status)
app.command("sheet")(bench.sheet)
app.command("toolpath")(toolpath.toolpath)
app.command("walk-in")(walk_in.walk_in)
app.command("desk")(desk.desk)
app.command("screen")(desk.screen)
for name, said in (*machine_words.COMMANDS, *order_words.COMMANDS):
    app.command(name)(said)


def _machine_row(known: v1.KnownShop, machine: v1.Machine) -> tuple[str, ...]:
    from cli import describe
    from commonfab import v1

    state = describe.word(v1.MachineState.Name(machine.state), "MACHINE_STATE_")
    if known.shop.closed:
        state = f"shop closed: {known.shop.closed}"
    if not known.present:
        state = "shop silent"
    heard = f"{describe.duration(known.last_heard)} ago"
    room, materials = describe.size(machine.envelope_mm), ", ".join(machine.materials)
    return known.shop.id, known.shop.name, machine.id, machine.process, room, materials, state, heard


def _answered(work_order: str, answer: str) -> None:
    from cli import output

    output.say().print(f"{output.plain(work_order)} {answer}; the agent tells the router with its next call.")


def _offer_row(record: OfferRecord) -> tuple[str, ...]:
    from google.protobuf.duration_pb2 import Duration

    from cli import describe

    offer = record.offer
    what = f"{offer.part_name} of {offer.title}"
    takes, weighs = offer.estimate.machine_time, offer.estimate.grams
    if (measured := record.toolpath) is not None:
        takes, weighs = Duration(seconds=round(measured.seconds)), measured.grams
    about = f"{'' if measured and measured.sha256 else 'about '}{describe.duration(takes)}, {weighs:.1f} g"
    answer = record.answer or ("" if record.stands else "gone")
    return (
        offer.work_order_id,
        what,
        str(offer.quantity),
        offer.machine_id,
        f"{offer.distance_km:.1f}" if offer.HasField("distance_km") else "?",
        f"{about} a piece",
        answer,
    )


def _offer_as_json(record: OfferRecord, against: Sequence[v1.Reason]) -> dict[str, object]:
    from dataclasses import asdict

    from cli import output

    reasons = [output.as_json(reason) for reason in record.reasons]
    return {
        "offer": output.as_json(record.offer),
        "stands": record.stands,
        "answer": record.answer,
        "note": record.note,
        "reasons": reasons,
        "measured": None if record.toolpath is None else {**asdict(record.toolpath), "is_estimate": not record.toolpath.sha256},
        "refused": [output.as_json(reason) for reason in record.refused],
        "against": [output.as_json(reason) for reason in against],
    }
