# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is read of STEP, IGES and BREP files: unit, schema, solids and their soundness, products, tolerances."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from OCP.BinTools import BinTools
from OCP.BRep import BRep_Builder, BRep_Tool
from OCP.BRepBuilderAPI import (
    BRepBuilderAPI_MakeEdge,
    BRepBuilderAPI_MakeFace,
    BRepBuilderAPI_MakeSolid,
    BRepBuilderAPI_MakeWire,
    BRepBuilderAPI_Transform,
)
from OCP.BRepPrimAPI import (
    BRepPrimAPI_MakeBox,
    BRepPrimAPI_MakeCylinder,
    BRepPrimAPI_MakePrism,
    BRepPrimAPI_MakeSphere,
    BRepPrimAPI_MakeTorus,
)
from OCP.BRepTools import BRepTools
from OCP.gp import gp_Ax1, gp_Ax2, gp_Circ, gp_Dir, gp_Pnt, gp_Trsf, gp_Vec
from OCP.IGESControl import IGESControl_Controller, IGESControl_Writer
from OCP.Interface import Interface_Static
from OCP.STEPCAFControl import STEPCAFControl_Writer
from OCP.STEPControl import STEPControl_AsIs, STEPControl_Controller, STEPControl_Writer
from OCP.TCollection import TCollection_ExtendedString, TCollection_HAsciiString
from OCP.TDataStd import TDataStd_Name
from OCP.TDF import TDF_Label
from OCP.TDocStd import TDocStd_Document
from OCP.TopAbs import TopAbs_FACE, TopAbs_SHELL, TopAbs_VERTEX
from OCP.TopLoc import TopLoc_Location
from OCP.TopoDS import TopoDS, TopoDS_Shape, TopoDS_Shell
from OCP.XCAFDimTolObjects import (
    XCAFDimTolObjects_DimensionObject,
    XCAFDimTolObjects_DimensionType,
    XCAFDimTolObjects_GeomToleranceObject,
    XCAFDimTolObjects_GeomToleranceType,
)
from OCP.XCAFDoc import XCAFDoc_Dimension, XCAFDoc_DocumentTool, XCAFDoc_GeomTolerance

from commonfab import v1
from registry.geometry.faults import Unmeasurable
from registry.geometry.solids.bought import bought_as
from registry.geometry.solids.kernel import each, kernel_call, kernel_faults, together
from registry.geometry.solids.measuring import measure as measure_solids
from registry.geometry.solids.step import schema_of
from registry.geometry.solids.validity import MOST_WIRES, check
from registry.geometry.source import DERIVED_MESH, Source

Read = Callable[..., v1.GeometryReport]

FORMATS = {".step": v1.FILE_FORMAT_STEP, ".igs": v1.FILE_FORMAT_IGES, ".brep": v1.FILE_FORMAT_BREP}


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Measures a file of solids as the sandbox's child does once it knows what the file is."""

    def measured(path: Path, unit: str = "") -> v1.GeometryReport:
        report = v1.GeometryReport()
        scratch = tmp_path / "scratch"
        scratch.mkdir(exist_ok=True)
        try:
            measure_solids(report, Source(path, FORMATS[path.suffix], unit, scratch))
        except Unmeasurable as fault:
            report.faults.append(fault.reason)
        return report

    return measured


def codes(reasons: object) -> list[str]:
    return [reason.code for reason in reasons]  # type: ignore[attr-defined]


def size(report: v1.GeometryReport) -> tuple[float, float, float]:
    return report.size_mm.x, report.size_mm.y, report.size_mm.z


def box(x: float, y: float, z: float) -> TopoDS_Shape:
    return BRepPrimAPI_MakeBox(x, y, z).Shape()


def at(shape: TopoDS_Shape, x: float, y: float, z: float) -> TopoDS_Shape:
    return shape.Moved(placed(x, y, z))


def placed(x: float, y: float, z: float) -> TopLoc_Location:
    move = gp_Trsf()
    move.SetTranslation(gp_Vec(x, y, z))
    return TopLoc_Location(move)


