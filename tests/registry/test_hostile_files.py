# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files made to harm their reader. Each is drawn here, refused by name, and costs little time and memory."""

from __future__ import annotations

import gzip
import json
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from drawings import binary_stl, box, write_3mf, write_step

from commonfab import v1
from registry.geometry.faults import Unmeasurable
from registry.geometry.meshes import threemf
from registry.geometry.sandbox import Limits, Sandbox
from registry.geometry.screening import screen, zips
from registry.geometry.sniff import sniff

TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
READABLE = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/></Types>'
)
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" Target="/3D/3dmodel.model"'
    ' Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/></Relationships>'
)
CORE = 'xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02" unit="millimeter"'
PRODUCTION = 'xmlns:p="http://schemas.microsoft.com/3dmanufacturing/production/2015/06"'
MESH = (
    '<mesh><vertices><vertex x="0" y="0" z="0"/><vertex x="9" y="0" z="0"/><vertex x="0" y="9" z="0"/>'
    '<vertex x="0" y="0" z="9"/></vertices>'
    '<triangles><triangle v1="0" v2="2" v3="1"/><triangle v1="0" v2="1" v3="3"/><triangle v1="0" v2="3" v3="2"/>'
    '<triangle v1="1" v2="2" v3="3"/></triangles></mesh>'
)
SECRET = "file:///etc/passwd"

Harm = Callable[[Path], v1.GeometryReport]


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox that lets a file have 60 s and 400 MiB beyond the loaded libraries."""
    with Sandbox(Limits(60, 400), tmp_path_factory.mktemp("narrow")) as opened:
        yield opened


@pytest.fixture
def measure(narrow: Sandbox) -> Harm:
    def measure(path: Path) -> v1.GeometryReport:
        with narrow.measure(path, "0" * 64, "") as measured:
            return measured.report

    return measure


@contextmanager
def little(seconds: float) -> Iterator[None]:
    """That what is done inside takes no more than `seconds` of processor time and 64 MiB of memory."""
    tracemalloc.start()
    began = time.process_time()
    try:
        yield
        assert time.process_time() - began < seconds
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024 * 1024
    finally:
        tracemalloc.stop()


def refused(path: Path, code: str, *, seconds: float = 10.0) -> v1.Reason:
    """That sniffing and screening refuse the file at `path` with `code`, before any reader has it, for little time and memory."""
    with little(seconds), pytest.raises(Unmeasurable) as caught:
        screen(path, sniff(path))
    assert caught.value.reason.code == code, caught.value.reason
    return caught.value.reason


def write_package(path: Path, model: str, types: str = TYPES, **parts: str | bytes) -> Path:
    """A 3MF package of a model and other parts, named by their paths."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", types)
        archive.writestr("_rels/.rels", RELATIONS)
        archive.writestr("3D/3dmodel.model", model)
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def model(resources: str, build: str, declaration: str = "") -> str:
    return f'<?xml version="1.0"?>{declaration}<model {CORE} {PRODUCTION}><resources>{resources}</resources><build>{build}</build></model>'


def thing(number: int, inside: str) -> str:
    return f'<object id="{number}" type="model">{inside}</object>'


def placed(number: int, times: int = 1) -> str:
    return f'<components>{f"""<component objectid="{number}"/>""" * times}</components>'


# --- archives ---


def entry(name: str, crc: int, packed: int, size: int, *, offset: int | None = None, method: int = 8) -> bytes:
    """A local header, or an entry of the directory where `offset` is given."""
    same = struct.pack("<5H3L2H", 20, 0, method, 0, 33, crc, packed, size, len(name), 0)
    if offset is None:
        return b"PK\3\4" + same + name.encode()
    return b"PK\1\2" + struct.pack("<H", 20) + same + struct.pack("<3H2L", 0, 0, 0, 0, offset) + name.encode()


def end(entries: int, directory: int, offset: int) -> bytes:
    return b"PK\5\6" + struct.pack("<4H2LH", 0, 0, entries, entries, directory, offset, 0)


