# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    plate = cadquery.Workplane().box(60, 40, 15).faces(">Z").workplane()
    export(plate.rect(40, 20, forConstruction=True).vertices().hole(5), folder / "plate.step")
