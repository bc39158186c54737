# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is found out about a mesh beyond its size: bodies and cavities, walls, ways to lie, flat stock, signature."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import manifold3d
import numpy as np
import pytest
from drawings import Triangles, ball, binary_stl, box, moved
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from commonfab import v1
from registry.geometry.boxes import hull_corners, turned_boxes
from registry.geometry.facets import facets_of
from registry.geometry.hull import FEW, hull_of
from registry.geometry.lies import lies
from registry.geometry.measure import measure
from registry.geometry.meshes import manifold
from registry.geometry.meshes.edges import edges_of, numbered
from registry.geometry.meshes.measuring import Labels, note_mesh
from registry.geometry.source import DERIVED_MESH
from registry.geometry.turning import matrix_of, rotation_laying


def report_of(mesh: Triangles, groups: np.ndarray | None = None) -> v1.GeometryReport:
    report = v1.GeometryReport()
    note_mesh(report, mesh, groups)
    return report


def codes(report: v1.GeometryReport) -> list[str]:
    return [warning.code for warning in report.warnings]


def mesh_of(solid: manifold3d.Manifold) -> Triangles:
    drawn = solid.to_mesh64()
    return np.asarray(drawn.vert_properties)[:, :3][np.asarray(drawn.tri_verts).astype(np.int64)]


def turned(mesh: Triangles, x: float, y: float, z: float) -> Triangles:
    return mesh @ matrix_of(v1.Rotation(x_deg=x, y_deg=y, z_deg=z)).T


def sizes(placements: object) -> list[tuple[float, float, float]]:
    return [(p.size_mm.x, p.size_mm.y, p.size_mm.z) for p in placements]  # type: ignore[attr-defined]


PIN = manifold3d.Manifold.cylinder(20, 3, 3, 32).translate([20, 15, -5])


def plate(x: float = 100, y: float = 60, thickness: float = 3) -> manifold3d.Manifold:
    """A plate with one round hole of 6 mm at (20, 15) and a square one of 10 mm."""
    window = manifold3d.Manifold.cube([10, 10, 20]).translate([60, 25, -5])
    return manifold3d.Manifold.cube([x, y, thickness]) - PIN - window


# Bodies.


def test_bodies_apart_are_counted_said_and_listed_the_largest_first() -> None:
    report = report_of(np.concatenate([box(10, 10, 10), moved(box(20, 20, 20), 50, 0, 0)]))
    assert report.bodies == 2 and report.mesh.touching_bodies == 0 and codes(report) == ["mesh.several_bodies"]
    assert [body.volume_mm3 for body in report.mesh.each_body] == pytest.approx([8000, 1000])
    assert [body.triangles for body in report.mesh.each_body] == [12, 12]


@pytest.mark.parametrize(
    ("first", "at"),
    [
        ((10, 10, 10), (10, 10, 10)),  # by a corner
        ((10, 10, 10), (10, 10, 0)),  # by an edge
        ((30, 30, 10), (5, 5, 10)),  # standing on it, no corner in common
        ((10, 10, 10), (5, 5, 5)),  # one into the other
        ((30, 30, 30), (5, 5, 5)),  # one in the other
    ],
)
def test_bodies_that_touch_or_intersect_are_counted(first: tuple[float, float, float], at: tuple[float, float, float]) -> None:
    report = report_of(np.concatenate([box(*first), moved(box(10, 10, 10), *at)]))
    assert (report.bodies, report.mesh.touching_bodies) == (2, 2)


def test_bodies_whose_boxes_meet_but_who_do_not_are_apart() -> None:
    report = report_of(np.concatenate([ball(10, 12), moved(ball(10, 12), 14.5, 14.5, 0)]))
    assert (report.bodies, report.mesh.touching_bodies) == (2, 0)


def test_objects_of_a_file_that_share_a_face_stay_two_and_keep_their_names() -> None:
    report = v1.GeometryReport()
    both = np.concatenate([box(10, 10, 10), moved(box(10, 10, 5), 10, 0, 0)])
    note_mesh(report, both, np.repeat([0, 1], 12), Labels(("block", "lid"), (1, 2)))
    assert (report.bodies, report.mesh.touching_bodies, report.mesh.objects, report.mesh.plates) == (2, 2, 2, 2)
    assert [(body.name, body.plate) for body in report.mesh.each_body] == [("block", 1), ("lid", 2)]


