# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    cover = cadquery.Workplane().box(160, 100, 6)
    export(cover.faces(">Z").workplane().slot2D(80, 20).cutBlind(-3), folder / "pocketed.step")
    export(cover.faces(">Z").workplane().slot2D(80, 20).cutThruAll(), folder / "slotted.step")
