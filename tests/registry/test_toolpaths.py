# SPDX-License-Identifier: AGPL-3.0-or-later
"""Toolpaths: what G-code of every kind of machine says, and what it takes to run it."""

from __future__ import annotations

import csv
import math
import subprocess
import time
import zipfile
from pathlib import Path

import pytest
from drawings import binary_stl, box, moved

from commonfab import v1
from registry.geometry.measure import measure
from registry.geometry.toolpaths.machine_kind import FEW
from registry.makeability import judge

SQUARE = "G0 X0 Y0\nG1 X30 Y0 F600\nG1 X30 Y20\nG1 X0 Y20\nG1 X0 Y0\n"


def measured(folder: Path, text: str | bytes, unit: str = "", name: str = "path.gcode") -> v1.GeometryReport:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return measure(path, "0" * 64, unit, folder).report


def kind_of(folder: Path, text: str) -> str:
    report = measured(folder, text)
    assert not report.faults, report.faults
    return v1.ToolpathKind.Name(report.toolpath.machine_kind).removeprefix("TOOLPATH_KIND_").lower()


def codes(report: v1.GeometryReport) -> list[str]:
    return [warning.code for warning in report.warnings]


def faults(report: v1.GeometryReport) -> list[str]:
    return [fault.code for fault in report.faults]


def figures(reason: v1.Reason) -> dict[str, float]:
    return {figure.name: figure.value for figure in reason.figures}


def corners(report: v1.GeometryReport) -> tuple[float, ...]:
    low, high = report.toolpath.low_mm, report.toolpath.high_mm
    return (low.x, low.y, low.z, high.x, high.y, high.z)


# Units, and where the machine goes


def test_millimetres_are_declared_by_g21_and_inches_by_g20(tmp_path: Path) -> None:
    for word, unit, size in (("G21", "mm", 30), ("G20", "inch", 30 * 25.4), ("g20", "inch", 30 * 25.4)):
        report = measured(tmp_path, f"{word} G90\n{SQUARE}M2\n")
        assert (report.unit, report.toolpath.unit, report.unit_certainty) == (unit, unit, v1.UNIT_CERTAINTY_DECLARED)
        assert report.size_mm.x == pytest.approx(size)
        assert "gcode.no_unit" not in codes(report)


def test_a_file_without_a_unit_is_read_as_millimetres_and_that_is_said(tmp_path: Path) -> None:
    report = measured(tmp_path, SQUARE)
    assert (report.toolpath.unit, report.unit_certainty, report.size_mm.x) == ("", v1.UNIT_CERTAINTY_PLAUSIBLE, 30)
    assert "gcode.no_unit" in codes(report)


def test_the_maker_s_word_for_the_unit_counts_only_where_the_file_has_none(tmp_path: Path) -> None:
    said = measured(tmp_path, SQUARE, unit="inch")
    assert said.size_mm.x == pytest.approx(762)
    assert said.unit_certainty == v1.UNIT_CERTAINTY_DECLARED
    other = measured(tmp_path, "G21\n" + SQUARE, unit="inch")
    assert other.size_mm.x == 30
    assert "units.differs" in codes(other)


def test_relative_and_absolute_motion_meet_in_one_file(tmp_path: Path) -> None:
    report = measured(tmp_path, "G21 G90\nG1 X10 Y10 F100\nG91\nX5 Y-20\nX5\nG90 X0\nM2\n")
    assert corners(report)[:2] == (0, -10)
    assert corners(report)[3:5] == (20, 10)


def test_g92_gives_the_place_another_name_and_does_not_move(tmp_path: Path) -> None:
    report = measured(tmp_path, "G21 G90\nG1 X10 Y0 F100\nG92 X0\nG1 X10\nM2\n")
    assert (corners(report)[0], corners(report)[3]) == (10, 20)


def test_what_stands_in_comments_and_shown_texts_moves_nothing(tmp_path: Path) -> None:
    report = measured(tmp_path, "G21 G90 (G1 X900)\nG1 X10 Y10 F100 ; X700\nN30 M117 G1 X500\nG1 X0 Y0\nM2\n")
    assert corners(report)[3:5] == (10, 10)


def test_blanks_small_letters_line_numbers_and_checksums_mean_nothing(tmp_path: Path) -> None:
    report = measured(
        tmp_path, "%\r\nn10 g21 g90\r\nN20 G0 1x 2\r\nn30g1x - 5 y.5f100*71\r\n/N40 X+5.\r\nM30\r\n%\r\n".replace(" 1x 2", " x0 y0")
    )
    assert corners(report) == (-5, 0, 0, 5, 0.5, 0)
    assert not report.faults and "gcode.skipped" not in codes(report)


