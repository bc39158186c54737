# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ways past the gate that once were open, one test each: motion, heat, spin and light that nobody had checked."""

from __future__ import annotations

import pytest
from gate_judging import BEGIN, END, codes, cut, found, klipper, laser, linuxcnc, mill, printed, printer

MARLIN_LASER = printer(process="laser_cutting", laser="diode", max_s=255)


def burned(lines: str) -> list[tuple[str, int]]:
    """What is said of these lines on a laser that speaks Marlin; their first is line 1."""
    begin = "G28\nG21\nG90\nM4 S200\nG1 X5 F600\n"
    return [(code, line - 5) for code, line in found(begin + lines + "\nM5\n", MARLIN_LASER)]


# Heat.


def test_a_target_that_the_firmware_passes_over_does_not_count_as_switched_off() -> None:
    """Marlin knows R for commands that wait, Klipper for none: there M109 R210 is M109 S0."""
    assert printed("M104 S200\nM104 R0") == [("toolpath.ambiguous", 2)]
    assert printed("M140 R0") == [("toolpath.ambiguous", 1)] and printed("M109 R210\nM190 R60") == []
    assert printed("M109 R210", klipper()) == [("toolpath.ambiguous", 1)] and printed("M109", klipper())[0] == ("toolpath.unreadable", 1)


@pytest.mark.parametrize("line", ["M149 F", "M104 S200 I1", "M104 S200 T1", "M109 S200 B250 F1", "M104.1 S300", "M65640 S300"])
def test_other_units_presets_tools_and_numbers_that_wrap_round_are_refused(line: str) -> None:
    assert printed(line)


@pytest.mark.parametrize(
    "target",
    ['2"99"', "2'99'", "3e2", "+300", "3_00", '"300"', "2\\99"],
    ids=["quoted", "single", "exponent", "plus", "line", "all", "slash"],
)
def test_a_temperature_is_read_with_klippers_own_quoting_and_numbers(target: str) -> None:
    allowed = klipper(allow_commands=("SET_HEATER_TEMPERATURE", "START_PRINT"))
    for line in (f"SET_HEATER_TEMPERATURE HEATER=extruder TARGET={target}\nM109 S210", f"START_PRINT EXTRUDER_TEMP={target}"):
        assert ("toolpath.too_hot", 1) in printed(line, allowed), line


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "1e308"])
def test_temperatures_that_are_no_temperatures_are_refused_in_macros(value: str) -> None:
    allowed = klipper(allow_commands=("START_PRINT",))
    assert printed(f"START_PRINT BED_TEMP={value}", allowed) == [("toolpath.bad_value", 1)]
    assert printed("START_PRINT TEMP=300", allowed) == [("toolpath.too_hot", 1)], (
        "a temperature of nobody knows what is held to the nozzle's"
    )


def test_waiting_for_next_to_nothing_does_not_count_as_heated() -> None:
    text = "G28\nM104 S210\nTEMPERATURE_WAIT SENSOR=extruder MINIMUM={}\nG90\nM82\nG1 X9 E1 F600\nM104 S0"
    assert codes(text.format(205), klipper()) == [] and codes(text.format(0), klipper()) == ["toolpath.cold"]
    assert codes(text.format("x"), klipper()) == ["toolpath.cold"]


def test_material_pushed_by_relative_words_in_klipper_is_seen_though_m82_was_said() -> None:
    """G91 makes E relative as well (klippy/extras/gcode_move.py)."""
    text = "G28\nM82\nG90\nG92 E100\nG91\nG1 X9 E50 F600\nG90\nM104 S0"
    assert codes(text, klipper()) == ["toolpath.cold"]


# Homing, and who may vouch for it.


@pytest.mark.parametrize("line", ["M906 X900", "M600", "G27"])
def test_an_allowed_command_without_a_macros_name_vouches_neither_for_homing_nor_for_the_end(line: str) -> None:
    machine = printer(allow_commands=(line.split()[0],))
    text = "M109 S210\nG90\nM82\nG28\n{}\nG1 X9 E1 F600\nM104 S0\n"
    assert codes(text.format(line), machine) == []
    assert "toolpath.not_homed" in codes(text.format(line).replace("G28\n", ""), machine)
    assert codes(text.format(line).replace("M104 S0", line), machine) == ["toolpath.end_unsafe"]


