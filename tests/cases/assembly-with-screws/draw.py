# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery


def draw(folder: Path) -> None:
    plate = cadquery.Workplane().box(60, 60, 10, centered=(True, True, False)).faces(">Z").workplane()
    drilled = plate.rect(40, 40, forConstruction=True).vertices().hole(8.4)
    screw = cadquery.Workplane().circle(6.5).extrude(8).faces("<Z").workplane().circle(4).extrude(30)
    clamp = cadquery.Assembly(name="clamp")
    for number, height in enumerate((0, 10)):
        clamp.add(drilled, name=f"plate {number}", loc=cadquery.Location(cadquery.Vector(0, 0, height)))
    for number, (x, y) in enumerate(((20, 20), (-20, 20), (20, -20), (-20, -20))):
        clamp.add(screw, name=f"ISO 4017 M8x30 {number}", loc=cadquery.Location(cadquery.Vector(x, y, 20)))
    clamp.export(str(folder / "clamp.step"))
