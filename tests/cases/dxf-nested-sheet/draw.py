# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

from drawing_aids import new_dxf, rectangle


def draw(folder: Path) -> None:
    _nest(folder / "sheet.dxf", 170, 20)
    _nest(folder / "wide.dxf", 500, 20)
    _nest(folder / "large.dxf", 1300, 20)


def _nest(file: Path, side: float, gap: float) -> None:
    """Three by two parts, each with a round window, in a frame."""
    drawing, space = new_dxf()
    across, up = side + gap, 120 + gap
    rectangle(space, 0, 0, 3 * across + gap, 2 * up + gap)
    for column in range(3):
        for row in range(2):
            x, y = gap + across * column, gap + up * row
            rectangle(space, x, y, side, 120)
            space.add_circle((x + side / 2, y + 60), 20)
    drawing.saveas(file)
