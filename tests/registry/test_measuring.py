# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is measured of real files, through the sandbox as the worker does it."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable
from pathlib import Path

import lib3mf
import numpy as np
import pytest
from drawings import ascii_stl, ball, binary_stl, box, moved, write_3mf, write_step, write_zip_bomb
from hypothesis import given, settings
from hypothesis import strategies as st

from commonfab import v1
from registry.geometry.meshes.measuring import note_mesh
from registry.geometry.meshes.stl import read_binary
from registry.geometry.sandbox import Sandbox
from registry.makeability import judge

Measure = Callable[..., v1.GeometryReport]


@pytest.fixture
def measure(sandbox: Sandbox, tmp_path: Path) -> Measure:
    """Measures bytes or a file; keeps the derived mesh as derived.stl in the test's folder."""

    def measured(what: bytes | Path, unit: str = "") -> v1.GeometryReport:
        path = what if isinstance(what, Path) else tmp_path / "part"
        if isinstance(what, bytes):
            path.write_bytes(what)
        with sandbox.measure(path, "a" * 64, unit) as found:
            if found.derived_mesh is not None:
                (tmp_path / "derived.stl").write_bytes(found.derived_mesh.read_bytes())
            return found.report

    return measured


def codes(reasons: object) -> list[str]:
    return [reason.code for reason in reasons]  # type: ignore[attr-defined]


def size(report: v1.GeometryReport) -> tuple[float, float, float]:
    return report.size_mm.x, report.size_mm.y, report.size_mm.z


def fdm(report: v1.GeometryReport, **demands: object) -> v1.Makeability:
    return next(m for m in judge(report, v1.Demands(**demands)) if m.process == "fdm")  # type: ignore[arg-type]


@pytest.mark.parametrize("written", [binary_stl, ascii_stl, lambda mesh: binary_stl(mesh, b"solid but binary")])
def test_a_box_is_as_large_as_it_was_drawn(measure: Measure, written: Callable[..., bytes]) -> None:
    report = measure(written(box(20, 30, 40)))
    assert size(report) == pytest.approx((20, 30, 40))
    assert report.volume_mm3 == pytest.approx(24_000) and report.area_mm2 == pytest.approx(5200)
    assert (report.triangles, report.bodies, report.watertight, report.open_edges) == (12, 1, True, 0)
    assert report.unit_certainty == v1.UNIT_CERTAINTY_PLAUSIBLE
    assert report.mesh_sha256 == report.sha256 and not report.faults
    assert fdm(report).verdict == v1.VERDICT_FEASIBLE


def test_several_ascii_solids_in_one_file_are_one_part(measure: Measure) -> None:
    report = measure(ascii_stl(box(20, 20, 20)) + ascii_stl(moved(box(20, 20, 20), 50, 0, 0)))
    assert report.bodies == 2 and size(report) == pytest.approx((70, 20, 20))


def test_a_3mf_in_inches_is_measured_in_millimetres(measure: Measure, tmp_path: Path) -> None:
    write_3mf(tmp_path / "a.3mf", box(1, 2, 3), lib3mf.ModelUnit.Inch)
    report = measure(tmp_path / "a.3mf")
    assert report.unit == "inch" and report.unit_certainty == v1.UNIT_CERTAINTY_DECLARED
    assert size(report) == pytest.approx((25.4, 50.8, 76.2))
    assert not report.mesh_sha256
    derived = measure(tmp_path / "derived.stl")
    assert derived.format == v1.FILE_FORMAT_STL_BINARY and size(derived) == pytest.approx(size(report))


def test_a_3mf_is_measured_as_it_shall_be_built(measure: Measure, tmp_path: Path) -> None:
    write_3mf(tmp_path / "a.3mf", box(10, 10, 10), places=((0, 0, 0), (10, 0, 0), (50, 0, 5)))
    report = measure(tmp_path / "a.3mf")
    assert size(report) == pytest.approx((60, 10, 15))
    # The first two touch along a whole face, and are two things all the same.
    assert report.bodies == 3 and report.watertight and report.volume_mm3 == pytest.approx(3000)


@pytest.mark.parametrize(("unit", "named"), [("MM", "mm"), ("INCH", "inch"), ("M", "m")])
def test_a_step_solid_is_measured_exactly(measure: Measure, tmp_path: Path, unit: str, named: str) -> None:
    write_step(tmp_path / "a.step", 20, 30, 40, unit)
    report = measure(tmp_path / "a.step")
    assert report.format == v1.FILE_FORMAT_STEP and report.unit == named and report.solids == 1
    assert size(report) == pytest.approx((20, 30, 40), abs=1e-6)
    assert report.volume_mm3 == pytest.approx(20 * 30 * 40 - math.pi * 5**2 * 40)
    assert report.watertight and not report.warnings
    derived = measure(tmp_path / "derived.stl")
    assert derived.watertight and derived.volume_mm3 == pytest.approx(report.volume_mm3, rel=0.01)
    assert fdm(report).verdict == v1.VERDICT_FEASIBLE


