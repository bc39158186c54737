# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

from drawing_aids import new_dxf, rectangle


def draw(folder: Path) -> None:
    drawing, space = new_dxf()
    drawing.layers.add("cut")
    drawing.layers.add("DIMENSIONS")
    rectangle(space, 0, 0, 100, 50, "cut")
    space.add_circle((50, 25), 10, dxfattribs={"layer": "cut"})
    space.add_linear_dim(base=(0, 65), p1=(0, 50), p2=(100, 50), dxfattribs={"layer": "DIMENSIONS"}).render()
    space.add_text("COVER PLATE, 4 mm, 1 off", dxfattribs={"layer": "DIMENSIONS"}).set_placement((0, -20))
    drawing.saveas(folder / "drawing.dxf")
    words, page = new_dxf()
    page.add_text("see sheet 2").set_placement((0, 0))
    words.saveas(folder / "words.dxf")
