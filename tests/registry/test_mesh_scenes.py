# SPDX-License-Identifier: AGPL-3.0-or-later
"""Mesh formats that place objects and tell more than triangles: AMF, GLB and 3MF."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lib3mf
import numpy as np
import pytest
from drawings import Triangles, box, write_3mf

from commonfab import v1
from registry.geometry.faults import Unmeasurable
from registry.geometry.meshes.drawn import Drawn
from registry.geometry.meshes.reading import read
from registry.geometry.source import Source

Read = Callable[..., Drawn]
AMF, GLB, THREEMF = v1.FILE_FORMAT_AMF, v1.FILE_FORMAT_GLB, v1.FILE_FORMAT_3MF

CORNERS, SIDES = (part for part in np.unique(box(1, 2, 3).reshape(-1, 3), axis=0, return_inverse=True))
SIDES = SIDES.reshape(-1, 3)


@pytest.fixture
def reading(tmp_path: Path) -> Read:
    """Reads bytes, or a file, as a file of a format."""

    def read_it(data: bytes | str | Path, format: v1.FileFormat.ValueType) -> Drawn:
        path = data if isinstance(data, Path) else tmp_path / "part"
        if not isinstance(data, Path):
            path.write_bytes(data.encode() if isinstance(data, str) else data)
        return read(Source(path, format, "", tmp_path))

    return read_it


def refused(reading: Read, data: bytes | str | Path, format: v1.FileFormat.ValueType) -> v1.Reason:
    with pytest.raises(Unmeasurable) as caught:
        reading(data, format)
    return caught.value.reason


def size(drawn: Drawn) -> list[float]:
    sides: list[float] = np.ptp(drawn.triangles.reshape(-1, 3), axis=0).tolist()
    return sides


def volume(triangles: Triangles) -> float:
    return float(np.einsum("ij,ij->", triangles[:, 0], np.cross(triangles[:, 1], triangles[:, 2])) / 6)


# --- AMF ---------------------------------------------------------------------------------------------------------------------------------


def amf_object(number: int, name: str = "") -> str:
    places = "".join(f"<vertex><coordinates><x>{x}</x><y>{y}</y><z>{z}</z></coordinates></vertex>" for x, y, z in CORNERS)
    sides = "".join(f"<triangle><v1>{a}</v1><v2>{b}</v2><v3>{c}</v3></triangle>" for a, b, c in SIDES)
    told = f'<metadata type="name">{name}</metadata>' if name else ""
    edge = "<edge><v1>0</v1><dx1>0</dx1><v2>1</v2></edge>"
    return f'<object id="{number}">{told}<mesh><vertices>{places}{edge}</vertices><volume materialid="1">{sides}</volume></mesh></object>'


def amf(inside: str, unit: str = ' unit="millimeter"') -> str:
    return f'<?xml version="1.0"?>\n<amf{unit} version="1.1">{inside}</amf>'


@pytest.mark.parametrize(
    ("told", "unit", "factor"),
    [("inch", "inch", 25.4), ("feet", "foot", 304.8), ("meter", "m", 1000), ("micrometer", "micron", 0.001), ("", "mm", 1)],
)
def test_an_amf_is_read_in_its_own_unit(reading: Read, told: str, unit: str, factor: float) -> None:
    drawn = reading(amf(amf_object(1), f' unit="{told}"' if told else ""), AMF)
    assert (drawn.unit, drawn.factor) == (unit, factor) and size(drawn) == [1, 2, 3] and volume(drawn.triangles) == pytest.approx(6)


def test_a_zipped_amf_is_read_like_a_plain_one(reading: Read, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.amf", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.amf", amf(amf_object(1)))
    assert len(reading(tmp_path / "a.amf", AMF).triangles) == 12


def test_an_amf_constellation_turns_and_shifts_what_it_places(reading: Read) -> None:
    turned = (
        "<instance objectid='1'><deltax>10</deltax><rx>90</rx></instance><instance objectid='1'><deltay>-5</deltay><rz>90</rz></instance>"
    )
    drawn = reading(amf(amf_object(1, "bar") + amf_object(2) + f"<constellation id='3'>{turned}</constellation>"), AMF)
    assert drawn.groups is not None and sorted(drawn.names) == ["", "bar", "bar"]
    boxes = {tuple(np.ptp(drawn.triangles[drawn.groups == group].reshape(-1, 3), axis=0).round(9)) for group in range(3)}
    assert boxes == {(1, 3, 2), (2, 1, 3), (1, 2, 3)}
    lows = {tuple(drawn.triangles[drawn.groups == group].min(axis=(0, 1)).round(9) + 0.0) for group in range(3)}
    assert lows == {(10, -3, 0), (-2, -5, 0), (0, 0, 0)}  # about X: y becomes z; about Z: x becomes y


def test_an_amf_tells_its_title_and_its_slicers_settings(reading: Read) -> None:
    told = '<metadata type="title">A clip</metadata><metadata type="slic3r.fill_density">15%</metadata>'
    drawn = reading(amf(told + amf_object(1)), AMF)
    assert drawn.texts == ("title: A clip",) and [(s.key, s.value) for s in drawn.settings] == [("infill_percent", "15")]


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (amf(amf_object(1)).replace("<v3>", "<v4>", 1).replace("</v3>", "</v4>", 1), "file.unreadable", "triangle without three numbers"),
        (amf(amf_object(1)).replace("<v1>0<", "<v1>99<"), "file.unreadable", "names corner 99"),
        (amf(amf_object(1)).replace("<x>1.0<", "<x>one<"), "file.unreadable", "corner with something else than a number"),
        (amf(amf_object(1))[:-30], "file.unreadable", "not well-formed"),
        (amf(amf_object(1), ' unit="furlong"'), "file.unsupported", "furlong"),
        (amf(amf_object(1) + "<constellation id='2'><instance objectid='7'/></constellation>"), "file.unreadable", '"7"'),
        (amf(amf_object(1) + "<constellation id='2'><instance objectid='2'/></constellation>"), "", ""),
        ('<!DOCTYPE a [<!ENTITY b "c">]>' + amf(amf_object(1))[22:], "file.unreadable", "entities"),
    ],
)
def test_what_is_wrong_with_an_amf_is_said(reading: Read, text: str, code: str, said: str) -> None:
    if not code:  # a constellation that only places itself is built by nothing; the object beside it is
        assert len(reading(text, AMF).triangles) == 12
        return
    reason = refused(reading, text, AMF)
    assert reason.code == code and said in reason.message


# --- GLB ---------------------------------------------------------------------------------------------------------------------------------


def glb(told: dict[str, Any], binary: bytes = b"", version: int = 2) -> bytes:
    text = json.dumps({"asset": {"version": "2.0"}, **told}).encode()
    text, binary = text.ljust(-(-len(text) // 4) * 4), binary.ljust(-(-len(binary) // 4) * 4, b"\0")
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(binary), 0x004E4942) + binary
    return struct.pack("<4sII", b"glTF", version, 12 + len(chunks)) + chunks


def scene(nodes: list[dict[str, Any]], **changes: Any) -> tuple[dict[str, Any], bytes]:
    """The box as mesh 0: 8 corners of 12 bytes, then 36 indices of 2."""
    binary = CORNERS.astype("<f4").tobytes() + SIDES.astype("<u2").tobytes()
    told: dict[str, Any] = {
        "buffers": [{"byteLength": len(binary)}],
        "bufferViews": [{"buffer": 0, "byteLength": 96}, {"buffer": 0, "byteOffset": 96, "byteLength": 72}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "type": "VEC3", "count": 8},
            {"bufferView": 1, "componentType": 5123, "type": "SCALAR", "count": 36},
        ],
        "meshes": [{"name": "box", "primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "nodes": nodes,
        "scenes": [{"nodes": [0]}],
        "scene": 0,
    }
    return {**told, **changes}, binary


def test_a_glb_is_in_metres_and_stood_up(reading: Read) -> None:
    drawn = reading(glb(*scene([{"mesh": 0}])), GLB)
    assert (drawn.unit, drawn.factor, drawn.names) == ("m", 1000.0, ("box",))
    assert size(drawn) == [1, 3, 2] and volume(drawn.triangles) == pytest.approx(6)
    assert drawn.triangles[..., 1].max() == 0  # what was towards +Z looks along -Y


def test_glb_nodes_place_their_children_and_a_mirror_keeps_the_outside_outside(reading: Read) -> None:
    matrix = [-1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 100, 0, 0, 1]
    half = 0.5**0.5
    nodes = [
        {"children": [1, 2], "scale": [2, 2, 2]},
        {"mesh": 0, "name": "turned", "rotation": [0, half, 0, half]},
        {"mesh": 0, "matrix": matrix},
    ]
    drawn = reading(glb(*scene(nodes)), GLB)
    assert drawn.groups is not None and drawn.names == ("turned", "box")
    turned, mirrored = (drawn.triangles[drawn.groups == group] for group in (0, 1))
    assert np.ptp(turned.reshape(-1, 3), axis=0) == pytest.approx([6, 2, 4]) and volume(turned) == pytest.approx(48)
    assert (
        mirrored[..., 0].max() == pytest.approx(200)
        and mirrored[..., 0].min() == pytest.approx(198)
        and volume(mirrored) == pytest.approx(48)
    )


@pytest.mark.parametrize("mode", [5, 6])
def test_glb_strips_and_fans_without_indices_keep_their_winding(reading: Read, mode: int) -> None:
    square = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)] if mode == 5 else [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)]
    binary = np.array(square, "<f4").tobytes()
    told, _ = scene([{"mesh": 0}], meshes=[{"primitives": [{"attributes": {"POSITION": 0}, "mode": mode}]}])
    told["accessors"][0]["count"] = 4
    told["buffers"], told["bufferViews"] = [{"byteLength": 48}], [{"buffer": 0, "byteLength": 48}]
    drawn = reading(glb(told, binary), GLB)
    across = np.cross(drawn.triangles[:, 1] - drawn.triangles[:, 0], drawn.triangles[:, 2] - drawn.triangles[:, 0])
    assert across.tolist() == [[0, -1, 0], [0, -1, 0]]


def test_glb_sparse_changes_are_put_in(reading: Read) -> None:
    told, binary = scene([{"mesh": 0}])
    told["accessors"][0]["sparse"] = {
        "count": 1,
        "indices": {"bufferView": 2, "componentType": 5121},
        "values": {"bufferView": 3},
    }
    told["bufferViews"] += [{"buffer": 0, "byteOffset": 168, "byteLength": 4}, {"buffer": 0, "byteOffset": 172, "byteLength": 12}]
    far = int(np.argmax(CORNERS.sum(axis=1)))
    binary += bytes([far, 0, 0, 0]) + struct.pack("<3f", 9, 2, 3)
    told["buffers"] = [{"byteLength": len(binary)}]
    assert size(reading(glb(told, binary), GLB)) == [9, 3, 2]


def change(where: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Puts `value` at a dotted place of a description."""

    def put(told: dict[str, Any]) -> None:
        *path, last = where.split(".")
        inner: Any = told
        for step in path:
            inner = inner[int(step)] if isinstance(inner, list) else inner[step]
        inner[int(last) if isinstance(inner, list) else last] = value

    return put