def write_step(path: Path, shape: TopoDS_Shape, schema: str = "AP214IS", unit: str = "MM") -> Path:
    STEPControl_Controller.Init_s()
    Interface_Static.SetCVal_s("write.step.schema", schema)
    Interface_Static.SetCVal_s("write.step.unit", unit)
    try:
        writer = STEPControl_Writer()
        writer.Transfer(shape, STEPControl_AsIs)
        writer.Write(str(path))
    finally:
        Interface_Static.SetCVal_s("write.step.schema", "AP214IS")
        Interface_Static.SetCVal_s("write.step.unit", "MM")
    return path


def write_brep(path: Path, shape: TopoDS_Shape) -> Path:
    BRepTools.Write_s(shape, str(path))
    return path


def write_iges(path: Path, shape: TopoDS_Shape, unit: str = "MM", solids: bool = False) -> Path:
    IGESControl_Controller.Init_s()
    writer = IGESControl_Writer(unit, int(solids))
    writer.AddShape(shape)
    writer.ComputeModel()
    writer.Write(str(path))
    return path


def shell_of(shape: TopoDS_Shape, without: int = 0) -> TopoDS_Shell:
    """The faces of the shape as one shell, the last few of them left out."""
    builder, shell = BRep_Builder(), TopoDS_Shell()
    builder.MakeShell(shell)
    faces = list(each(shape, TopAbs_FACE))
    for face in faces[: len(faces) - without]:
        builder.Add(shell, face)
    return shell


@pytest.mark.parametrize(("schema", "named"), [("AP203", "AP203"), ("AP214IS", "AP214"), ("AP242DIS", "AP242")])
def test_the_schema_of_a_step_file_is_told(read: Read, tmp_path: Path, schema: str, named: str) -> None:
    report = read(write_step(tmp_path / "a.step", box(10, 20, 30), schema))
    assert report.solid.schema == named and report.solid.solids == 1 and not report.warnings and not report.faults


def test_a_schema_that_nobody_knows_keeps_its_own_name() -> None:
    assert schema_of(b"FILE_SCHEMA(\n( 'SHIP_STRUCTURES_SCHEMA { 1 0 }' ));") == "SHIP_STRUCTURES_SCHEMA"
    assert schema_of(b"HEADER;") == ""


@pytest.mark.parametrize(("unit", "named"), [("MM", "mm"), ("INCH", "inch"), ("M", "m"), ("CM", "cm"), ("FT", "foot"), ("UM", "micron")])
def test_every_unit_of_a_step_file_is_converted(read: Read, tmp_path: Path, unit: str, named: str) -> None:
    report = read(write_step(tmp_path / "a.step", box(10, 20, 30), unit=unit))
    assert report.unit == named and report.unit_certainty == v1.UNIT_CERTAINTY_DECLARED
    assert size(report) == pytest.approx((10, 20, 30)) and report.volume_mm3 == pytest.approx(6000)


def test_parts_in_different_units_are_each_read_in_their_own(read: Read, tmp_path: Path) -> None:
    metric = write_step(tmp_path / "metric.step", box(10, 10, 10)).read_text(encoding="utf-8")
    inch = write_step(tmp_path / "inch.step", at(box(25.4, 25.4, 25.4), 100, 0, 0), unit="INCH").read_text(encoding="utf-8")
    data = re.sub(r"#(\d+)", lambda number: f"#{int(number[1]) + 10_000}", inch.split("DATA;")[1].split("ENDSEC;")[0])
    head, end = metric.rsplit("ENDSEC;", 1)
    (tmp_path / "both.step").write_text(f"{head}{data}ENDSEC;{end}", encoding="utf-8")
    report = read(tmp_path / "both.step")
    assert codes(report.warnings)[0] == "units.mixed" and "mm, inch" in report.warnings[0].message
    assert report.volume_mm3 == pytest.approx(10**3 + 25.4**3) and report.size_mm.x == pytest.approx(125.4)


@pytest.mark.parametrize(("unit", "named"), [("MM", "mm"), ("IN", "inch"), ("M", "m"), ("CM", "cm")])
def test_an_iges_solid_is_read_in_the_unit_of_its_global_section(read: Read, tmp_path: Path, unit: str, named: str) -> None:
    report = read(write_iges(tmp_path / "a.igs", box(10, 20, 30), unit, solids=True))
    assert report.unit == named and report.solid.schema == "IGES" and report.solids == 1
    assert size(report) == pytest.approx((10, 20, 30), rel=1e-6) and report.volume_mm3 == pytest.approx(6000, rel=1e-6)