# Arcs


def test_an_arc_reaches_where_it_crosses_an_axis_and_not_only_its_ends(tmp_path: Path) -> None:
    over = measured(tmp_path, "G21 G90\nG0 X-10 Y0\nG2 X10 Y0 I10 J0 F100\nM2\n")
    assert corners(over) == pytest.approx((-10, 0, 0, 10, 10, 0))
    under = measured(tmp_path, "G21 G90\nG0 X-10 Y0\nG3 X10 Y0 I10 J0 F100\nM2\n")
    assert corners(under) == pytest.approx((-10, -10, 0, 10, 0, 0))
    assert under.toolpath.work_length_mm == pytest.approx(10 * math.pi)


def test_a_quarter_arc_stays_within_its_ends(tmp_path: Path) -> None:
    report = measured(tmp_path, "G21 G90\nG0 X0 Y20\nG2 X20 Y0 I0 J-20 F100\nM2\n")
    assert corners(report) == pytest.approx((0, 0, 0, 20, 20, 0))


def test_arcs_by_radius_are_the_short_one_or_for_a_negative_radius_the_long_one(tmp_path: Path) -> None:
    short = measured(tmp_path, "G21 G90\nG0 X0 Y20\nG2 X20 Y0 R20 F100\nM2\n")
    assert corners(short) == pytest.approx((0, 0, 0, 20, 20, 0))
    long = measured(tmp_path, "G21 G90\nG0 X0 Y20\nG2 X20 Y0 R-20 F100\nM2\n")
    assert corners(long) == pytest.approx((0, 0, 0, 40, 40, 0))
    assert long.toolpath.work_length_mm == pytest.approx(1.5 * math.pi * 20)


def test_a_full_circle_needs_no_end(tmp_path: Path) -> None:
    report = measured(tmp_path, "G21 G90\nG0 X5 Y0\nG2 I-5 F100\nM2\n")
    assert corners(report) == pytest.approx((-5, -5, 0, 5, 5, 0))


def test_in_the_plane_of_g18_z_is_the_first_axis(tmp_path: Path) -> None:
    """Seen from +Y, a clockwise arc from the top to +X takes the long way round; from +X to the top the short one."""
    long = measured(tmp_path, "G21 G90 G18\nG0 X0 Y0 Z20\nG2 X20 Z0 I0 K-20 F100\nM2\n")
    assert corners(long) == pytest.approx((-20, 0, -20, 20, 0, 20))
    short = measured(tmp_path, "G21 G90 G18\nG0 X0 Y0 Z20\nG3 X20 Z0 I0 K-20 F100\nM2\n")
    assert corners(short) == pytest.approx((0, 0, 0, 20, 0, 20))


def test_in_the_plane_of_g19_y_and_z_turn(tmp_path: Path) -> None:
    report = measured(tmp_path, "G21 G90 G19\nG0 X0 Y0 Z20\nG2 Y20 Z0 J0 K-20 F100\nM2\n")
    assert corners(report) == pytest.approx((0, 0, 0, 0, 20, 20))


def test_a_helix_is_as_long_as_its_thread(tmp_path: Path) -> None:
    report = measured(tmp_path, "G21 G90\nG0 X5 Y0 Z0\nM3 S1000\nG2 X5 Y0 Z-3 I-5 F100\nM5\nM2\n")
    assert corners(report) == pytest.approx((-5, -5, -3, 5, 5, 0))
    assert report.toolpath.work_length_mm == pytest.approx(math.hypot(10 * math.pi, 3))


def test_absolute_centres_are_understood_after_g90_1(tmp_path: Path) -> None:
    report = measured(tmp_path, "G21 G90 G90.1\nG0 X100 Y0\nG2 X120 Y0 I110 J0 F100\nM2\n")
    assert corners(report) == pytest.approx((100, 0, 0, 120, 10, 0))


# Which machine


