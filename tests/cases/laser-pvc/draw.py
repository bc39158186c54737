# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

from drawing_aids import new_dxf, rectangle


def draw(folder: Path) -> None:
    drawing, space = new_dxf()
    rectangle(space, 0, 0, 300, 200)
    drawing.saveas(folder / "sign.dxf")