def test_motors_that_klipper_switches_off_whatever_the_words_are_homed_again() -> None:
    assert ("toolpath.not_homed", 2) in printed("M84 S5\nG1 X1", klipper()) and ("toolpath.not_homed", 2) in printed(
        "M84 E\nG1 X1", klipper()
    )
    assert printed("M84 S5\nG1 X1") == printed("M84 E\nG1 X1") == []


def test_homing_that_need_not_move_leaves_the_place_unknown() -> None:
    assert printed("G1 X115\nG28 O\nG91\nG1 X50\nG90")[0] == ("toolpath.position_unknown", 4)
    assert printed("G28 XY", klipper()) == [("toolpath.ambiguous", 1)] and printed("G28 XY") == printed("G28 X Y", klipper()) == []
    assert printed("G28 R400") == [("toolpath.unreadable", 1)]


# Motion.


@pytest.mark.parametrize("machine", [printer(), klipper()])
def test_g92_without_an_axis_is_refused_because_klipper_makes_every_axis_nought(machine: object) -> None:
    assert printed("G1 X100\nG92\nG1 X100", machine) == [("toolpath.ambiguous", 2)]  # type: ignore[arg-type]
    assert cut("G92") == [("toolpath.ambiguous", 1)]


@pytest.mark.parametrize(
    "line", ["M240 X999 Y999", "M207 S1 Z200\nG10", "G10 L2 P1 X50", "G10 P1 S300", "M125 X500", "M290 Z-5", "M350 X64"]
)
def test_commands_that_move_or_shift_by_the_way_do_not_pass_as_harmless(line: str) -> None:
    assert printed(line)


@pytest.mark.parametrize("line", ["M211 S0", "M211 S0.5", "M211 S.0", "M211 S-1", "M211S0", "M121", "M111 S8", "M665 L300", "M605 S2"])
def test_end_stops_and_geometry_cannot_be_changed_whatever_the_owner_allows(line: str) -> None:
    assert printed(line, printer(allow_commands=(line[:4], line))) == [("toolpath.forbidden_command", 1)]
    assert printed("M211\nM211 S1") == []


@pytest.mark.parametrize(
    "line", ["SDCARD_LOOP_BEGIN COUNT=9", "RESTORE_GCODE_STATE NAME=x MOVE=1", "SET_PIN PIN=laser VALUE=1", "RESPOND MSG=x"]
)
def test_klipper_cannot_be_made_to_run_lines_again_or_to_move_unseen(line: str) -> None:
    assert printed(line, klipper(allow_commands=(line.split()[0],))) == [("toolpath.forbidden_command", 1)]


def test_an_arc_so_short_that_it_may_be_a_full_circle_counts_as_one() -> None:
    assert printed("G1 X115 Y50\nG3 X115 Y50.0001 I-20 J0") == [] and printed("G1 X100 Y50\nG3 X100 Y49.9999 I15 J0") == [
        ("toolpath.outside", 2)
    ]
    assert printed("G1 X100 Y50\nG3 X100 Y49.99 I15 J0") == []


@pytest.mark.parametrize("arc", ["G2 X60 Y50 R20", "G91\nG2 X5 Y0 I2.5 J0\nG90"])
def test_arcs_that_klipper_would_stop_at_are_refused_beforehand(arc: str) -> None:
    assert "toolpath.bad_arc" in [code for code, _ in printed("G1 X50 Y50\n" + arc, klipper())] and printed("G1 X50 Y50\n" + arc) == []


def test_a_message_longer_than_marlins_buffer_is_refused() -> None:
    assert printed("M117 " + "x" * 91) == [("toolpath.ambiguous", 1)] and printed("M117 " + "x" * 91, klipper()) == []


@pytest.mark.parametrize("offset", ["G54", "G55\nG54", "G92.1", "G92 X0", "G55\nG92 X0\nG54"])
def test_renaming_the_place_over_and_over_does_not_walk_past_the_end_of_the_machine(offset: str) -> None:
    assert cut("G0 Z5\nG91\n" + f"G1 X200\n{offset}\nG1 X200\n{offset}\nG90")[0][0] == "toolpath.too_large"


@pytest.mark.parametrize("way", ["G28", "G30", "G28 X0", "N5 G28"])
def test_no_way_home_leads_sideways_through_the_stock(way: str) -> None:
    assert ("toolpath.rapid_into_stock", 2) in cut(f"G1 Z-3\n{way}") and cut("G1 Z-3\nG0 Z5\n" + way) == []


