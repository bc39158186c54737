# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    stand = cadquery.Workplane().box(20, 20, 60).faces(">Z").workplane().box(80, 80, 6, centered=(True, True, False))
    export(stand, folder / "stand.stl")
    arms = cadquery.Workplane().box(80, 16, 16).union(cadquery.Workplane().box(16, 80, 16)).union(cadquery.Workplane().box(16, 16, 80))
    for name in ("jack", "free-jack"):
        export(arms, folder / f"{name}.stl")
