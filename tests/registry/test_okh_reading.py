# SPDX-License-Identifier: AGPL-3.0-or-later
"""Open Know-How manifests as people really write them: each repair, beside the same thing written well."""

from __future__ import annotations

import pytest

from commonfab.errors import Refused
from registry.okh.reading import Read, read
from registry.okh.record import Agent, Dimensions, Image, OkhPart, Record, Software

LATER = 'okhv = "2.4"\nname = "Gear"\n'

FIRST = """%Open Know-How Manifest 1.0
---
title: Mincer gear
description: |
  Takes the place of a stripped gear.
intended-use: mincers
keywords: [gear, mincer]
documentation-home: https://example.org/gear
project-link: https://example.org
version: 1.10
date-created: 2021-05-04
made: true
license:
  hardware: CERN-OHL-1.2
  documentation: CC-BY-4.0
licensor: {name: Jo Maker, email: jo@example.org, affiliation: Repair cafe}
contributors:
  - name: Ann
making-instructions:
  - {path: docs/print.md}
operating-instructions:
  - {path: docs/use.md, title: How to use it}
standards-used:
  - {standard-title: Gears, reference: DIN 3960}
derivative-of: {title: Old gear, web: https://example.org/old}
software:
  - {path: fw.zip, title: Firmware}
sub:
  - {title: Shaft, web: https://example.org/shaft}
image:
"""

LOSH = """okhv = "OKH-LOSHv1.0"
name = "Loom"
licensor = ["Jens Meisner", "Ann <ann@example.org>"]
organization = "OSE Germany e.V."
image = "loom.jpg"
fabric-width-mm = 400
[outer-dimensions]
openSCAD = "cube(size = [400,350,150])"
unit = "mm"
[[part]]
name = "Ring"
tsdc = "3DP"
source = "Ring.scad"
export = ["Ring.pdf", "Ring.stl"]
printing-process = "FDM"
infill = 30
[part.mass]
value = 0.03
unit = "kg"
[[software]]
release = "https://example.org/fw/1.0"
"""

NEWEST = """okhv = "2.4"
name = "Stool"
licensor = {name = "Jo", url = "https://example.org"}
forkOf = "https://example.org/older"
mass = 50330.0
source = ["a.scad", "b.scad"]
[rdf]
namespace = "http://example.org/stool#"
[outer-dimensions]
width = 400
depth = 350.8
height = 150
[[image]]
location = "photo.png"
depicts = "A stool"
slots = ["photo-thing-main"]
tags = ["photo"]
[[image]]
location = "other.png"
"""


def told(read_: Read) -> dict[str, str]:
    """Each repair by its code, as it is told."""
    return {repair.code: repair.subject for repair in read_.repairs}


def later(line: str) -> Read:
    return read(LATER + line, "okh.toml")


def test_a_manifest_of_1_0_is_understood_with_its_licences_people_and_instructions() -> None:
    first = read(FIRST, "okh.yml")
    assert first.version == "1.0" and not first.repairs
    assert first.record == Record(
        name="Mincer gear",
        repo="https://example.org/gear",
        license="CERN-OHL-1.2",
        documentation_license="CC-BY-4.0",
        licensor=(Agent("Jo Maker", "jo@example.org", unknown={"affiliation": "Repair cafe"}),),
        function="Takes the place of a stripped gear.",
        version="1.10",
        fork_of="https://example.org/old",
        standard_compliance=("DIN 3960",),
        manufacturing_instructions=("docs/print.md",),
        user_manual=("docs/use.md",),
        keywords=("gear", "mincer"),
        intended_use="mincers",
        contributors=(Agent("Ann"),),
        software=(Software("fw.zip", label="Firmware"),),
        unknown={
            "project-link": "https://example.org",
            "date-created": "2021-05-04",
            "made": True,
            "operating-instructions": [{"path": "docs/use.md", "title": "How to use it"}],
            "standards-used": [{"standard-title": "Gears", "reference": "DIN 3960"}],
            "derivative-of": {"title": "Old gear", "web": "https://example.org/old"},
            "sub": [{"title": "Shaft", "web": "https://example.org/shaft"}],
        },
    )