PRINTED = "M104 S200\nG28\nG21\nG90\nM82\nG92 E0\nG1 X10 Y10 Z0.2 F3000\nG1 X30 Y10 E1 F1200\nG1 X30 Y25 E2\nM104 S0\nM84\n"
ENGRAVED = "G21 G90\nM4 S0\nG0 X0 Y0\nG1 X10 Y0 S200 F1000\nG1 X20 Y0 S0\nG1 X30 Y0 S255\nM5\nM2\n"
MILLED = "G21 G90\nM3 S12000\nG0 Z5\nG0 X0 Y0\nG1 Z-2 F200\nG1 X40 Y0 F800\nG1 X40 Y20\nG0 Z5\nG0 X90 Y90\nM5\nM30\n"
TURNED = "G21 G18 G90\nG96 S150 M3\nG0 X42 Z2\nG1 X40 Z0 F0.2\nG1 X40 Z-60\nG0 X50\nM5\nM30\n"
PIERCED = "G21 G90\n" + "".join(f"G0 X{x} Y0\nG0 Z4\nG1 Z3 F500\nM3\nG4 P0.6\nG1 X{x + 20} Y0 F2000\nM5\n" for x in (0, 50, 100)) + "M2\n"
PLOTTED = "G21 G90\n" + "M280 P0 S30\nG1 X10 Y10 F2000\nM280 P0 S90\n" * FEW + "G1 X0 Y0\n"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (PRINTED, "fdm"),
        (ENGRAVED, "laser"),
        ("G21 G90\nG0 X0 Y0\nM3 S500\nG1 X9 Y9 F300\nM5\nM2\n", "laser"),  # switched on and off, and never down
        ("; LightBurn 1.4\nG21 G90\nG0 X0 Y0 Z5\nG1 Z0 F50\nM3 S9\nG1 X9 Y9 F300\nM5\nM2\n", "laser"),
        (MILLED, "mill"),
        ("G21 G90\nG0 X0 Y0 Z5\nG81 X10 Y10 Z-6 R1 F100\nG80\nM2\n", "mill"),
        (TURNED, "lathe"),
        (PIERCED, "plasma"),
        ("(Plasma table, THC on)\nG21 G90\nM3\nG1 X10 Y10 F900\nG1 X0\nM5\nM2\n", "plasma"),
        (PLOTTED, "plotter"),
        ("(pen up)\nG21 G90\nG1 Z5 F500\nG1 X9 Y9 Z0\nM2\n", "plotter"),
        (SQUARE, "unspecified"),
    ],
)
def test_the_kind_of_machine_is_told_by_what_only_it_has(tmp_path: Path, text: str, kind: str) -> None:
    assert kind_of(tmp_path, text) == kind


def test_filament_counts_before_what_a_comment_says(tmp_path: Path) -> None:
    assert kind_of(tmp_path, "; for the laser cutter's new feet\n" + PRINTED) == "fdm"


def test_too_few_pierces_are_no_plasma(tmp_path: Path) -> None:
    assert kind_of(tmp_path, PIERCED.replace("G4 P0.6\n", "", 1)) == "mill"


def test_a_lathe_s_program_that_names_y_is_none(tmp_path: Path) -> None:
    assert kind_of(tmp_path, TURNED.replace("Z2\n", "Z2 Y0\n")) == "mill"


# What each kind of work takes


def test_a_print_has_the_size_of_what_is_extruded_and_not_of_the_way_there(tmp_path: Path) -> None:
    report = measured(tmp_path, PRINTED.replace("M84", "G1 X200 Y200 F9000\nM84"))
    facts = report.toolpath
    assert (report.size_mm.x, report.size_mm.y, report.size_mm.z) == pytest.approx((20, 15, 0))
    assert (facts.high_mm.x, facts.nozzle_c, facts.filament_mm, facts.work_length_mm) == pytest.approx((200, 200, 2, 35))
    assert list(facts.axes) == ["X", "Y", "Z", "E"]
    assert list(facts.end_state) == []


def test_filament_is_counted_absolute_or_relative_and_drawn_back_filament_is_not_spent(tmp_path: Path) -> None:
    absolute = measured(tmp_path, PRINTED.replace("M104 S0", "G1 E-3\nG1 E2"))
    relative = measured(tmp_path, PRINTED.replace("M82", "M83").replace("E2\n", "E1\n").replace("M104 S0", "G1 E-5\nG1 E5"))
    assert absolute.toolpath.filament_mm == pytest.approx(2)
    assert relative.toolpath.filament_mm == pytest.approx(2)


def test_a_cutter_works_below_zero_and_its_way_above_is_no_part_of_the_size(tmp_path: Path) -> None:
    report = measured(tmp_path, MILLED)
    assert (report.size_mm.x, report.size_mm.y, report.size_mm.z) == pytest.approx((40, 20, 2))
    assert corners(report) == (0, 0, -2, 90, 90, 5)
    assert (report.toolpath.highest_s, report.toolpath.highest_feed, report.toolpath.switches_on) == (12000, 800, True)


