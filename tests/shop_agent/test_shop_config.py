# SPDX-License-Identifier: AGPL-3.0-or-later
"""shop.toml: what an owner reads when there is something wrong with it."""

from __future__ import annotations

from pathlib import Path

import h3
import pytest
from small_shop import shop, write_shop

from commonfab import v1
from commonfab.errors import Refused
from commonfab.place import is_coarse
from shop_agent.config import load_config, place_of
from shop_agent.shop_toml.machine_section import described
from shop_agent.shop_toml.shop_described import described_shop

WINTER = 1_768_435_200.0
"""15 January 2026, UTC."""


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


@pytest.mark.parametrize(
    ("control", "keys", "other"),
    [
        ("octoprint", 'url = "http://octopi.local/"', 'url = "http://octopi.local"'),
        ("moonraker", 'url = "http://voron:7125"', 'url = "http://voron:7125"'),
        ("grbl", 'port = "/dev/ttyUSB0"', 'port = "/dev/ttyUSB0"'),
        ("cncjs", 'url = "http://cnc:8000"\nport = "a"', 'url = "http://cnc:8000"\nport = "a"'),
        ("hot_folder", 'folder = "mill"', 'folder = "mill/"'),
    ],
)
def test_one_machine_under_two_names_is_refused_for_it_would_have_two_beds(tmp_path: Path, control: str, keys: str, other: str) -> None:
    file = write_shop(tmp_path)
    head = '\n[[machine]]\nid = "{}"\nprocess = "milling"\nenvelope_mm = [1, 2, 3]\nmaterials = ["oak"]\ncontrol = "{}"\n{}\n'
    both = file.read_text(encoding="utf-8") + head.format("left", control, keys) + head.format("right", control, other)
    file.write_text(both, encoding="utf-8")
    line = len(both.splitlines()) - (1 if control == "cncjs" else 0)
    assert f"shop.toml line {line}: " in complaint(file) and "is that of 'left' already" in complaint(file)
    if control == "cncjs":  # one server has many
        file.write_text('"b"'.join(both.rsplit('"a"', 1)), encoding="utf-8")
        assert len(load_config(file).machine) == 3


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
    assert (machine.on_hand, machine.control) == (("plywood",), "by_hand")
    assert described(machine).process == "co2_laser_cutting" and list(described(machine).materials) == ["plywood"]
    file.write_text(head, encoding="utf-8")
    assert "materials is missing" in complaint(file)


def test_the_router_is_told_what_the_shop_takes_and_when(tmp_path: Path) -> None:
    policy = 'max_pieces = 20\nmax_km = 15\nmost_minutes = 240\nmaterials = ["pla"]\nrequesters = ["anna"]\nhours = ["Mo 17:00-22:00"]'
    file = write_shop(tmp_path, policy=policy, loaded="PLA", may_run=["08:00-20:00"])
    text = file.read_text(encoding="utf-8")
    said = 'skills = ["tig_welding"]\noperations = ["tap"]\nclosed = "holidays"\ntime_zone = "Europe/Berlin"\n'
    file.write_text(text.replace("[router]", said + "[router]", 1), encoding="utf-8")
    config = load_config(file)
    told = described_shop(config, [described(machine) for machine in config.machine], WINTER)
    assert (list(told.skills), list(told.operations), told.closed) == (["tig_welding"], ["tap"], "holidays")
    evening = v1.WeeklyHours(from_minute=960, until_minute=1260)
    assert told.policy == v1.ShopPolicy(
        requesters=["anna"], materials=["pla"], within_km=15, most_pieces=20, most_minutes=240, hours=[evening]
    )
    (machine,) = told.machines
    assert machine.loaded == "PLA" and len(machine.may_run) == 7
    assert machine.may_run[0] == v1.WeeklyHours(from_minute=420, until_minute=1140)
    again = described_shop(config, [described(machine) for machine in config.machine], WINTER + 180 * 86400)
    assert again.machines[0].may_run[0] == v1.WeeklyHours(from_minute=360, until_minute=1080), "summer time needs no restart"


def test_a_shop_that_limits_nothing_sends_no_policy(tmp_path: Path) -> None:
    config = shop(tmp_path)
    told = described_shop(config, [described(machine) for machine in config.machine], WINTER)
    assert not told.HasField("policy") and not told.machines[0].may_run


@pytest.mark.parametrize("key", ["policy", "may_run"])
def test_hours_without_a_time_zone_are_nobodys_hours(tmp_path: Path, key: str) -> None:
    written = '["Mo-Fr 17:00-22:00"]'
    file = write_shop(tmp_path, policy=f"hours = {written}") if key == "policy" else write_shop(tmp_path, may_run=["Mo-Fr 17:00-22:00"])
    lines = file.read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, start=1) if text.startswith(("hours", "may_run")))
    assert f"line {line}: " in complaint(file) and "say time_zone under [shop]" in complaint(file)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("speed_factor", 'may_run = ["8-20", "evenings"]', "'evenings' is not understood as hours"),
        ("speed_factor", 'tolerance_measured_on = "last summer"', "'last summer' is no date; write it like 2026-05-31"),
        ("accept", 'hours = ["Xx 8-9"]', "'Xx' is no day"),
        ("[router]", 'time_zone = "Europe/Berlni"\n[router]', "'Europe/Berlni' is no time zone"),
    ],
)
def test_hours_dates_and_zones_that_cannot_be_read_are_named_with_their_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    file, line = with_line(tmp_path, old, new)
    assert f"shop.toml line {line}: {told}" in complaint(file)


