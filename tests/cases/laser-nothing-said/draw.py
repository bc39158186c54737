# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

from drawing_aids import new_dxf, rectangle


def draw(folder: Path) -> None:
    drawing, space = new_dxf()
    rectangle(space, 0, 0, 200, 150)
    space.add_circle((100, 75), 20)
    drawing.saveas(folder / "panel.dxf")
