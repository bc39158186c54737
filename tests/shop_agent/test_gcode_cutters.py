# SPDX-License-Identifier: AGPL-3.0-or-later
"""The gate on machines that cut and burn: Grbl and LinuxCNC."""

from __future__ import annotations

import pytest
from gate_judging import CUT, codes, cut, found, laser, linuxcnc, mill, printer, read

from shop_agent.shop_toml.machine_section import MachineSection


def test_moves_fit_wherever_the_works_zero_is_while_they_extend_no_farther_than_the_machine_travels() -> None:
    assert cut("G1 X300 Y-200") == [] and cut("G1 X-150\nG1 X150") == []
    assert cut("G1 X-150\nG1 X150.02") == [("toolpath.too_large", 2)]
    assert cut("G0 Z60\nG1 Z-0.1") == [("toolpath.too_large", 2)]


def test_extents_in_different_work_offsets_are_not_added() -> None:
    assert cut("G1 X200\nG55\nG0 Z5\nG0 X-200\nG1 X0") == []
    assert cut("G55\nG0 Z5\nG0 X-200\nG1 X101") == [("toolpath.too_large", 4)]


@pytest.mark.parametrize(
    ("arc", "axis", "reached"),
    [
        ("G17\nG2 X20 Y0 I10 J0", 1, (0, 10)),
        ("G17\nG3 X20 Y0 I10 J0", 1, (-10, 0)),
        ("G17\nG3 X0 Y0 I10 J0 Z-1", 0, (0, 20)),
        ("G17\nG3 X0 Y0 I10 J0 Z-1", 2, (-1, 5)),
        ("G18\nG2 X20 Z1 I10 K0", 2, (-9, 5)),
        ("G18\nG3 X20 Z1 I10 K0", 2, (1, 11)),
        ("G19\nG2 Y20 Z1 J10 K0", 2, (1, 11)),
        ("G19\nG3 Y20 Z1 R10", 2, (-9, 5)),
    ],
)
def test_arcs_bulge_in_all_three_planes(arc: str, axis: int, reached: tuple[float, float]) -> None:
    """Seen from the positive end of the third axis, G2 is clockwise (RS274NGC 3.5.3): in G18 that is from Z to X."""
    path = read(f"{CUT}{arc}\nG17\nM2", mill())
    assert path.faults == {} and (round(path.lowest[axis][0], 3), round(path.highest[axis][0], 3)) == reached


@pytest.mark.parametrize(
    ("start", "unsaid"),
    [("G90\nG0 X1", 2), ("G21\nG0 X1", 2), ("G21 G90\nX1", 2), ("G90\nG1 X1 F100", 2)],
)
def test_unit_distance_and_motion_must_be_said_before_the_first_move(start: str, unsaid: int) -> None:
    assert ("toolpath.mode_unsaid", unsaid) in found(start + "\nM5\nM2", mill())
    assert codes("G21 G90\nG0 X1\nX2\nG1 X3 F50\nM2", mill()) == []


def test_the_first_cut_needs_a_feed() -> None:
    assert found("G21 G90\nG0 X0\nG1 X5\nM2", mill()) == [("toolpath.no_feed", 3)]
    assert codes("G21 G90\nG0 X0\nG1 X5 F100\nM2", mill()) == []


@pytest.mark.parametrize(
    ("lines", "refused"),
    [
        ("G0 Z-1", 1),
        ("G1 Z-3\nG0 X5", 2),
        ("G1 Z-3\nG0 X5 Z5", 2),
        ("G1 Z-3\nG1 X5\nG0 Z5", 0),
        ("G1 Z-3\nG0 Z5\nG0 Z-2.5\nG1 Z-6", 0),
        ("G1 Z-3\nG0 Z5\nG0 Z-3.5", 3),
        ("G1 Z-3\nG0 Z5\nG0 X9\nG0 Z-2", 4),
        ("G0 Z0", 0),
    ],
)
def test_no_rapid_move_goes_through_stock(lines: str, refused: int) -> None:
    """Back down a hole that was just drilled it may."""
    assert cut(lines) == ([("toolpath.rapid_into_stock", refused)] if refused else [])
    assert codes(CUT.replace("M3 S1000", "M4 S0") + lines + "\nM5\nM30", laser()) == [], "a laser has no stock to plunge into"


def test_spindle_and_laser_are_held_to_their_limit() -> None:
    assert cut("S9000", mill(max_s=9000)) == [] and cut("S9001", mill(max_s=9000)) == [("toolpath.too_strong", 1)]
    assert cut("S-5") == [("toolpath.bad_value", 1)]
    assert cut("G1 X5 F301", mill(max_feed_mm_min=300)) == [("toolpath.too_fast", 1)] and cut("G1 X5 F300", mill(max_feed_mm_min=300)) == []


BURN = "G21 G90\nM{mode} S{s}\nG1 X5 F600\nG0 X9\n{end}"


@pytest.mark.parametrize(
    ("mode", "s", "end", "code"),
    [
        (4, 500, "M5\nM2", []),
        (3, 500, "M5\nM2", ["toolpath.laser_on_travel"]),
        (3, 0, "M5\nM2", []),
        (4, 500, "", ["toolpath.end_unsafe"]),
        (4, 500, "M2", []),
        (4, 500, "M30", []),
    ],
)
def test_a_laser_travels_dark_and_ends_dark(mode: int, s: int, end: str, code: list[str]) -> None:
    assert codes(BURN.format(mode=mode, s=s, end=end), laser()) == code