def test_a_date_may_be_written_without_quotes(tmp_path: Path) -> None:
    file, _ = with_line(tmp_path, "speed_factor", "tolerance_mm = 0.2\ntolerance_measured_on = 2026-05-31")
    assert described(load_config(file).machine[0]).tolerance_measured_on == "2026-05-31"


def test_what_is_loaded_must_lie_there(tmp_path: Path) -> None:
    assert "loaded = 'petg' is not among the materials of the machine (pla)" in complaint(write_shop(tmp_path, loaded="petg"))


def test_how_much_lies_there_is_told(tmp_path: Path) -> None:
    file, _ = with_line(tmp_path, "materials", 'stock = [{ material = "pla", grams = 750 }, { material = "plywood", pieces = 3 }]')
    spool, sheets = described(load_config(file).machine[0]).stock
    assert (spool.material, spool.grams, sheets.pieces, spool.HasField("size_mm")) == ("pla", 750, 3, False)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("envelope_mm", "envelope_mm = [120,5, 120,5, 100]", "a decimal is written with a point"),
        ("envelope_mm", "envelope_mm = [120, 120]", "three lengths in mm"),
        ("envelope_mm", "envelope_mm = 120", "three lengths in mm"),
        ("speed_factor", "nozzle_mm = 0,4", "a decimal is written with a point: 0.4"),
        ("speed_factor", 'nozzle_mm = "0,4"', "a number stands without quotes, with a point: 0.4"),
        ("speed_factor", "starts_itself = True", "write true, in small letters"),
        ("speed_factor", "loaded = pla", 'text stands in quotes: "pla"'),
        ("speed_factor", 'loaded = "pla', "a quotation mark is missing"),
        ("speed_factor", "loaded = “pla”", "the straight ones"),
        ("speed_factor", 'control = "virtaul"', "did you mean 'virtual'?"),
        ("speed_factor", "loaded = 3", 'a text stands in quotes: loaded = "3"'),
        ("materials", 'materials = "pla"', 'a list is wanted: materials = ["pla"]'),
        ("materials", "materials = [pla]", 'text stands in quotes: ["pla"]'),
        ("materials", 'stock = [{ materail = "pla" }]', "unknown key 'materail' in stock of [[machine]]; did you mean 'material'?"),
        ("materials", "stock = [{ grams = 3 }]", "stock of [[machine]] lacks 'material'"),
        ("accept", "nozzle_mm = 0.4", "unknown key 'nozzle_mm' in [policy]; it belongs under [[machine]]"),
        ("accept", "max_pieces = 2.5", "a whole number is wanted"),
        ("node", 'node = "http://127.0.0.1:4780"', "is no address and port of a node"),
        ("node", 'node = "localhost"', "is no address and port of a node"),
    ],
)
def test_what_people_mistype_is_named_with_its_line_and_how_it_is_written(tmp_path: Path, old: str, new: str, told: str) -> None:
    file, line = with_line(tmp_path, old, new)
    if "control" in new:
        file.write_text(
            "\n".join(one for one in file.read_text(encoding="utf-8").splitlines() if one != 'control = "virtual"'), encoding="utf-8"
        )
        line -= 1
    said = complaint(file)
    assert f"shop.toml line {line}: " in said and told in said


def test_a_key_that_is_said_twice_and_a_machine_in_single_brackets_are_named(tmp_path: Path) -> None:
    file, line = with_line(tmp_path, "speed_factor", 'materials = ["abs"]')
    assert f"line {line}: " in complaint(file) and "'materials' is said twice" in complaint(file)
    file, line = with_line(tmp_path / "b", "[[machine]]", "[machine]")
    assert f"line {line}: [[machine]] is a table of its own" in complaint(file)


def test_a_secret_is_not_repeated_where_it_is_wrong(tmp_path: Path) -> None:
    file, line = with_line(tmp_path, "speed_factor", "[desk]\npin = 471108")
    assert f"line {line + 1}: 'pin' in [desk]" in complaint(file) and "471108" not in complaint(file)


def test_a_file_from_an_editor_of_windows_is_read_and_another_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    file = write_shop(tmp_path)
    text = file.read_text(encoding="utf-8")
    file.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert load_config(file).machine[0].id == "mk3"
    file.write_bytes(text.encode() + b"# fr\xe4se\n")
    assert f"line {len(text.splitlines()) + 1}: a letter is not written in UTF-8" in complaint(file)


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("octopi.local", 'write url = "http://octopi.local"'),
        ("192.168.1.7:5000", 'write url = "http://192.168.1.7:5000"'),
        ("https//octopi.local", 'write url = "https://octopi.local"'),
        ("ftp://octopi.local/x", 'write url = "http://octopi.local/x"'),
        ("http://", 'write it like url = "http://octopi.local"'),
    ],
)
def test_an_address_without_its_beginning_is_named_with_its_line_and_as_it_is_written(tmp_path: Path, written: str, instead: str) -> None:
    file, line = with_line(tmp_path, "control", f'control = "octoprint"\nurl = "{written}"')
    assert f'line {line + 1}: url = "{written}" is no address of a server: {instead}' in complaint(file)


def test_addresses_of_either_kind_are_taken(tmp_path: Path) -> None:
    for url in ("http://octopi.local", "https://[2001:db8::1]:7125/printer", "HTTP://octopi"):
        assert shop(tmp_path, control="octoprint", url=url).machine[0].url == url
