# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    for depth in (40, 60, 164):
        block = cadquery.Workplane().box(50, 40, 180, centered=(True, True, False))
        export(block.faces(">Z").workplane().circle(2).cutBlind(-depth), folder / f"deep-{depth}.step")
