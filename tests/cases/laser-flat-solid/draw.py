# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    export(_plate(6), folder / "plate.step")
    export(_plate(6).rotate((0, 0, 0), (1, 2, 3), 50), folder / "askew.step")
    for diameter in (1.5, 1.4):
        export(_plate(diameter), folder / f"hole-{diameter}.step")


def _plate(hole: float) -> cadquery.Workplane:
    plate = cadquery.Workplane().box(120, 80, 3).edges("|Z").fillet(8)
    return plate.faces(">Z").workplane().rarray(80, 40, 2, 2).hole(hole)
