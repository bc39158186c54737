# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    two = cadquery.Workplane().box(80, 60, 40)
    for face in (">Z", "<Z"):
        two = two.faces(face).workplane().slot2D(40, 12).cutBlind(-10)
    export(two, folder / "two-sides.step")
    five = cadquery.Workplane().box(60, 60, 40)
    for face in (">Z", ">X", "<X", ">Y", "<Y"):
        five = five.faces(face).workplane(centerOption="CenterOfBoundBox").circle(5).cutBlind(-8)
    export(five, folder / "five-sides.step")
