# SPDX-License-Identifier: AGPL-3.0-or-later
"""shop.toml: what an owner reads when there is something wrong with it."""

from __future__ import annotations

from pathlib import Path

import h3
import pytest
from small_shop import shop, write_shop

from commonfab.errors import Refused
from commonfab.place import is_coarse
from shop_agent.config import load_config, place_of
from shop_agent.machine_section import described


def complaint(file: Path) -> str:
    with pytest.raises(Refused) as refused:
        load_config(file)
    assert refused.value.code == "shop.config"
    return str(refused.value)


def with_line(folder: Path, old: str, new: str) -> tuple[Path, int]:
    """The usual shop.toml with one line replaced, and the number of that line."""
    file = write_shop(folder)
    lines = file.read_text(encoding="utf-8").splitlines()
    number = next(i for i, line in enumerate(lines) if line.startswith(old))
    lines[number] = new
    file.write_text("\n".join(lines), encoding="utf-8")
    return file, number + 1


def test_a_misspelt_key_is_named_with_its_line_and_the_key_that_was_meant(tmp_path: Path) -> None:
    file, line = with_line(tmp_path, "envelope_mm", "envelop = [120, 120, 100]")
    assert f"shop.toml line {line}: unknown key 'envelop' in [[machine]]; did you mean 'envelope_mm'?" in complaint(file)


def test_the_line_is_that_of_the_second_machine_when_the_second_is_wrong(tmp_path: Path) -> None:
    file = write_shop(tmp_path)
    second = '[[machine]]\nid = "b"\nenvelope_mm = [1, 2, 3]\nmaterials = ["pla"]\ncontrol = "virtual"\nspeed_factor = "fast"\n'
    file.write_text(file.read_text(encoding="utf-8") + second, encoding="utf-8")
    line = len(file.read_text(encoding="utf-8").splitlines())
    assert f"line {line}: 'speed_factor' in [[machine]]" in complaint(file)


def test_a_wrong_type_names_the_key_and_what_was_found(tmp_path: Path) -> None:
    file, line = with_line(tmp_path, "envelope_mm", 'envelope_mm = [120, "wide", 100]')
    said = complaint(file)
    assert f"line {line}: 'envelope_mm.1' in [[machine]]" in said and "'wide'" in said


def test_a_missing_key_is_named_with_the_table_that_lacks_it(tmp_path: Path) -> None:
    file, _ = with_line(tmp_path, "envelope_mm", "")
    assert "[[machine]] lacks 'envelope_mm'" in complaint(file)


def test_a_shop_without_machines_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "shop.toml"
    file.write_text('[shop]\nid = "a"\n', encoding="utf-8")
    assert "[[machine]] is missing" in complaint(file)


def test_a_slip_in_the_syntax_is_named_with_its_line(tmp_path: Path) -> None:
    file, line = with_line(tmp_path, "envelope_mm", "envelope_mm = [120, 120")
    assert f"line {line + 1}" in complaint(file)  # the parser notices at the next line


def test_an_octoprint_without_an_address_is_asked_for_one(tmp_path: Path) -> None:
    assert 'needs url = "http://' in complaint(write_shop(tmp_path, control="octoprint"))


def test_two_machines_of_one_name_are_refused(tmp_path: Path) -> None:
    file = write_shop(tmp_path)
    block = file.read_text(encoding="utf-8").split("[[machine]]")[1]
    file.write_text(file.read_text(encoding="utf-8") + "[[machine]]" + block, encoding="utf-8")
    assert "two machines are called 'mk3'" in complaint(file)


def test_a_file_that_is_not_there_says_how_to_get_one(tmp_path: Path) -> None:
    assert "commonfab shop init" in complaint(tmp_path / "shop.toml")


def test_a_token_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    file, line = with_line(tmp_path, "token", 'token_file = "nowhere"')
    assert f"line {line}: {tmp_path / 'nowhere'}" in complaint(file)


def test_secrets_are_read_from_their_files_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("cfab_secret\n", encoding="utf-8")
    file, _ = with_line(tmp_path, "token", 'token_file = "t"')
    config = load_config(file)
    assert config.router.token == "cfab_secret"
    assert "cfab_secret" not in repr(config)


def test_exact_coordinates_become_a_coarse_cell(tmp_path: Path) -> None:
    file, _ = with_line(tmp_path, "[router]", "latitude = 48.1374\nlongitude = 11.5755\n[router]")
    place = place_of(load_config(file))
    assert is_coarse(place) and h3.get_resolution(place.cell) == 7
    assert h3.great_circle_distance(h3.cell_to_latlng(place.cell), (48.1374, 11.5755), unit="km") < 1.5


def test_a_cell_that_would_give_the_address_away_is_refused(tmp_path: Path) -> None:
    file, _ = with_line(tmp_path, "[router]", 'cell = "8f1f8d7a0a4d4c1"\n[router]')
    assert "resolution 7 or coarser" in complaint(file)


def test_the_data_folder_lies_beside_the_file(tmp_path: Path) -> None:
    assert shop(tmp_path).data_dir == tmp_path / "shop-data"


def test_what_lies_there_as_sheet_needs_not_be_said_twice(tmp_path: Path) -> None:
    file = tmp_path / "shop.toml"
    head = '[shop]\nid = "loft"\n[[machine]]\nid = "k40"\nprocess = "laser_cutting"\nenvelope_mm = [300, 200, 40]\n'
    file.write_text(head + 'stock = [{ material = "plywood", thickness_mm = 4 }]\n', encoding="utf-8")
    machine = load_config(file).machine[0]
    assert (machine.on_hand, machine.control, machine.driven) == (("plywood",), "by_hand", False)
    assert described(machine).process == "co2_laser_cutting" and list(described(machine).materials) == ["plywood"]
    file.write_text(head, encoding="utf-8")
    assert "materials is missing" in complaint(file)
