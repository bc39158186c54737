# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a folder says of a design is proposed, with the file and the line; what it does not say plainly is not proposed."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonfab import v1
from commonfab.errors import Refused
from registry.licences import Licences
from registry.licences.texts import licence_of_text
from registry.proposing.bill_files import read_bill
from registry.proposing.folder import Proposal, propose

README = """\
[![build](https://example.org/badge.svg)](https://example.org)

# Drive gear for a mincer

![photo](gear.jpg)

A **replacement** gear for the Kenwood Chef A901, part number KW715564. It is printed in
[PETG](https://example.org/petg) and lasts.

A second paragraph.

## Licence

- Hardware: CERN OHL v2 - Strongly Reciprocal
- Documentation: CC BY-SA 4.0
- Firmware: GPLv3 or later
"""


@pytest.fixture(scope="module")
def licences() -> Licences:
    return Licences()


def proposed(folder: Path, licences: Licences) -> dict[str, Proposal]:
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {proposal.field: proposal for proposal in propose(files, folder.name, licences)}


def write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        path = folder / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_a_readme_gives_title_summary_licences_and_what_it_replaces_with_their_lines(tmp_path: Path, licences: Licences) -> None:
    found = proposed(write(tmp_path, README_DOT_md=README), licences)
    assert (found["title"].value, found["title"].source) == ("Drive gear for a mincer", "README.md:3")
    assert found["summary"].source == "README.md:7"
    assert str(found["summary"].value).startswith("A replacement gear for the Kenwood Chef A901") and "PETG and lasts." in str(
        found["summary"].value
    )
    assert found["replaces"].value == v1.Item(maker="Kenwood", model="Chef A901", part_number="KW715564")
    assert found["kind"].value == "replacement-part"
    assert (found["licence"].value, found["licence"].source) == ("CERN-OHL-S-2.0", "README.md:14")
    assert (found["documentation_licence"].value, found["software_licence"].value) == ("CC-BY-SA-4.0", "GPL-3.0-or-later")
    assert not any(proposal.certain for proposal in found.values())


def test_an_okh_manifest_is_certain_and_goes_before_the_readme(tmp_path: Path, licences: Licences) -> None:
    okh = (
        'okhv = "OKH-LOSHv1.0"\nname = "Gear"\nlicense = "CC BY-SA 4.0"\nlicensor = "Ada"\nfunction = "Drives a mincer"\nversion = "2.1"\n'
    )
    found = proposed(write(tmp_path, README_DOT_md=README, okh_DOT_toml=okh), licences)
    assert {field: (proposal.value, proposal.source) for field, proposal in found.items() if proposal.certain} == {
        "title": ("Gear", "okh.toml"),
        "summary": ("Drives a mincer", "okh.toml"),
        "licence": ("CC BY-SA 4.0", "okh.toml"),
        "authors": (("Ada",), "okh.toml"),
        "version": ("2.1", "okh.toml"),
    }
    assert not found["replaces"].certain, "the manifest says nothing of it, so the README is asked"


def test_a_folder_without_a_readme_gives_its_name_and_nothing_else(tmp_path: Path, licences: Licences) -> None:
    (tmp_path / "mincer_gear").mkdir()
    found = proposed(write(tmp_path / "mincer_gear", gear_DOT_stl="solid"), licences)
    assert {field: proposal.value for field, proposal in found.items()} == {"title": "mincer gear"}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("This project is licensed under CC BY-SA 4.0.", "CC-BY-SA-4.0"),
        ("It is licensed under the [CERN OHL v1.2](LICENCE), see there.", "CERN-OHL-1.2"),
        ("Released under the terms of the GNU General Public License v3.0 or later.", "GPL-3.0-or-later"),
        ("Published under the Creative Commons Attribution-ShareAlike 4.0 International License.", "CC-BY-SA-4.0"),
        ("Licensed under a licence that I shall think of.", None),
        ("It is licensed under Creative Commons.", None),
        ("Do what you like.", None),
    ],
)
def test_a_licence_in_a_sentence_is_found_only_where_it_is_plain(tmp_path: Path, licences: Licences, said: str, meant: str | None) -> None:
    found = proposed(write(tmp_path, README_DOT_md=f"# Gear\n\nA gear.\n\n{said}\n"), licences)
    assert (found["licence"].value if "licence" in found else None) == meant
    if meant:
        assert found["licence"].source == "README.md:5"


