# SPDX-License-Identifier: AGPL-3.0-or-later
"""The gate: what a toolpath would do, and whether the machine may do it."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest
from small_shop import shop

from shop_agent.gcode import Toolpath, check, read_toolpath
from shop_agent.machine_section import MachineSection


@pytest.fixture
def machine(tmp_path: Path) -> MachineSection:
    """120 × 120 × 100 mm."""
    return shop(tmp_path).machine[0]


def follow(text: str) -> Toolpath:
    return read_toolpath(text.splitlines())


def codes(text: str, machine: MachineSection) -> list[str]:
    return [reason.code for reason in check(follow(text + "\nG1 X10 Y10 E99 F600"), machine)]


def spans(path: Toolpath, axis: int) -> tuple[float, float]:
    return round(path.lowest[axis][0], 3), round(path.highest[axis][0], 3)


def test_a_toolpath_inside_the_machine_passes(machine: MachineSection) -> None:
    assert codes("G28\nG90\nM82\nM104 S210\nG1 X120 Y120 Z100 F3000", machine) == []


def test_a_move_beyond_the_bed_is_refused_with_axis_figures_and_line(machine: MachineSection) -> None:
    (reason,) = check(follow("G28\nG1 X5 Y5\nG1 X121.5 E1"), machine)
    assert (reason.code, reason.subject) == ("toolpath.outside", "x")
    assert {figure.name: figure.value for figure in reason.figures} == {"line": 3, "needs": 121.5, "has": 120}


def test_a_travel_move_counts_as_much_as_one_that_lays_material(machine: MachineSection) -> None:
    assert codes("G0 Z101", machine) == ["toolpath.outside"]


def test_below_the_bed_is_outside(machine: MachineSection) -> None:
    assert codes("G1 Z-0.2", machine) == ["toolpath.outside"]


def test_a_purge_line_is_allowed_where_the_owner_says_the_machine_reaches(tmp_path: Path) -> None:
    machine = shop(tmp_path, reach_min_mm=[0, -4, 0], reach_max_mm=[120, 120, 100]).machine[0]
    assert codes("G1 Y-3", machine) == []


def test_relative_moves_add_up(machine: MachineSection) -> None:
    assert spans(follow("G91\nG1 X50\nG1 X50\nG1 X30"), 0) == (0, 130)
    assert codes("G91\nG1 X50\nG1 X50\nG1 X30\nG90", machine) == ["toolpath.outside"]


def test_renumbering_the_position_does_not_hide_where_the_machine_is(machine: MachineSection) -> None:
    assert spans(follow("G1 X100\nG92 X0\nG1 X50"), 0) == (0, 150)
    assert codes("G1 X100\nG92 X0\nG1 X50\nG28", machine) == ["toolpath.outside"]


def test_inches_are_read_as_inches() -> None:
    assert spans(follow("G20\nG1 X2"), 0) == (0, 50.8)


def test_an_arc_that_bulges_out_of_the_bed_is_seen_though_its_ends_are_inside(machine: MachineSection) -> None:
    text = "G1 X115 Y40\nG3 X115 Y60 I0 J10"
    assert spans(follow(text), 0) == (0, 125)
    assert codes(text, machine) == ["toolpath.outside"]


def test_the_same_arc_the_other_way_round_bulges_inward(machine: MachineSection) -> None:
    assert codes("G1 X115 Y40\nG2 X115 Y60 I0 J10", machine) == []


def test_a_full_circle_reaches_its_four_quarters() -> None:
    path = follow("G1 X60 Y50\nG2 X60 Y50 I-10 J0 E5 F600")
    assert path.highest[0][0] == pytest.approx(60) and path.highest[1][0] == pytest.approx(60)
    assert path.laid_lowest[0] == pytest.approx(40) and path.laid_lowest[1] == pytest.approx(40)


@pytest.mark.parametrize(("radius", "reaches"), [(10, 60), (-10, 60)])
def test_an_arc_by_radius_of_a_half_circle(radius: float, reaches: float) -> None:
    assert follow(f"G1 X50 Y40\nG3 X50 Y60 R{radius}").highest[0][0] == pytest.approx(reaches)


def test_a_negative_radius_is_the_longer_way_round() -> None:
    short, long = (follow(f"G1 X50 Y45\nG3 X50 Y55 R{radius}").highest[0][0] for radius in (10, -10))
    middle = math.sqrt(10**2 - 5**2)
    assert short == pytest.approx(50 + 10 - middle) and long == pytest.approx(50 + 10 + middle)


def test_too_hot_names_the_part_and_both_temperatures(machine: MachineSection) -> None:
    (reason,) = check(follow("M104 S210\nM109 S310\nG1 X1 E1"), machine)
    assert reason.code == "toolpath.too_hot" and "line 2: the nozzle is set to 310 °C, the machine allows 290 °C" in reason.message


@pytest.mark.parametrize("command", ["M500", "M502", "M30 /x.gco", "M997", "M92 E400", "M211 S0", "M302 S0", "N5 M500*33", "m500"])
def test_commands_that_change_the_machine_itself_are_refused(command: str, machine: MachineSection) -> None:
    assert codes(command, machine) == ["toolpath.forbidden_command"]


@pytest.mark.parametrize("line", ["START_PRINT BED=60", "MACRO_G1 X5", "G5 X1 Y1 P1 Q1", "G2 X5 Y5", "%$#", "T?"])
def test_what_the_gate_cannot_follow_is_refused_rather_than_guessed(line: str, machine: MachineSection) -> None:
    expected = [] if line.startswith("%") else ["toolpath.unreadable"]
    assert codes(line, machine) == expected


def test_a_toolpath_that_lays_no_material_is_refused(machine: MachineSection) -> None:
    assert [reason.code for reason in check(follow("G28\nG1 X10 Y10 F600"), machine)] == ["toolpath.empty"]


@pytest.mark.parametrize(
    ("text", "pushed"),
    [("M82\nG1 X1 E2\nG1 X2 E5\nG92 E0\nG1 X3 E1", 6), ("M83\nG1 X1 E2\nG1 X2 E5", 7), ("G91\nG1 X1 E1\nG1 X1 E1", 2), ("G1 X1 E-3", 0)],
)
def test_material_is_counted_in_absolute_and_relative_terms(text: str, pushed: float) -> None:
    assert follow(text).extruded_mm == pytest.approx(pushed)


def test_time_is_length_by_speed() -> None:
    assert follow("G1 X60 F3600\nG4 S2\nG4 P500").seconds == pytest.approx(1 + 2.5)


def test_comments_and_unspaced_words_are_read() -> None:
    assert spans(follow("G1X10Y20F600 ; G1 X999\n(G1 X500)G1 X11"), 0) == (0, 11)


def test_a_hundred_thousand_lines_take_no_more_than_a_few_seconds() -> None:
    lines = [f"G1 X{i % 100} Y{i % 90} E{i / 10:.4f} F1800" for i in range(100_000)]
    began = time.perf_counter()
    assert read_toolpath(lines).lines == 100_000
    assert time.perf_counter() - began < 8
