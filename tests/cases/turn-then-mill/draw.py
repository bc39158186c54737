# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    export(shaft(160), folder / "plain.step")
    keyway = cadquery.Workplane("YZ", origin=(16, 0, 80)).slot2D(30, 8, 90).extrude(10)
    export(shaft(160).cut(keyway), folder / "keyway.step")


def shaft(length: float) -> cadquery.Workplane:
    half = [(0, 0), (15, 0), (15, length / 4), (20, length / 4), (20, 3 * length / 4), (12, 3 * length / 4), (12, length), (0, length)]
    return cadquery.Workplane("XZ").polyline(half).close().revolve(360, (0, 0, 0), (0, 1, 0))