MIT = """MIT License

Copyright (c) 2020 Ada

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the
"Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish,
distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to
the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR
ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH
THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def test_licence_files_are_recognised_by_their_text_and_their_place(tmp_path: Path, licences: Licences) -> None:
    own = (Path(__file__).parents[2] / "LICENSE").read_text(encoding="utf-8")
    cern = "CERN Open Hardware Licence Version 2 - Strongly Reciprocal\n\n1.4 'Covered Source' means …\n"
    cc = "Attribution-ShareAlike 4.0 International\n\nBy exercising the Licensed Rights (defined below), You accept …\n"
    found = proposed(write(tmp_path, LICENSE=cern, docs__LICENSE_DOT_txt=cc, firmware__COPYING=own), licences)
    assert (found["licence"].value, found["licence"].source) == ("CERN-OHL-S-2.0", "LICENSE")
    assert (found["documentation_licence"].value, found["documentation_licence"].source) == ("CC-BY-SA-4.0", "docs/LICENSE.txt")
    assert (found["software_licence"].value, found["software_licence"].source) == ("AGPL-3.0-only", "firmware/COPYING")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (MIT, "MIT"),
        (MIT.replace("THE SOFTWARE IS PROVIDED", "The name of Ada shall not be used in advertising without leave. " * 2 + "THE"), None),
        ("CERN OHL v1.2\n\n“Documentation Location” means …", "CERN-OHL-1.2"),
        ("Attribution-NonCommercial 3.0 Unported\n\nTHIS CREATIVE COMMONS PUBLIC LICENSE", "CC-BY-NC-3.0"),
        ("Attribution 3.0 Australia\n\nTHIS CREATIVE COMMONS PUBLIC LICENSE", None),
        ("We like the MIT licence and the Covered Source.", None),
        ("", None),
    ],
)
def test_a_text_is_a_licence_only_where_its_own_sentences_stand_in_it(text: str, meant: str | None) -> None:
    assert licence_of_text(text) == meant


def test_two_licences_for_the_same_thing_are_not_chosen_between(tmp_path: Path, licences: Licences) -> None:
    line = "// SPDX-License-Identifier: "
    found = proposed(write(tmp_path, a_DOT_scad=f"{line}MIT\n", b_DOT_scad=f"{line}CC0-1.0\n"), licences)
    assert "licence" not in found
    found = proposed(write(tmp_path, b_DOT_scad=f"\n{line}MIT */\n"), licences)
    assert (found["licence"].value, found["licence"].source) == ("MIT", "a.scad:1")


@pytest.mark.parametrize(
    "said",
    [
        "It fits most mixers.",
        "A replacement for plastic.",
        "Replaces the old one.",
        "Fits like a glove since 2019.",
        "Compatible with everything.",
    ],
)
def test_what_it_fits_is_not_proposed_where_no_maker_and_model_stand(tmp_path: Path, licences: Licences, said: str) -> None:
    found = proposed(write(tmp_path, README_DOT_md=f"# Knob\n\n{said}\n"), licences)
    assert not {"fits", "replaces", "kind"} & found.keys()


def test_a_table_of_materials_becomes_a_bill_without_the_parts_that_lie_there(tmp_path: Path, licences: Licences) -> None:
    table = "Item;Qty;Manufacturer;Part No.;Link\nISO 4762 M3x10;4;;;\n608 bearing;2;SKF;608-2Z;https://example.org\ngear.stl;1;;;\n"
    found = proposed(write(tmp_path, BOM_DOT_csv=table, gear_DOT_stl="solid"), licences)
    bill = found["bill"].value
    assert isinstance(bill, tuple)
    assert [line.name for line in bill if isinstance(line, v1.BillLine)] == ["608 bearing", "ISO 4762 M3x10"]
    assert isinstance(bill[0], v1.BillLine) and isinstance(bill[1], v1.BillLine)
    assert (bill[0].quantity, bill[0].buy.item.maker, bill[0].buy.item.part_number, bill[0].buy.url) == (
        2,
        "SKF",
        "608-2Z",
        "https://example.org",
    )
    assert (bill[1].quantity, bill[1].buy.standard) == (4, "ISO 4762 M3x10")


def test_a_bill_in_toml_says_how_each_thing_is_come_by() -> None:
    text = """
        [[line]]
        name = "gear"
        quantity = 2
        make = { revision = "aa", part = "gear" }
        [[line]]
        name = "rod"
        quantity = 0.5
        unit = "m"
        buy = { standard = "ISO 2341", maker = "Any", url = "https://example.org" }
        [[line]]
        name = "motor"
        quantity = 1
        salvage = { source = "any ink-jet printer" }
        note = "12 V"
    """
    gear, motor, rod = read_bill(text, "bill.toml")
    assert (gear.make, gear.quantity) == (v1.Make(revision="aa", part="gear"), 2)
    assert (motor.salvage.source, motor.note) == ("any ink-jet printer", "12 V")
    assert (rod.quantity, rod.unit, rod.buy.standard, rod.buy.item.maker) == (0.5, "m", "ISO 2341", "Any")


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("bom.csv", "name,quantity\nscrew,many\n", "line 2"),
        ("bom.csv", "name,quantity\nscrew,1\nscrew,2\n", "line 3"),
        ("bom.csv", "name,quantity,unit\nscrew,1,furlong\n", "furlong"),
        ("bom.csv", "screw,1\n", "column"),
        ("bom.csv", "", "column"),
        ("bom.csv", "name,quantity\n", "0 lines"),
        ("bill.toml", "[[line]]\nname = 'a'\nquantity = 0\n", "line 1"),
        ("bill.toml", "[[line]]\nname = 'a'\nquantity = 1\ncolour = 'red'\n", "colour"),
        ("bill.toml", "[[line]]\nname = 'a'\nquantity = 1\nbuy = {}\nsalvage = {}\n", "buy and salvage"),
        ("bill.toml", "line = 1\n", "[[line]]"),
        ("bill.toml", "[[line", "bill.toml"),
    ],
)
def test_a_bill_that_cannot_be_read_names_the_line(name: str, text: str, where: str) -> None:
    with pytest.raises(Refused) as refused:
        read_bill(text, name)
    assert refused.value.code == "bill.unreadable" and where in str(refused.value)


def test_files_that_are_no_text_and_readmes_without_words_propose_nothing(tmp_path: Path, licences: Licences) -> None:
    (tmp_path / "README.md").write_bytes(b"\0\xff" * 100)
    (tmp_path / "LICENSE").write_bytes(b"\xff\xfe\0")
    assert set(proposed(tmp_path, licences)) == {"title"}
    assert set(proposed(write(tmp_path, README_DOT_md="```\n# code\n```\n\n<img src='a'>\n"), licences)) == {"title"}