def test_a_manifest_of_okh_losh_is_understood_with_its_parts() -> None:
    losh = read(LOSH, "okh.toml")
    assert losh.version == "LOSH 1.0" and set(told(losh)) == {"okh.dimensions", "okh.mass"}
    assert losh.record.licensor == (Agent("Jens Meisner"), Agent("Ann", "ann@example.org"))
    assert losh.record.outer_dimensions == Dimensions(400, 350, 150)
    assert losh.record.unknown == {"fabric-width-mm": 400}
    assert losh.record.software == (Software("https://example.org/fw/1.0"),)
    assert losh.record.part == (
        OkhPart(
            name="Ring",
            source=("Ring.scad",),
            export=("Ring.pdf", "Ring.stl"),
            tsdc=("3DP",),
            printing_process="FDM",
            mass_g=30,
            unknown={"infill": 30},
        ),
    )


@pytest.mark.parametrize("version", ["2.3", "2.4"])
def test_a_manifest_of_2_x_needs_no_repair(version: str) -> None:
    newest = read(NEWEST.replace("2.4", version), "okh.toml")
    assert newest.version == version and not newest.repairs
    assert newest.record.licensor == (Agent("Jo", url="https://example.org"),)
    assert newest.record.fork_of == "https://example.org/older" and newest.record.mass_g == 50330
    assert newest.record.outer_dimensions == Dimensions(400, 350.8, 150)
    assert newest.record.image == (Image("photo.png", "A stool", ("photo-thing-main",), ("photo",)), Image("other.png"))
    assert newest.record.unknown == {"rdf": {"namespace": "http://example.org/stool#"}}


@pytest.mark.parametrize(
    ("wrong", "right", "code", "named"),
    [
        ('documentationLanguage = "en"', 'documentation-language = "en"', "okh.key", "'documentationLanguage' → 'documentation-language'"),
        ('organisation = "Poppy"', 'organization = "Poppy"', "okh.key", "'organisation' → 'organization'"),
        ('fork-of = "https://a.org"', 'forkOf = "https://a.org"', "okh.key", "'fork-of' → 'forkOf'"),
        ('user_manual = "a.md"', 'user-manual = "a.md"', "okh.key", "'user_manual' → 'user-manual'"),
        ('[[Software]]\nrelease = "1"', '[[software]]\nrelease = "1"', "okh.key", "'Software' → 'software'"),
        ('function = "turns\\n"', 'function = "turns"', "okh.spaces", "function: 'turns\\n' → 'turns'"),
        ('mass = "30"', "mass = 30", "okh.as_number", "mass: '30' → 30"),
        ("version = 1.10", 'version = "1.10"', "okh.as_text", "version: 1.1 → '1.10'"),
        ("version = 2021-05-04", 'version = "2021-05-04"', "okh.as_text", "→ '2021-05-04'"),
        ('license = ["MIT", "CC0-1.0"]', 'license = "MIT, CC0-1.0"', "okh.several", "['MIT', 'CC0-1.0'] → 'MIT, CC0-1.0'"),
        ('[part]\nname = "a"', '[[part]]\nname = "a"', "okh.as_list", "part: "),
        ('software = "fw.zip"', '[[software]]\nrelease = "fw.zip"', "okh.as_table", "software: 'fw.zip' → "),
        ("bom = 'docs\\bom.csv'", 'bom = "docs/bom.csv"', "okh.windows_path", "bom: 'docs\\\\bom.csv' → 'docs/bom.csv'"),
        ('bom = "/docs/bom.csv"', 'bom = "docs/bom.csv"', "okh.absolute_path", "bom: '/docs/bom.csv' → 'docs/bom.csv'"),
        ("readme = 'D:\\a\\b.md'", 'readme = "a/b.md"', "okh.absolute_path", "'D:/a/b.md' → 'a/b.md'"),
        ('documentation-language = "EN-UK"', 'documentation-language = "en-GB"', "okh.language", "'EN-UK' → 'en-GB'"),
        ('documentation-language = "French-FR"', 'documentation-language = "fr-FR"', "okh.language", "'French-FR' → 'fr-FR'"),
        ('technology-readiness-level = "Ideation"', 'technology-readiness-level = "OTRL-1"', "okh.level", "'Ideation' → 'OTRL-1'"),
        ('documentation-readiness-level = "odrl 3*"', 'documentation-readiness-level = "ODRL-3*"', "okh.level", "'odrl 3*' → 'ODRL-3*'"),
        ('mass = {value = 2, unit = "kg"}', "mass = 2000", "okh.mass", "→ 2000"),
        ('mass = "30 g"', "mass = 30", "okh.mass", "mass: '30 g' → 30"),
        ('bom = ""', "", "okh.empty", "bom: '' → left out"),
    ],
)
def test_a_repair_is_told_and_gives_what_the_right_spelling_gives(wrong: str, right: str, code: str, named: str) -> None:
    repaired, written_well = later(wrong), later(right)
    assert repaired.record == written_well.record and not written_well.repairs
    assert named in told(repaired)[code]