def deflated(content: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(content) + deflate.flush()


def write_overlapping(path: Path, entries: int, megabytes: int) -> int:
    """Each of `entries` quotes the headers of those behind it in a stored block, and all end in the same packed zeros.

    After the construction of D. Fifield ("A better zip bomb", WOOT 2019). Returns how much it unpacks to.
    """
    zeros = bytes(megabytes * 1024 * 1024)
    kernel = deflated(zeros)
    behind, content_crc, size = kernel, zlib.crc32(zeros), len(zeros)
    content = zeros
    heads: list[tuple[str, int, int, int, int]] = []
    names = ["3D/3dmodel.model"] + [f"{number:05d}" for number in range(1, entries)]
    for name in reversed(names):
        local = entry(name, content_crc, len(behind), size)
        heads.append((name, content_crc, len(behind), size, len(behind) + len(local)))
        behind = b"\0" + struct.pack("<2H", len(local), len(local) ^ 0xFFFF) + local + behind
        content = local + content
        content_crc, size = zlib.crc32(content), len(content)
    behind = behind[5:]
    directory = b"".join(entry(name, crc, packed, size, offset=len(behind) - back) for name, crc, packed, size, back in reversed(heads))
    path.write_bytes(behind + directory + end(entries, len(directory), len(behind)))
    return sum(head[3] for head in heads)


def test_entries_that_lie_over_one_another_are_refused_before_they_unfold(tmp_path: Path) -> None:
    unfolded = write_overlapping(tmp_path / "bomb.3mf", 20, 3)
    assert unfolded > 60e6 > 100 * (tmp_path / "bomb.3mf").stat().st_size
    with zipfile.ZipFile(tmp_path / "bomb.3mf") as archive:  # a sound archive to whoever does not look for it
        assert len(archive.namelist()) == 20
    refused(tmp_path / "bomb.3mf", "file.zip_overlap")


def test_42_kilobytes_that_unfold_to_gigabytes_are_refused_from_their_directory(tmp_path: Path) -> None:
    unfolded = write_overlapping(tmp_path / "bomb.3mf", 250, 22)
    assert (tmp_path / "bomb.3mf").stat().st_size < 60_000 and unfolded > 5.5e9
    assert {figure.name for figure in refused(tmp_path / "bomb.3mf", "file.zip_ratio").figures} == {"packed", "unpacked", "limit"}


def test_a_bomb_of_archives_in_archives_stays_closed(tmp_path: Path) -> None:
    inner = tmp_path / "inner.zip"
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(50_000_000))
    write_package(
        tmp_path / "nested.3mf", model(thing(1, MESH), '<item objectid="1"/>'), **{f"{n}.zip": inner.read_bytes() for n in range(9)}
    )
    with little(10):
        screen(tmp_path / "nested.3mf", sniff(tmp_path / "nested.3mf"))


def test_an_entry_that_is_longer_than_it_says_is_refused(tmp_path: Path) -> None:
    path, content = tmp_path / "a.3mf", b"<model/>" * 1_000_000
    data = deflated(content)
    local = entry("3D/3dmodel.model", zlib.crc32(content[:80]), len(data), 80)
    listed = entry("3D/3dmodel.model", zlib.crc32(content[:80]), len(data), 80, offset=0)
    path.write_bytes(local + data + listed + end(1, len(listed), len(local) + len(data)))
    assert refused(path, "file.zip_lies").subject == "3D/3dmodel.model"


@pytest.mark.parametrize("lie", ["name", "size", "method", "checksum"])
def test_a_directory_that_says_other_things_than_the_entries_is_refused(tmp_path: Path, lie: str) -> None:
    path, data = tmp_path / "a.3mf", deflated(b"<model/>")
    crc = zlib.crc32(b"<model/>") ^ (lie == "checksum")
    local = entry(
        "3D/3dmodel.mode1" if lie == "name" else "3D/3dmodel.model",
        crc,
        len(data),
        9 if lie == "size" else 8,
        method=8 - 8 * (lie == "method"),
    )
    listed = entry("3D/3dmodel.model", crc, len(data), 8, offset=0)
    path.write_bytes(local + data + listed + end(1, len(listed), len(local) + len(data)))
    refused(path, "file.zip_lies")


def test_a_directory_that_does_not_lie_where_it_says_is_refused(tmp_path: Path) -> None:
    path = write_package(tmp_path / "a.3mf", model("", ""))
    path.write_bytes(b"PK\3\4 another archive" + path.read_bytes())
    refused(path, "file.zip_broken")


