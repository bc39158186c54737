# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    hollow = cadquery.Workplane().box(50, 40, 30).cut(cadquery.Workplane().box(44, 34, 24))
    export(hollow, folder / "closed.stl")
    drained = hollow.faces("<Z").workplane().pushPoints([(-15, 0), (15, 0)]).hole(4, 10)
    export(drained, folder / "drained.stl")