def test_a_lasers_power_must_be_said() -> None:
    assert found("G21 G90\nM3\nG1 X5 F600\nM5", laser()) == [("toolpath.mode_unsaid", 2)]
    assert codes("G21 G90\nM3\nG1 X5 F600\nM5", mill()) == []


def test_a_spindle_left_on_and_modes_left_behind_are_named() -> None:
    assert codes("G21 G90\nM3 S9\nG1 X5 F600", mill()) == codes("G21 G91\nG1 X5 F600", mill()) == ["toolpath.end_unsafe"]
    assert codes("G21 G90 G18\nG1 X5 F600", mill()) == ["toolpath.end_unsafe"] and codes("G21 G90 G18\nG1 X5 F600\nM2", mill()) == []


@pytest.mark.parametrize(
    "line",
    [
        "$H",
        "$RST=*",
        "$X",
        "$100=250",
        "G10 L2 P1 X0",
        "G28.1",
        "G30.1",
        "G41 D1",
        "M30 G10",
        "G93",
        "#1=5",
        "X[1+2]",
        "O100 SUB",
        "M98 P1",
    ],
)
@pytest.mark.parametrize("machine", [mill, linuxcnc])
def test_what_changes_the_controller_or_cannot_be_followed_is_refused_whatever_the_owner_allows(line: str, machine: object) -> None:
    facts: MachineSection = machine(allow_commands=(line, line.split()[0]))  # type: ignore[operator]
    assert cut(line, facts)[0] == ("toolpath.forbidden_command", 1)


@pytest.mark.parametrize("line", ["G38.2 Z-5 F50", "G81 X1 Z-5 R2", "M62.5 P1", "M6", "G5 X1"])
def test_probes_cycles_and_tool_changes_need_the_owners_word_in_grbl(line: str) -> None:
    assert cut(line)[0][0] in ("toolpath.unknown_command", "toolpath.forbidden_command")


def test_a_canned_cycle_may_be_allowed_in_linuxcnc_and_leaves_the_position_unknown() -> None:
    assert cut("G81 X1 Y1 Z-5 R2", linuxcnc()) == [("toolpath.unknown_command", 1)]
    machine = linuxcnc(allow_commands=("G81",))
    assert cut("G81 X1 Y1 Z-5 R2\nG0 Z5\nG0 X5", machine) == []
    assert cut("G81 X1 Y1 Z-5 R2\nG2 X5 Y5 I2 J2", machine) == [("toolpath.position_unknown", 2)]


def test_tools_are_changed_in_linuxcnc() -> None:
    assert cut("T2 M6\nG43 H2\nG0 Z5\nG1 Z-1", linuxcnc()) == []


def test_ways_home_and_machine_coordinates_begin_anew() -> None:
    assert cut("G28 G91 Z0\nG90\nG0 X5 Z5") == [] and cut("G53 G0 Z-5\nG0 X5 Z5\nG1 Z-1") == []
    assert cut("G53 G0 Z-61") == [("toolpath.too_large", 1)]


@pytest.mark.parametrize("line", ["G0 G1 X5", "M3 M5", "X1 X2", "G20 G21", "G1 X5 G4 P1", "G54 G55"])
def test_two_commands_of_one_kind_on_a_line_are_refused(line: str) -> None:
    assert cut(line) == [("toolpath.ambiguous", 1)]


def test_several_commands_and_lower_case_on_a_line_are_read() -> None:
    assert cut("N10 g1 x5 y5 f200 s900 m8\nx6\n(a comment) y7 ; another\nG4 P0.5 \nM0\nM1 M9") == []


@pytest.mark.parametrize("mark", ["?", "!", "~", "Ø"])
def test_realtime_characters_are_refused_even_in_comments_for_grbl_alone(mark: str) -> None:
    assert cut(f"G1 X5 ; what{mark}") == [("toolpath.realtime", 1)] and cut(f"G1 X5 ; what{mark}", linuxcnc()) == []


def test_what_follows_the_programs_end_is_refused() -> None:
    assert codes("%\nG21 G90\nG1 X5 F60\nM30\n%\n", mill()) == codes("G21 G90\nG1 X5 F60\nM2\nM2\n", mill()) == []
    assert codes("%\nG21 G90\nG1 X5 F60\nM30\n%\nG1 X9", mill()) == codes("G21 G90\nG1 X5 F60\nM2\nG1 X9", mill()) == ["toolpath.ambiguous"]


def test_a_toolpath_that_cuts_nothing_is_refused() -> None:
    assert codes("G21 G90\nG0 X5\nM2", mill()) == ["toolpath.empty"]


def test_relative_moves_add_up_from_a_place_that_nobody_knows() -> None:
    assert codes("G21 G91\nG0 X100\nG1 X200 F60\nM2", mill()) == [] and codes("G21 G91\nG0 X100\nG1 X201 F60\nM2", mill()) == [
        "toolpath.too_large"
    ]


def test_a_laser_on_marlin_is_held_to_the_same() -> None:
    machine = printer(process="laser_cutting", laser="diode", max_s=255)
    good = "G28\nG21\nG90\nM4 S200\nG1 X5 F600\nM5\nG0 X9\nM5\n"
    assert codes(good, machine) == [] and codes(good.replace("F600\nM5", "F600"), machine) == ["toolpath.laser_on_travel"]
    assert codes(good.replace("S200", "S256"), machine) == ["toolpath.too_strong"]
    assert codes(good.removesuffix("M5\nG0 X9\nM5\n"), machine) == ["toolpath.end_unsafe"]
    assert codes(good.replace("G90\n", ""), machine)[0] == "toolpath.mode_unsaid"