def test_an_archive_of_more_entries_than_a_drawing_has_is_refused(tmp_path: Path) -> None:
    names = (f"{number}" for number in range(zips.MOST_ENTRIES + 1))
    directory = b"".join(entry(name, 0, 0, 0, offset=0, method=0) for name in names)
    (tmp_path / "a.3mf").write_bytes(entry("0", 0, 0, 0, method=0) + directory + end(zips.MOST_ENTRIES + 1, len(directory), 31))
    refused(tmp_path / "a.3mf", "file.zip_entries")
    (tmp_path / "b.3mf").write_bytes(b"PK\3\4" + bytes(100) + end(1, 0xFFFFFFF0, 0))
    refused(tmp_path / "b.3mf", "file.zip_broken")


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "a\\..\\..\\x", "C:/x"])
def test_an_entry_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    path = write_package(tmp_path / "slip.3mf", model("", ""), **{name: "x"})
    refused(path, "file.zip_path")


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    path = write_package(tmp_path / "link.3mf", model("", ""))
    link = zipfile.ZipInfo("3D/texture.png")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    assert refused(path, "file.zip_link").subject == "3D/texture.png"


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["3D/3dmodel.model", "3d/3DMODEL.MODEL", "3D\\3dmodel.model"])
def test_a_name_that_stands_twice_is_refused(tmp_path: Path, name: str) -> None:
    path = write_package(tmp_path / "twice.3mf", model("", ""))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, model("", ""))
    refused(path, "file.zip_names")


def test_an_entry_behind_a_password_is_refused_by_its_name(tmp_path: Path) -> None:
    path = write_package(tmp_path / "locked.3mf", model("", ""))
    content = bytearray(path.read_bytes())
    listed = content.rindex(b"PK\1\2")
    content[listed + 8] |= 1
    path.write_bytes(content)
    assert refused(path, "file.encrypted").subject == "3D/3dmodel.model"


def test_a_model_under_a_key_is_refused_by_its_name(tmp_path: Path) -> None:
    keystore = (
        '<keystore xmlns="http://schemas.microsoft.com/3dmanufacturing/securecontent/2019/04"><resourcedatagroup>'
        '<resourcedata path="/3D/secret.model"/></resourcedatagroup></keystore>'
    )
    path = write_package(tmp_path / "a.3mf", model("", ""), **{"3D/secret.model": b"<\x93\x00\x81", "Secure/keystore.xml": keystore})
    assert refused(path, "file.encrypted").subject == "/3D/secret.model"


def test_a_gzip_bomb_stays_packed(tmp_path: Path) -> None:
    (tmp_path / "bomb.svg").write_bytes(gzip.compress(b"<svg>" + b" " * 50_000_000))
    assert "gzip" in refused(tmp_path / "bomb.svg", "file.unsupported").message


# --- XML ---

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
DECLARATIONS = {
    "unfolds": f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>',
    "fetches": f'<!DOCTYPE x [<!ENTITY l9 SYSTEM "{SECRET}">]>',
    "builds others": f'<!DOCTYPE x [<!ENTITY % p SYSTEM "{SECRET}"> %p; <!ENTITY l9 "a">]>',
    "is long": f'<!DOCTYPE x [<!ENTITY l9 "{"a" * 30_000}">]>',
}


@pytest.mark.parametrize("kind", DECLARATIONS)
@pytest.mark.parametrize("format", ["3mf", "3mf relations", "amf", "zipped amf", "svg", "utf-16"])
def test_an_entity_that_unfolds_or_fetches_is_refused(tmp_path: Path, measure: Harm, format: str, kind: str) -> None:
    path, declared = tmp_path / "a", DECLARATIONS[kind]
    amf = f'<?xml version="1.0"?>{declared}<amf unit="millimeter"><metadata type="name">&l9;</metadata></amf>'
    if format == "3mf":
        write_package(path, model(f'<metadata name="Title">&l9;</metadata>{thing(1, MESH)}', '<item objectid="1"/>', declared))
    elif format == "3mf relations":
        write_package(path, model(thing(1, MESH), '<item objectid="1"/>'), **{"3D/_rels/3dmodel.model.rels": f"{declared}<Relationships/>"})
    elif format == "zipped amf":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.amf", amf)
    else:
        svg = f'<?xml version="1.0"?>{declared}<svg xmlns="http://www.w3.org/2000/svg"><text>&l9;</text></svg>'
        path.write_bytes(amf.encode() if format == "amf" else svg.encode("utf-16" if format == "utf-16" else "utf-8"))
    refused(path, "file.xml_entities")
    report = measure(path)
    assert [fault.code for fault in report.faults] == ["file.xml_entities"]
    assert b"root:" not in report.SerializeToString()