def test_a_hollow_inside_is_a_cavity_and_neither_a_body_nor_inside_out() -> None:
    hollow = np.concatenate([box(30, 30, 30), moved(box(10, 10, 10), 5, 5, 5)[:, ::-1]])
    report = report_of(hollow)
    assert (report.bodies, report.mesh.cavities) == (1, 1) and report.volume_mm3 == pytest.approx(26_000)
    assert not codes(report) and report.mesh.each_body[0].volume_mm3 == pytest.approx(26_000)
    loose = report_of(np.concatenate([hollow, moved(box(2, 2, 2), 8, 8, 8)]))
    assert (loose.bodies, loose.mesh.cavities, loose.mesh.touching_bodies) == (2, 1, 0)


def test_a_mesh_inside_out_is_turned_round_with_the_hollow_in_it(tmp_path: Path) -> None:
    hollow = np.concatenate([box(30, 30, 30), moved(box(10, 10, 10), 5, 5, 5)[:, ::-1]])
    (tmp_path / "part.stl").write_bytes(binary_stl(hollow[:, ::-1]))
    report = measure(tmp_path / "part.stl", "a" * 64, "", tmp_path).report
    assert report.mesh.inside_out and "mesh.inside_out" in codes(report) and report.volume_mm3 == pytest.approx(26_000)
    assert not report.mesh_sha256  # the file itself is not what a slicer shall get
    derived = measure(tmp_path / DERIVED_MESH, "b" * 64, "", tmp_path).report
    assert not derived.mesh.inside_out and derived.mesh_sha256 and derived.volume_mm3 == pytest.approx(26_000)


def test_of_two_bodies_only_the_one_inside_out_is_turned() -> None:
    right, wrong = box(10, 10, 10), moved(box(10, 10, 10), 20, 0, 0)[:, ::-1]
    report = v1.GeometryReport()
    mended = note_mesh(report, np.concatenate([right, wrong]))
    assert report.mesh.inside_out and report.volume_mm3 == pytest.approx(2000)
    assert (mended[:12] == right).all() and (mended[12:] == wrong[:, ::-1]).all()


def test_fragments_of_a_torn_surface_are_no_bodies_of_their_own() -> None:
    torn = box(10, 10, 10)[[0, 1, 4, 5, 8, 9, 10, 11, 2]]
    assert report_of(torn).bodies == 1 and report_of(torn).open_edges


# Edges and the manifold library.


@pytest.mark.parametrize(
    ("mesh", "verdict"), [(box(10, 20, 30), "NoError"), (box(10, 20, 30)[:-1], "NotManifold"), (ball(10, 20), "NoError")]
)
def test_the_manifold_librarys_verdict_is_told(mesh: Triangles, verdict: str) -> None:
    assert report_of(mesh).mesh.manifold_verdict == verdict


SPHERE = ball(10, 40)


@pytest.mark.parametrize(
    "mesh",
    [
        SPHERE,
        SPHERE[:-1],
        np.concatenate([SPHERE[:-1], SPHERE[-1:, ::-1]]),
        np.concatenate([SPHERE, SPHERE[:1]]),
        np.concatenate([SPHERE, box(10, 10, 10), moved(box(10, 10, 10), 10, 10, 0)]),
    ],
    ids=["sound", "open", "twisted", "a triangle twice", "two boxes that share an edge"],
)
def test_the_verdict_on_a_large_mesh_is_the_librarys_own(mesh: Triangles) -> None:
    edges = edges_of(facets_of(mesh))
    asked = manifold3d.Mesh(edges.corners.places.astype(np.float32), edges.corners.numbers[edges.shells >= 0].astype(np.uint32))
    assert len(mesh) > manifold.MOST_RUN
    assert manifold.verdict_of(edges) == manifold3d.Manifold(asked).status().name


def test_a_mesh_too_large_for_the_manifold_library_says_that_it_was_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifold, "MOST_TRIANGLES", 11)
    assert report_of(box(10, 10, 10)).mesh.manifold_verdict == manifold.NOT_RUN


def test_triangles_without_area_are_counted_and_open_nothing() -> None:
    mesh = np.concatenate([box(10, 10, 10), np.repeat(np.array([[[0.0, 0, 0]]]), 3, axis=1)])
    report = report_of(mesh)
    assert report.mesh.degenerate_triangles == 1 and report.watertight and not report.warnings


def test_edges_whose_triangles_disagree_are_counted() -> None:
    mesh = box(10, 10, 10)
    mesh[0] = mesh[0][::-1]
    report = report_of(mesh)
    assert report.mesh.inverted_edges == 3 and "mesh.winding" in codes(report) and not report.mesh.inside_out