def test_full_circles_without_an_end_are_refused_for_grbl_which_stops_at_them() -> None:
    assert cut("G2 I5") == [("toolpath.bad_arc", 1)] and cut("G2 X0 Y0 I5") == cut("G2 I5", linuxcnc()) == []


@pytest.mark.parametrize("line", ["N99999999 G1 X5", "N5 N6 G1 X5", "N-5 G1 X5", "N5.5 G1 X5", "N G1 X5"])
def test_line_numbers_that_controllers_stop_at_are_refused(line: str) -> None:
    assert cut(line) and cut("N5G1X5\nN10\nN0015 G1 X6\nn20 x7") == []


# Light and spin.


@pytest.mark.parametrize(
    "line", ["G2 X5 Y0 I2 J0 S999", "M3 O255", "M4 S100 P90", "G1 X9 S256", "M106 S999", "M3 S0.5 I1", "G3 X5 Y0 I2 J0 S-1"]
)
def test_no_word_sets_more_power_than_allowed_on_a_laser_with_marlin(line: str) -> None:
    assert burned("G1 X1 Y0\n" + line)


def test_the_fans_output_counts_as_the_beam_on_a_laser_with_marlin() -> None:
    assert burned("M106 S200\nG0 X9\nM107") == [("toolpath.laser_on_travel", 2)] and burned("M106 S200\nG1 X9\nM107") == []
    on = "G28\nG21\nG90\nG1 X5 F600\nM106\nG1 X9"
    assert codes(on, MARLIN_LASER) == ["toolpath.end_unsafe"] and printed("M106 S255") == []


@pytest.mark.parametrize(
    "lines",
    ["M3 S200\nM107\nG0 X9", "M106 S200\nM5\nG0 X9", "M3 S200\nM106 S0\nG0 X9", "M106 P0 S200\nM107 P1\nG0 X9", "M3 S200\nM5\nM106\nG0 X9"],
)
def test_one_output_is_not_switched_off_by_the_word_for_another(lines: str) -> None:
    """On a laser with Marlin the beam hangs on the spindle's output or on a fan's."""
    assert "toolpath.laser_on_travel" in [code for code, _ in burned("M5\n" + lines)]
    assert burned("M5\nM3 S200\nM106 S200\nM107\nM5\nG0 X9") == []


def test_a_beam_that_only_another_word_switched_off_is_still_on_at_the_end() -> None:
    on = "G28\nG21\nG90\nG1 X5 F600\n"
    assert codes(on + "M106 S9\nG1 X9\nM5", MARLIN_LASER) == codes(on + "M3 S9\nG1 X9\nM107", MARLIN_LASER) == ["toolpath.end_unsafe"]


def test_m4_is_dark_between_cuts_in_grbl_alone() -> None:
    """Marlin's M4 without I burns as M3 does (M3-M5.cpp), LinuxCNC's turns the other way."""
    text = "G21 G90\nM4 S200\nG1 X5 F600\nG0 X9\nM5\nM2"
    assert codes(text, laser()) == [] and burned("G0 X9") == [("toolpath.laser_on_travel", 1)]
    assert codes(text, linuxcnc(process="laser_cutting", laser="co2")) == ["toolpath.laser_on_travel"]


def test_marlins_beam_needs_its_power_every_time_it_is_switched_on() -> None:
    """Without S Marlin takes the power it starts with, whatever S was before."""
    assert burned("M5\nM3 S0\nM3\nG1 X9") == [("toolpath.mode_unsaid", 3)]


@pytest.mark.parametrize("line", ["G28", "G28 X", "G29", "M190 S40\nM140 S0"])
def test_a_laser_with_marlin_neither_homes_nor_waits_with_its_beam_on(line: str) -> None:
    assert burned(line)[0][1] == 1 and burned("M5\n" + line) == []


def test_a_cutter_with_marlin_does_not_home_from_within_the_stock() -> None:
    text = "G28\nG21\nG90\nG0 Z5\nG1 X5 F600\nG1 Z-3\n{}M5\n"
    machine = printer(process="cnc_routing")
    assert codes(text.format("G28\n"), machine) == ["toolpath.rapid_into_stock"]
    assert codes(text.format("G28 Z\n"), machine) == codes(text.format("G0 Z5\nG28\n"), machine) == []


