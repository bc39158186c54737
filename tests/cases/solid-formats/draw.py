# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export
from OCP.IGESControl import IGESControl_Writer


def draw(folder: Path) -> None:
    block = cadquery.Workplane().box(50.8, 25.4, 12.7).faces(">Z").workplane().rect(25.4, 12.7).cutBlind(-6.2)
    block = cadquery.Workplane().box(50.8, 25.4, 12.7).cut(cadquery.Workplane().box(12.7, 25.4, 6.2).translate((0, 0, 3.25)))
    export(block, folder / "block.step")
    export(block, folder / "block.brep")
    writer = IGESControl_Writer("MM", 1)
    writer.AddShape(block.val().wrapped)
    writer.ComputeModel()
    writer.Write(str(folder / "block.iges"))
