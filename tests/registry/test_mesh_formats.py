# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every mesh format is read as it is written in the wild, and what is wrong with it is said and not swallowed."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from drawings import Triangles, ascii_stl, ball, binary_stl, box, moved
from hypothesis import given
from hypothesis import strategies as st

from commonfab import v1
from registry.geometry.faults import Unmeasurable
from registry.geometry.meshes.drawn import Drawn
from registry.geometry.meshes.objects import standing
from registry.geometry.meshes.reading import read
from registry.geometry.source import Source

Read = Callable[..., Drawn]

STL, STL_ASCII, OBJ, PLY = v1.FILE_FORMAT_STL_BINARY, v1.FILE_FORMAT_STL_ASCII, v1.FILE_FORMAT_OBJ, v1.FILE_FORMAT_PLY
OFF, AMF = v1.FILE_FORMAT_OFF, v1.FILE_FORMAT_AMF

CUBE_CORNERS = [(i & 1, i >> 1 & 1, i >> 2) for i in range(8)]
CUBE_FACES = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]


@pytest.fixture
def reading(tmp_path: Path) -> Read:
    """Reads bytes as a file of a format."""

    def read_it(data: bytes | str, format: v1.FileFormat.ValueType) -> Drawn:
        path = tmp_path / "part"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return read(Source(path, format, "", tmp_path))

    return read_it


def refused(reading: Read, data: bytes | str, format: v1.FileFormat.ValueType) -> v1.Reason:
    with pytest.raises(Unmeasurable) as caught:
        reading(data, format)
    return caught.value.reason


def size(drawn: Drawn) -> list[float]:
    sides: list[float] = np.ptp(drawn.triangles.reshape(-1, 3), axis=0).tolist()
    return sides


def volume(triangles: Triangles) -> float:
    return float(np.einsum("ij,ij->", triangles[:, 0], np.cross(triangles[:, 1], triangles[:, 2])) / 6)


def obj(corners: list[tuple[float, ...]] = CUBE_CORNERS, faces: list[tuple[int, ...]] = CUBE_FACES, corner: str = "{0}") -> str:  # type: ignore[assignment]
    lines = [f"v {' '.join(map(str, place))}" for place in corners]
    return "\n".join(lines + ["f " + " ".join(corner.format(number + 1) for number in face) for face in faces]) + "\n"


def off(corners: list[tuple[float, ...]] = CUBE_CORNERS, faces: list[tuple[int, ...]] = CUBE_FACES, header: str = "OFF") -> str:  # type: ignore[assignment]
    lines = [header, f"{len(corners)} {len(faces)} 0", *(" ".join(map(str, place)) for place in corners)]
    return "\n".join(lines + [f"{len(face)} {' '.join(map(str, face))}" for face in faces]) + "\n"


def ply(order: str, faces: list[tuple[int, ...]] = CUBE_FACES, counted: str = "uchar", extra: bool = False) -> bytes:  # type: ignore[assignment]
    letters = {"uchar": "B", "ushort": "H", "int": "i", "uint8": "B"}
    header = f"ply\nformat {order} 1.0\ncomment of a test\nelement vertex 8\nproperty float x\nproperty double y\nproperty float z\n"
    header += (
        f"element face {len(faces)}\n"
        + ("property uchar red\n" if extra else "")
        + f"property list {counted} int vertex_indices\nend_header\n"
    )
    if order == "ascii":
        rows = [" ".join(map(str, place)) for place in CUBE_CORNERS]
        return (header + "\n".join(rows + [("7 " if extra else "") + " ".join(map(str, (len(f), *f))) for f in faces]) + "\n").encode()
    sign = "<" if order == "binary_little_endian" else ">"
    body = b"".join(struct.pack(sign + "fdf", *place) for place in CUBE_CORNERS)
    body += b"".join((b"\7" if extra else b"") + struct.pack(f"{sign}{letters[counted]}{len(f)}i", len(f), *f) for f in faces)
    return header.encode() + body


MIXED = [(0, 2, 3), (0, 3, 1), *CUBE_FACES[1:]]


# --- corners and faces -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["ascii", "binary_little_endian", "binary_big_endian"])
@pytest.mark.parametrize(("faces", "counted", "extra"), [(CUBE_FACES, "uchar", False), (MIXED, "int", False), (MIXED, "ushort", True)])
def test_a_ply_cube_is_a_cube_in_every_order_and_with_lists_of_any_length(
    reading: Read, order: str, faces: list[tuple[int, ...]], counted: str, extra: bool
) -> None:
    drawn = reading(ply(order, faces, counted, extra), PLY)
    assert len(drawn.triangles) == 12 and volume(drawn.triangles) == pytest.approx(1)