@pytest.mark.parametrize("name", ["G54", "G92 Z1", "G92 X0", "G92.1", "G43 H1", "G55\nG54"])
def test_a_cutter_in_the_stock_is_still_there_when_the_place_has_another_name(name: str) -> None:
    assert ("toolpath.rapid_into_stock", 3 + name.count("\n")) in cut(f"G1 Z-3\n{name}\nG0 X50", linuxcnc())
    assert ("toolpath.rapid_into_stock", 3 + name.count("\n")) in cut(f"G1 Z-3\n{name}\nG28", linuxcnc())
    assert cut(f"G1 Z-3\n{name}\nG1 Z5\nG0 X50", linuxcnc()) == cut(f"G0 Z5\n{name}\nG0 X50", linuxcnc()) == []


@pytest.mark.parametrize("up", ["G1 Z1", "G1 Z1.001", "G0 Z3.9", "G91\nG0 Z2.9\nG90"])
def test_a_cutter_whose_height_was_renamed_in_the_stock_is_out_of_it_only_above_its_top(up: str) -> None:
    """It stands 3 mm deep, and calls that Z1: the stock's top is Z4."""
    for machine in (mill(), linuxcnc()):
        assert [code for code, _ in cut(f"G1 Z-3\nG92 Z1\n{up}\nG0 X50", machine)] == ["toolpath.rapid_into_stock"]
        assert [code for code, _ in cut(f"G1 Z-3\nG92 Z1\n{up}\nG28", machine)] == ["toolpath.rapid_into_stock"]
        assert cut(f"G1 Z-3\nG92 Z1\n{up}\nG0 Z5\nG0 X50", machine) == []
        assert [code for code, _ in cut("G1 Z-3\nG92 Z1\nG0 Z9\nG0 X50\nG0 Z2", machine)] == ["toolpath.rapid_into_stock"], "plunges"


def test_a_short_relative_way_up_after_another_offset_leaves_a_cutter_in_the_stock() -> None:
    assert [code for code, _ in cut("G1 Z-3\nG55\nG91\nG0 Z0.1\nG0 X50\nG90", linuxcnc())] == ["toolpath.rapid_into_stock"]
    assert cut("G1 Z-3\nG55\nG91\nG0 Z3.1\nG0 X50\nG90", linuxcnc()) == []


def test_no_tool_is_changed_in_the_stock() -> None:
    for machine in (linuxcnc(), mill(allow_commands=("M6",))):
        assert cut("G1 Z-3\nT2 M6", machine) == [("toolpath.tool_in_stock", 2)]
        assert cut("G1 Z-3\nG92 Z1\nT2 M6", machine) == [("toolpath.tool_in_stock", 3)]
        assert cut("G1 Z-3\nG0 Z5\nT2 M6", machine) == []


def test_a_flow_of_its_own_does_not_go_on_into_the_next_job() -> None:
    for machine in (printer(), klipper()):
        assert codes(BEGIN + "M221 S80\nG1 X5 Y5 E1" + END, machine) == ["toolpath.end_unsafe"]
        assert codes(BEGIN + "M221 S80\nG1 X5 Y5 E1\nM221 S100" + END, machine) == []
        assert codes(BEGIN + "M221 S0" + END, machine) == codes(BEGIN + "M221 S90 T1" + END, machine) == ["toolpath.bad_value"]
    assert codes(BEGIN + "M221 S80\nM221" + END, printer()) == ["toolpath.end_unsafe"], "Marlin only shows it"
    assert codes(BEGIN + "M221 S80\nM221" + END, klipper()) == []


@pytest.mark.parametrize("figure", ["HEAT=300", "E=300", "S=291", "T0=inf", "PLATE=400", "HOT='300'"])
def test_a_macros_figure_that_nobody_explains_is_no_hotter_than_the_machine_may_be(figure: str) -> None:
    allowed = klipper(allow_commands=("START_PRINT",))
    assert printed(f"START_PRINT {figure}", allowed) == [("toolpath.macro_figure", 1)]
    name = figure.split("=")[0]
    assert printed(f"START_PRINT {figure}", klipper(allow_commands=("START_PRINT", f"START_PRINT {name}"))) == []
    assert printed(f"START_PRINT {name}=250", allowed) == []
    assert printed(f"START_PRINT {name}=nan", allowed) == [("toolpath.bad_value", 1)]