def test_the_short_entities_that_drawing_programs_write_into_svg_are_let_through(tmp_path: Path) -> None:
    declared = '<!DOCTYPE svg [<!ENTITY ns_svg "http://www.w3.org/2000/svg">]>'
    (tmp_path / "a").write_text(f'<?xml version="1.0"?>{declared}<svg xmlns="&ns_svg;"/>', encoding="utf-8")
    screen(tmp_path / "a", sniff(tmp_path / "a"))


def test_xml_without_end_in_depth_or_attributes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "deep.svg").write_text("<svg>" + "<g>" * 1_000_000 + "</g>" * 1_000_000 + "</svg>", encoding="utf-8")
    refused(tmp_path / "deep.svg", "file.xml_depth")
    (tmp_path / "wide.amf").write_text("<amf " + " ".join(f'a{n}="0"' for n in range(5_000)) + "/>", encoding="utf-8")
    refused(tmp_path / "wide.amf", "file.xml_attributes")


def test_xml_that_breaks_off_or_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "short.svg").write_text("<svg><g>", encoding="utf-8")
    assert refused(tmp_path / "short.svg", "file.breaks_off").subject == "</svg>"
    (tmp_path / "wrong.svg").write_text("<svg><g></svg>", encoding="utf-8")
    assert "line 1" in refused(tmp_path / "wrong.svg", "file.unreadable").subject


# --- components ---


def laughing(levels: int, times: int, inside: str = MESH) -> str:
    return thing(1, inside) + "".join(thing(level, placed(level - 1, times)) for level in range(2, levels + 2))


def test_components_that_unfold_to_a_thousand_million_triangles_are_refused(tmp_path: Path, measure: Harm) -> None:
    path = write_package(tmp_path / "laughs.3mf", model(laughing(9, 10), '<item objectid="10"/>'))
    assert path.stat().st_size < 4_000
    figures = {figure.name: figure.value for figure in refused(path, "file.component_expansion").figures}
    assert figures["triangles"] == 4e9
    assert [fault.code for fault in measure(path).faults] == ["file.component_expansion"]


def test_to_place_nothing_without_end_is_refused_as_well(tmp_path: Path) -> None:
    path = write_package(tmp_path / "a.3mf", model(laughing(9, 10, "<mesh><vertices/><triangles/></mesh>"), '<item objectid="10"/>'))
    refused(path, "file.component_expansion")


def test_components_of_other_parts_of_the_package_are_counted(tmp_path: Path) -> None:
    inner = model(laughing(6, 10), "")
    far = '<component p:path="/3D/Objects/a.model" objectid="7"/>'
    outer = thing(1, f"<components>{far * 10}</components>")
    path = write_package(tmp_path / "a.3mf", model(outer, '<item objectid="1"/>'), **{"3D/Objects/a.model": inner})
    assert {figure.value for figure in refused(path, "file.component_expansion").figures} == {4e7, 1e7}


@pytest.mark.parametrize("other", ["0", "+", " "])
def test_an_object_by_another_way_of_writing_its_number_is_counted(tmp_path: Path, other: str) -> None:
    written = model(laughing(9, 10), '<item objectid="10"/>').replace('<component objectid="', f'<component objectid="{other}')
    refused(write_package(tmp_path / "a.3mf", written), "file.component_expansion")


def test_what_the_reader_made_of_a_package_is_counted_even_where_screening_was_not_asked(tmp_path: Path) -> None:
    path = write_package(tmp_path / "a.3mf", model(laughing(7, 10), '<item objectid="8"/>'), types=READABLE)
    with little(10), pytest.raises(Unmeasurable) as caught:
        threemf.read(path)
    assert caught.value.reason.code == "file.component_expansion"


@pytest.mark.slow
def test_components_that_hold_themselves_or_nest_without_end_are_refused(tmp_path: Path) -> None:
    ring = thing(1, placed(2)) + thing(2, placed(1))
    refused(write_package(tmp_path / "ring.3mf", model(ring, '<item objectid="1"/>')), "file.component_cycle")
    chain = laughing(50_000, 1)
    refused(write_package(tmp_path / "chain.3mf", model(chain, '<item objectid="50001"/>')), "file.component_depth", seconds=40)