def test_the_makers_unit_scales_a_file_that_names_none(measure: Measure, tmp_path: Path) -> None:
    report = measure(binary_stl(box(1, 2, 3)), "inch")
    assert report.unit == "inch" and report.unit_certainty == v1.UNIT_CERTAINTY_DECLARED
    assert size(report) == pytest.approx((25.4, 50.8, 76.2)) and not report.mesh_sha256
    assert size(measure(tmp_path / "derived.stl")) == pytest.approx(size(report))


def test_a_file_that_names_its_unit_is_believed_and_the_maker_is_told(measure: Measure, tmp_path: Path) -> None:
    write_3mf(tmp_path / "a.3mf", box(10, 20, 30))
    report = measure(tmp_path / "a.3mf", "inch")
    assert size(report) == pytest.approx((10, 20, 30)) and codes(report.warnings) == ["units.differs"]


def test_the_unit_of_a_part_at_a_limit_does_not_hang_on_the_rounding_of_32_bit_numbers(measure: Measure) -> None:
    thin = box(5, 2, 0.35)
    assert float(np.float32(0.35)) < 0.35
    for file in (binary_stl(thin), ascii_stl(thin), binary_stl(moved(thin, 0, 0, 7.1))):
        assert measure(file).unit_certainty == v1.UNIT_CERTAINTY_PLAUSIBLE
    assert measure(binary_stl(box(50, 50, 0.34))).unit_certainty == v1.UNIT_CERTAINTY_SUSPECT


@pytest.mark.parametrize(
    ("side", "code"), [(0.05, "units.suspect_metre"), (4.9, "units.suspect_inch"), (2001, "units.unknown"), (50_000, "units.unknown")]
)
def test_an_unlikely_size_is_asked_about_and_never_rescaled(measure: Measure, side: float, code: str) -> None:
    report = measure(binary_stl(box(side, side, side)))
    assert report.unit_certainty == v1.UNIT_CERTAINTY_SUSPECT
    assert size(report) == pytest.approx((side,) * 3)
    factors = {reading.unit: reading.size_mm.x / report.size_mm.x for reading in report.unit_readings}
    everyday = {unit: factor for unit, factor in {"cm": 10, "m": 1000, "inch": 25.4}.items() if 3 <= side * factor <= 2000}
    assert factors == pytest.approx({"mm": 1, **everyday})
    verdict = fdm(report)
    assert verdict.verdict == v1.VERDICT_ASK and code in codes(verdict.reasons)


@pytest.mark.parametrize("side", [5, 2000])
def test_an_everyday_size_is_not_asked_about(measure: Measure, side: float) -> None:
    assert measure(binary_stl(box(side, side, side))).unit_certainty == v1.UNIT_CERTAINTY_PLAUSIBLE


def test_open_edges_are_counted_and_asked_about(measure: Measure) -> None:
    report = measure(binary_stl(box(20, 20, 20)[:-1]))
    assert not report.watertight and report.open_edges == 3
    verdict = fdm(report)
    assert verdict.verdict == v1.VERDICT_ASK and codes(verdict.reasons) == ["mesh.open_edges"]
    assert verdict.reasons[0].figures[0].value == 3


def test_a_sheet_without_thickness_cannot_be_made(measure: Measure) -> None:
    report = measure(binary_stl(box(20, 20, 20)[:2]))
    assert report.volume_mm3 == 0
    verdict = fdm(report)
    assert verdict.verdict == v1.VERDICT_INFEASIBLE and codes(verdict.reasons) == ["mesh.no_volume"]
    assert not verdict.HasField("requirement") and not verdict.HasField("estimate")


def test_edges_of_more_than_two_triangles_are_told(measure: Measure) -> None:
    report = measure(binary_stl(np.concatenate([box(10, 10, 10), moved(box(10, 10, 10), 10, 10, 0)])))
    assert report.non_manifold_edges == 1 and report.open_edges == 0 and not report.watertight
    assert fdm(report).verdict == v1.VERDICT_FEASIBLE


def test_triangles_that_disagree_about_outside_are_asked_about(measure: Measure) -> None:
    mesh = box(10, 10, 10)
    mesh[0] = mesh[0][::-1]
    report = measure(binary_stl(mesh))
    assert "mesh.winding" in codes(report.warnings) and fdm(report).verdict == v1.VERDICT_ASK


def test_a_mesh_that_is_inside_out_has_the_same_volume(measure: Measure) -> None:
    report = measure(binary_stl(box(10, 10, 10)[:, ::-1]))
    assert report.volume_mm3 == pytest.approx(1000) and "mesh.inside_out" in codes(report.warnings)