def test_a_program_that_stays_above_zero_has_the_size_of_its_feeds(tmp_path: Path) -> None:
    report = measured(tmp_path, MILLED.replace("Z-2", "Z1"))
    assert (report.size_mm.x, report.size_mm.z) == pytest.approx((40, 4))


def test_drilled_holes_reach_their_bottom_until_g80(tmp_path: Path) -> None:
    report = measured(tmp_path, "G21 G90\nG0 X0 Y0 Z10\nM3 S900\nG83 X5 Y5 Z-12 R2 Q3 F100\nX45\nG80\nX90 Y90\nM5\nM30\n")
    facts = report.toolpath
    assert (facts.low_mm.z, facts.high_mm.z, facts.high_mm.x) == (-12, 10, 90)
    assert (facts.work_low_mm.x, facts.work_high_mm.x, facts.work_low_mm.z) == (5, 45, -12)


def test_a_beam_works_only_where_it_has_power(tmp_path: Path) -> None:
    report = measured(tmp_path, ENGRAVED + "G0 X200 Y100\n")
    assert (report.toolpath.work_high_mm.x, report.toolpath.high_mm.x) == (30, 200)
    assert report.toolpath.work_length_mm == pytest.approx(20)


def test_on_a_lathe_x_is_a_diameter(tmp_path: Path) -> None:
    report = measured(tmp_path, TURNED)
    assert (report.size_mm.x, report.size_mm.y, report.size_mm.z) == pytest.approx((62, 42, 42))
    assert report.toolpath.work_high_mm.x == pytest.approx(21)


def test_time_is_length_by_feed_and_dwells_and_rapids_at_3000(tmp_path: Path) -> None:
    report = measured(tmp_path, "G21 G90\nG0 X0 Y0 Z5\nG1 Z-1 F60\nG4 P2.5\nG1 X60 F600\nG4 P500\nG0 X10\nM2\n")
    assert report.toolpath.estimated_seconds == pytest.approx(6 + 2.5 + 6 + 0.5 + 50 / 3000 * 60)


def test_inverse_time_feeds_say_how_long_each_move_takes(tmp_path: Path) -> None:
    report = measured(tmp_path, "G21 G90\nG0 X0 Y0 Z0\nG93\nG1 X5 F2\nG1 X50 Z-1 F4\nM2\n")
    assert report.toolpath.estimated_seconds == pytest.approx(30 + 15)


def test_tools_are_listed_and_a_printer_s_signals_are_none(tmp_path: Path) -> None:
    assert list(measured(tmp_path, "T2 M6\nT3 M6\n" + MILLED).toolpath.tools) == [2, 3]
    assert list(measured(tmp_path, "T0\nT1000\nT255\n" + PRINTED).toolpath.tools) == [0]


def test_what_is_left_on_is_said_and_what_is_switched_off_is_not(tmp_path: Path) -> None:
    left = measured(tmp_path, MILLED.replace("M5\nM30\n", "G91\n"))
    assert list(left.toolpath.end_state) == ["spindle still on", "relative mode (G91) left on", "no end command (M2 or M30)"]
    assert "gcode.end_state" in codes(left)
    ended = measured(tmp_path, MILLED)
    assert list(ended.toolpath.end_state) == []
    assert "gcode.end_state" not in codes(ended)
    hot = measured(tmp_path, "M140 S60\n" + PRINTED.replace("M104 S0\n", ""))
    assert list(hot.toolpath.end_state) == ["nozzle heater left on", "bed heater left on"]


def test_macros_are_not_evaluated_and_that_is_said(tmp_path: Path) -> None:
    text = "O100 sub\nG1 X#1 Y[#2*2] F100\nO100 endsub\n#1=50\n" + MILLED
    report = measured(tmp_path, text)
    macro = next(warning for warning in report.warnings if warning.code == "gcode.macro")
    assert figures(macro)["lines"] == 4
    assert report.size_mm.x == 40
    assert "gcode.macro" not in codes(measured(tmp_path, MILLED))


def test_offsets_of_the_machine_are_taken_as_zero_and_only_unusual_ones_are_said(tmp_path: Path) -> None:
    assert "gcode.offsets" not in codes(measured(tmp_path, "G54\n" + MILLED))
    report = measured(tmp_path, "G55\nG10 L2 P1 X500\n" + MILLED + "G53 G0 Z0\n")
    offsets = next(warning for warning in report.warnings if warning.code == "gcode.offsets")
    assert offsets.subject == "G10, G53, G55"
    assert report.size_mm.x == 40