def test_rows_are_numbered_as_sorting_them_would() -> None:
    rows = np.random.default_rng(3).integers(-2, 3, (3000, 3)).astype(np.float32).astype(np.float64)
    numbers, firsts = numbered(rows)
    assert (rows[firsts][numbers] == rows).all() and len(firsts) == len(np.unique(rows, axis=0))
    assert (np.diff(firsts) > 0).all()
    owners = np.arange(3000) % 2
    numbers, firsts = numbered(rows, owners)
    assert (owners[firsts][numbers] == owners).all() and len(firsts) == len(np.unique(np.column_stack([rows, owners]), axis=0))


# Walls.


def test_the_wall_of_a_plate_is_its_thickness() -> None:
    walls = report_of(turned(box(100, 60, 2), 20, 30, 40)).mesh.walls
    assert (walls.least_mm, walls.p05_mm, walls.median_mm) == pytest.approx((2, 2, 2), rel=1e-6)
    assert walls.rays == 2000 and walls.most_mm == pytest.approx(100)


def test_the_wall_of_a_ball_is_its_diameter_and_of_a_shell_its_shell() -> None:
    assert report_of(ball(25, 40)).mesh.walls.median_mm == pytest.approx(50, rel=0.01)
    shell = np.concatenate([ball(25, 40), ball(24, 40)[:, ::-1]])
    assert report_of(shell).mesh.walls.median_mm == pytest.approx(1, rel=0.02)


def test_a_thin_rib_shows_in_the_thinnest_walls() -> None:
    solid = manifold3d.Manifold.cube([50, 50, 20]) + manifold3d.Manifold.cube([50, 0.6, 10]).translate([0, 25, 20])
    walls = report_of(mesh_of(solid)).mesh.walls
    assert walls.p01_mm == pytest.approx(0.6) and walls.median_mm == pytest.approx(20)


# Ways to lie.


@given(st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda n: math.hypot(*n) > 0.1))
def test_a_rotation_lays_any_face_down(towards: tuple[float, float, float]) -> None:
    normal = np.array(towards) / math.hypot(*towards)
    assert matrix_of(rotation_laying(normal)) @ normal == pytest.approx([0, 0, -1], abs=1e-9)


def test_a_rotation_turns_about_x_then_y_then_z() -> None:
    assert matrix_of(v1.Rotation(x_deg=90, y_deg=90)) @ [0, 1, 0] == pytest.approx([1, 0, 0], abs=1e-12)
    assert matrix_of(v1.Rotation(x_deg=90, z_deg=90)) @ [0, 0, 1] == pytest.approx([1, 0, 0], abs=1e-12)


def test_a_block_may_lie_on_any_side_and_is_drawn_on_one() -> None:
    found = lies(box(20, 30, 40))
    assert [lie.as_drawn for lie in found] == [True] + [False] * 5
    assert [lie.base_area_mm2 for lie in found] == pytest.approx([600, 1200, 1200, 800, 800, 600])
    assert sorted(found[1].placements[0].size_mm.ListFields()[i][1] for i in range(3)) == pytest.approx([20, 30, 40])
    assert found[1].placements[0].size_mm.z == pytest.approx(20)
    assert all(lie.overhang_area_mm2 == pytest.approx(0, abs=1e-6) for lie in found)


def test_every_box_is_what_the_part_needs_when_it_is_turned_so() -> None:
    mesh = turned(mesh_of(plate()), 20, 30, 40)
    for lie in lies(mesh):
        for placement in lie.placements:
            needed = np.ptp((mesh.reshape(-1, 3) @ matrix_of(placement.turn).T), axis=0)
            assert sizes([placement])[0] == pytest.approx(tuple(needed), rel=1e-6)


def test_a_table_hangs_over_as_drawn_and_not_upside_down() -> None:
    legs = [manifold3d.Manifold.cube([5, 5, 30]).translate([x, y, 0]) for x in (0, 45) for y in (0, 45)]
    table = manifold3d.Manifold.cube([50, 50, 5]).translate([0, 0, 30])
    for leg in legs:
        table += leg
    found = lies(mesh_of(table))
    assert found[0].base_area_mm2 == pytest.approx(100) and found[0].overhang_area_mm2 == pytest.approx(2400)
    best = min(found, key=lambda lie: lie.overhang_area_mm2)
    assert best.overhang_area_mm2 == pytest.approx(0, abs=1e-6) and best.base_area_mm2 == pytest.approx(2500)


@pytest.mark.parametrize(("lean", "hangs"), [(44.0, False), (46.0, True)])
def test_a_wall_that_leans_more_than_45_degrees_hangs_over(lean: float, hangs: bool) -> None:
    shift = math.tan(math.radians(lean)) * 20
    mesh = box(20, 20, 20)
    mesh[..., 0] += mesh[..., 2] / 20 * shift
    assert (lies(mesh)[0].overhang_area_mm2 > 100) == hangs


