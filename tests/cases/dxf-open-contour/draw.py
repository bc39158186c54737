# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path
from typing import Any

from drawing_aids import new_dxf


def draw(folder: Path) -> None:
    for name, gap in (("lid", 2.0), ("hair", 0.002)):
        drawing, space = new_dxf()
        _lid(space, gap)
        drawing.saveas(folder / f"{name}.dxf")


def _lid(space: Any, gap: float) -> None:
    """Four lines, the last of which stops short of the first one's end; and a finger hole."""
    for start, end in (((0, 0), (100, 0)), ((100, 0), (100, 60)), ((100 - gap, 60), (0, 60)), ((0, 60), (0, 0))):
        space.add_line(start, end)
    space.add_circle((50, 30), 10)
