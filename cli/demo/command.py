# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    once: Annotated[bool, typer.Option("--once", help="Stop everything at the end; the last line is a JSON summary.")] = False,
    folder: Annotated[
        Path | None, typer.Option(file_okay=False, help="An empty folder to keep everything in; else a temporary one.")
    ] = None,
) -> None:
    """Show everything at work on this machine: three shops, two designs, five gears for a community."""
    from cli.demo.running import run_demo

    run_demo(once, folder)