def test_a_ball_has_no_flat_face_to_lie_on() -> None:
    report = report_of(ball(25, 40))
    assert len(report.lies) == 1 and sum(report.mesh.flat_base_areas_mm2) < 10


def test_a_strip_lies_across_a_small_bed_on_the_diagonal() -> None:
    across = [size for size in sizes(lies(box(200, 5, 3))[0].placements) if max(size[:2]) < 150]
    assert across


def test_the_hull_of_many_points_is_found_as_of_few() -> None:
    some = np.random.default_rng(5).normal(size=(FEW * 3, 3)) * (3, 2, 1)
    hull, few = hull_of(some), hull_of(some[np.unique(hull_corners_3d(some))])
    assert hull is not None and few is not None and hull.exact
    assert hull.volume == pytest.approx(few.volume, rel=1e-9)
    many = hull_of(ball(50, 100).reshape(-1, 3))
    assert many is not None and many.volume == pytest.approx(4 / 3 * math.pi * 50**3, rel=5e-3)
    assert hull_of(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]])) is None


def hull_corners_3d(points: Triangles) -> np.ndarray:
    corners: np.ndarray = ConvexHull(points).vertices
    return corners


def test_the_boxes_of_a_large_mesh_are_as_large_as_the_mesh() -> None:
    many = ball(50, 100)
    for x, y, _ in sizes(turned_boxes(many[..., :2].reshape(-1, 2), 100)):
        assert (x, y) == pytest.approx((100, 100), rel=1e-3)
    assert len(hull_corners(many[..., :2].reshape(-1, 2))) == 200


# Flat stock.


@pytest.mark.parametrize("angles", [(0, 0, 0), (90, 0, 0), (33, -51, 12)])
def test_a_flat_plate_is_sheet_however_it_lies(angles: tuple[float, float, float]) -> None:
    sheet = report_of(turned(mesh_of(plate()), *angles)).sheet
    assert sheet.thickness_mm == pytest.approx(3, rel=1e-6)
    assert (sheet.blank_mm.x, sheet.blank_mm.y, sheet.blank_mm.z) == pytest.approx((100, 60, 3), rel=1e-6)
    assert sheet.pierces == 3 and sheet.cut_length_mm == pytest.approx(320 + 40 + math.pi * 6, rel=1e-3)
    assert sheet.smallest_hole_mm == pytest.approx(6, rel=1e-6)
    assert sheet.area_mm2 == pytest.approx(6000 - 100 - math.pi * 9, rel=1e-3)
    assert sheet.narrowest_web_mm == pytest.approx(12, rel=1e-2)
    assert (sheet.blind_features, sheet.countersinks, sheet.least_inner_radius_mm) == (0, 0, 0)
    assert sheet.sharp_inner_corners == 4  # of the square cut-out; those of the outline point outwards
    assert sheet.placements


def test_pockets_and_countersinks_are_counted_and_leave_it_a_sheet() -> None:
    pocket = manifold3d.Manifold.cube([30, 20, 5]).translate([60, 2, 2])
    sink = manifold3d.Manifold.cylinder(2, 3, 5, 32).translate([20, 15, 1.5])
    sheet = report_of(mesh_of(plate() - pocket - sink)).sheet
    assert (sheet.blind_features, sheet.countersinks, sheet.pierces) == (1, 1, 3)
    assert sheet.thickness_mm == pytest.approx(3) and sheet.smallest_hole_mm == pytest.approx(6)
    bore = manifold3d.Manifold.cylinder(2, 5, 5, 32).translate([20, 15, 1.5])
    assert report_of(mesh_of(plate() - bore)).sheet.countersinks == 1


def test_the_smallest_inner_radius_of_an_outline_is_found() -> None:
    corner = manifold3d.CrossSection.square([20, 20]).translate([80, 40]).offset(4, manifold3d.JoinType.Round, circular_segments=64)
    notched = manifold3d.CrossSection.square([100, 60]) - corner
    sheet = report_of(mesh_of(notched.extrude(3))).sheet
    assert sheet.least_inner_radius_mm == pytest.approx(4, rel=0.02) and sheet.sharp_inner_corners == 0


@pytest.mark.parametrize(
    ("mesh", "flat"),
    [
        (box(40, 40, 10), True),
        (box(40, 39, 10), False),  # a quarter of its width is the limit
        (box(200, 200, 25), True),
        (box(200, 200, 25.1), False),
        (box(10, 10, 10), False),
        (ball(20, 20), False),
        (np.concatenate([moved(box(1, 1, 1), 2 * i, 2 * j, 0) for i in range(5) for j in range(5)]), False),
    ],
)
def test_what_is_too_thick_for_its_width_or_for_a_sheet_is_none(mesh: Triangles, flat: bool) -> None:
    assert report_of(mesh).HasField("sheet") == flat