def test_loose_iges_surfaces_that_close_are_sewn_and_it_is_said(read: Read, tmp_path: Path) -> None:
    report = read(write_iges(tmp_path / "a.igs", BRepPrimAPI_MakeCylinder(10, 30).Shape()))
    assert codes(report.warnings) == ["brep.sewn"] and report.solids == 1 and report.watertight
    assert report.volume_mm3 == pytest.approx(math.pi * 100 * 30, rel=1e-5) and size(report) == pytest.approx((20, 20, 30), rel=1e-5)


def test_iges_surfaces_that_stay_open_are_measured_and_refused(read: Read, tmp_path: Path) -> None:
    report = read(write_iges(tmp_path / "a.igs", shell_of(box(10, 20, 30), without=1)))
    assert codes(report.faults) == ["brep.open_shell"] and report.solids == 0 and report.volume_mm3 == 0
    assert size(report) == pytest.approx((10, 20, 30), rel=1e-6) and report.area_mm2 == pytest.approx(2200 - 200, rel=1e-6)
    assert {figure.name: figure.value for figure in report.faults[0].figures} == {"faces": 5, "edges": 4}


def test_touching_parts_drawn_as_loose_surfaces_are_not_guessed_at(read: Read, tmp_path: Path) -> None:
    report = read(write_iges(tmp_path / "a.igs", together([box(10, 10, 10), at(box(10, 10, 10), 10, 0, 0)])))
    assert "brep.open_shell" in codes(report.faults) or report.volume_mm3 == pytest.approx(2000, rel=1e-5)


def test_a_brep_file_names_no_unit_and_takes_the_makers(read: Read, tmp_path: Path) -> None:
    path = write_brep(tmp_path / "a.brep", box(10, 20, 30))
    plain, scaled = read(path), read(path, "inch")
    assert plain.unit == "mm" and plain.unit_certainty == v1.UNIT_CERTAINTY_PLAUSIBLE and plain.solid.schema == "BREP"
    assert scaled.unit == "inch" and scaled.unit_certainty == v1.UNIT_CERTAINTY_DECLARED
    assert size(scaled) == pytest.approx((254, 508, 762)) and scaled.volume_mm3 == pytest.approx(6000 * 25.4**3)


def test_a_binary_brep_file_says_the_same_as_a_text_one(read: Read, tmp_path: Path) -> None:
    shape = BRepPrimAPI_MakeTorus(20, 5).Shape()
    BinTools.Write_s(shape, str(tmp_path / "b.brep"))
    text, binary = read(write_brep(tmp_path / "a.brep", shape)), read(tmp_path / "b.brep")
    assert size(text) == pytest.approx(size(binary))
    assert text.volume_mm3 == pytest.approx(binary.volume_mm3) and text.solid.schema == binary.solid.schema == "BREP"
    assert text.volume_mm3 == pytest.approx(2 * math.pi**2 * 20 * 25)


@pytest.mark.parametrize("name", ["a.brep", "a.igs", "a.step"])
def test_bytes_that_are_no_model_are_refused(read: Read, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"ISO-10303-21;\nDBRep_DrawableShape CASCADE Topology V1 nonsense \xff\x00\n" * 5)
    assert codes(read(tmp_path / name).faults)[0] in ("file.unreadable", "file.breaks_off", "brep.empty")


def test_closed_surfaces_are_taken_for_a_solid_and_it_is_said(read: Read, tmp_path: Path) -> None:
    shell = next(each(box(10, 20, 30), TopAbs_SHELL))
    report = read(write_brep(tmp_path / "a.brep", shell), "mm")
    assert codes(report.warnings) == ["brep.closed_shell"] and report.solids == 1 and report.volume_mm3 == pytest.approx(6000)


