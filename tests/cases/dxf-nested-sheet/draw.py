# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

from drawing_aids import new_dxf, rectangle


def draw(folder: Path) -> None:
    drawing, space = new_dxf()
    rectangle(space, 0, 0, 600, 300)
    for column in range(3):
        for row in range(2):
            rectangle(space, 20 + 190 * column, 20 + 140 * row, 170, 120)
            space.add_circle((105 + 190 * column, 80 + 140 * row), 20)
    drawing.saveas(folder / "sheet.dxf")
