# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export
from OCP.IGESControl import IGESControl_Writer
from OCP.Interface import Interface_Static
from OCP.STEPControl import STEPControl_AsIs, STEPControl_Controller, STEPControl_Writer
from OCP.TopoDS import TopoDS_Shape


def draw(folder: Path) -> None:
    block = cadquery.Workplane().box(50.8, 25.4, 12.7).cut(cadquery.Workplane().box(12.7, 25.4, 6.2).translate((0, 0, 3.25)))
    export(block, folder / "block.step")
    export(block, folder / "block.brep")
    _in_inches(block.val().wrapped, folder / "inches.step")
    writer = IGESControl_Writer("MM", 1)
    writer.AddShape(block.val().wrapped)
    writer.ComputeModel()
    writer.Write(str(folder / "block.iges"))


def _in_inches(shape: TopoDS_Shape, path: Path) -> None:
    """The same size, with figures and a declaration in inches."""
    STEPControl_Controller.Init_s()
    Interface_Static.SetCVal_s("write.step.unit", "INCH")
    try:
        writer = STEPControl_Writer()
        writer.Transfer(shape, STEPControl_AsIs)
        writer.Write(str(path))
    finally:
        Interface_Static.SetCVal_s("write.step.unit", "MM")
