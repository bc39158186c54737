# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    plate = cadquery.Workplane().box(140, 90, 6).faces(">Z").workplane().rarray(100, 50, 2, 2).cskHole(4, 8, 90)
    export(plate, folder / "plate.step")