def test_a_lathe_s_time_follows_the_surface_speed(tmp_path: Path) -> None:
    """60 mm at 0.2 mm a turn and 150 m a minute on 40 mm: 1194 turns a minute."""
    bare = "G21 G18 G90 G95\nG96 S150 M3\nG0 X40 Z0\nG1 Z-60 F0.2\nM5\nM30\n"
    turns = 150_000 / (math.pi * 40)
    assert measured(tmp_path, bare).toolpath.estimated_seconds == pytest.approx(60 / 0.2 / turns * 60)
    fixed = bare.replace("G96 S150", "G7 G97 S600")
    assert measured(tmp_path, fixed).toolpath.estimated_seconds == pytest.approx(60 / 0.2 / 600 * 60)


# What slicers say


SAID = {
    "prusa": (
        "; generated by PrusaSlicer 2.7.4+win64 on 2024-05-26 at 02:00:16 UTC\n",
        "; filament used [mm] = 1645.00\n; total filament used [g] = 4.91\n; estimated printing time (normal mode) = 1h 2m 3s\n"
        "; estimated printing time (silent mode) = 2h\n; fill_density = 15%\n; layer_height = 0.2\n; filament_type = PETG\n"
        "; nozzle_diameter = 0.4\n; support_material = 1\n; gcode_flavor = klipper\n",
    ),
    "cura": (
        ";FLAVOR:Marlin\n;TIME:3723\n;Filament used: 1.645m\n;Layer height: 0.2\n;Generated with Cura_SteamEngine 5.6.0\n",
        ';SETTING_3 {"global_quality": "[values]\\\\nlayer_height = 0.2\\\\ninfill_sparse_density = 15\\\\n"}\n',
    ),
    "bambu": (
        "; HEADER_BLOCK_START\n; BambuStudio 01.08.04.51\n; model printing time: 1h 0m 3s; total estimated time: 1h 2m 3s\n"
        "; total filament length [mm] : 1645.00\n; total filament weight [g] : 4.91\n; HEADER_BLOCK_END\n",
        "; sparse_infill_density = 15%\n; layer_height = 0.2\n; filament_type = PETG\n; nozzle_diameter = 0.4\n; enable_support = 1\n",
    ),
    "simplify": (
        "; G-Code generated by Simplify3D(R) Version 4.1.2\n;   layerHeight,0.2\n;   infillPercentage,15\n;   printMaterial,PETG\n",
        "; Build Summary\n;   Build time: 1 hours 2 minutes\n;   Filament length: 1645.0 mm\n;   Plastic weight: 4.91 g (0.01 lb)\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("slicer", "generator", "seconds", "grams", "settings"),
    [
        ("prusa", "PrusaSlicer 2.7.4+win64", 3723, 4.91,
         {"infill_percent": "15", "layer_height_mm": "0.2", "material": "PETG", "nozzle_mm": "0.4", "supports": "yes"}),
        ("cura", "Cura_SteamEngine 5.6.0", 3723, 0, {"layer_height_mm": "0.2"}),
        ("bambu", "BambuStudio 01.08.04.51", 3723, 4.91,
         {"infill_percent": "15", "layer_height_mm": "0.2", "material": "PETG", "nozzle_mm": "0.4", "supports": "yes"}),
        ("simplify", "Simplify3D(R) Version 4.1.2", 3720, 4.91, {"infill_percent": "15", "layer_height_mm": "0.2", "material": "PETG"}),
    ],
)  # fmt: skip
def test_a_slicer_s_own_figures_and_settings_are_kept(
    tmp_path: Path, slicer: str, generator: str, seconds: float, grams: float, settings: dict[str, str]
) -> None:
    before, after = SAID[slicer]
    report = measured(tmp_path, before + PRINTED + after)
    facts = report.toolpath
    assert (facts.generator, facts.claimed_seconds) == (generator, seconds)
    assert facts.claimed_grams == pytest.approx(grams)
    assert facts.claimed_filament_mm == pytest.approx(1645)
    assert facts.dialect == ("klipper" if slicer == "prusa" else "marlin")
    assert {setting.key: setting.value for setting in report.settings}.items() >= settings.items()


def test_a_figure_that_nobody_can_mean_is_left_out(tmp_path: Path) -> None:
    report = measured(tmp_path, ";TIME:60\n;TIME:" + "9" * 400 + "\n; filament used [mm] = " + "9" * 400 + "\n" + PRINTED)
    assert (report.toolpath.claimed_seconds, report.toolpath.claimed_filament_mm) == (60, 0)


def test_klipper_s_macros_name_the_control_and_the_heat(tmp_path: Path) -> None:
    report = measured(tmp_path, "START_PRINT BED_TEMP=60 EXTRUDER_TEMP=215\n" + PRINTED.replace("M104 S200\n", "") + "END_PRINT\n")
    assert (report.toolpath.dialect, report.toolpath.nozzle_c, report.toolpath.bed_c) == ("klipper", 215, 60)
    assert "gcode.skipped" not in codes(report)


def test_an_end_macro_of_klipper_switches_the_heaters_off(tmp_path: Path) -> None:
    hot = "EXCLUDE_OBJECT_DEFINE NAME=a POLYGON=[[1,2],[3,4]]\n" + PRINTED.replace("M104 S0\n", "")
    left = measured(tmp_path, hot)
    assert list(left.toolpath.end_state) == ["nozzle heater left on"]
    assert "gcode.macro" not in codes(left)
    assert list(measured(tmp_path, hot + "PRINT_END\n").toolpath.end_state) == []


def test_words_of_a_command_that_moves_nothing_are_no_motion(tmp_path: Path) -> None:
    report = measured(tmp_path, "G29.1 Z-9\nM203 X500 Y500\nG10 L2 P1 X700\n" + PRINTED)
    assert corners(report)[0:4] == (10, 10, 0.2, 30)


def test_grbl_and_linuxcnc_are_known_by_their_own_words(tmp_path: Path) -> None:
    assert measured(tmp_path, "$32=1\n" + ENGRAVED).toolpath.dialect == "grbl"
    assert measured(tmp_path, "G64 P0.01\n#<depth> = 2\n" + MILLED).toolpath.dialect == "linuxcnc"
    assert measured(tmp_path, MILLED).toolpath.dialect == ""


# Archives


def archive(path: Path, plates: dict[str, str], **others: str) -> bytes:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in {"3D/3dmodel.model": "<model/>", **plates, **others}.items():
            file.writestr(name, text)
    return path.read_bytes()


def test_a_sliced_archive_says_its_plates_and_its_slicer_s_sums(tmp_path: Path) -> None:
    info = "".join(
        f'<plate><metadata key="index" value="{plate}"/><metadata key="prediction" value="600"/><metadata key="weight" value="2.5"/>'
        f'<metadata key="support_used" value="false"/><filament id="1" type="PLA" used_m="0.8" used_g="2.5"/></plate>'
        for plate in (1, 2)
    )
    plates = {"Metadata/plate_1.gcode": PRINTED, "Metadata/plate_2.gcode": PRINTED.replace("X30", "X110")}
    packed = archive(tmp_path / "made.zip", plates, **{"Metadata/slice_info.config": f"<?xml version='1.0'?><config>{info}</config>"})
    report = measured(tmp_path, packed, name="two.gcode.3mf")
    facts = report.toolpath
    assert report.format == v1.FILE_FORMAT_GCODE_3MF
    assert (facts.plates, facts.claimed_seconds, facts.claimed_grams, facts.claimed_filament_mm) == (2, 1200, 5, 1600)
    assert (report.size_mm.x, facts.filament_mm) == pytest.approx((100, 4))
    assert facts.lines == 2 * PRINTED.count("\n")
    assert {setting.key: setting.value for setting in report.settings}.items() >= {"material": "PLA", "supports": "no"}.items()


def test_settings_that_declare_a_document_type_are_left_alone(tmp_path: Path) -> None:
    evil = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><config><plate><metadata key="prediction" value="9"/></plate></config>'
    packed = archive(tmp_path / "made.zip", {"Metadata/plate_1.gcode": PRINTED}, **{"Metadata/slice_info.config": evil})
    report = measured(tmp_path, packed, name="one.gcode.3mf")
    assert report.toolpath.claimed_seconds == 0


# What cannot be read


def test_a_file_in_which_nothing_moves_is_a_fault(tmp_path: Path) -> None:
    assert faults(measured(tmp_path, "G21\nG90\nM3 S100\nG4 P1\nM5\nM2\n")) == ["gcode.no_motion"]
    assert faults(measured(tmp_path, "G21\nG90\nG1 X1 Y2 F100\nM2\n")) == ["gcode.no_motion"]  # nobody knows from where
    assert faults(measured(tmp_path, "G21\nG90\nG1 X1 Y2 F100\nG1 X2\nM2\n")) == []
    assert faults(measured(tmp_path, "G21\nG90\nG1 A0 F100\nG1 A90\nM2\n")) == []  # only the table turns


def test_garbage_is_a_fault_with_its_line_and_a_little_of_it_a_warning(tmp_path: Path) -> None:
    good = "".join(f"G1 X{number} Y1 F100\n" for number in range(50))
    little = measured(tmp_path, "G21\n" + good + "??? lost\n" + good)
    assert faults(little) == []
    skipped = next(warning for warning in little.warnings if warning.code == "gcode.skipped")
    assert figures(skipped) == {"lines": 1, "first": 52}
    much = measured(tmp_path, "G21\n" + good + "??? lost\n" * 10)
    assert faults(much) == ["gcode.unreadable"]
    assert figures(much.faults[0])["line"] == 52


@pytest.mark.parametrize("word", ["Xnan", "X-inf", "X1e99999999999", "Y99999999999999999999", "F" + "9" * 400])
def test_numbers_that_are_none_or_absurd_are_a_fault_with_their_line(tmp_path: Path, word: str) -> None:
    report = measured(tmp_path, "G21\n" + SQUARE * 4 + f"G1 {word}\n" + SQUARE)
    assert faults(report) == ["gcode.unreadable"]
    assert figures(report.faults[0])["line"] == 22


def test_a_very_long_line_is_a_fault(tmp_path: Path) -> None:
    report = measured(tmp_path, "G21\n" + SQUARE * 10 + "G1 " + "X1" * 100_000 + "\n" + SQUARE)
    assert faults(report) == ["gcode.unreadable"]
    assert figures(report.faults[0])["line"] == 52


def test_binary_g_code_is_named_and_not_read(tmp_path: Path) -> None:
    report = measured(tmp_path, b"GCDE\x01\x00\x00\x00\x01\x00" + bytes(200))
    assert faults(report) == ["file.unsupported"]


def test_half_a_million_lines_take_seconds_and_little_memory(tmp_path: Path) -> None:
    """7 s of the processor for 100 MB on a laptop, and no more than 100 s on the slowest machine."""
    layer = "".join(f"G1 X{100 + 50 * math.cos(n / 40):.3f} Y{100 + 50 * math.sin(n / 40):.3f} E.03141\n" for n in range(5000))
    body = "".join(f"G1 Z{0.2 * n + 0.2:.2f} F9000\nM204 S800\n{layer}" for n in range(100))
    path = tmp_path / "large.gcode"
    path.write_text("G21\nG90\nM83\nM104 S200\nG28\nG1 X150 Y100 Z.2 F1200\n" + body + "M104 S0\n", encoding="utf-8")
    began = time.process_time()
    report = measure(path, "0" * 64, "", tmp_path).report
    spent = time.process_time() - began
    assert report.size_mm.x == pytest.approx(100, abs=0.05)
    assert report.toolpath.filament_mm == pytest.approx(0.03141 * 500_000, rel=1e-6)
    assert spent < 100 * path.stat().st_size / 100e6


# What it takes to run it


def ways(report: v1.GeometryReport, demands: v1.Demands | None = None) -> dict[str, v1.Makeability]:
    judged = judge(report, demands or v1.Demands())
    assert len({way.process for way in judged}) == len(judged), "a process is judged twice"
    return {way.process: way for way in judged}


@pytest.mark.parametrize(
    ("text", "process"),
    [
        (PRINTED, "fdm"),
        (MILLED, "milling"),
        (ENGRAVED, "laser_cutting"),
        (PIERCED, "plasma_cutting"),
        (TURNED, "turning"),
        (PLOTTED, "knife_cutting"),
    ],
)
def test_a_toolpath_is_asked_about_for_its_own_machine_and_refused_for_every_other(tmp_path: Path, text: str, process: str) -> None:
    report = measured(tmp_path, text)
    judged = ways(report)
    asked = judged.pop(process)
    assert (asked.verdict, [why.code for why in asked.reasons]) == (v1.VERDICT_ASK, ["toolpath.machine_specific"])
    assert asked.requirement.size_mm == report.size_mm
    assert asked.estimate.machine_time.seconds == round(report.toolpath.estimated_seconds)
    assert {way.verdict for way in judged.values()} == {v1.VERDICT_INFEASIBLE}


def test_a_toolpath_for_an_unknown_machine_is_refused_everywhere(tmp_path: Path) -> None:
    judged = ways(measured(tmp_path, SQUARE))
    assert {way.verdict for way in judged.values()} == {v1.VERDICT_INFEASIBLE}
    assert any("a machine of an unknown kind" in why.message for way in judged.values() for why in way.reasons)


def test_a_toolpath_for_another_process_than_demanded_is_refused(tmp_path: Path) -> None:
    report = measured(tmp_path, MILLED)
    assert ways(report, v1.Demands(processes=["machining"]))["milling"].verdict == v1.VERDICT_ASK
    other = ways(report, v1.Demands(processes=["fdm"]))["milling"]
    assert (other.verdict, [why.code for why in other.reasons][-1]) == (v1.VERDICT_INFEASIBLE, "process.other")


def test_a_broken_toolpath_and_a_part_that_is_none_are_judged_by_others(tmp_path: Path) -> None:
    assert ways(measured(tmp_path, "G21\nG90\nM5\n"))["fdm"].verdict == v1.VERDICT_INFEASIBLE
    part = measured(tmp_path, binary_stl(box(20, 20, 10)), name="cube.stl")
    assert "knife_cutting" not in ways(part)


# Against a real slicer


def test_a_sliced_box_has_the_box_s_size_and_the_slicer_s_own_figures(prusa_slicer: str, tmp_path: Path) -> None:
    mesh, path = tmp_path / "box.stl", tmp_path / "box.gcode"
    mesh.write_bytes(binary_stl(moved(box(30, 20, 10), 0, 0, 0)))
    options = [
        "--skirts",
        "0",
        "--layer-height",
        "0.2",
        "--first-layer-height",
        "0.2",
        "--fill-density",
        "20%",
        "--filament-density",
        "1.24",
    ]
    subprocess.run(
        [prusa_slicer, "--export-gcode", *options, "--filament-type", "PLA", "--output", str(path), str(mesh)],
        check=True,
        capture_output=True,
    )
    report = measure(path, "0" * 64, "", tmp_path).report
    facts = report.toolpath
    width = 0.45  # a wall's line lies half its width within the outline
    assert (report.size_mm.x, report.size_mm.y) == pytest.approx((30 - width, 20 - width), abs=0.1)
    assert facts.work_high_mm.z == pytest.approx(10, abs=0.01)
    assert facts.generator.startswith("PrusaSlicer")
    assert facts.machine_kind == v1.TOOLPATH_KIND_FDM
    assert facts.filament_mm == pytest.approx(facts.claimed_filament_mm, rel=0.01)
    assert facts.claimed_grams == pytest.approx(facts.filament_mm * math.pi * 0.875**2 / 1000 * 1.24, rel=0.02)
    assert 0.4 * facts.claimed_seconds < facts.estimated_seconds < 1.05 * facts.claimed_seconds  # the slicer also counts speeding up
    settings = {setting.key: setting.value for setting in report.settings}
    assert settings.items() >= {"layer_height_mm": "0.2", "infill_percent": "20", "material": "PLA", "supports": "no"}.items()


# Real files


KINDS_OF_THE_CORPUS = {
    "Circle_Diamond_Square_Calibration.gcode": "MILL",
    "octocat.gcode": "FDM",
    "sample.gcode": "FDM",
    "helical-thread-milling.gcode": "MILL",
    "tball-engrave.gcode": "MILL",
    "tball-engrave-laser.gcode": "LASER",
    "tball-pocket-laser.gcode": "LASER",
    "plant-sign.gcode": "FDM",
    "vase.gcode": "FDM",
}


MEASURED_WRONGLY = {
    # By hand its ends along Y reach from -0.1219 to 0.1201 inch, which are 6.147 mm; the table has 6.175.
    "cncjs/examples/gcode/helical-thread-milling.gcode",
}


def test_real_files_reach_at_least_as_far_as_their_ends_of_moves(corpus: Path, tmp_path: Path) -> None:
    """The table's sizes are those of the ends alone: arcs may reach farther, and relative moves at the end too."""
    with (corpus / "measured.csv").open(newline="", encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table) if row["path"].endswith(".gcode")]
    assert len(rows) == 20
    for row in rows:
        report = measure(corpus / row["path"], row["sha256"], "", tmp_path).report
        assert not report.faults, row["path"]
        if row["path"] in MEASURED_WRONGLY:
            continue
        low, high = corners(report)[:3], corners(report)[3:]
        for axis, name in enumerate(("bbox_x_mm", "bbox_y_mm", "bbox_z_mm")):
            assert high[axis] - low[axis] >= float(row[name]) - 0.02, (row["path"], name)
        kind = v1.ToolpathKind.Name(report.toolpath.machine_kind).removeprefix("TOOLPATH_KIND_")
        assert kind == KINDS_OF_THE_CORPUS.get(Path(row["path"]).name, kind)