def test_a_solid_that_is_inside_out_is_turned_round_in_the_copy(read: Read, tmp_path: Path) -> None:
    report = read(write_brep(tmp_path / "a.brep", together([box(10, 10, 10).Reversed(), at(box(5, 5, 5), 50, 0, 0)])), "mm")
    assert "brep.inside_out" in codes(report.warnings) and "1 of 2" in report.warnings[0].message
    assert report.volume_mm3 == pytest.approx(1125) and not report.mesh.inside_out and report.mesh.inverted_edges == 0
    assert (tmp_path / "scratch" / DERIVED_MESH).stat().st_size == 84 + 50 * report.triangles


def test_a_solid_with_a_hole_in_its_shell_is_invalid_and_the_kind_of_fault_is_told(read: Read, tmp_path: Path) -> None:
    builder = BRepBuilderAPI_MakeSolid(shell_of(box(10, 20, 30), without=1))
    report = read(write_brep(tmp_path / "a.brep", together([builder.Solid(), at(box(5, 5, 5), 50, 0, 0)])), "mm")
    invalid = next(warning for warning in report.warnings if warning.code == "brep.invalid")
    assert report.solid.invalid == 1 and "1 of 2" in invalid.message and "open shells" in invalid.subject
    assert "mesh.open_edges" in codes(report.warnings)


def test_a_corner_that_lies_beside_its_edges_is_told(read: Read, tmp_path: Path) -> None:
    text = write_brep(tmp_path / "good.brep", box(10, 20, 30)).read_text(encoding="utf-8")
    good = read(tmp_path / "good.brep", "mm")
    assert good.solid.invalid == 0 and not good.warnings
    # The vertex at the far corner is put elsewhere: the edges that end there no longer meet.
    (tmp_path / "bad.brep").write_text(re.sub(r"(?m)^10 20 30\b", "10 20 35", text), encoding="utf-8")
    bad = read(tmp_path / "bad.brep", "mm")
    assert bad.solid.invalid == 1 and "corners that are not on their edges" in bad.warnings[0].subject


def test_a_solid_without_volume_is_a_fault_where_it_is_alone_and_a_warning_beside_others(read: Read, tmp_path: Path) -> None:
    face = next(each(box(10, 10, 10), TopAbs_FACE))
    builder, shell = BRep_Builder(), TopoDS_Shell()
    builder.MakeShell(shell)
    builder.Add(shell, face)
    builder.Add(shell, face.Reversed())
    flat = BRepBuilderAPI_MakeSolid(shell).Solid()
    alone = read(write_brep(tmp_path / "a.brep", flat), "mm")
    assert "brep.no_volume" in codes(alone.faults) and alone.volume_mm3 == 0 and alone.solid.without_volume == 1
    beside = read(write_brep(tmp_path / "b.brep", together([flat, at(box(5, 5, 5), 50, 0, 0)])), "mm")
    assert "brep.no_volume" in codes(beside.warnings) and not beside.faults and beside.volume_mm3 == pytest.approx(125)


def test_curves_only_and_nothing_at_all_are_told_apart(read: Read, tmp_path: Path) -> None:
    line = BRepBuilderAPI_MakeEdge(gp_Pnt(0, 0, 0), gp_Pnt(10, 0, 0)).Edge()
    assert codes(read(write_brep(tmp_path / "a.brep", line)).faults) == ["brep.no_solid"]
    assert codes(read(write_brep(tmp_path / "b.brep", together([]))).faults) == ["brep.empty"]


def test_surfaces_beside_a_solid_are_left_out_and_counted(read: Read, tmp_path: Path) -> None:
    shape = together([box(10, 10, 10), at(shell_of(box(50, 50, 50), without=4), 100, 0, 0)])
    report = read(write_brep(tmp_path / "a.brep", shape), "mm")
    assert codes(report.warnings) == ["brep.loose_surfaces"] and size(report) == pytest.approx((10, 10, 10))


def test_the_size_of_a_turned_torus_is_that_of_its_surface(read: Read, tmp_path: Path) -> None:
    turn = gp_Trsf()
    turn.SetRotation(gp_Ax1(gp_Pnt(), gp_Dir(1, 0, 0)), math.radians(30))
    shape = BRepBuilderAPI_Transform(BRepPrimAPI_MakeTorus(20, 5).Shape(), turn, True).Shape()
    report = read(write_step(tmp_path / "a.step", shape))
    # A circle of radius R in a plane tilted by 30° spans 2 R cos 30° across; a ball of radius r runs along it.
    expected = (50, 2 * (20 * math.cos(math.radians(30)) + 5), 2 * (20 * math.sin(math.radians(30)) + 5))
    assert size(report) == pytest.approx(expected, rel=1e-4)


