# SPDX-License-Identifier: AGPL-3.0-or-later
"""Options that many commands share."""

from __future__ import annotations

import math
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


def latitude(text: str) -> float:
    """Degrees north, 48.14 or 48,14. Errors: `typer.BadParameter`."""
    return _degrees(text, 90, "latitude", "48.14")


def longitude(text: str) -> float:
    """Degrees east, 11.58 or 11,58. Errors: `typer.BadParameter`."""
    return _degrees(text, 180, "longitude", "11.58")


def _degrees(text: str, most: float, name: str, such_as: str) -> float:
    try:
        degrees = float(text.strip().replace(",", "."))
    except ValueError:
        degrees = math.nan
    if not abs(degrees) <= most:
        raise typer.BadParameter(f"'{text}' is no {name}. Write degrees from -{most:g} to {most:g}, such as {such_as}.")
    return degrees


LatitudeOption = Annotated[
    float | None,
    typer.Option(
        "--lat", parser=latitude, metavar="DEGREES", help="Latitude of where it is needed, -90 to 90; only a coarse cell is sent."
    ),
]
LongitudeOption = Annotated[float | None, typer.Option("--lon", parser=longitude, metavar="DEGREES", help="Longitude, -180 to 180.")]
CellOption = Annotated[
    str, typer.Option("--cell", metavar="H3", help="The H3 cell where it is needed, resolution 7 or coarser, instead of --lat and --lon.")
]