def test_as_many_components_as_a_plate_holds_are_let_through(tmp_path: Path) -> None:
    path = write_package(tmp_path / "a.3mf", model(laughing(2, 30), '<item objectid="3"/>'))
    screen(path, sniff(path))


# --- counts ---


def write_glb(path: Path, description: dict[str, object], binary: bytes = b"", **lies: int) -> Path:
    told = json.dumps({"asset": {"version": "2.0"}, **description}).encode()
    told = told.ljust(-(-len(told) // 4) * 4)
    chunks = struct.pack("<2L", len(told), 0x4E4F534A) + told + struct.pack("<2L", lies.get("chunk", len(binary)), 0x004E4942) + binary
    path.write_bytes(b"glTF" + struct.pack("<2L", 2, lies.get("length", 12 + len(chunks))) + chunks)
    return path


VIEWS: dict[str, object] = {"buffers": [{"byteLength": 36}], "bufferViews": [{"buffer": 0, "byteLength": 36}]}
CORNERS = {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}


def test_a_glb_whose_lengths_lie_is_refused(tmp_path: Path) -> None:
    path, data = tmp_path / "a.glb", bytes(36)
    screen(write_glb(path, {**VIEWS, "accessors": [CORNERS]}, data), v1.FILE_FORMAT_GLB)
    refused(write_glb(path, VIEWS, data, chunk=0xFFFFFFF0), "file.count")
    refused(write_glb(path, VIEWS, data, length=0xFFFFFFF0), "file.count")
    refused(write_glb(path, {**VIEWS, "buffers": [{"byteLength": 10**12}]}, data), "file.count")
    refused(write_glb(path, {**VIEWS, "bufferViews": [{"buffer": 0, "byteOffset": 30, "byteLength": 36}]}, data), "file.count")
    refused(write_glb(path, {**VIEWS, "accessors": [{**CORNERS, "count": 10**12}]}, data), "file.count")
    refused(write_glb(path, {**VIEWS, "accessors": [{"componentType": 5126, "count": 10**12, "type": "MAT4"}]}, data), "file.count")
    refused(write_glb(path, {**VIEWS, "accessors": [{**CORNERS, "type": "VEC9"}]}, data), "file.unreadable")


def test_a_glb_that_fetches_or_unfolds_is_refused(tmp_path: Path) -> None:
    path, data = tmp_path / "a.glb", bytes(36)
    refused(write_glb(path, {**VIEWS, "buffers": [{"byteLength": 36, "uri": SECRET}]}, data), "file.unsupported")
    refused(write_glb(path, {"extensionsRequired": ["KHR_draco_mesh_compression"]}), "file.unsupported")
    nodes: list[dict[str, object]] = [{"mesh": 0}, *({"children": [number] * 10} for number in range(9))]
    mesh = {"meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}], "accessors": [CORNERS]}
    refused(write_glb(path, {**VIEWS, **mesh, "nodes": nodes, "scenes": [{"nodes": [9]}]}, data), "file.component_expansion")
    deep = b'{"asset":' + b"[" * 500_000
    path.write_bytes(b"glTF" + struct.pack("<4L", 2, 20 + len(deep), len(deep), 0x4E4F534A) + deep)
    refused(path, "file.unreadable")


@pytest.mark.parametrize("kind", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_a_ply_of_a_million_million_corners_in_a_hundred_bytes_is_refused(tmp_path: Path, measure: Harm, kind: str) -> None:
    path = tmp_path / "a.ply"
    header = "ply\nformat {} 1.0\nelement vertex {}\nproperty float x\nproperty float y\nproperty float z\nelement face {}\n"
    header += "property list uchar int vertex_indices\nend_header\n"
    path.write_text(header.format(kind, 10**12, 1) + "0 0 0\n" * 3, encoding="ascii")
    figures = {figure.name: figure.value for figure in refused(path, "file.count").figures}
    assert figures["announced"] == 1e12 and figures["room"] <= 3
    assert [fault.code for fault in measure(path).faults] == ["file.count"]
    path.write_text(header.format(kind, 1, 10**12) + "0 0 0\n" * 3, encoding="ascii")
    assert "face" in refused(path, "file.count").message


def test_an_off_whose_counts_lie_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.off"
    path.write_text("OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n", encoding="ascii")
    screen(path, sniff(path))
    for counts in (f"{10**12} 1 0", f"3 {10**12} 0", f"# many\n{10**30}\n1 0"):
        path.write_text(f"COFF {counts}\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n", encoding="ascii")
        refused(path, "file.count")


@pytest.mark.parametrize(("count", "code"), [(0, "file.count"), (5, "file.count"), (13, "file.truncated"), (0xFFFFFFFF, "file.count")])
def test_an_stl_whose_count_lies_is_refused(tmp_path: Path, count: int, code: str) -> None:
    sound = binary_stl(box(10, 10, 10))
    (tmp_path / "a.stl").write_bytes(sound[:80] + struct.pack("<L", count) + sound[84:])
    reason = refused(tmp_path / "a.stl", code)
    assert "12" in reason.message and str(count) in reason.message


# --- what only its reader can find out ---


def test_a_step_file_nested_a_million_deep_is_refused_before_it_overruns_its_readers_stack(tmp_path: Path) -> None:
    write_step(tmp_path / "sound.step", 10, 10, 10)
    sound = (tmp_path / "sound.step").read_text(encoding="utf-8")
    for before in ("", "/* it's a comment ( */", "'a string of ''('' /*',"):
        deep = sound.replace("ENDSEC;\nEND-ISO", f"#900000=A({before}{'(' * 1_000_000}0.{')' * 1_000_000});\nENDSEC;\nEND-ISO")
        (tmp_path / "deep.step").write_text(deep, encoding="utf-8")
        refused(tmp_path / "deep.step", "file.nesting")


def test_brackets_in_strings_and_comments_nest_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.step"
    for inside in ("/* {} */", "#1=A('{}');"):
        path.write_text(f"ISO-10303-21;\n{inside.format('(' * 1_000_000)}\n#2=A(());\nEND-ISO-10303-21;\n", encoding="utf-8")
        screen(path, sniff(path))


def test_a_step_file_whose_records_name_themselves_is_a_fault_and_the_next_file_is_measured(tmp_path: Path, measure: Harm) -> None:
    write_step(tmp_path / "sound.step", 10, 10, 10)
    sound = (tmp_path / "sound.step").read_text(encoding="utf-8")
    (tmp_path / "ring.step").write_text(sound.replace("AXIS2_PLACEMENT_3D('',#", "AXIS2_PLACEMENT_3D('',#1"), encoding="utf-8")
    ring = sound.replace("CLOSED_SHELL('',(", "CLOSED_SHELL('',(#15,").replace("MANIFOLD_SOLID_BREP('',#", "MANIFOLD_SOLID_BREP('',#15,#")
    (tmp_path / "self.step").write_text(ring, encoding="utf-8")
    for name in ("ring.step", "self.step"):
        report = measure(tmp_path / name)
        assert report.faults and "file.crashed_reader" not in {fault.code for fault in report.faults}, name
    assert not measure(tmp_path / "sound.step").faults


def test_dxf_blocks_that_insert_themselves_end(tmp_path: Path, measure: Harm) -> None:
    insert = "0\nINSERT\n8\n0\n2\n{}\n10\n0\n20\n0\n"
    blocks = "".join(
        f"0\nBLOCK\n8\n0\n2\n{own}\n70\n0\n10\n0\n20\n0\n3\n{own}\n{insert.format(other) * 10}0\nENDBLK\n8\n0\n"
        for own, other in ("AB", "BA")
    )
    drawing = f"0\nSECTION\n2\nBLOCKS\n{blocks}0\nENDSEC\n0\nSECTION\n2\nENTITIES\n{insert.format('A')}0\nENDSEC\n0\nEOF\n"
    (tmp_path / "ring.dxf").write_text(drawing, encoding="ascii")
    report = measure(tmp_path / "ring.dxf")
    assert report.format == v1.FILE_FORMAT_DXF
    assert [fault.code for fault in report.faults] == ["dxf.recursion"]


def test_a_sound_file_passes_every_screen(tmp_path: Path, measure: Harm) -> None:
    write_3mf(tmp_path / "sound.3mf", box(10, 10, 10))
    screen(tmp_path / "sound.3mf", sniff(tmp_path / "sound.3mf"))
    assert not measure(tmp_path / "sound.3mf").faults
