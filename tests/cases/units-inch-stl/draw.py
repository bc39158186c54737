# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import binary_stl, export, mesh_of, new_dxf, rectangle

INCH = 25.4


def draw(folder: Path) -> None:
    bracket = cadquery.Workplane().box(2 * INCH, 2 * INCH, INCH).cut(cadquery.Workplane().box(INCH, 2 * INCH, INCH / 2))
    export(bracket, folder / "bracket.step")
    (folder / "bracket.stl").write_bytes(binary_stl(mesh_of(bracket) / INCH))
    plate = cadquery.Workplane().box(2 * INCH, INCH, INCH / 8).faces(">Z").workplane().hole(10)
    (folder / "plate.stl").write_bytes(binary_stl(mesh_of(plate) / INCH))
    drawing, space = new_dxf()
    rectangle(space, 0, 0, 2 * INCH, INCH)
    space.add_circle((INCH, INCH / 2), 5)
    drawing.saveas(folder / "plate.dxf")
    export(cadquery.Workplane().box(80, 20, 10), folder / "arm.step")
    export(cadquery.Workplane().box(60, 30, 10), folder / "arm.stl")
