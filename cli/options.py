# SPDX-License-Identifier: AGPL-3.0-or-later
"""Options that many commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_PANEL = "Which node"

NodeOption = Annotated[
    str | None,
    typer.Option("--node", metavar="HOST:PORT", help="The node to call; else COMMONFAB_NODE, else 127.0.0.1:4780.", rich_help_panel=_PANEL),
]
TokenOption = Annotated[
    str | None,
    typer.Option(
        "--token",
        metavar="SECRET",
        help="The token to call with; else COMMONFAB_TOKEN, else the steward's of a node on this machine.",
        rich_help_panel=_PANEL,
    ),
]
CaOption = Annotated[
    Path | None,
    typer.Option(
        "--ca", metavar="PEM", help="The node's certificate authority, to call with TLS; else COMMONFAB_CA.", rich_help_panel=_PANEL
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON for programs, and nothing else, to stdout.")]
LatitudeOption = Annotated[
    float | None, typer.Option("--lat", min=-90, max=90, help="Latitude of where it is needed, degrees; only a coarse cell is sent.")
]
LongitudeOption = Annotated[float | None, typer.Option("--lon", min=-180, max=180, help="Longitude, degrees.")]
CellOption = Annotated[
    str, typer.Option("--cell", metavar="H3", help="The H3 cell where it is needed, resolution 7 or coarser, instead of --lat and --lon.")
]
