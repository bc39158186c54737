# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    for name, wall in (("thin", 0.25), ("sound", 0.8)):
        cup = cadquery.Workplane().box(70, 70, 90).faces(">Z").shell(-wall)
        export(cup, folder / f"{name}.stl")
