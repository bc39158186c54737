# SPDX-License-Identifier: AGPL-3.0-or-later
"""Between a manifest and the registry's contract: what the registry knows goes both ways, what it does not know survives."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonfab import v1
from registry.demands import declared_beside
from registry.okh.files import found_under
from registry.okh.mapping import authors_of, bill_files, bill_of, description_of, licences_of, parts_of, record_of, size_of
from registry.okh.reading import read
from registry.okh.record import Agent, OkhPart, Record
from registry.okh.writing import write

LOOM = """okhv = "OKH-LOSHv1.0"
name = "Loom"
repo = "https://example.org/loom"
version = "0.10.0"
license = "LicenseRef-CC BY-SA-4.0"
documentation-license = "CC-BY-4.0"
software-license = "MIT"
licensor = ["Jens <j@example.org>", "Ann"]
organization = "OSE Germany e.V."
documentation-language = ["en-GB", "de"]
keywords = ["loom", "textile"]
function = "Weaves."
bom = "/docs/bom%20list.csv"
user-manual = ["https://example.org/manual", "docs/use.md"]
fabric-width-mm = 400
[[part]]
name = "Clamp Ring"
source = "/3DParts/Ring/ring.scad"
export = ["/3DParts/Ring/ring.pdf", "/3DParts/Ring/ring.stl", "/3DParts/Ring/ring.step"]
material = "ABS"
printing-process = "FDM"
infill = 30
resolution-mm = 0.2
supports = false
shell-thickness = 3
quantity = 2
outer-dimensions = {width = 56, depth = 56, height = 30}
[[part]]
name = "Side"
export = "side.dxf"
thickness-mm = 4
material = "plywood"
[[part]]
name = "Beam"
source = "beam.scad"
"""

PATHS = ["3DParts/Ring/ring.stl", "3DParts/Ring/ring.step", "3DParts/Ring/ring.pdf", "wood/side.dxf", "docs/bom list.csv", "beam.scad"]


@pytest.fixture
def loom() -> Record:
    return read(LOOM, "okh.toml").record


def revision_of(record: Record, paths: list[str]) -> v1.Revision:
    """The revision that publishing the record would make."""
    licences = licences_of(record)
    manifest = v1.Manifest(
        licence=licences.hardware,
        documentation_licence=licences.documentation,
        software_licence=licences.software,
        description=description_of(record),
        parts=parts_of(record, paths)[0],
        files=[v1.FileEntry(path=path) for path in paths],
        bill=bill_of(record),
    )
    return v1.Revision(number=3, manifest=manifest)


def test_the_description_says_what_the_manifest_says(loom: Record) -> None:
    about = description_of(loom)
    assert (about.title, about.summary, about.version, about.language) == ("Loom", "Weaves.", "0.10.0", "en-GB")
    assert list(about.tags) == ["loom", "textile"] and authors_of(loom) == ["Jens", "Ann", "OSE Germany e.V."]
    assert [(link.kind, link.url) for link in about.links] == [
        ("repository", "https://example.org/loom"),
        ("manual", "https://example.org/manual"),
    ]


def test_licences_pass_as_they_are_written(loom: Record) -> None:
    licences = licences_of(loom)
    assert (licences.hardware, licences.documentation, licences.software) == ("LicenseRef-CC BY-SA-4.0", "CC-BY-4.0", "MIT")


def test_parts_are_those_with_a_file_of_a_shape_and_the_others_are_named(loom: Record) -> None:
    parts, missing = parts_of(loom, PATHS)
    assert [(part.name, list(part.paths), part.quantity_per_product) for part in parts] == [
        ("Clamp Ring", ["3DParts/Ring/ring.step", "3DParts/Ring/ring.stl"], 2),
        ("Side", ["wood/side.dxf"], 1),
    ]
    assert missing == ["Beam"]


def test_the_manifests_demands_are_the_parts_demands(loom: Record) -> None:
    ring, side = (part.demands for part in parts_of(loom, PATHS)[0])
    assert (ring.material, list(ring.processes), side.material, side.thickness_mm) == ("abs", ["fdm"], "plywood", 4)
    said = {setting.key: setting.value for setting in ring.settings}
    assert said == {"infill_percent": "30", "layer_height_mm": "0.2", "supports": "no"}
    assert size_of(loom.part[0]) == v1.Size(x=56, y=56, z=30) and size_of(loom.part[1]) is None


def test_a_path_that_fits_two_files_is_nobodys() -> None:
    record = Record(name="a", part=(OkhPart(name="arm", export=("arm.stl",)),))
    assert parts_of(record, ["left/arm.stl"])[0] and not parts_of(record, ["left/arm.stl", "right/arm.stl"])[0]


def test_the_bill_of_materials_is_found_among_the_files(loom: Record) -> None:
    assert bill_files(loom, PATHS) == ["docs/bom list.csv"] and bill_files(loom, ["other.csv"]) == []


def test_a_revision_that_says_nothing_else_gives_its_manifest_back(loom: Record) -> None:
    assert record_of(v1.Design(), revision_of(loom, PATHS), loom) == loom


def test_what_the_registry_says_otherwise_goes_first_and_all_else_survives(loom: Record) -> None:
    revision = revision_of(loom, PATHS)
    revision.manifest.description.summary = "Weaves wide cloth."
    revision.manifest.description.authors.append("Lena")
    revision.manifest.licence = "CC-BY-SA-4.0"
    revision.manifest.parts[0].demands.material = "petg"
    changed = record_of(v1.Design(), revision, loom)
    assert (changed.function, changed.license, changed.part[0].material) == ("Weaves wide cloth.", "CC-BY-SA-4.0", "petg")
    assert Agent("Lena") in changed.licensor
    assert changed.unknown == {"fabric-width-mm": 400} and changed.part[0].unknown["shell-thickness"] == 3
    assert [part.name for part in changed.part] == ["Clamp Ring", "Side", "Beam"]


def test_a_revision_without_a_manifest_of_its_own_is_written_and_read_as_the_same_parts(loom: Record) -> None:
    revision = revision_of(loom, PATHS)
    bought = v1.BillLine(name="M3 screw", quantity=4, buy=v1.Buy(standard="ISO 4762 M3x10"))
    revision.manifest.bill.append(bought)
    made = record_of(v1.Design(title="Loom"), revision)
    again = read(write(made), "okh.toml")
    assert again.record == made and not again.repairs
    assert parts_of(again.record, PATHS)[0] == list(revision.manifest.parts)
    assert description_of(again.record).authors == revision.manifest.description.authors
    assert bill_of(again.record) == [bought]


TEXTS = st.text(max_size=8) | st.sampled_from(("English", "A <b@c.org>", " x ", "\\a\\b.stl", "/c.stl", "http://a.org", "2 kg", "FDM"))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_people_told_the_registry_is_written_and_read_as_the_same(data: st.DataObject) -> None:
    one, some = (lambda: data.draw(TEXTS)), (lambda: data.draw(st.lists(TEXTS, max_size=3)))
    about = v1.Description(title=one(), summary=one(), tags=some(), authors=some(), language=one(), version=one())
    about.links.extend(v1.Link(kind=kind, url=one()) for kind in ("repository", "release"))
    demands = v1.Demands(material=one(), processes=some(), settings=[v1.Setting(key=one(), value=one())])
    part = v1.Part(name=one(), paths=some(), quantity_per_product=2, demands=demands)
    manifest = v1.Manifest(licence=one(), software_licence=one(), description=about, parts=[part])
    made = record_of(v1.Design(id="d1"), v1.Revision(manifest=manifest))
    again = read(write(made), "okh.toml")
    assert again.record == made and not again.repairs


def test_lines_of_a_bill_that_are_none_are_left_out() -> None:
    good = {"name": "screw", "quantity": 2, "salvage": {"source": "printer"}}
    record = Record(name="a", unknown={"bill": [good, {"name": "x"}, {"colour": "red"}, 5, {**good, "quantity": "many"}]})
    assert [line.name for line in bill_of(record)] == ["screw"]
    assert bill_of(Record(name="a", unknown={"bill": "bom.csv"})) == []


def test_real_manifests_are_described_with_a_title_and_come_back_from_the_contract(shared: Path) -> None:
    real = found_under([shared / "okh"])
    for file in (*real[::20], *(file for file in real if file.parent.name != "imported_from_v1")):
        record = read(file.read_text(encoding="utf-8"), file.name).record
        paths = [path for part in record.part for path in (*part.source, *part.export)]
        assert description_of(record).title and authors_of(record)
        assert record_of(v1.Design(), revision_of(record, paths), record) == record, file


@pytest.mark.parametrize("name", ["okh.toml", "okh-loom.toml"])
def test_a_manifest_beside_the_files_is_a_demand_whatever_its_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(LOOM, encoding="utf-8")
    assert declared_beside(tmp_path, "ring").material == "abs" and declared_beside(tmp_path, "Clamp Ring").material == "abs"
    assert declared_beside(tmp_path, "hook") == v1.Demands()


def test_a_note_that_tells_only_of_a_part_and_has_no_name_is_a_demand(tmp_path: Path) -> None:
    (tmp_path / "okh.toml").write_text('[[part]]\nname = "gear"\nmaterial = "PETG"\n', encoding="utf-8")
    assert declared_beside(tmp_path, "gear").material == "petg"


def test_a_manifest_in_yaml_is_a_demand_and_one_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "okh.toml").write_bytes(b"\xff\xfe name = [")
    assert declared_beside(tmp_path, "gear") == v1.Demands()
    (tmp_path / "okh.yml").write_text(
        "title: Gear\npart:\n  - {name: gear, source: gear.stl, material: PETG, infill: 40}\n", encoding="utf-8"
    )
    declared = declared_beside(tmp_path, "gear")
    assert declared.material == "petg" and [(one.key, one.value) for one in declared.settings] == [("infill_percent", "40")]
