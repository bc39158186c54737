# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    export(_base(500, 400), folder / "base-500.step")
    export(_base(400, 500), folder / "base-turned.step")
    export(_base(501, 400), folder / "base-501.step")


def _base(x: float, y: float) -> cadquery.Workplane:
    return cadquery.Workplane().box(x, y, 40).faces(">Z").workplane().slot2D(100, 30).cutBlind(-20)