@pytest.mark.parametrize(
    ("line", "box", "code"),
    [
        ("cube(size = [400,350,150])", (400, 350, 150), "okh.dimensions"),
        ("cube(size = [560,22,6]", (560, 22, 6), "okh.brackets"),
        ("cube(size = [560,22,6", (560, 22, 6), "okh.brackets"),
        ("cube([1, 2.5, 3], center=true);", (1, 2.5, 3), "okh.dimensions"),
        ("cube(5)", (5, 5, 5), "okh.dimensions"),
        ("cylinder(h=163, r=22.5)", (45, 45, 163), "okh.dimensions"),
        ("cylinder(h=10, d1=4, d2=6)", (6, 6, 10), "okh.dimensions"),
        ("sphere(d=7)", (7, 7, 7), "okh.dimensions"),
    ],
)
def test_dimensions_in_openscad_become_a_box(line: str, box: tuple[float, ...], code: str) -> None:
    repaired = later(f'[outer-dimensions]\nopenSCAD = "{line}"\nunit = "mm"')
    assert repaired.record.outer_dimensions == Dimensions(*box) and set(told(repaired)) == {code}


def test_dimensions_in_another_unit_become_millimetres() -> None:
    assert later('[outer-dimensions]\nopenSCAD = "cube([1,2,3])"\nunit = "inch"').record.outer_dimensions == Dimensions(25.4, 50.8, 76.2)
    assert later('outer-dimensions = {width = 1, depth = 2, height = 3, unit = "cm"}').record.outer_dimensions == Dimensions(10, 20, 30)


@pytest.mark.parametrize(
    "line",
    [
        'outer-dimensions = {openSCAD = "polyhedron(points = [])", unit = "mm"}',
        'outer-dimensions = {openSCAD = "cube([1,2,3])", unit = "furlong"}',
        'outer-dimensions = {openSCAD = "cube([1,2])"}',
        "outer-dimensions = {width = 1, depth = 2}",
        "mass = -3",
        "mass = {value = 1, unit = 'stone'}",
        "part = 'gear'",
        "part = ['gear', {name = 'a'}]",
        "source = ['a', {b = 1}]",
        "licensor = [['a']]",
        "image = [{depicts = 'no location'}]",
        "colour = {rim = 'red', hub = [1, 2.5, true]}",
    ],
)
def test_what_no_field_can_hold_is_kept_as_it_is(line: str) -> None:
    kept = later(line)
    key = line.partition(" ")[0]
    assert list(kept.record.unknown) == [key] and not kept.repairs


def test_of_two_spellings_of_a_key_the_specifications_counts_and_the_other_is_kept() -> None:
    both = later('userManual = "old.md"\nuser-manual = "new.md"')
    assert both.record.user_manual == ("new.md",) and both.record.unknown == {"userManual": "old.md"}


@pytest.mark.parametrize(("version", "read_as"), [('okhv = "3.0"\n', "2.4"), ("", "2.4"), ("okhv = 2.4\n", "2.4")])
def test_a_version_that_nobody_knows_is_read_as_the_newest_and_told(version: str, read_as: str) -> None:
    read_ = read(version + 'name = "Gear"', "okh.toml")
    assert read_.version == read_as and ("okh.version" in told(read_)) == ("2.4" not in version)


