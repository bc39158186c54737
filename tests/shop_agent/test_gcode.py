# SPDX-License-Identifier: AGPL-3.0-or-later
"""The gate on printers: Marlin and Klipper."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import pytest
from gate_judging import BEGIN, END, codes, found, klipper, printed, printer, read

from shop_agent import gcode
from shop_agent.gcode import Origin, ToolpathRefused


def spans(lines: str, axis: int) -> tuple[float, float]:
    path = read(BEGIN + lines, printer())
    return round(path.lowest[axis][0], 3), round(path.highest[axis][0], 3)


@pytest.mark.parametrize("lines", ["G1 X120 Y120 Z100 F3000", "G0 X0 Y0 Z0", "G1 X120.009"])
def test_a_toolpath_inside_the_machine_passes(lines: str) -> None:
    assert printed(lines) == []


@pytest.mark.parametrize("line", ["G1 X120.02", "G0 Z101", "G1 Z-0.2", "G1 Y-1", "G91\nG1 X50\nG1 X50\nG1 X30\nG90"])
def test_a_move_outside_is_refused_whether_it_lays_material_or_travels(line: str) -> None:
    assert [code for code, _ in printed(line)] == ["toolpath.outside"]


def test_the_refusal_names_axis_line_and_figures() -> None:
    machine = printer()
    (reason,) = gcode.check(read(BEGIN + "G1 X5 Y5\nG1 X121.5 E1\nG1 X121" + END, machine), machine)
    assert (reason.code, reason.subject) == ("toolpath.outside", "x")
    assert {figure.name: figure.value for figure in reason.figures} == {"line": 7, "needs": 121.5, "has": 120}


def test_a_purge_line_is_allowed_where_the_owner_says_the_machine_reaches() -> None:
    machine = printer(reach_min_mm=(0, -4, 0), reach_max_mm=(120, 120, 100))
    assert printed("G1 Y-3", machine) == [] and printed("G1 Y-4.1", machine) == [("toolpath.outside", 1)]


def test_renumbering_the_position_does_not_hide_where_the_machine_is() -> None:
    assert spans("G1 X100\nG92 X0\nG1 X50", 0) == (0, 150)
    assert ("toolpath.outside", 3) in printed("G1 X100\nG92 X0\nG1 X50\nG28")


def test_inches_are_refused_because_most_printers_would_take_them_for_millimetres() -> None:
    assert printed("G20\nG1 X2\nG21") == [("toolpath.forbidden_command", 1)]


def test_an_arc_that_bulges_out_of_the_bed_is_seen_though_its_ends_are_inside() -> None:
    assert spans("G1 X115 Y40\nG3 X115 Y60 I0 J10", 0) == (0, 125)
    assert printed("G1 X115 Y40\nG3 X115 Y60 I0 J10") == [("toolpath.outside", 2)]
    assert printed("G1 X115 Y40\nG2 X115 Y60 I0 J10") == []


def test_a_full_circle_reaches_its_four_quarters() -> None:
    path = read(BEGIN + "G1 X60 Y50\nG2 X60 Y50 I-10 J0 E5 F600", printer())
    assert path.highest[0][0] == pytest.approx(60) and path.highest[1][0] == pytest.approx(60)
    assert path.laid_lowest[0] == pytest.approx(40) and path.laid_lowest[1] == pytest.approx(40)


def test_an_arc_by_radius_and_the_longer_way_round() -> None:
    assert spans("G1 X50 Y40\nG3 X50 Y60 R10", 0)[1] == spans("G1 X50 Y40\nG3 X50 Y60 R-10", 0)[1] == 60
    short, long = (spans(f"G1 X50 Y45\nG3 X50 Y55 R{radius}", 0)[1] for radius in (10, -10))
    middle = math.sqrt(10**2 - 5**2)
    assert short == pytest.approx(50 + 10 - middle, abs=1e-3) and long == pytest.approx(50 + 10 + middle, abs=1e-3)


@pytest.mark.parametrize("line", ["G2 X15 Y5", "G2 X15 Y5 R1", "G2 X5 Y5 R4", "G2 X15 Y5 I3 J0", "G2 X15 Y5 R9 I5"])
def test_an_arc_that_is_none_is_refused(line: str) -> None:
    assert printed(f"G1 X5 Y5\n{line}") == [("toolpath.bad_arc", 2)]


def test_too_hot_names_the_part_and_both_temperatures() -> None:
    machine = printer(max_nozzle_c=290, max_bed_c=100)
    (reason,) = gcode.check(read(BEGIN + "M104 S210\nM109 S310" + END, machine), machine)
    assert reason.code == "toolpath.too_hot" and "line 7: the nozzle is set to 310 °C, the machine allows 290 °C" in reason.message
    assert printed("M104 S290\nM140 S100", machine) == []
    assert printed("M140 S100.5", machine) == printed("M190 R101", machine) == [("toolpath.too_hot", 1)]
    assert printed("M104 S-5") == [("toolpath.bad_value", 1)]


def test_a_chamber_is_heated_only_where_the_machine_has_one() -> None:
    heated = "M141 S60\nM191 S60\nM141 S0"
    assert printed(heated) == [("toolpath.too_hot", 1)]
    assert printed(heated, printer(max_chamber_c=60)) == [] and printed(heated, printer(max_chamber_c=59)) == [("toolpath.too_hot", 1)]


def test_the_feed_is_held_to_the_machine_with_its_factor() -> None:
    machine = printer(max_feed_mm_min=9000)
    assert printed("G1 X5 F9000", machine) == [] and printed("G1 X5 F9001", machine) == [("toolpath.too_fast", 1)]
    assert printed("M220 S200\nG1 X5 F5000\nM220 S100", machine) == [("toolpath.too_fast", 2)]
    assert printed("G1 X5 F99000") == [], "nothing was said of feeds"
    assert printed("G1 X5 F0") == printed("G1 X5 F-3") == [("toolpath.bad_value", 1)]


NEVER = ["M500", "M502", "M30 /x.gco", "M28 x", "M997", "M92 E400", "M211 S0", "M302 S0", "M112", "m500"]


@pytest.mark.parametrize("command", NEVER)
def test_commands_that_change_the_machine_itself_are_refused_whatever_the_owner_allows(command: str) -> None:
    assert printed(command, printer(allow_commands=(command,))) == [("toolpath.forbidden_command", 1)]


@pytest.mark.parametrize(
    "command", ["M600", "G27", "M906 X900", "M42X P1", "START_PRINT BED=60", "T1", "M118 A1 action:cancel", "G5 X1 Y1 P1 Q1", "M3 S5"]
)
def test_a_command_on_no_list_is_refused(command: str) -> None:
    assert printed(command)[0][0] in ("toolpath.unknown_command", "toolpath.forbidden_command")


def test_an_owner_allows_a_command_by_its_first_words() -> None:
    machine = printer(allow_commands=("M600", "M906 X900"))
    assert printed("M600\nM906 X900", machine) == [] and printed("M906 X950", machine) == [("toolpath.unknown_command", 1)]


def test_nothing_moves_before_it_is_homed() -> None:
    whole = "M109 S210\nG90\nM82\nG1 X1 F600\nG28\nG1 X9 E1\nM104 S0"
    assert found(whole, printer()) == [("toolpath.not_homed", 4)]
    assert codes(whole.replace("G1 X1 F600\n", ""), printer()) == []
    assert printed("M84\nG1 X1") == [("toolpath.not_homed", 2)] * 2 or ("toolpath.not_homed", 2) in printed("M84\nG1 X1")


def test_how_e_is_counted_must_be_said() -> None:
    assert found("G28\nM109 S210\nG1 X9 E1 F600\nM104 S0", printer()) == [("toolpath.mode_unsaid", 3)]
    assert codes("G28\nM109 S210\nM83\nG1 X9 E1 F600\nM104 S0", printer()) == []


@pytest.mark.parametrize(("heating", "code"), [("", ["toolpath.cold"]), ("M104 S200\n", ["toolpath.cold"]), ("M109 S200\n", [])])
def test_material_is_not_pushed_through_a_nozzle_that_was_not_waited_for(heating: str, code: list[str]) -> None:
    assert codes(f"G28\nG90\nM82\n{heating}G1 X9 E1 F600\nM104 S0", printer()) == code


@pytest.mark.parametrize(
    ("left", "lines"),
    [("nozzle", "M104 S200"), ("bed", "M140 S60"), ("relative", "G91"), ("chamber", "M141 S40"), ("M220", "M220 S150")],
)
def test_what_is_left_on_at_the_end_is_named(left: str, lines: str) -> None:
    machine = printer(max_chamber_c=50)
    (reason,) = gcode.check(read(BEGIN + END + lines, machine), machine)
    assert reason.code == "toolpath.end_unsafe" and left in reason.message


def test_a_toolpath_that_lays_no_material_is_refused() -> None:
    assert codes("G28\nG1 X10 Y10 F600", printer()) == ["toolpath.empty"]


@pytest.mark.parametrize(
    ("text", "pushed"),
    [("M82\nG1 X1 E2\nG1 X2 E5\nG92 E0\nG1 X3 E1", 6), ("M83\nG1 X1 E2\nG1 X2 E5", 7), ("G91\nG1 X1 E1\nG1 X1 E1", 2), ("G1 X1 E-3", 0)],
)
def test_material_is_counted_in_absolute_and_relative_terms(text: str, pushed: float) -> None:
    assert read(BEGIN + text, printer()).extruded_mm == pytest.approx(pushed)


def test_time_is_length_by_speed() -> None:
    assert read(BEGIN + "G1 X60 F3600\nG4 S2\nG4 P500", printer()).seconds == pytest.approx(1 + 2.5)


# Klipper.


def test_a_macro_is_refused_until_its_owner_allows_it() -> None:
    text = "START_PRINT BED_TEMP=60 EXTRUDER_TEMP=210\nG90\nM83\nG1 X10 Y10 Z0.2 E1 F600\nEND_PRINT"
    assert codes(text, klipper())[0] == "toolpath.unknown_command"
    allowed = klipper(allow_commands=("START_PRINT", "END_PRINT"), max_nozzle_c=250, max_bed_c=100)
    assert codes(text, allowed) == []
    assert codes(text.replace("=210", "=300"), allowed) == codes(text.replace("=60", "=110"), allowed) == ["toolpath.too_hot"]
    assert codes(text.replace("\nEND_PRINT", "\nM104 S200"), allowed) == ["toolpath.end_unsafe"]


@pytest.mark.parametrize("command", ["SAVE_CONFIG", "FIRMWARE_RESTART", "SDCARD_PRINT_FILE FILENAME=x", "FORCE_MOVE STEPPER=x", "G20"])
def test_klipper_commands_that_nobody_can_allow(command: str) -> None:
    assert printed(command, klipper(allow_commands=(command.split()[0],)))[0] == ("toolpath.forbidden_command", 1)


def test_klippers_own_heater_command_is_followed_where_allowed() -> None:
    hot = "SET_HEATER_TEMPERATURE HEATER=extruder TARGET=300\nTURN_OFF_HEATERS\nM109 S210"
    assert printed(hot, klipper())[0][0] == "toolpath.unknown_command"
    assert printed(hot, klipper(allow_commands=("SET_HEATER_TEMPERATURE",))) == [("toolpath.too_hot", 1)]


def test_klipper_does_not_take_leading_noughts() -> None:
    assert printed("G01 X5", klipper()) == [("toolpath.ambiguous", 1)] and printed("G01 X5") == []


# The door.


def test_the_verdict_has_the_digest_of_the_bytes_that_were_read(tmp_path: Path) -> None:
    file = tmp_path / "x.gcode"
    file.write_text(BEGIN + END, encoding="utf-8")
    verdict = gcode.judge(file, printer())
    assert verdict.passed and verdict.sha256 == hashlib.sha256(file.read_bytes()).hexdigest() and verdict.size_bytes == file.stat().st_size
    assert verdict.lowest_mm == (0, 0, 0) and verdict.highest_mm == (10, 10, 0) and verdict.counts["G1"] == 1 and verdict.lines == 10


def test_a_toolpath_from_outside_passes_only_where_the_owner_takes_such(tmp_path: Path) -> None:
    file = tmp_path / "x.gcode"
    file.write_text(BEGIN + END, encoding="utf-8")
    (reason,) = gcode.judge(file, printer(), Origin.OUTSIDE).reasons
    assert reason.code == "toolpath.from_outside"
    assert gcode.judge(file, printer(outside_toolpaths=True), Origin.OUTSIDE).passed
    file.write_text(BEGIN + "M500" + END, encoding="utf-8")
    with pytest.raises(ToolpathRefused, match="line 6: M500"):
        gcode.judge(file, printer(outside_toolpaths=True), Origin.OUTSIDE).insist()


def test_no_more_than_twenty_reasons_are_given() -> None:
    assert len(printed("\n".join(f"M{number}" for number in range(700, 760)))) == 20
