# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    for depth in (24, 30, 66):
        hollow = cadquery.Workplane(origin=(0, 0, 80 - depth)).rect(50, 30).extrude(depth + 1).edges("|Z").fillet(3)
        block = cadquery.Workplane().box(80, 60, 80, centered=(True, True, False))
        export(block.cut(hollow), folder / f"deep-{depth}.step")