@pytest.mark.parametrize(
    ("where", "value", "code", "said"),
    [
        ("accessors.1.count", 39, "file.unreadable", "too short"),
        ("accessors.1.count", -3, "file.unreadable", "announces -3 entries"),
        ("accessors.1.count", 35, "file.unreadable", "do not make whole triangles"),
        ("accessors.0.count", 7, "file.unreadable", "names corner 7"),
        ("accessors.0.count", 10**12, "file.unreadable", "announces"),
        ("accessors.0.type", "VEC2", "file.unreadable", "VEC3 is due"),
        ("bufferViews.0.byteOffset", -4, "file.unreadable", "reaches beyond its buffer"),
        ("bufferViews.0.byteLength", 10**9, "file.unreadable", "reaches beyond its buffer"),
        ("meshes.0.primitives.0.indices", "one", "file.unreadable", "accessor one"),
        ("meshes.0.primitives", {}, "mesh.empty", ""),
        ("meshes.0.primitives.0.mode", 1, "mesh.empty", ""),
        ("nodes.0.mesh", -1, "file.unreadable", "mesh -1 of 1"),
        ("nodes.0.children", [0], "file.unreadable", "more than one place"),
        ("nodes.0.matrix", [1, 2], "file.unreadable", "does not hold together"),
        ("scenes.0.nodes", [], "mesh.empty", ""),
        ("buffers.0.uri", "mesh.bin", "file.unsupported", "other files"),
        ("extensionsRequired", ["KHR_draco_mesh_compression"], "file.unsupported", "Draco"),
        ("meshes.0.primitives.0.extensions", {"KHR_draco_mesh_compression": {}}, "file.unsupported", "Draco"),
    ],
)
def test_what_is_wrong_with_a_glb_is_said(reading: Read, where: str, value: Any, code: str, said: str) -> None:
    told, binary = scene([{"mesh": 0}])
    change(where, value)(told)
    reason = refused(reading, glb(told, binary), GLB)
    assert reason.code == code and said in reason.message