def test_a_ply_strip_is_taken_apart_and_keeps_its_winding(reading: Read) -> None:
    header = "ply\nformat ascii 1.0\nelement vertex 5\nproperty float x\nproperty float y\nproperty float z\nelement tristrips 1\n"
    drawn = reading(
        header + "property list int int vertex_indices\nend_header\n0 0 0\n1 0 0\n0 1 0\n1 1 0\n2 2 0\n8 0 1 2 3 -1 1 4 3\n", PLY
    )
    assert len(drawn.triangles) == 3
    assert (np.cross(drawn.triangles[:, 1] - drawn.triangles[:, 0], drawn.triangles[:, 2] - drawn.triangles[:, 0])[:, 2] > 0).all()


@pytest.mark.parametrize("corner", ["{0}", "{0}/{0}", "{0}//{0}", "{0}/{0}/{0}", "{0}/"])
def test_an_obj_cube_is_a_cube_however_its_corners_are_written(reading: Read, corner: str) -> None:
    drawn = reading(obj(corner=corner), OBJ)
    assert len(drawn.triangles) == 12 and volume(drawn.triangles) == pytest.approx(1) and drawn.unit == ""


def test_obj_corners_with_and_without_textures_may_stand_in_one_file(reading: Read) -> None:
    drawn = reading(obj([(0, 0, 0), (4, 0, 0), (0, 4, 0), (0, 0, 4)], []) + "f 1 2 3\nf 1/1/1 2/1/1 4/1/1\nf 2/3 3 4//7\n", OBJ)
    assert drawn.triangles[2].tolist() == [[4, 0, 0], [0, 4, 0], [0, 0, 4]]


def test_obj_corners_may_be_counted_backwards_and_lines_continued(reading: Read) -> None:
    drawn = reading("\tv 0 0 0\r\nv 1 0 0 0.5 0.5 0.5\r\nv 0 1 \\\r\n 0\r\nf -3 -2 -1 # a face\r\nv 9 9 9\r\nf -2 \\\r\n-3 -4\r\n", OBJ)
    assert drawn.triangles.tolist() == [[[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 0], [1, 0, 0], [0, 0, 0]]]


def test_an_obj_in_utf_16_is_read(reading: Read) -> None:
    assert len(reading(b"\xfe\xff" + obj().encode("utf-16-be"), OBJ).triangles) == 12


@pytest.mark.parametrize("header", ["OFF", "COFF", "# made by a test\nOFF"])
def test_an_off_cube_is_a_cube_with_colours_and_comments(reading: Read, header: str) -> None:
    text = off(header=header).replace("\n4 ", "\n\n4 ").replace(" 6\n", " 6 255 0 0 # red\n")
    drawn = reading(text, OFF)
    assert len(drawn.triangles) == 12 and volume(drawn.triangles) == pytest.approx(1)


@pytest.mark.parametrize("kind", ["obj", "off"])
def test_a_concave_face_is_filled_and_not_fanned(reading: Read, kind: str) -> None:
    # An L of area 3 and an arrowhead whose inward corner is not its first, both tilted out of every plane of the axes.
    tilt = np.linalg.qr(np.array([[1.0, 2, 3], [0, 1, 4], [5, 6, 0]]))[0]
    flat = [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2), (5, 0), (8, 2), (5, 4), (6, 2)]
    corners = [tuple((np.array([x, y, 0.0]) @ tilt).tolist()) for x, y in flat]
    faces = [(0, 1, 2, 3, 4, 5), (6, 7, 8, 9)]
    drawn = reading(obj(corners, faces), OBJ) if kind == "obj" else reading(off(corners, faces), OFF)
    areas = (
        np.linalg.norm(np.cross(drawn.triangles[:, 1] - drawn.triangles[:, 0], drawn.triangles[:, 2] - drawn.triangles[:, 0]), axis=1) / 2
    )
    assert len(drawn.triangles) == 6
    assert areas[:4].sum() == pytest.approx(3) and areas[4:].sum() == pytest.approx(4)


