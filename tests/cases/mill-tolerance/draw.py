# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    plate = cadquery.Workplane().box(80, 80, 20)
    export(plate.faces(">Z").workplane().cboreHole(16, 32, 9), folder / "seat.step")
