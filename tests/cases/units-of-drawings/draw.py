# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

from drawing_aids import new_dxf, rectangle


def draw(folder: Path) -> None:
    for name, unit, width, height in (("unitless", 0, 120, 60), ("tiny", 0, 2, 1), ("inches", 1, 4, 3)):
        drawing, space = new_dxf(unit)
        rectangle(space, 0, 0, width, height)
        drawing.saveas(folder / f"{name}.dxf")