# --- what is wrong is said ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "format", "said"),
    [
        (obj(faces=[(0, 1, 8)]), OBJ, "line 9: a face names corner 9 of 8"),
        (obj(faces=[(-1, 1, 2)]), OBJ, "line 9: a face names corner 0 of 8"),
        (obj().replace("v 1 1 1", "v 1 1 one"), OBJ, 'line 8: a corner with "one"'),
        (obj().replace("v 1 1 1", "v 1 1 nan"), OBJ, "corner 8 lies at no number"),
        (obj().replace("v 1 1 1", "v 1 1 -inf"), OBJ, "line 8: a corner"),
        (obj().replace("v 1 1 1", "v 1 1"), OBJ, "line 8: a corner with 2 numbers where 3 are needed"),
        (obj() + "f 1 2\n", OBJ, "line 15: a face with 2 numbers"),
        (obj() + "f 1 2 2.5\n", OBJ, "corner number 2.5 is not a whole number"),
        (off(faces=[(0, 1, 8)]), OFF, "face 1 names corner 8, counted from 0, of 8"),
        (off().replace("8 6 0", "9999999999 6 0"), OFF, "9999999999 corners and 6 faces and has 14 lines"),
        (off().replace("8 6 0", "-8 6 0"), OFF, "announces -8 corners"),
        (off().replace("4 0 2 3 1", "5 0 2 3 1"), OFF, "line 11: a face of 5 corners that names 4"),
        (off().replace("4 0 2 3 1", "-4 0 2 3 1"), OFF, "line 11: a face of -4 corners"),
        (ply("ascii", [(0, 1, 8)]), PLY, "face 1 names corner 8, counted from 0, of 8"),
        (ply("binary_little_endian")[:-2], PLY, "announces 6 rows of face"),
        (ply("binary_little_endian", MIXED)[:-2], PLY, "announces 7 rows of face and breaks off in row 7"),
        (ply("binary_big_endian", MIXED[:1], "int").replace(b"\0\0\0\3", b"\xff\xff\xff\xfd"), PLY, "-3 entries"),
        (ply("ascii").replace(b"element vertex 8", b"element vertex 99999999999"), PLY, "99999999999 rows of vertex"),
        (ply("ascii").replace(b"element vertex 8", b"element vertex -8"), PLY, "line 4"),
        (ply("ascii").replace(b"1 1 1\n", b"1 1 x\n"), PLY, '"x" where a number is due'),
        (ply("ascii") + b"1 2 3\n", PLY, "3 numbers more than its header announces"),
        (ply("ascii").replace(b"end_header", b""), PLY, "end_header"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(reading: Read, data: bytes | str, format: v1.FileFormat.ValueType, said: str) -> None:
    reason = refused(reading, data, format)
    assert reason.code == "file.unreadable" and said in reason.message


@pytest.mark.parametrize(
    ("data", "format"),
    [
        (obj(faces=[]) + "l 1 2\np 3\n", OBJ),
        (off(faces=[]), OFF),
        (ply("ascii", []), PLY),
        (ply("binary_little_endian", []), PLY),
        (b"solid nothing\nendsolid nothing\n", STL_ASCII),
        (binary_stl(box(1, 1, 1)[:0]), STL),
        ("<amf><object id='1'><mesh><vertices/><volume/></mesh></object></amf>", AMF),
    ],
)
def test_a_file_without_triangles_is_never_a_success(reading: Read, data: bytes | str, format: v1.FileFormat.ValueType) -> None:
    assert refused(reading, data, format).code == "mesh.empty"


def test_points_and_lines_beside_faces_are_left_out_and_counted(reading: Read) -> None:
    drawn = reading(obj() + "l 1 2\nl 2 3\n", OBJ)
    assert [r.code for r in drawn.remarks] == ["mesh.left_out"] and drawn.remarks[0].figures[0].value == 2


def test_ply_rows_that_are_longer_than_announced_are_read_and_remarked(reading: Read) -> None:
    text = ply("ascii").decode().replace("\n4 ", "\n4 ").splitlines()
    longer = [line + " 9 1 1" if line.startswith("4 ") else line for line in text]
    drawn = reading("\n".join(longer) + "\n", PLY)
    assert volume(drawn.triangles) == pytest.approx(1) and [r.code for r in drawn.remarks] == ["file.sloppy"]


@pytest.mark.parametrize(
    ("data", "format"),
    [(obj() + "cstype bspline\nsurf 0 1 0 1 1 2 3 4\n", OBJ), (off(header="OFF BINARY"), OFF), (off(header="4OFF"), OFF)],
)
def test_what_cannot_be_read_yet_is_named(reading: Read, data: str, format: v1.FileFormat.ValueType) -> None:
    assert refused(reading, data, format).code == "file.unsupported"


# --- objects -----------------------------------------------------------------------------------------------------------------------------


def test_closed_obj_groups_are_objects_and_patches_are_one(reading: Read) -> None:
    def named(name: str, first: int) -> str:
        faces = [tuple(number + first for number in face) for face in CUBE_FACES]
        return f"o {name}\n" + obj([(x + first, y, z) for x, y, z in CUBE_CORNERS], faces)

    two = reading(named("left", 0) + named("right", 8), OBJ)
    assert two.names == ("left", "right") and two.groups is not None and np.bincount(two.groups).tolist() == [12, 12]
    text = obj()
    patches = reading(text.replace("f 1 2 6 5", "g sides\nf 1 2 6 5"), OBJ)
    assert patches.groups is not None and set(patches.groups.tolist()) == {0} and len(patches.names) == 1


@given(st.permutations(range(36)), st.integers(0, 35))
def test_a_closed_surface_is_told_from_an_open_one_in_any_order(order: list[int], missing: int) -> None:
    mesh = np.concatenate([box(1, 2, 3), moved(box(0.1, 0.7, 3), 0.3, 5, 0), moved(box(1, 1, 1), 9, 9, 9)])[order]
    owner = (np.arange(36) // 12)[order]
    groups, _ = standing(mesh, owner, ["a", "b", "c"])
    assert len(set(groups.tolist())) == 3
    kept = np.arange(36) != missing
    other = (owner[missing] + 1) % 3
    patched = np.where(owner == other, owner[missing], owner)  # two of the boxes in one group, open by one triangle
    groups, names = standing(mesh[kept], patched[kept], ["a", "b", "c"])
    assert len(set(groups.tolist())) == 2 and len(names) == 2


# --- STL ---------------------------------------------------------------------------------------------------------------------------------


def test_ascii_stl_solids_keep_their_names(reading: Read) -> None:
    two = ascii_stl(box(1, 1, 1)).replace(b"solid test", b"solid Left facet") + ascii_stl(moved(box(1, 1, 1), 3, 0, 0))
    drawn = reading(two, STL_ASCII)
    assert drawn.names == ("Left facet", "test") and len(drawn.triangles) == 24


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.upper(),
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b"\r"),
        lambda text: text.replace(b"facet normal 0 0 0", b"facet"),
        lambda text: text.replace(b"normal 0 0 0", b"normal -nan(ind) -1.#IND 0"),
        lambda text: text.replace(b"solid test\nfacet", b"solid test\nmade by a program\nfacet", 1),
        lambda text: text.replace(b"endloop", b"endloop # ends").replace(b"solid test", b"# a comment\nsolid test", 1),
        lambda text: text.replace(b"\n", b" ").replace(b"solid test ", b"solid test\n").replace(b" endsolid", b"\nendsolid"),
    ],
)
def test_an_ascii_stl_is_read_however_oddly_it_is_written(reading: Read, change: Callable[[bytes], bytes]) -> None:
    drawn = reading(change(ascii_stl(box(2, 3, 4))), STL_ASCII)
    assert len(drawn.triangles) == 12 and volume(drawn.triangles) == pytest.approx(24)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b" endloop\n", b"", "line 7: a facet ends without a loop"),
        (b"endfacet\n", b"", "line 8: a facet begins within a facet"),
        (b"  vertex 0.000000000e+00 0.000000000e+00 0.000000000e+00\n", b"", "line 6: a facet with 2 corners"),
        (b"vertex 0.0", b"vertex zero 0.0", "line 4: a corner with something else than a number"),
        (b"endfacet\n", b"endfacet\nvertx 1 2 3\n", 'line 9: "vertx" is no word of STL'),
    ],
)
def test_what_is_wrong_with_an_ascii_stl_is_said_with_its_line(reading: Read, old: bytes, new: bytes, said: str) -> None:
    reason = refused(reading, ascii_stl(box(1, 1, 1)).replace(old, new, 1), STL_ASCII)
    assert reason.code == "file.unreadable" and said in reason.message


def test_a_large_ascii_stl_is_read_in_blocks_and_to_the_last_triangle(reading: Read) -> None:
    mesh = ball(10, 120)
    text = ascii_stl(mesh)
    assert len(text) > 9_000_000
    assert np.allclose(reading(text, STL_ASCII).triangles, mesh)


def test_a_binary_stl_that_lacks_triangles_is_refused_with_how_many(reading: Read) -> None:
    reason = refused(reading, binary_stl(box(1, 1, 1))[:-60], STL)
    assert reason.code == "file.truncated" and {f.name: f.value for f in reason.figures}["missing"] == 2
