# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

from drawing_aids import new_dxf, rectangle


def draw(folder: Path) -> None:
    drawing, space = new_dxf()
    rectangle(space, 0, 0, 800, 500)
    for x, y in ((20, 20), (780, 20), (780, 480), (20, 480)):
        space.add_circle((x, y), 4)
    drawing.saveas(folder / "sign.dxf")
