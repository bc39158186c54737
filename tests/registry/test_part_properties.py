# SPDX-License-Identifier: AGPL-3.0-or-later
"""Scaling, turning, moving and mirroring a part changes what it should and nothing else, from the file to the judgements."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import shapely
import trimesh
from drawings import Triangles, binary_stl
from ezdxf.filemanagement import new
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonfab import v1
from registry.geometry.measure import measure
from registry.makeability import judge

Matrix = npt.NDArray[np.float64]

few = settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
fewer = settings(few, max_examples=4)

FLOATS = 2e-4
"""Binary STL has 7 digits; after moving by hundreds of millimetres, what is measured of a small part has four."""
CLOSE = 1e-6


@dataclass(frozen=True)
class Plate:
    """A plate with a round hole (of 48 sides) off its middle; thick ones are blocks."""

    x: float
    y: float
    z: float
    hole: float

    def drawn(self) -> Triangles:
        hole = shapely.Point(0.4 * self.x, 0.45 * self.y).buffer(self.hole / 2, quad_segs=12)
        body = trimesh.creation.extrude_polygon(shapely.box(0, 0, self.x, self.y) - hole, self.z)
        return np.asarray(body.triangles, dtype=np.float64)


def plates(lowest_z: float = 1.5, highest_z: float = 25.0) -> st.SearchStrategy[Plate]:
    sides, hole = st.integers(40, 90).map(float), st.integers(6, 14).map(float)
    return st.builds(Plate, sides, sides, st.floats(lowest_z, highest_z).map(lambda z: round(z, 1)), hole)


degrees = st.integers(-179, 180)
shifts = st.tuples(*[st.integers(-200, 200)] * 3)


def about_z(angle: float) -> Matrix:
    return np.asarray(trimesh.transformations.rotation_matrix(math.radians(angle), (0, 0, 1))[:3, :3], dtype=np.float64)


def in_space(a: float, b: float, c: float) -> Matrix:
    return np.asarray(trimesh.transformations.euler_matrix(*map(math.radians, (a, b, c)))[:3, :3], dtype=np.float64)


def report_of(triangles: Triangles, folder: Path) -> v1.GeometryReport:
    return report_of_file(folder / "part.stl", binary_stl(triangles))


def report_of_file(path: Path, data: bytes) -> v1.GeometryReport:
    path.write_bytes(data)
    report = measure(path, "b" * 64, "mm", path.parent).report
    assert not report.faults
    return report


def sides(report: v1.GeometryReport) -> list[float]:
    return [report.size_mm.x, report.size_mm.y, report.size_mm.z]


def verdicts(report: v1.GeometryReport) -> dict[str, tuple[int, frozenset[str]]]:
    """For each process its verdict and the codes of its reasons."""
    return {
        f"{m.process} of {material}": (m.verdict, frozenset(reason.code for reason in m.reasons))
        for material in ("aluminium", "PLA", "")
        for m in judge(report, v1.Demands(material=material))
    }


def blank(report: v1.GeometryReport) -> list[float]:
    return sorted((report.sheet.blank_mm.x, report.sheet.blank_mm.y, report.sheet.blank_mm.z))


def sheet_figures(report: v1.GeometryReport) -> list[float]:
    """The facts of a sheet part that do not say how it lies."""
    facts = report.sheet
    figures = (facts.thickness_mm, facts.cut_length_mm, facts.pierces, facts.smallest_hole_mm, facts.narrowest_web_mm, facts.area_mm2)
    return [*figures, facts.blind_features, facts.countersinks, facts.sharp_inner_corners, *blank(report)]


def assert_same_part(found: v1.GeometryReport, first: v1.GeometryReport, within: float) -> None:
    """What no way of putting a part down changes."""
    for name in ("volume_mm3", "area_mm2"):
        assert getattr(found, name) == pytest.approx(getattr(first, name), rel=within), name
    for name in ("triangles", "bodies", "watertight", "open_edges", "non_manifold_edges", "solids", "unit_certainty"):
        assert getattr(found, name) == getattr(first, name), name
    assert {warning.code for warning in found.warnings} == {warning.code for warning in first.warnings}
    assert found.HasField("sheet") == first.HasField("sheet")


@few
@given(plates(), shifts)
def test_a_moved_mesh_has_the_same_figures_sizes_and_verdicts(tmp_path: Path, plate: Plate, shift: tuple[int, int, int]) -> None:
    first, moved = report_of(plate.drawn(), tmp_path), report_of(plate.drawn() + np.array(shift), tmp_path)
    assert_same_part(moved, first, FLOATS)
    assert sides(moved) == pytest.approx(sides(first), rel=FLOATS)
    assert sheet_figures(moved) == pytest.approx(sheet_figures(first), rel=FLOATS, abs=1e-3)
    assert verdicts(moved) == verdicts(first)


@few
@given(plates(), degrees)
def test_a_mesh_turned_about_the_vertical_keeps_its_height_its_figures_and_its_verdicts(tmp_path: Path, plate: Plate, angle: int) -> None:
    first, turned = report_of(plate.drawn(), tmp_path), report_of(plate.drawn() @ about_z(angle).T, tmp_path)
    assert_same_part(turned, first, FLOATS)
    assert turned.size_mm.z == pytest.approx(first.size_mm.z, rel=FLOATS)
    cosine, sine = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))
    assert turned.size_mm.x == pytest.approx(plate.x * cosine + plate.y * sine, rel=FLOATS)
    assert sheet_figures(turned) == pytest.approx(sheet_figures(first), rel=FLOATS, abs=1e-3)
    assert verdicts(turned) == verdicts(first)


@few
@given(plates(), st.sampled_from([0.5, 0.9, 1.25, 2.0, 3.0]))
def test_a_scaled_mesh_has_its_sizes_scaled_its_area_squared_and_its_volume_cubed(tmp_path: Path, plate: Plate, scale: float) -> None:
    first, scaled = report_of(plate.drawn(), tmp_path), report_of(plate.drawn() * scale, tmp_path)
    assert sides(scaled) == pytest.approx([side * scale for side in sides(first)], rel=FLOATS)
    assert scaled.area_mm2 == pytest.approx(first.area_mm2 * scale**2, rel=FLOATS)
    assert scaled.volume_mm3 == pytest.approx(first.volume_mm3 * scale**3, rel=FLOATS)
    exact = plate.z * (plate.x * plate.y - 24 * (plate.hole / 2) ** 2 * math.sin(math.radians(7.5)))
    assert first.volume_mm3 == pytest.approx(exact, rel=FLOATS)
    assert (scaled.triangles, scaled.bodies, scaled.watertight) == (first.triangles, 1, True)


@few
@given(plates(), st.sampled_from([0, 1, 2]))
def test_a_mirrored_mesh_has_the_same_figures_and_verdicts(tmp_path: Path, plate: Plate, axis: int) -> None:
    mirror = np.ones(3)
    mirror[axis] = -1
    first, mirrored = report_of(plate.drawn(), tmp_path), report_of((plate.drawn() * mirror)[:, ::-1], tmp_path)
    assert_same_part(mirrored, first, FLOATS)
    assert sides(mirrored) == pytest.approx(sides(first), rel=FLOATS)
    assert sheet_figures(mirrored) == pytest.approx(sheet_figures(first), rel=FLOATS, abs=1e-3)
    assert verdicts(mirrored) == verdicts(first)


@few
@given(plates(1.5, 6.0), degrees, degrees, degrees)
def test_a_flat_mesh_keeps_its_facts_as_a_sheet_however_it_lies_in_space(tmp_path: Path, plate: Plate, a: int, b: int, c: int) -> None:
    first, turned = report_of(plate.drawn(), tmp_path), report_of(plate.drawn() @ in_space(a, b, c).T, tmp_path)
    assert first.HasField("sheet") and first.sheet.thickness_mm == pytest.approx(plate.z, rel=FLOATS)
    assert turned.HasField("sheet")
    assert sheet_figures(turned) == pytest.approx(sheet_figures(first), rel=1e-3, abs=1e-2)
    cuts = [process for process in verdicts(first) if process.startswith(("laser", "plasma", "waterjet", "router"))]
    assert cuts
    for process in cuts:
        assert verdicts(turned)[process] == verdicts(first)[process]


@fewer
@given(plates(2.0, 20.0), degrees, shifts, st.booleans())
def test_a_solid_keeps_its_holes_figures_and_verdicts_when_it_is_moved_turned_or_mirrored(
    tmp_path: Path, plate: Plate, angle: int, shift: tuple[int, int, int], mirror: bool
) -> None:
    import cadquery

    body = cadquery.Workplane().box(plate.x, plate.y, plate.z).faces(">Z").workplane().center(5, 3).hole(plate.hole)
    other = body.rotate((0, 0, 0), (0, 0, 1), angle).translate(shift)
    other = other.mirror("YZ") if mirror else other
    cadquery.exporters.export(body, str(tmp_path / "first.step"))
    cadquery.exporters.export(other, str(tmp_path / "other.step"))
    first, found = (report_of_file(tmp_path / name, (tmp_path / name).read_bytes()) for name in ("first.step", "other.step"))
    assert (found.volume_mm3, found.area_mm2) == pytest.approx((first.volume_mm3, first.area_mm2), rel=CLOSE)
    exact = plate.z * (plate.x * plate.y - math.pi * plate.hole**2 / 4)
    assert first.volume_mm3 == pytest.approx(exact, rel=CLOSE)
    assert found.size_mm.z == pytest.approx(plate.z, abs=1e-3)
    assert [(round(hole.diameter_mm, 4), hole.through) for hole in found.solid.holes] == [(plate.hole, True)]
    assert found.HasField("sheet") == first.HasField("sheet")
    assert sheet_figures(found) == pytest.approx(sheet_figures(first), rel=1e-4, abs=1e-3)
    assert verdicts(found) == verdicts(first)


def dxf(plate: Plate, scale: float = 1.0, angle: float = 0.0, shift: tuple[float, float] = (0, 0), mirror: bool = False) -> bytes:
    document = new("R2010")
    document.units = 4  # millimetres

    def placed(x: float, y: float) -> tuple[float, float]:
        spot = complex(-x if mirror else x, y) * scale * complex(math.cos(math.radians(angle)), math.sin(math.radians(angle)))
        return spot.real + shift[0], spot.imag + shift[1]

    corners = [(0, 0), (plate.x, 0), (plate.x, plate.y), (0, plate.y)]
    document.modelspace().add_lwpolyline([placed(*corner) for corner in corners], close=True)
    document.modelspace().add_circle(placed(0.4 * plate.x, 0.45 * plate.y), plate.hole / 2 * scale)
    text = io.StringIO()
    document.write(text)
    return text.getvalue().encode()


@few
@given(plates(), degrees, st.tuples(*[st.integers(-500, 500)] * 2), st.booleans())
def test_a_drawing_keeps_its_cuts_when_it_is_moved_turned_or_mirrored(
    tmp_path: Path, plate: Plate, angle: int, shift: tuple[int, int], mirror: bool
) -> None:
    first = report_of_file(tmp_path / "a.dxf", dxf(plate))
    other = report_of_file(tmp_path / "a.dxf", dxf(plate, angle=angle, shift=shift, mirror=mirror))
    assert sheet_figures(other) == pytest.approx(sheet_figures(first), rel=1e-4, abs=1e-3)
    assert first.sheet.area_mm2 == pytest.approx(plate.x * plate.y - math.pi * plate.hole**2 / 4, rel=1e-4)
    assert first.sheet.smallest_hole_mm == pytest.approx(plate.hole, rel=1e-4)
    for name in ("parts", "duplicate_lines", "open_end_count", "crossings"):
        assert getattr(other.drawing, name) == getattr(first.drawing, name), name
    assert [contour.outer for contour in other.drawing.contours] == [contour.outer for contour in first.drawing.contours]
    assert verdicts(other) == verdicts(first)


@few
@given(plates(), st.sampled_from([0.5, 0.9, 1.25, 2.0, 3.0]))
def test_a_scaled_drawing_has_its_cut_scaled_and_its_area_squared(tmp_path: Path, plate: Plate, scale: float) -> None:
    first = report_of_file(tmp_path / "a.dxf", dxf(plate))
    scaled = report_of_file(tmp_path / "a.dxf", dxf(plate, scale))
    assert scaled.sheet.cut_length_mm == pytest.approx(first.sheet.cut_length_mm * scale, rel=1e-4)
    assert scaled.sheet.area_mm2 == pytest.approx(first.sheet.area_mm2 * scale**2, rel=1e-4)
    assert sides(scaled) == pytest.approx([side * scale for side in sides(first)], rel=1e-4)
    assert scaled.sheet.pierces == first.sheet.pierces == 2
