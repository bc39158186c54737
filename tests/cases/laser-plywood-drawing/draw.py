# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

from drawing_aids import new_dxf, rectangle


def draw(folder: Path) -> None:
    drawing, space = new_dxf()
    rectangle(space, 0, 0, 180, 120)
    space.add_circle((20, 20), 5)
    space.add_circle((160, 100), 5)
    drawing.saveas(folder / "bracket.dxf")
    for length in (320, 1050, 1090):
        drawing, space = new_dxf()
        rectangle(space, 0, 0, length, 15)
        drawing.saveas(folder / f"strip-{length}.dxf")