def test_faces_are_counted_by_kind_the_largest_area_first(read: Read, tmp_path: Path) -> None:
    shape = together([BRepPrimAPI_MakeCylinder(10, 50).Shape(), at(BRepPrimAPI_MakeSphere(5).Shape(), 100, 0, 0)])
    faces = read(write_step(tmp_path / "a.step", shape)).solid.faces
    assert [(face.kind, face.count) for face in faces] == [("cylinder", 1), ("plane", 2), ("sphere", 1)]
    assert [face.area_mm2 for face in faces] == pytest.approx([1000 * math.pi, 200 * math.pi, 100 * math.pi])


def test_a_long_bar_is_slender(read: Read, tmp_path: Path) -> None:
    assert read(write_step(tmp_path / "a.step", box(400, 20, 10))).solid.slenderness == pytest.approx(20)


def test_the_derived_mesh_is_what_was_measured(read: Read, tmp_path: Path) -> None:
    report = read(
        write_step(tmp_path / "a.step", together([box(10, 20, 30)] + [at(BRepPrimAPI_MakeSphere(5).Shape(), 40 * k, 0, 0) for k in (1, 2)]))
    )
    assert (tmp_path / "scratch" / DERIVED_MESH).stat().st_size == 84 + 50 * report.triangles
    assert report.bodies == 3 and report.watertight and report.mesh.walls.rays > 0 and report.lies
    assert report.signature.measure == report.volume_mm3 == pytest.approx(6000 + 2 * 4 / 3 * math.pi * 125)


class Product:
    """A product drawn by a test: parts with names, and assemblies of them."""

    def __init__(self) -> None:
        self.document = TDocStd_Document(TCollection_ExtendedString("drawn"))
        self.shapes = XCAFDoc_DocumentTool.ShapeTool_s(self.document.Main())

    def part(self, name: str, shape: TopoDS_Shape) -> TDF_Label:
        return self.named(self.shapes.AddShape(shape, False), name)

    def assembly(self, name: str, *components: tuple[TDF_Label, float]) -> TDF_Label:
        label = self.named(self.shapes.NewShape(), name)
        for part, x in components:
            self.shapes.AddComponent(label, part, placed(x, 0, 0))
        return label

    def named(self, label: TDF_Label, name: str) -> TDF_Label:
        TDataStd_Name.Set_s(label, TCollection_ExtendedString(name))
        return label

    def write(self, path: Path, schema: str = "AP214IS") -> Path:
        self.shapes.UpdateAssemblies()
        STEPControl_Controller.Init_s()
        Interface_Static.SetCVal_s("write.step.schema", schema)
        writer = STEPCAFControl_Writer()
        writer.SetDimTolMode(True)
        writer.Transfer(self.document)
        writer.Write(str(path))
        Interface_Static.SetCVal_s("write.step.schema", "AP214IS")
        return path


def test_a_product_tells_its_parts_with_names_and_numbers(read: Read, tmp_path: Path) -> None:
    product = Product()
    leg, screw = product.part("leg", box(5, 5, 40)), product.part("ISO 4762 M6x12", BRepPrimAPI_MakeCylinder(3, 12).Shape())
    foot = product.assembly("foot", (leg, 0), (screw, 10), (screw, 20))
    product.assembly("stool", (foot, 0), (foot, 100), (foot, 200), (screw, 300))
    tree = read(product.write(tmp_path / "a.step")).solid.product
    assert (tree.name, tree.quantity) == ("stool", 1) and tree.size_mm.x == pytest.approx(303)
    assert [(node.name, node.quantity, node.bought_as) for node in tree.children] == [("foot", 3, ""), ("ISO 4762 M6x12", 1, "screw")]
    assert [(node.name, node.quantity) for node in tree.children[0].children] == [("leg", 1), ("ISO 4762 M6x12", 2)]
    assert tree.children[0].children[0].volume_mm3 == pytest.approx(1000) and tree.children[0].children[0].size_mm.z == pytest.approx(40)
    one_foot = 1000 + 2 * math.pi * 9 * 12
    assert tree.volume_mm3 == pytest.approx(3 * one_foot + math.pi * 9 * 12) and tree.children[0].volume_mm3 == pytest.approx(one_foot)


