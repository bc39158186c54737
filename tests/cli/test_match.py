# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab match`: files and a folder of shops in, a verdict with its reasons out. No node, no network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from stl_boxes import stl_box

from cli.verdict import ANOTHER_KIND, BETTER_ELSEWHERE, HOSTILE, MENDABLE
from commonfab.reasons import REASONS

PRINTER = """
[shop]
id = "lenas-garage"
name = "Lena's garage"
[router]
token_file = "a file that is not here"
[[machine]]
id = "mk3"
process = "fdm"
envelope_mm = [250, 210, 210]
materials = ["pla", "petg"]
control = "octoprint"
url = "http://octopi.local"
api_key_file = "nor is this"
"""

LASER = """
[shop]
id = "laser-loft"
[[machine]]
id = "k40"
process = "laser_cutting"
envelope_mm = [300, 200, 40]
control = "by_hand"
materials = ["acrylic"]
max_thickness_mm = { acrylic = 8, plywood = 6 }
stock = [{ material = "plywood", thickness_mm = 4, size_mm = [600, 300] }]
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    for name, text in (("lena", PRINTER), ("loft", LASER)):
        (tmp_path / "fleet" / name).mkdir(parents=True)
        (tmp_path / "fleet" / name / "shop.toml").write_text(text, encoding="utf-8")
    return tmp_path / "fleet"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli.main", "match", *map(str, arguments)], capture_output=True, encoding="utf-8", timeout=240
    )


def match(*arguments: object) -> dict[str, Any]:
    done = run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def drawn(folder: Path, name: str, x: float, y: float, z: float) -> Path:
    file = folder / name
    file.write_bytes(stl_box(x, y, z))
    return file


def codes(reasons: list[dict[str, Any]]) -> list[str]:
    return [reason["code"] for reason in reasons]


def by_shop(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {shop["shop"]: shop for shop in answer["shops"]}


@pytest.mark.slow
def test_a_part_that_a_shop_can_make_now_is_accepted_with_the_room_that_is_left(fleet: Path, tmp_path: Path) -> None:
    answer = match(drawn(tmp_path, "block.stl", 100, 80, 60), "--fleet", fleet, "--quantity", 3)
    assert answer["verdict"] == "accept" and "fdm" in answer["processes"] and not answer["questions"]
    shop = by_shop(answer)["lenas-garage"]
    assert (shop["able"], shop["machine"], shop["process"], shop["material"]) == (True, "mk3", "fdm", "pla")
    assert shop["margin_mm"] == pytest.approx(130)
    single = match(tmp_path / "block.stl", "--fleet", fleet)
    once = by_shop(single)["lenas-garage"]["estimate"]
    assert shop["estimate"]["grams"] == pytest.approx(3 * once["grams"], abs=0.2)
    assert not by_shop(answer)["laser-loft"]["able"]


@pytest.mark.slow
def test_a_doubtful_unit_holds_the_part_with_both_sizes_until_somebody_says_it(fleet: Path, tmp_path: Path) -> None:
    file = drawn(tmp_path, "bracket.stl", 2, 2, 1)
    answer = match(file, "--fleet", fleet)
    assert answer["verdict"] == "hold" and codes(answer["questions"]) == ["units.suspect_inch"]
    assert "2 × 2 × 1 mm, or 50.8 × 50.8 × 25.4 mm" in answer["questions"][0]["message"]
    assert match(file, "--fleet", fleet, "--unit", "inch")["verdict"] == "accept"


def test_a_part_that_no_shop_has_room_for_is_rejected_with_the_figures(fleet: Path, tmp_path: Path) -> None:
    answer = match(drawn(tmp_path, "cube.stl", 400, 400, 400), "--fleet", fleet)
    assert answer["verdict"] == "reject"
    wide = next(reason for reason in answer["reasons"] if reason["code"] == "size.x")
    assert wide["figures"] == {"needs": {"value": 400, "unit": "mm"}, "has": {"value": 250, "unit": "mm"}}
    assert "size.z" in codes(by_shop(answer)["lenas-garage"]["reasons"])


def test_of_two_machines_that_are_too_small_the_one_that_misses_by_less_is_named(fleet: Path, tmp_path: Path) -> None:
    second = (
        PRINTER + '[[machine]]\nid = "mini"\nprocess = "fdm"\nenvelope_mm = [180, 180, 180]\nmaterials = ["pla"]\ncontrol = "by_hand"\n'
    )
    (fleet / "lena" / "shop.toml").write_text(second.replace('id = "mk3"', 'id = "zeta"'), encoding="utf-8")
    shop = by_shop(match(drawn(tmp_path, "cube.stl", 400, 400, 400), "--fleet", fleet))["lenas-garage"]
    assert (shop["able"], shop["machine"]) == (False, "zeta")


def test_a_pointer_in_place_of_a_file_is_held_until_the_file_is_there(fleet: Path, tmp_path: Path) -> None:
    file = tmp_path / "gear.stl"
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", encoding="utf-8")
    answer = match(file, "--fleet", fleet)
    assert answer["verdict"] == "hold" and codes(answer["questions"]) == ["file.lfs_pointer"]


def test_a_material_that_nobody_has_rejects_and_names_it(fleet: Path, tmp_path: Path) -> None:
    answer = match(drawn(tmp_path, "block.stl", 60, 60, 60), "--fleet", fleet, "--material", "asa")
    assert answer["verdict"] == "reject" and "material.missing" in codes(answer["reasons"])


def test_parts_of_one_design_stand_or_fall_together_and_each_says_why(fleet: Path, tmp_path: Path) -> None:
    files = [drawn(tmp_path, "good.stl", 60, 60, 60), drawn(tmp_path, "large.stl", 400, 400, 400)]
    answer = match(*files, "--fleet", fleet, "--part-of-one-design")
    assert answer["verdict"] == "reject"
    assert {part["part"]: part["verdict"] for part in answer["parts"]} == {"good": "accept", "large": "reject"}
    assert not any(shop["able"] for shop in answer["shops"])


def test_two_files_of_one_name_that_differ_are_asked_about(fleet: Path, tmp_path: Path) -> None:
    drawn(tmp_path, "arm.stl", 60, 60, 60)
    (tmp_path / "arm.off").write_text(off_box(60, 60, 90), encoding="utf-8")
    answer = match(tmp_path / "arm.stl", tmp_path / "arm.off", "--fleet", fleet, "--part-of-one-design")
    assert answer["verdict"] == "hold" and codes(answer["questions"]) == ["file.sibling_differs"]


def off_box(x: float, y: float, z: float) -> str:
    corners = "\n".join(f"{x * (i & 1)} {y * (i >> 1 & 1)} {z * (i >> 2)}" for i in range(8))
    faces = "\n".join(
        f"4 {' '.join(map(str, f))}" for f in ((0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5))
    )
    return f"OFF\n8 6 0\n{corners}\n{faces}\n"


def test_what_a_readme_says_is_shown_and_demanded_nowhere(fleet: Path, tmp_path: Path) -> None:
    folder = tmp_path / "design"
    folder.mkdir()
    (folder / "README.md").write_text("# Gear\n\nPrint it in PETG with 40 % infill, no supports.\n", encoding="utf-8")
    answer = match(drawn(folder, "gear.stl", 60, 60, 60), "--fleet", fleet)
    assert answer["found_in_text"] == ["README.md: Print it in PETG with 40 % infill, no supports."]
    assert by_shop(answer)["lenas-garage"]["material"] == "pla"


def test_a_manifest_beside_the_file_is_a_demand(fleet: Path, tmp_path: Path) -> None:
    folder = tmp_path / "design"
    folder.mkdir()
    manifest = '[[part]]\nname = "gear"\nsource = "gear.stl"\nmaterial = "PETG"\n[part.printing]\ninfill_percent = 40\n'
    (folder / "okh.toml").write_text(manifest, encoding="utf-8")
    answer = match(drawn(folder, "gear.stl", 60, 60, 60), "--fleet", fleet)
    assert by_shop(answer)["lenas-garage"]["material"] == "petg"
    fdm = next(way for way in answer["judgements"] if way["process"] == "fdm")
    assert {s["key"]: s["value"] for s in fdm["requirement"]["settings"]} == {"infill_percent": "40"}


def test_the_answer_for_people_names_the_shop_and_the_room_to_spare(fleet: Path, tmp_path: Path) -> None:
    done = run(drawn(tmp_path, "block.stl", 100, 80, 60), "--fleet", fleet)
    assert done.returncode == 0 and "block: accept" in done.stdout
    assert "Lena's garage with mk3: fdm, pla, 130 mm to spare" in done.stdout


def test_a_mistake_in_a_shop_file_names_file_and_line(fleet: Path, tmp_path: Path) -> None:
    (fleet / "lena" / "shop.toml").write_text(PRINTER.replace("envelope_mm", "envelop_mm"), encoding="utf-8")
    done = run(drawn(tmp_path, "block.stl", 10, 10, 10), "--fleet", fleet)
    assert done.returncode == 1 and "shop.toml line 10" in done.stderr and "did you mean 'envelope_mm'" in done.stderr


@pytest.mark.parametrize(
    ("change", "told"),
    [("empty", "there is no shop.toml in"), ("twice", "two files describe shop lenas-garage")],
)
def test_a_fleet_that_is_none_is_told_so(change: str, told: str, fleet: Path, tmp_path: Path) -> None:
    if change == "empty":
        fleet = tmp_path / "nothing"
        fleet.mkdir()
    else:
        (fleet / "copy.toml").write_text(PRINTER, encoding="utf-8")
    done = run(drawn(tmp_path, "block.stl", 10, 10, 10), "--fleet", fleet)
    assert done.returncode == 1 and told in done.stderr


def test_a_unit_that_nobody_knows_is_refused(fleet: Path, tmp_path: Path) -> None:
    done = run(drawn(tmp_path, "block.stl", 10, 10, 10), "--fleet", fleet, "--unit", "furlong")
    assert done.returncode == 1 and "mm, cm, m or inch" in done.stderr


@pytest.mark.slow
def test_a_fleet_is_found_wherever_it_lies_and_what_is_hidden_in_it_is_left_out(fleet: Path, tmp_path: Path) -> None:
    hidden = tmp_path / ".street"
    fleet.rename(hidden)
    (hidden / ".old").mkdir()
    (hidden / ".old" / "shop.toml").write_text(PRINTER, encoding="utf-8")
    answer = match(drawn(tmp_path, "block.stl", 60, 60, 60), "--fleet", hidden / ".." / ".street")
    assert set(by_shop(answer)) == {"lenas-garage", "laser-loft"}


def test_shops_that_can_once_a_question_is_answered_are_not_told_as_shops_that_can_now(fleet: Path, tmp_path: Path) -> None:
    done = run(drawn(tmp_path, "bracket.stl", 2, 2, 1), "--fleet", fleet)
    assert "then Lena's garage with mk3" in done.stdout and "yes" not in done.stdout
    assert "no   laser-loft: it has no machine for it" in done.stdout


def test_what_is_wrong_with_a_file_is_told_once_and_not_for_every_shop(fleet: Path, tmp_path: Path) -> None:
    file = tmp_path / "gear.stl"
    file.write_bytes(stl_box(20, 20, 20)[:-100])
    done = run(file, "--fleet", fleet)
    assert done.stdout.count("the file breaks off") == 1 and "garage" not in done.stdout


def test_a_drawing_is_told_by_its_size_and_its_cuts(fleet: Path, tmp_path: Path) -> None:
    page = '<svg xmlns="http://www.w3.org/2000/svg" width="120mm" height="90mm" viewBox="0 0 120 90">{}</svg>'
    file = tmp_path / "panel.svg"
    file.write_text(page.format('<rect x="10" y="10" width="100" height="70" fill="none" stroke="red"/>'), encoding="utf-8")
    done = run(file, "--fleet", fleet, "--material", "plywood", "--thickness", "4")
    assert "panel: accept" in done.stdout and "100 × 70 mm · 340 mm of cuts" in done.stdout and "triangles" not in done.stdout


def test_every_code_that_a_verdict_turns_on_is_one_that_exists() -> None:
    for codes_of in (HOSTILE, MENDABLE, ANOTHER_KIND, BETTER_ELSEWHERE):
        assert codes_of <= REASONS.keys()
