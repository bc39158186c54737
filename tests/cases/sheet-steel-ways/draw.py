# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

from drawing_aids import new_dxf, rectangle


def draw(folder: Path) -> None:
    for diameter in (5, 6, 8, 30):
        drawing, space = new_dxf()
        rectangle(space, 0, 0, 150, 100)
        space.add_circle((75, 50), diameter / 2)
        drawing.saveas(folder / f"hole-{diameter}.dxf")
