# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    export(cadquery.Workplane().circle(20).extrude(25).faces(">Z").edges().chamfer(3), folder / "knob.stl")