def test_a_glb_of_another_version_or_cut_short_is_refused(reading: Read) -> None:
    whole = glb(*scene([{"mesh": 0}]))
    assert refused(reading, whole[:-4], GLB).code == "file.unreadable"
    assert refused(reading, glb(*scene([{"mesh": 0}]), version=1), GLB).code == "file.unsupported"


# --- 3MF ---------------------------------------------------------------------------------------------------------------------------------


def model_3mf(path: Path, beside: dict[str, str], second: str = "", build: bool = True, kind: int = lib3mf.ObjectType.Model) -> Path:
    """A 3MF of two boxes, 1 × 2 × 3 and 4 × 2 × 3 mm, as components of object 3, built once; with files of a slicer beside the model."""
    wrapper = lib3mf.get_wrapper()
    model = wrapper.CreateModel()
    group = model.AddComponentsObject()
    for side in (1, 4):
        mesh = model.AddMeshObject()
        corners = CORNERS * (side, 1, 1)
        mesh.SetGeometry(
            [lib3mf.Position((lib3mf.Position._fields_[0][1])(*map(float, corner))) for corner in corners],
            [lib3mf.Triangle((lib3mf.Triangle._fields_[0][1])(*map(int, sides))) for sides in SIDES],
        )
        if side == 4:
            mesh.SetType(kind)
        group.AddComponent(mesh, wrapper.GetIdentityTransform())
    group.SetName(second)
    model.GetMetaDataGroup().AddMetaData("", "Title", "A <b>clip</b>", "xs:string", True)
    if build:
        model.AddBuildItem(group, wrapper.GetIdentityTransform()).SetPartNumber("PN-7")
    model.QueryWriter("3mf").WriteToFile(str(path))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, text in beside.items():
            archive.writestr(name, text)
    return path


