# SPDX-License-Identifier: AGPL-3.0-or-later
"""The `commonfab` command. One file per noun; the rooms are imported only by the commands that need them."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from cli import admin, job, ledger, needs, node, okh, okw, token
from cli.demo.command import demo
from cli.design import command as design
from cli.follow import follow
from cli.match import match
from cli.shop import command as shop

app = typer.Typer(
    name="commonfab",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start here: [bold]commonfab demo[/bold] shows everything at work; [bold]commonfab up[/bold] starts a node of your own.",
)
app.command("up")(node.up)
app.command("demo")(demo)
app.command("match")(match)
app.command("needs")(needs.needs)
app.command("follow")(follow)
app.add_typer(design.app, name="design")
app.add_typer(job.app, name="job")
app.add_typer(shop.app, name="shop")
app.add_typer(ledger.app, name="ledger")
app.add_typer(token.app, name="token")
app.add_typer(admin.app, name="admin")
app.add_typer(okh.app, name="okh")
app.add_typer(okw.app, name="okw")


def _show_version(wanted: bool) -> None:
    if wanted:
        from commonfab import __version__

        typer.echo(f"commonfab {__version__}")
        raise typer.Exit


@app.callback()
def commonfab(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)] = False,
) -> None:
    """A design commons and a job router for small workshops."""


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 refused or failed, 2 not understood, 130 stopped by Ctrl-C."""
    try:
        app(prog_name="commonfab")
    except Exception as error:
        if os.environ.get("COMMONFAB_TRACEBACK"):
            raise
        from cli.errors import tell

        sys.exit(tell(error))


if __name__ == "__main__":
    main()
