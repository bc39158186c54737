# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    plate = cadquery.Workplane().box(120, 80, 3).faces(">Z").workplane().rarray(40, 40, 2, 2).hole(8)
    export(plate, folder / "plate.stl")
    export(plate.rotate((0, 0, 0), (1, 0, 0), 90), folder / "upright.stl")
    export(cadquery.Workplane().box(60, 50, 40).faces(">Z").workplane().hole(20, 15), folder / "block.stl")