def test_a_3mf_keeps_names_part_numbers_and_words(reading: Read, tmp_path: Path) -> None:
    drawn = reading(model_3mf(tmp_path / "a.3mf", {}, "clip"), THREEMF)
    assert drawn.names == ("clip (PN-7)",) and drawn.texts == ("Title: A clip",) and size(drawn) == [4, 2, 3] and drawn.plates == ()


def test_a_3mf_that_builds_nothing_says_how_many_objects_it_holds(reading: Read, tmp_path: Path) -> None:
    reason = refused(reading, model_3mf(tmp_path / "a.3mf", {}, build=False), THREEMF)
    assert reason.code == "mesh.none_built" and "3 objects" in reason.message


def test_supports_within_a_3mf_object_are_left_out_and_counted(reading: Read, tmp_path: Path) -> None:
    drawn = reading(model_3mf(tmp_path / "a.3mf", {}, kind=lib3mf.ObjectType.Support), THREEMF)
    assert size(drawn) == [1, 2, 3] and "mesh.left_out" in [r.code for r in drawn.remarks]


def changed_3mf(folder: Path, old: str, new: str) -> Path:
    """A 3MF of the box with a piece of its XML replaced."""
    write_3mf(folder / "sound.3mf", box(1, 2, 3))
    with zipfile.ZipFile(folder / "sound.3mf") as whole, zipfile.ZipFile(folder / "changed.3mf", "w") as archive:
        for name in whole.namelist():
            archive.writestr(name, whole.read(name).decode().replace(old, new))
    return folder / "changed.3mf"


