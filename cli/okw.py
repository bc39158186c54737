# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab okw`: directories of workshops after Open Know-Where."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CaOption, JsonOption, NodeOption, TokenOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commonfab import v1
    from commonfab.client import Node
    from router.okw import Labs

app = typer.Typer(
    no_args_is_help=True, help="Open Know-Where: look whether a directory of labs can be read, and write the shops of a node as one."
)


@app.command("check")
def check(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", exists=True, dir_okay=False, readable=True, help="Directories of labs, JSON.")
    ],
    summary: Annotated[bool, typer.Option("--summary", help="Leave the notes out and only count.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Read labs as shops, write them again, and say what could not be used or had to be converted.

    Ends with 1 where a lab does not come back the same.

    Example: commonfab okw check labs.json
    """
    from cli import output

    told = []
    same = of = 0
    for file in files:
        labs, again = _there_and_back(file)
        back = _equal(labs.shops, again.shops)
        same, of = same + back, of + len(labs.shops)
        machines = sum(len(shop.machines) for shop in labs.shops)
        told.append({"file": str(file), "labs": len(labs.shops), "machines": machines, "same": back, "notes": list(labs.notes)})
        if not as_json:
            _show(file, labs, machines, summary)
    if as_json:
        output.print_json({"directories": told, "same": same, "of": of})
    else:
        output.say().print(f"{same} of {of} import and come back the same")
    if same < of:
        raise typer.Exit(1)


@app.command("export")
def export(
    out: Annotated[Path | None, typer.Option("-o", "--out", metavar="OUT", help="Where to write it; else to stdout.")] = None,
    licence: Annotated[str, typer.Option("--licence", "--license", help="The licence of the list, such as CC0-1.0.")] = "",
    attribution: Annotated[str, typer.Option(help="Whom who uses the list is to name.")] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file where it exists.")] = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Write the shops of a node, where they roughly are and what their machines hold. Virtual machines are left out.

    Example: commonfab okw export -o labs.json --licence CC0-1.0
    """
    from cli import output
    from cli.calls import call, endpoint
    from commonfab import v1
    from commonfab.errors import Refused
    from router.okw_writing import write_labs

    if out is not None and out.exists() and not overwrite:
        raise Refused("command.exists", str(out))

    async def work(of: Node) -> v1.ListShopsResponse:
        return await of.router.ListShops(v1.ListShopsRequest())

    shops = [without_virtual(listed.shop) for listed in call(endpoint(node, token, ca), work).shops]
    text = write_labs(shops, licence, attribution)
    if out is None:
        typer.echo(text, nl=False)
        return
    out.write_text(text, encoding="utf-8")
    output.notes().print(f"{len(shops)} shops are written to {output.plain(str(out))}", soft_wrap=True)


def without_virtual(shop: v1.Shop) -> v1.Shop:
    """The shop without the machines that only play."""
    from commonfab import v1

    real = v1.Shop()
    real.CopyFrom(shop)
    del real.machines[:]
    real.machines.extend(machine for machine in shop.machines if machine.control != "virtual")
    return real


def _there_and_back(file: Path) -> tuple[Labs, Labs]:
    from commonfab.errors import Refused
    from router.okw import read_labs
    from router.okw_writing import write_labs

    try:
        labs = read_labs(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Refused("okw.unreadable", f"{file}: it is no UTF-8") from error
    return labs, read_labs(write_labs(labs.shops, labs.licence, labs.attribution))


def _equal(shops: Sequence[v1.Shop], again: Sequence[v1.Shop]) -> int:
    return sum(one == other for one, other in zip(shops, again, strict=True))


def _show(file: Path, labs: Labs, machines: int, summary: bool) -> None:
    from cli import output

    console = output.say()
    for note in () if summary else labs.notes:
        console.print(output.plain(note), soft_wrap=True)
    counted = f"{len(labs.shops)} labs with {machines} machines, {len(labs.notes)} notes"
    console.print(f"{output.plain(str(file))}: {counted}", soft_wrap=True)
