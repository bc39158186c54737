# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

from drawing_aids import new_dxf


def draw(folder: Path) -> None:
    drawing, space = new_dxf()
    corners = [(0, 0), (100, 0), (100, 50), (0, 50)]
    for _ in range(2):
        for start, end in zip(corners, [*corners[1:], corners[0]], strict=True):
            space.add_line(start, end)
        space.add_circle((50, 25), 10)
    drawing.saveas(folder / "twice.dxf")