def test_a_3mf_that_needs_an_extension_nobody_knows_is_refused(reading: Read, tmp_path: Path) -> None:
    declared = '<model xmlns:zz="http://example.org/unheard-of/2031" requiredextensions="zz" '
    assert refused(reading, changed_3mf(tmp_path, "<model ", declared), THREEMF).code == "file.unsupported"


def test_a_3mf_in_a_unit_that_does_not_exist_declares_none(reading: Read, tmp_path: Path) -> None:
    drawn = reading(changed_3mf(tmp_path, 'unit="millimeter"', 'unit="furlong"'), THREEMF)
    assert drawn.unit == "" and size(drawn) == [1, 2, 3] and [r.code for r in drawn.remarks] == ["file.sloppy"]


def test_a_mirrored_3mf_item_keeps_its_outside_outside(reading: Read, tmp_path: Path) -> None:
    path = changed_3mf(tmp_path, "<item ", '<item transform="-1 0 0 0 1 0 0 0 1 0 0 0" ')
    drawn = reading(path, THREEMF)
    assert drawn.triangles[..., 0].min() == -1 and volume(drawn.triangles) == pytest.approx(6)


def bambu(subtype: str) -> str:
    of = "<metadata key='object_id' value='1'/><metadata key='instance_id' value='0'/>"
    plate = f"<plate><metadata key='plater_id' value='2'/><model_instance>{of}</model_instance></plate>"
    part = f"<object id='1'><metadata key='name' value='Hook'/><part id='3' subtype='{subtype}'/></object>"
    return f"<config>{part}{plate}</config>"


@pytest.mark.parametrize(
    ("subtype", "sides", "codes"),
    [("normal_part", [4, 2, 3], []), ("modifier_part", [1, 2, 3], ["mesh.left_out"]), ("negative_part", [1, 2, 3], ["mesh.not_cut"])],
)
def test_a_bambu_project_keeps_plates_names_and_drops_what_is_not_made(
    reading: Read, tmp_path: Path, subtype: str, sides: list[float], codes: list[str]
) -> None:
    drawn = reading(model_3mf(tmp_path / "a.3mf", {"Metadata/model_settings.config": bambu(subtype)}), THREEMF)
    assert drawn.plates == (2,) and drawn.names == ("Hook (PN-7)",)
    assert size(drawn) == sides and [r.code for r in drawn.remarks] == codes