def test_a_part_without_a_name_is_no_product(read: Read, tmp_path: Path) -> None:
    assert not read(write_step(tmp_path / "a.step", box(10, 20, 30))).solid.HasField("product")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("DIN 912 M5x20", "screw"),
        ("ISO 7089 - 6", "washer"),
        ("DIN EN ISO 4032", "nut"),
        ("Hex_Nut_M8", "nut"),
        ("NUT", "nut"),
        ("M3x10", "screw"),
        ("Unterlegscheibe", "washer"),
        ("608-2RS", "bearing"),
        ("608zz bearing", "bearing"),
        ("NEMA17", "motor"),
        ("bearing_holder", ""),
        ("washer plate", ""),
        ("coconut", ""),
        ("screwdriver tray", ""),
        ("bracket M6", ""),
        ("L-BRACKET", ""),
        ("ISO 9001 stamp", ""),
        ("grid 10x20", ""),
    ],
)
def test_standard_parts_are_known_by_their_names(name: str, kind: str) -> None:
    assert bought_as(name) == kind


def test_tolerances_in_the_file_are_told_with_their_bands(read: Read, tmp_path: Path) -> None:
    product = Product()
    part = product.part("pin", BRepPrimAPI_MakeCylinder(5, 30).Shape())
    tool = XCAFDoc_DocumentTool.DimTolTool_s(product.document.Main())
    faces = list(each(BRepPrimAPI_MakeCylinder(5, 30).Shape(), TopAbs_FACE))
    assert len(faces) == 3
    surface = product.shapes.AddSubShape(part, next(each(product.shapes.GetShape_s(part), TopAbs_FACE)))
    label = tool.AddDimension()
    size_of = XCAFDimTolObjects_DimensionObject()
    size_of.SetType(XCAFDimTolObjects_DimensionType.XCAFDimTolObjects_DimensionType_Size_Diameter)
    size_of.SetValue(10.0)
    size_of.SetUpperTolValue(0.02)
    size_of.SetLowerTolValue(0.01)
    XCAFDoc_Dimension.Set_s(label).SetObject(size_of)
    tool.SetDimension(surface, label)
    label = tool.AddGeomTolerance()
    form = XCAFDimTolObjects_GeomToleranceObject()
    form.SetType(XCAFDimTolObjects_GeomToleranceType.XCAFDimTolObjects_GeomToleranceType_Cylindricity)
    form.SetValue(0.005)
    form.SetSemanticName(TCollection_HAsciiString("form"))
    XCAFDoc_GeomTolerance.Set_s(label).SetObject(form)
    tool.SetGeomTolerance(surface, label)
    tolerances = read(product.write(tmp_path / "a.step", "AP242DIS")).solid.tolerances
    assert [tolerance.kind for tolerance in tolerances] == ["diameter", "cylindricity"]
    assert tolerances[0].value_mm == pytest.approx(0.03) and tolerances[0].nominal_mm == pytest.approx(10)
    assert tolerances[1].value_mm == pytest.approx(0.005)


def test_a_component_in_another_file_is_named_and_never_opened(read: Read, tmp_path: Path) -> None:
    write_step(tmp_path / "leg.step", box(500, 500, 500))
    text = write_step(tmp_path / "a.step", box(10, 10, 10)).read_text(encoding="utf-8")
    head, end = text.rsplit("ENDSEC;", 1)
    definition = re.search(r"(#\d+) = PRODUCT_DEFINITION\(", text)
    assert definition
    more = f"""#9001=DOCUMENT_FILE('leg.step','','',#9002,'',$);
#9002=DOCUMENT_TYPE('geometry');
#9003=IDENTIFICATION_ROLE('external document id and location',$);
#9004=EXTERNAL_SOURCE(IDENTIFIER(''));
#9005=APPLIED_EXTERNAL_IDENTIFICATION_ASSIGNMENT('leg.step',#9003,#9004,(#9001));
#9006=APPLIED_DOCUMENT_REFERENCE(#9001,'',({definition[1]}));
"""
    (tmp_path / "a.step").write_text(f"{head}{more}ENDSEC;{end}", encoding="utf-8")
    report = read(tmp_path / "a.step")
    assert codes(report.warnings) == ["brep.missing_reference"] and list(report.solid.external_references) == ["leg.step"]
    assert size(report) == pytest.approx((10, 10, 10))