def test_corners_that_differ_by_rounding_only_are_one_corner(measure: Measure) -> None:
    mesh = box(10, 10, 10)
    mesh[3] += 1e-6
    assert measure(binary_stl(mesh)).watertight
    mesh[3] += 1e-2  # but a gap is a gap
    assert not measure(binary_stl(mesh)).watertight


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file.empty"),
        (binary_stl(ball(10, 6))[:500], "file.truncated"),
        (b"this is not a drawing", "file.text"),
        (binary_stl(np.empty((0, 3, 3))), "mesh.empty"),
        (b"solid nothing\nendsolid nothing\n", "mesh.empty"),
        (ascii_stl(box(1, 1, 1)).replace(b"vertex 0", b"vertex x", 1), "file.unreadable"),
        (binary_stl(np.concatenate([box(10, 10, 10), np.full((1, 3, 3), np.nan)])), "mesh.numbers"),
        (binary_stl(np.concatenate([box(10, 10, 10), np.full((1, 3, 3), 1e30)])), "mesh.numbers"),
        (b"ISO-10303-21;\nnonsense\nEND-ISO-10303-21;\n", "file.unreadable"),
    ],
)
def test_a_faulty_file_has_a_report_that_says_why_it_cannot_be_made(measure: Measure, content: bytes, code: str) -> None:
    report = measure(content)
    assert codes(report.faults) == [code] and not report.mesh_sha256
    verdict = fdm(report)
    assert verdict.verdict == v1.VERDICT_INFEASIBLE and codes(verdict.reasons) == [code]


def test_a_zip_bomb_is_refused_from_its_directory(measure: Measure, tmp_path: Path) -> None:
    write_zip_bomb(tmp_path / "bomb.3mf", 500)
    assert (tmp_path / "bomb.3mf").stat().st_size < 1024 * 1024
    report = measure(tmp_path / "bomb.3mf")
    assert codes(report.faults) == ["file.zip_ratio"] and "524288008 bytes" in report.faults[0].message


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_that_names_its_model_twice_is_refused(measure: Measure, tmp_path: Path) -> None:
    write_3mf(tmp_path / "a.3mf", box(1, 2, 3))
    with zipfile.ZipFile(tmp_path / "a.3mf", "a") as archive:
        archive.writestr("3D/3DMODEL.model", "<another/>")
    assert codes(measure(tmp_path / "a.3mf").faults) == ["file.zip_names"]


def test_a_damaged_3mf_is_told_in_the_readers_words(measure: Measure, tmp_path: Path) -> None:
    write_3mf(tmp_path / "a.3mf", box(1, 2, 3))
    with zipfile.ZipFile(tmp_path / "a.3mf") as good, zipfile.ZipFile(tmp_path / "b.3mf", "w") as bad:
        for name in good.namelist():
            bad.writestr(name, good.read(name).replace(b"</mesh>", b"</mash>"))
    report = measure(tmp_path / "b.3mf")
    assert codes(report.faults) == ["file.unreadable"] and report.faults[0].subject


def _turn(a: float, b: float, c: float, d: float) -> np.ndarray:
    """The rotation of the quaternion (a, b, c, d)."""
    a, b, c, d = np.array([a, b, c, d]) / math.hypot(a, b, c, d)
    return np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a - b * b + c * c - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a - b * b - c * c + d * d],
        ]
    )


sides = st.floats(1, 100)
turns = st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: math.hypot(*q) > 0.1)


@settings(max_examples=60, deadline=None)
@given(st.tuples(sides, sides, sides), turns, st.tuples(*[st.floats(-200, 200)] * 3), st.floats(0.1, 10))
def test_moving_turning_and_scaling_change_a_mesh_as_geometry_says(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: tuple[float, float, float],
    turn: tuple[float, float, float, float],
    shift: tuple[float, float, float],
    scale: float,
) -> None:
    placed = box(*drawn) @ _turn(*turn).T * scale + shift
    path = tmp_path_factory.mktemp("stl") / "part.stl"
    path.write_bytes(binary_stl(placed))
    report = v1.GeometryReport()
    note_mesh(report, read_binary(path).triangles)
    x, y, z = (side * scale for side in drawn)
    rounding = 1e-4 * (1 + max(map(abs, shift)) / min(x, y, z))  # coordinates are 32-bit numbers
    assert report.volume_mm3 == pytest.approx(x * y * z, rel=rounding)
    assert report.area_mm2 == pytest.approx(2 * (x * y + y * z + z * x), rel=rounding)
    assert size(report) == pytest.approx(tuple(np.ptp(placed.reshape(-1, 3), axis=0)), rel=rounding)
    assert report.watertight and report.bodies == 1 and not report.warnings