def test_lines_that_a_wiki_wrote_without_indentation_are_put_back() -> None:
    wiki = "title: Pump\nlicense:\ndocumentation: CC-BY-SA-4.0\nlicensor:\nname: Ann\naffiliation: Uni\ndocumentation-home: https://a.org\n"
    read_ = read(wiki, "okh.yml")
    assert read_.record.license == "CC-BY-SA-4.0" and read_.record.name == "Pump"
    assert read_.record.licensor == (Agent("Ann", unknown={"affiliation": "Uni"}),)
    assert [repair.code for repair in read_.repairs] == ["okh.indentation", "okh.indentation"]


def test_yaml_makes_no_numbers_dates_or_times_of_texts() -> None:
    read_ = read("okhv: '2.4'\nname: Gear\nversion: 1:30\nrelease: 0x1F\nkey: 2021-05-04\nno: off\n", "okh.yaml")
    assert (read_.record.version, read_.record.release) == ("1:30", "0x1F")
    assert read_.record.unknown == {"key": "2021-05-04", "no": "off"} and not read_.repairs


def test_what_the_file_is_counts_where_its_name_does_not_say() -> None:
    assert read(LOSH).record == read(LOSH, "okh.toml").record
    assert read(FIRST).record == read(FIRST, "okh.yml").record


@pytest.mark.parametrize(
    ("text", "name", "code", "where"),
    [
        ('name = "a"\nrelease = \n', "okh.toml", "okh.unreadable", "line 2"),
        ('name = "a"\nname = "b"\n', "okh.toml", "okh.unreadable", "line 2"),
        ("title: a\nlicense: [\n", "okh.yml", "okh.unreadable", "line 3"),
        ("title: a\ntitle: b\n", "okh.yml", "okh.unreadable", "'title' stands twice (line 2)"),
        ("- a\n- b\n", "okh.yml", "okh.unreadable", "no keys"),
        ("", "okh.yml", "okh.unreadable", "no keys"),
        ('okhv = "2.4"\nrepo = "x"\n', "okh.toml", "okh.no_name", "okh.toml"),
        ("", "okh.toml", "okh.no_name", "okh.toml"),
        ("title: &a [*a]\n", "okh.yml", "okh.large", "okh.yml"),
        ("x" * 300_000, "okh.toml", "okh.large", "okh.toml"),
        ("a" + ".a" * 100_000 + " = 1", "okh.toml", "okh.large", "okh.toml"),
        ("name = " + "[" * 100_000, "okh.toml", "okh.unreadable", "okh.toml"),
        ("name: " + "- " * 2_000, "okh.yml", "okh.unreadable", "okh.yml"),
    ],
)
def test_what_is_no_manifest_is_refused_and_the_place_is_named(text: str, name: str, code: str, where: str) -> None:
    with pytest.raises(Refused) as refused:
        read(text, name)
    assert refused.value.code == code and where in refused.value.reason.message


def bomb(first: str) -> str:
    """Each line holds the one before nine times."""
    lines = [f"a: &a {first}", *(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]" for n in range(10))]
    return "\n".join(lines) + "\ntitle: x\n"


@pytest.mark.parametrize("first", ["[x, x, x]", '"' + "x" * 10_000 + '"'], ids=["of many values", "of one long text"])
def test_a_manifest_that_multiplies_itself_is_refused_and_a_small_one_is_not(first: str) -> None:
    with pytest.raises(Refused) as refused:
        read(bomb(first), "okh.yml")
    assert refused.value.code == "okh.large"
    assert read("title: x\na: &a [1]\nb: [*a, *a]\n", "okh.yml").record.unknown == {"a": ["1"], "b": [["1"], ["1"]]}


def test_one_long_text_that_stands_in_many_places_is_refused_and_in_few_is_not() -> None:
    with pytest.raises(Refused) as refused:
        read('title: &a "' + "x" * 10_000 + '"\nb: [' + ", ".join(["*a"] * 100) + "]\n", "okh.yml")
    assert refused.value.code == "okh.large"
    assert len(read('title: &a "' + "x" * 10_000 + '"\nb: [*a, *a]\n', "okh.yml").record.unknown["b"]) == 2