PRUSA = """; fill_density = 15%
; layer_height = 0.2
; support_material = 0
; filament_type = PLA;PETG
; nozzle_diameter = 0.4,0.4
; seam_gap = 1
"""
BAMBU = json.dumps(
    {
        "sparse_infill_density": "15%",
        "layer_height": "0.2",
        "enable_support": "0",
        "filament_type": ["PLA", "PETG"],
        "nozzle_diameter": ["0.4", "0.4"],
        "x": 1,
    }
)
CURA = """[general]
version = 4
[values]
infill_sparse_density = 15
layer_height = 0.2
support_enable = False
material_type = PLA, PETG
machine_nozzle_size = 0.4
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [("Metadata/Slic3r_PE.config", PRUSA), ("Metadata/project_settings.config", BAMBU), ("Cura/quality.inst.cfg", CURA)],
)
def test_print_settings_of_every_slicer_are_told_in_the_same_words(reading: Read, tmp_path: Path, name: str, text: str) -> None:
    drawn = reading(model_3mf(tmp_path / "a.3mf", {name: text}), THREEMF)
    assert {s.key: s.value for s in drawn.settings} == {
        "infill_percent": "15", "layer_height_mm": "0.2", "supports": "no", "material": "PLA, PETG", "nozzle_mm": "0.4",
    }  # fmt: skip
    assert {s.source for s in drawn.settings} == {name}


def test_a_broken_settings_file_tells_nothing_and_harms_nothing(reading: Read, tmp_path: Path) -> None:
    beside = {"Metadata/project_settings.config": "{", "Metadata/model_settings.config": "<config>", "Cura/a.inst.cfg": "]["}
    drawn = reading(model_3mf(tmp_path / "a.3mf", beside), THREEMF)
    assert drawn.settings == () and len(drawn.triangles) == 24


def test_prusas_modifier_within_a_mesh_is_left_out_by_its_triangles(reading: Read, tmp_path: Path) -> None:
    write_3mf(tmp_path / "a.3mf", np.concatenate([box(1, 2, 3), box(9, 9, 9) + 20]))
    kind = "<metadata type='volume' key='volume_type' value='ParameterModifier'/>"
    volumes = f"<volume firstid='0' lastid='11'/><volume firstid='12' lastid='23'>{kind}</volume>"
    with zipfile.ZipFile(tmp_path / "a.3mf", "a") as archive:
        archive.writestr("Metadata/Slic3r_PE_model.config", f"<config><object id='1'>{volumes}</object></config>")
    drawn = reading(tmp_path / "a.3mf", THREEMF)
    assert size(drawn) == [1, 2, 3] and [r.subject for r in drawn.remarks] == ["modifiers"]


# --- real files --------------------------------------------------------------------------------------------------------------------------

REAL = (
    ("assimp/test/models/OBJ/concave_polygon.obj", 64, (0, 1.485, 1.485)),
    ("assimp/test/models/PLY/Wuson.ply", 3732, (0.92, 1.5158, 3.2445)),
    ("assimp/test/models/PLY/cube_binary_header_with_RN_newline.ply", 12, (1, 1, 1)),
    ("trimesh/models/whitespace.off", 12, (3.266, 3.266, 2.3094)),
    ("trimesh/models/fuze_ascii.ply", 1000, (0.0726, 0.0735, 0.2151)),
    ("trimesh/models/cycloidal.ply", 43368, (1.875, 1.8746, 1.1069)),
    ("Online3DViewer/test/testfiles/stl/stl_ascii.stl", 572, (4.9441, 4.4262, 1.2)),
    ("3mf-samples/validation tests/_archive/3mf-Verify/MUSTPASS/MUSTPASS_Chapter4.1_ExplicitSupport.3mf", 404, (80, 10, 40)),
)
FORMATS = {
    ".obj": v1.FILE_FORMAT_OBJ,
    ".ply": v1.FILE_FORMAT_PLY,
    ".off": v1.FILE_FORMAT_OFF,
    ".stl": v1.FILE_FORMAT_STL_ASCII,
    ".3mf": THREEMF,
}


@pytest.mark.parametrize(("name", "triangles", "sides"), REAL)
def test_a_real_file_is_read_whole(corpus: Path, reading: Read, name: str, triangles: int, sides: tuple[float, ...]) -> None:
    path = corpus / name
    drawn = reading(path, FORMATS[path.suffix])
    assert len(drawn.triangles) == triangles and size(drawn) == pytest.approx(sides, abs=1e-3)
