# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export, new_dxf, rectangle


def draw(folder: Path) -> None:
    for radius in (2, 1.5):
        export(_panel(12, _window().edges("|Z").fillet(radius)), folder / f"radius-{radius}.step")
    export(_panel(12, _window()), folder / "sharp.step")
    export(_panel(18, _window().edges("|Z").fillet(4)), folder / "thick-18.step")
    for name, inside in (("sharp", True), ("outside", False)):
        drawing, space = new_dxf()
        rectangle(space, 0, 0, 500, 300)
        space.add_circle((100, 150), 40)
        if inside:
            rectangle(space, 300, 100, 100, 60)
        drawing.saveas(folder / f"{name}.dxf")


def _panel(thickness: float, window: cadquery.Workplane) -> cadquery.Workplane:
    board = cadquery.Workplane().box(500, 300, thickness, centered=(True, True, False)).edges("|Z").fillet(10)
    pocket = cadquery.Workplane(origin=(-100, 0, thickness - 6)).rect(120, 80).extrude(10).edges("|Z").fillet(5)
    return board.cut(pocket).cut(window)


def _window() -> cadquery.Workplane:
    return cadquery.Workplane(origin=(100, 0, -1)).rect(100, 60).extrude(30)
