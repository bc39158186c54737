# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    block = cadquery.Workplane().box(60, 60, 40, centered=(True, True, False))
    chamber = cadquery.Workplane(origin=(0, 0, 8)).circle(22).extrude(24)
    mouth = cadquery.Workplane(origin=(0, 0, 30)).circle(6).extrude(20)
    export(block.cut(chamber).cut(mouth), folder / "chamber.step")
