# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    export(shaft(200), folder / "shaft-200.step")
    export(shaft(200).rotate((0, 0, 0), (0, 1, 0), 90), folder / "shaft-lying.step")
    export(shaft(520), folder / "shaft-520.step")
    export(cadquery.Workplane().circle(120).extrude(60).faces(">Z").workplane().circle(40).extrude(40), folder / "disc.step")


def shaft(length: float) -> cadquery.Workplane:
    half = [(0, 0), (15, 0), (15, length / 4), (20, length / 4), (20, 3 * length / 4), (12, 3 * length / 4), (12, length), (0, length)]
    return cadquery.Workplane("XZ").polyline(half).close().revolve(360, (0, 0, 0), (0, 1, 0))
