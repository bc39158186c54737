# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    comb = cadquery.Workplane().box(50, 8, 2, centered=False)
    for tooth in range(20):
        comb = comb.union(cadquery.Workplane().box(0.6, 20, 2, centered=False).translate((tooth * 2.4, 8, 0)))
    export(comb, folder / "comb.stl")