def test_a_plate_with_a_boss_is_no_sheet_of_the_bosss_height() -> None:
    boss = manifold3d.Manifold.cube([100, 60, 3]) + manifold3d.Manifold.cube([40, 40, 8])
    assert not report_of(mesh_of(boss)).HasField("sheet")


def test_an_angle_bracket_is_not_flat() -> None:
    bracket = manifold3d.Manifold.cube([50, 30, 3]) + manifold3d.Manifold.cube([3, 30, 40])
    assert not report_of(mesh_of(bracket)).HasField("sheet")


# Signature.


def test_holes_through_are_counted_and_left_uncounted_where_the_surface_is_open() -> None:
    mesh = mesh_of(plate())
    assert report_of(mesh).signature.holes == 2
    assert report_of(mesh[:-1]).signature.holes == -1
    assert report_of(np.concatenate([mesh, moved(mesh, 0, 0, 50)])).signature.holes == 4


@settings(max_examples=25, deadline=None)
@given(st.tuples(*[st.floats(0, 360)] * 3), st.tuples(*[st.floats(-50, 50)] * 3), st.floats(0.1, 10))
def test_the_signature_is_free_of_place_turn_and_unit(
    angles: tuple[float, float, float], shift: tuple[float, float, float], scale: float
) -> None:
    mesh = mesh_of(plate())
    drawn, other = report_of(mesh).signature, report_of(turned(mesh, *angles) * scale + shift).signature
    assert other.fullness == pytest.approx(drawn.fullness, rel=1e-4) and other.holes == drawn.holes
    assert list(other.sides_mm) == pytest.approx([side * scale for side in drawn.sides_mm], rel=1e-4)
    assert other.measure == pytest.approx(drawn.measure * scale**3, rel=1e-6)
    assert other.boundary == pytest.approx(drawn.boundary * scale**2, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 360), st.tuples(*[st.floats(-50, 50)] * 3))
def test_turning_about_the_vertical_changes_neither_walls_nor_base_nor_overhang(angle: float, shift: tuple[float, float, float]) -> None:
    solid = manifold3d.Manifold.cube([60, 40, 20]) - manifold3d.Manifold.cube([30, 50, 10]).translate([15, -5, -1])
    mesh = mesh_of(solid)
    drawn, other = report_of(mesh), report_of(turned(mesh, 0, 0, angle) + shift)
    assert other.lies[0].base_area_mm2 == pytest.approx(drawn.lies[0].base_area_mm2, rel=1e-6)
    assert other.lies[0].overhang_area_mm2 == pytest.approx(drawn.lies[0].overhang_area_mm2, rel=1e-6)
    assert other.mesh.walls.median_mm == pytest.approx(drawn.mesh.walls.median_mm, rel=1e-4)
    assert other.size_mm.z == pytest.approx(drawn.size_mm.z) and other.mesh.hull_volume_mm3 == pytest.approx(drawn.mesh.hull_volume_mm3)
    best, least = other.mesh.smallest_upright_box.size_mm, drawn.mesh.smallest_upright_box.size_mm
    assert best.x * best.y == pytest.approx(least.x * least.y, rel=1e-4)


def test_without_facts_only_the_plain_figures_are_filled() -> None:
    report = v1.GeometryReport()
    note_mesh(report, box(10, 20, 3), facts=False)
    assert report.volume_mm3 == pytest.approx(600) and report.watertight and report.bodies == 1
    assert not report.lies and not report.HasField("sheet") and not report.HasField("signature") and not report.mesh.manifold_verdict


# Real files.


@pytest.mark.slow
def test_volumes_of_sound_files_are_what_other_readers_say(corpus: Path, tmp_path: Path) -> None:
    with (corpus / "measured.csv").open(newline="", encoding="utf-8") as table:
        rows = [
            row for row in csv.DictReader(table) if row["path"].lower().endswith((".stl", ".ply", ".off")) and row["is_volume"] == "True"
        ]
    compared = 0
    for row in rows:
        report = measure(corpus / row["path"], row["sha256"], "", tmp_path).report
        theirs = abs(float(row["volume_mm3"]))
        if not report.faults and theirs > 0.01:  # the table keeps four decimals
            compared += 1
            assert report.volume_mm3 == pytest.approx(theirs, rel=5e-3), row["path"]
            assert report.mesh.manifold_verdict == row["manifold3d"], row["path"]
    assert compared > 15