@pytest.mark.parametrize(
    "line",
    [
        "PRINT_START EXTRUDER=215 BED=60 CHAMBER=0 FILAMENT_TYPE=PLA",
        "START_PRINT EXTRUDER_TEMP=220 BED_TEMP=60 TOTAL_LAYER=480 LAYER_COUNT=480 PRINT_TIME=7300 NOZZLE_SIZE=0.4",
        "print_start EXTRUDER=210 BED=55 SIZE=10_10_200_200 PRINT_MIN=10,10 PRINT_MAX=340.5,340 X_MAX=340 FILAMENT_LENGTH=12345",
        "PRINT_START TOOL=0 INITIAL_TOOL=0 BED_TEMP=60 TOOL_TEMP=215 SOAK=900 COLOR=112233 SPOOL_ID=4711 MATERIAL=PLA Z_OFFSET=-0.05",
        "_ON_LAYER_CHANGE LAYER=350",
        "PARK X=10 Y=340 F=6000",
    ],
)
def test_ordinary_macros_of_slicers_pass(line: str) -> None:
    name = line.split()[0].upper()
    assert printed(line, klipper(allow_commands=(name,), max_chamber_c=60)) == []


@pytest.mark.parametrize("line", ["M808 L5", "M810 G1 X500|M500"])
def test_marlin_cannot_be_made_to_run_lines_again_whatever_the_owner_allows(line: str) -> None:
    assert printed(line, printer(allow_commands=(line.split()[0],))) == [("toolpath.forbidden_command", 1)]


@pytest.mark.parametrize("wait", ["G4 P600", "M0", "M1"])
def test_a_laser_at_constant_power_does_not_stand_still_with_its_beam_on(wait: str) -> None:
    text = "G21 G90\nM{} S500\nG1 X5 F600\n" + wait + "\nM5\nM2"
    assert codes(text.format(3), laser()) == ["toolpath.laser_stands"] and codes(text.format(4), laser()) == []
    assert codes(text.format(3), mill()) == [], "a spindle may wait"
    assert burned("M3 S200\n" + wait.replace("P600", "S600")) == [("toolpath.laser_stands", 2)]


def test_a_short_dwell_pierces() -> None:
    assert codes("G21 G90\nM3 S500\nG4 P0.3\nG1 X5 F600\nM5\nM2", laser()) == []


# Forms.


@pytest.mark.parametrize(
    "line",
    ["G1.5 X500", "G001.0 X500", "G1X500", "G01X500Y10", "G1 X+500", "G1X500.", "G1 X0500", "G1 F600X500", "  G1  X500  ", "G1 X500;x"],
)
def test_however_a_move_is_written_it_is_held_to_the_machine(line: str) -> None:
    for machine in (printer(), klipper()):
        assert printed(line, machine), line


@pytest.mark.parametrize(
    "line",
    [
        "G1 X\uff15",
        "G1 X\u0665",
        "G1 X1e308",
        "G1 X1E99",
        "G1 Xinf",
        "G1 XNaN",
        "G1 X--5",
        "G1 X+-5",
        "G1 X1,5",
        "G1 X0x1F",
        "G1 X" + "9" * 400,
    ],
)
def test_no_other_way_of_writing_numbers_is_guessed_at(line: str) -> None:
    for machine in (printer(), klipper()):
        assert {code for code, _ in printed(line, machine)} <= {"toolpath.ambiguous", "toolpath.unreadable"} and printed(line, machine)
    for machine in (mill(), linuxcnc()):
        assert {code for code, _ in cut(line, machine)} <= {"toolpath.ambiguous", "toolpath.unreadable", "toolpath.realtime"} and cut(
            line, machine
        )


@pytest.mark.parametrize("seconds", ["G4 S-9999", "G4 P-1"])
def test_time_does_not_run_backwards(seconds: str) -> None:
    assert printed(seconds) == [("toolpath.bad_value", 1)]


def test_an_ordinary_beginning_and_end_of_a_print_still_pass() -> None:
    assert codes(BEGIN + "M220 S100\nM221 S100\nM207 S1 F1800 Z0.2\nG10\nG11\nG1 X5 Y5 E1" + END, printer()) == []
