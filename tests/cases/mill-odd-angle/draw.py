# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    block = cadquery.Workplane().box(80, 60, 50, centered=(True, True, False))
    one = block.cut(_drilled((-20, 0, 50), (0.4, 0, -1)))
    export(one, folder / "one-angle.step")
    export(one.cut(_drilled((20, 10, 50), (-0.3, -0.5, -1))), folder / "two-angles.step")


def _drilled(mouth: tuple[float, float, float], along: tuple[float, float, float]) -> cadquery.Workplane:
    direction = cadquery.Vector(*along).normalized()
    return cadquery.Workplane(obj=cadquery.Solid.makeCylinder(4, 45, cadquery.Vector(*mouth) - direction * 20, direction))