def test_a_product_whose_parts_are_all_in_other_files_cannot_be_measured(read: Read, tmp_path: Path) -> None:
    text = write_step(tmp_path / "a.step", box(10, 10, 10)).read_text(encoding="utf-8")
    solid = re.search(r"(#\d+) = MANIFOLD_SOLID_BREP", text)
    assert solid
    body = text.replace(f",{solid[1]})", ")").replace(f"({solid[1]},", "(").rsplit("ENDSEC;", 1)
    reference = "#9001=DOCUMENT_FILE('leg.step','','',#9002,'',$);\n#9002=DOCUMENT_TYPE('geometry');\n"
    (tmp_path / "a.step").write_text(f"{body[0]}{reference}ENDSEC;{body[1]}", encoding="utf-8")
    assert codes(read(tmp_path / "a.step").faults) == ["brep.missing_reference"]


def test_threads_are_read_from_the_names_of_faces(read: Read, tmp_path: Path) -> None:
    path = write_step(tmp_path / "a.step", BRepPrimAPI_MakeCylinder(3, 30).Shape())
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("ADVANCED_FACE('',", "ADVANCED_FACE('M6x1 thread',", 1).replace("ADVANCED_FACE('',", "ADVANCED_FACE('rib M6',", 1),
        encoding="utf-8",
    )
    assert list(read(path).solid.threads) == ["M6"]


def perforated(rows: int, columns: int) -> TopoDS_Shape:
    """A plate of 3 mm with a hole of 5 mm in every square of 10 mm."""
    side = TopoDS.Face_s(max(each(box(10 * columns, 10 * rows, 3), TopAbs_FACE), key=lambda face: -heights(face)))
    drawn = BRepBuilderAPI_MakeFace(side)
    for place in range(rows * columns):
        centre = gp_Pnt(10 * (place % columns) + 5, 10 * (place // columns) + 5, 0)
        edge = BRepBuilderAPI_MakeEdge(gp_Circ(gp_Ax2(centre, gp_Dir(0, 0, 1)), 2.5)).Edge()
        drawn.Add(BRepBuilderAPI_MakeWire(edge).Wire())
    return BRepPrimAPI_MakePrism(drawn.Face(), gp_Vec(0, 0, 3)).Shape()


def heights(face: TopoDS_Shape) -> float:
    """How high the corners of a face lie together."""
    return float(sum(BRep_Tool.Pnt_s(TopoDS.Vertex_s(corner)).Z() for corner in each(face, TopAbs_VERTEX)))


def test_a_face_with_very_many_outlines_is_left_out_of_the_check_and_it_is_said(read: Read, tmp_path: Path) -> None:
    report = read(write_brep(tmp_path / "a.brep", perforated(2, MOST_WIRES // 2)))
    assert "brep.check_limited" in codes(report.warnings)
    assert report.solid.invalid == 0
    assert [(hole.count, hole.through) for hole in report.solid.holes] == [(MOST_WIRES, True)]


def test_a_crowded_solid_without_one_of_its_walls_is_still_found_open() -> None:
    shell = shell_of(perforated(2, MOST_WIRES // 2), without=1)
    checked = check(BRepBuilderAPI_MakeSolid(shell).Solid())
    assert checked.unchecked
    assert "open shells or outlines" in checked.faults


def test_what_the_kernel_throws_is_the_files_fault_and_what_we_throw_is_ours() -> None:
    with pytest.raises(Unmeasurable), kernel_faults():
        gp_Dir(0, 0, 0)
    with pytest.raises(RuntimeError, match="ours"), kernel_faults():
        raise RuntimeError("ours")
    with pytest.raises(Unmeasurable, match="unknown exception"), kernel_call():
        raise RuntimeError("Caught an unknown exception!")  # so pybind11 says it of what it knows no class for
