# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    export(cadquery.Workplane().circle(6).extrude(300), folder / "bar.step")
    export(cadquery.Workplane().circle(20).circle(17).extrude(500), folder / "tube.brep")
    export(cadquery.Workplane().rect(40, 40).rect(34, 34).extrude(500), folder / "square-tube.step")
    angle = cadquery.Workplane().polyline([(0, 0), (40, 0), (40, 4), (4, 4), (4, 40), (0, 40)]).close().extrude(400)
    drilled = cadquery.Workplane("XZ", origin=(22, 0, 200)).rarray(1, 120, 1, 3).circle(3.25).extrude(10, both=True)
    export(angle.cut(drilled), folder / "angle.step")
    export(cadquery.Workplane().circle(4).extrude(60).faces(">Z").workplane().circle(3).extrude(80), folder / "shoulder.step")
    export(
        cadquery.Workplane().rect(20, 20).extrude(100).faces(">Z").workplane().rect(14, 14).extrude(100), folder / "square-shoulder.step"
    )
