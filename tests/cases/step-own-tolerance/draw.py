# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

from OCP.BRepPrimAPI import BRepPrimAPI_MakeCylinder
from OCP.Interface import Interface_Static
from OCP.STEPCAFControl import STEPCAFControl_Writer
from OCP.STEPControl import STEPControl_Controller
from OCP.TCollection import TCollection_ExtendedString
from OCP.TDF import TDF_Label
from OCP.TDocStd import TDocStd_Document
from OCP.TopAbs import TopAbs_FACE
from OCP.TopExp import TopExp_Explorer
from OCP.XCAFDimTolObjects import XCAFDimTolObjects_DimensionObject, XCAFDimTolObjects_DimensionType
from OCP.XCAFDoc import XCAFDoc_Dimension, XCAFDoc_DocumentTool


def draw(folder: Path) -> None:
    for name, band in (("fit", 0.03), ("easy", 0.05), ("ground", 0.005)):
        _pin(folder / f"{name}.step", band)


def _pin(path: Path, band: float) -> None:
    """A pin of 20 mm, 60 mm long, with a tolerance of its diameter."""
    document = TDocStd_Document(TCollection_ExtendedString("pin"))
    shapes = XCAFDoc_DocumentTool.ShapeTool_s(document.Main())
    pin = BRepPrimAPI_MakeCylinder(10, 60).Shape()
    part = shapes.AddShape(pin, False)
    surface: TDF_Label = shapes.AddSubShape(part, TopExp_Explorer(pin, TopAbs_FACE).Current())
    tool = XCAFDoc_DocumentTool.DimTolTool_s(document.Main())
    label = tool.AddDimension()
    diameter = XCAFDimTolObjects_DimensionObject()
    diameter.SetType(XCAFDimTolObjects_DimensionType.XCAFDimTolObjects_DimensionType_Size_Diameter)
    diameter.SetValue(20.0)
    diameter.SetUpperTolValue(band)
    diameter.SetLowerTolValue(0.0)
    XCAFDoc_Dimension.Set_s(label).SetObject(diameter)
    tool.SetDimension(surface, label)
    STEPControl_Controller.Init_s()
    Interface_Static.SetCVal_s("write.step.schema", "AP242DIS")
    try:
        writer = STEPCAFControl_Writer()
        writer.SetDimTolMode(True)
        writer.Transfer(document)
        writer.Write(str(path))
    finally:
        Interface_Static.SetCVal_s("write.step.schema", "AP214IS")
