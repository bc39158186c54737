# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reading in bulk says the same as reading line by line, for anything anybody may write."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from gate_judging import BEGIN, CUT, END, klipper, laser, linuxcnc, mill, printer
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shop_agent.gcode import Toolpath, follow, rules_for
from shop_agent.shop_toml.machine_section import MachineSection

MACHINES = {
    "marlin": printer(),
    "klipper": klipper(),
    "marlin mill": printer(process="cnc_routing"),
    "marlin laser": printer(process="laser_cutting", laser="diode", max_s=255),
    "grbl": mill(),
    "laser": laser(),
    "linuxcnc": linuxcnc(),
}
PRINTS = ("marlin", "klipper")
MARLINS = (*PRINTS, "marlin mill", "marlin laser")
NUMBER = st.one_of(
    st.floats(-50, 150).map(lambda value: f"{value:.3f}"),
    st.integers(-2, 120).map(str),
    st.sampled_from(["0", "5", "5.", ".5", "-.5", "-0", "007", "1234.5", "99999.99999", "+3", "0.123456789", "12345678"]),
)
ODD_NUMBER = st.sampled_from(["", "-", ".", "--1", "1-2", "1.2.3", "1e3", "1E3", "nan", "1 0", "0X10", "1_0", "é"])
PIECE = st.sampled_from([1 << 20, 2500, 4000])
"""A run of one shape is looked for where a piece begins: small pieces begin in the middle of one."""
SPEED = st.sampled_from(["600", "1200", "7800", "300.5", "0"])


def words(letters: str, odd: bool = False) -> st.SearchStrategy[str]:
    """A line's words, in order."""

    def joined(values: dict[str, str]) -> str:
        return " ".join(f"{letter}{values[letter]}" for letter in letters if letter in values)

    one = {letter: (SPEED if letter in "FS" else st.one_of(NUMBER, ODD_NUMBER) if odd else NUMBER) for letter in letters}
    return st.fixed_dictionaries({}, optional=one).map(joined)


def full(letters: str, head: str) -> st.SearchStrategy[list[str]]:
    """Runs of one shape, as slicers write them."""
    line = st.fixed_dictionaries({letter: SPEED if letter in "FS" else NUMBER for letter in letters})
    return st.lists(line.map(lambda one: f"{head}{' ' if head else ''}" + " ".join(k + v for k, v in one.items())), min_size=2, max_size=30)


def long(lines: list[str]) -> list[str]:
    """So many that they are read as a run of one shape."""
    return lines * (1 + 1600 // len("\n".join(lines)))


def one(strategy: st.SearchStrategy[str], most: int = 6) -> st.SearchStrategy[list[str]]:
    return st.lists(strategy, min_size=1, max_size=most)


ARC = st.tuples(st.sampled_from("23"), st.integers(1, 20), st.integers(-3, 3)).map(
    lambda it: [f"G1 X50 Y50 F{600 + it[1]}", f"G{it[0]} X{50 + 2 * it[1]} Y50 I{it[1]} J0 E.5", f"G{it[0]} X50 Y50 I-{it[1]} J0"]
)
BY_RADIUS = st.tuples(st.sampled_from("23"), st.integers(1, 9), st.sampled_from(["", "-"]), st.integers(-1, 9)).map(
    lambda it: [f"G1 X50 Y50 F{600 + it[1]}", f"G{it[0]} X{50 + it[1]} Y50 R{it[2]}{max(0.4, it[1] / 2 + it[3])}", "G1 X50"] * 3
)
ARCS_BY_RADIUS = st.tuples(
    st.lists(st.sampled_from("23"), min_size=2, max_size=2),
    st.integers(0, 9),
    st.sampled_from(["1.5", "-1.5", "5", "-5", ".4", "1.4955", "0", "-", "1-2"]),
    st.sampled_from(["", " Z3.5", " Z-1"]),
    st.sampled_from(["", "G02", "G2"]),
).map(lambda it: [f"{it[4] or 'G' + it[0][at % 2]} X{50 + it[1] * (at % 2)} Y5{it[3]} R{it[2]}" for at in range(1, 110)])
"""To and fro, among them full circles, chords that are too long, and numbers that are none."""
SILENT = [
    "M204 S1000", "M204 P500 T900", "M204 S1 S2", "M73 P5 R9", "M106 S255", "M107", "M205 X8 Y8", "M900 K0.05", "M117 half",
    'M117 "x',     "SET_VELOCITY_LIMIT ACCEL=3000", "SET_PRINT_STATS_INFO CURRENT_LAYER=2", "EXCLUDE_OBJECT_START NAME=a",
    "M204", "M106 P1 S9", "M106 S-1",
]  # fmt: skip
PRINTED = st.one_of(
    one(st.sampled_from(SILENT), 4),
    BY_RADIUS,
    ARCS_BY_RADIUS,
    full("XYE", "G1").map(long),
    full("XYR", "G3").map(long),
    full("FXY", "G0"),
    full("XYSF", "G1"),
    full("XYFS", "G1"),
    one(words("XYZIJRSF").map("G3 {}".format)),
    st.lists(
        st.sampled_from(["M3 S100", "M4 S50", "M5", "M0", "G0 X5", "G1 Z-3 F100", "G0 Z-2", "G28 O", "M106 S99"]), min_size=1, max_size=2
    ),
    full("XYE", "G1"),
    full("XY", "G1"),
    one(words("XYZEF").map("G1 {}".format)),
    one(words("FXYZE").map("G0 {}".format)),
    one(words("XYZIJEF").map("G2 {}".format)),
    one(words("XYE", odd=True).map("G1 {}".format), 2),
    ARC,
    ARC.map(lambda lines: [line.replace("G", "G0", 0) + " E1" if "E" not in line else line for line in lines] * 5),
    one(
        st.sampled_from(
            [
                "G92 E0",
                "G92 E0",
                "G92 X5",
                "M3",
                "M107",
                "M106 P1 S9",
                "G28 X",
                "G90",
                "G91",
                "M82",
                "M83",
                "G28",
                "M104 S0",
                "M109 S210",
                "G20",
                "G21",
                "M84",
                "G29",
            ]
        ),
        2,
    ),
    one(
        st.sampled_from(
            [
                ";TYPE:x",
                "",
                "; é",
                "M106 S255",
                "M500",
                "M73 P5",
                "  ",
                "G4 P5",
                "M220 S50",
                "M221 S90",
                "START",
                "G1",
                "G1 ;X",
                "G1 F600;x",
            ]
        ),
        3,
    ),
)
CUTS = st.one_of(
    full("XY", "G1"),
    full("XYZ", ""),
    full("XS", ""),
    *(full(letters, "").map(long) for letters in ("S", "X", "XS", "XYZ", "XYR", "ZS")),
    full("XYR", "G2").map(long),
    ARCS_BY_RADIUS,
    ARCS_BY_RADIUS.map(lambda lines: [lines[0], *(line[4:] if line.startswith("G2 ") else line for line in lines)]),
    st.lists(st.one_of(words("XYZ"), words("XYZ"), words("XZF").map("G1{}".format), words("YF")), min_size=20, max_size=200),
    full("XS", "").map(lambda lines: [line.replace(" ", "") for line in lines]),
    one(words("XYZ").map("G0 {}".format)),
    one(words("XYZSF").map("G1 {}".format)),
    one(words("XYSF").map("G01{}".format)),
    one(words("XYIJF").map("G2 {}".format)),
    one(words("XYZIJRF").map("G3 {}".format)),
    BY_RADIUS,
    one(words("XYFS")),
    full("XYIJ", ""),
    st.tuples(st.sampled_from("0123"), st.integers(1, 9)).map(
        lambda it: (
            [f"G1 X50 Y50 F{600 + it[1]}", f"G{it[0]} X50 Y50 I{it[1]} J0"]
            + [f"X{50 + 2 * it[1] * (at % 2 == 0)} Y50 I{it[1] if at % 2 == 0 else -it[1]} J0.000" for at in range(90)]
        )
    ),
    full("XYZ", "G01").map(lambda lines: [f"N{at * 10} {line}" for at, line in enumerate(lines)]),
    one(words("XYZSF")).map(lambda lines: [f"N{at:05}{line}" for at, line in enumerate(lines)]),
    ARC.map(lambda lines: [line.replace(" E.5", "").replace("G3 ", "").replace("G2 X50", "X50") for line in lines] * 4),
    one(words("XYZS", odd=True), 2),
    ARC.map(lambda lines: [line.replace(" E.5", "") for line in lines]),
    st.lists(
        st.sampled_from(["N5 N6 X5", "N99999999 X5", "N5 M2", "N5 G80", "N5", "N7 (a) X5", "G4 P9", "G2", "G3", "G28 X0"]), max_size=2
    ),
    one(
        st.sampled_from(
            [
                "M3 S0",
                "M3 S500",
                "M4 S200",
                "M5",
                "G1 Z-1 F60",
                "G92 Z9",
                "G92 Z1",
                "G55",
                "G90",
                "G91",
                "G20",
                "G21",
                "G17",
                "G18",
                "G54",
                "G92 X0 Y0",
                "G28",
                "G0",
                "G1 F600",
            ]
        ),
        2,
    ),
    one(
        st.sampled_from(["(note)", "; x?", "", "N5 G1 X5", "$H", "M2", "%", "G53 G0 Z0", "G0 Z5", "G1 Z-3 F100", "G0 Z-2", "X5", "G80"]), 2
    ),
)


def told(path: Toolpath) -> dict[str, Any]:
    return {name: value for name, value in asdict(path).items() if name not in ("seconds", "extruded_mm")}


def agree(content: bytes, machine: MachineSection, piece: int = 1 << 20) -> None:
    pieces = [content[at : at + piece] for at in range(0, len(content), piece)]
    fast, exact = follow(pieces, rules_for(machine)), follow([content], rules_for(machine), fast=False)
    assert told(fast) == told(exact)
    assert fast.seconds == pytest.approx(exact.seconds) and fast.extruded_mm == pytest.approx(exact.extruded_mm)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(MARLINS), st.booleans(), st.lists(PRINTED, max_size=14), st.sampled_from(["\n", "\r\n"]), PIECE)
@example("marlin", True, [["G92 X5 E3", "G1 X1 Y1 E2", "G1 X2 Y2 E4"] * 9, ["G92 E0", "G1 X3 Y3 E1"] * 9], "\n", 1 << 20)
def test_bulk_and_line_by_line_agree_on_printers(name: str, begun: bool, lines: list[list[str]], end: str, piece: int) -> None:
    text = (BEGIN if begun else "") + "\n".join(line for some in lines for line in some) + END
    agree(text.replace("\n", end).encode(), MACHINES[name], piece)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["grbl", "laser", "linuxcnc"]), st.booleans(), st.lists(CUTS, max_size=14), PIECE)
@example("grbl", True, [["G1 X50 Y50 F601", "G2 X50 Y50 I1 J0", *["X52 Y50 I1 J0", "X50 Y50 I-1 J0"] * 40]], 1 << 20)
@example("laser", True, [["S600"] * 2000], 2500)
@example("laser", True, [["G2", *["S600"] * 2000]], 2500)
@example("grbl", True, [["G3", *["Z5"] * 2000]], 2500)
@example("linuxcnc", True, [["G2", *[""] * 5000]], 2500)
def test_bulk_and_line_by_line_agree_on_cutters(name: str, begun: bool, lines: list[list[str]], piece: int) -> None:
    text = (CUT if begun else "G90\n") + "\n".join(line for some in lines for line in some) + "\nM5\nM2"
    agree(text.encode(), MACHINES[name], piece)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(list(MACHINES)), st.binary(max_size=300), st.integers(1, 50))
def test_bulk_and_line_by_line_agree_on_any_bytes_however_they_are_cut_into_pieces(name: str, content: bytes, piece: int) -> None:
    agree(BEGIN.encode() + content.replace(b"\r", b"").translate(None, bytes(range(9))), MACHINES[name], piece)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(list(MACHINES)), st.text("GXYZEFIJMSN0123 .-\n;()", max_size=300))
def test_bulk_and_line_by_line_agree_on_letters_shaken_together(name: str, text: str) -> None:
    agree(((BEGIN if name in MARLINS else CUT) + text).encode(), MACHINES[name])


@pytest.mark.parametrize("odd", ["G2 Z2", "G1 X123456", "G1 X1 Y1 E1 E2", "G3 X5 Y5"])
def test_a_line_that_is_not_plain_is_not_passed_over_among_plain_ones(odd: str) -> None:
    agree((BEGIN + "G1 X5 Y5 F600\n" * 9 + odd + "\nG1 X6 F500" * 9 + END).encode(), printer())


def test_a_refused_line_in_the_middle_of_a_long_run_is_found() -> None:
    run = [f"G1 X{at % 100}.5 Y{at % 90} E{at}.25" for at in range(1, 5000)]
    run[3000] = "G1 X50.5 Y1e5 E3000"
    path = follow([(BEGIN + "G1 F600\n" + "\n".join(run) + END).encode()], rules_for(printer()))
    assert [(one.code, one.line) for one in path.faults.values()] == [("toolpath.ambiguous", 3007)]


CORPUS = ["gcode-preview/demo/gcodes/vase.gcode", "gcode-preview/demo/gcodes/screw.gcode", "gcode-preview/demo/gcodes/plant-sign.gcode"]


@pytest.mark.parametrize("name", CORPUS)
def test_real_prusaslicer_toolpaths_with_and_without_arcs_pass(name: str, shared: Path) -> None:
    content = (shared / "corpus" / name).read_bytes()
    path = follow([content], rules_for(printer()))
    assert path.faults == {} and path.lays_material
    agree(content, printer())


@pytest.mark.parametrize("name", ["tball", "tball-pocket", "tball-pocket-laser", "tball-engrave-laser", "tball-engrave"])
def test_real_jscut_toolpaths_pass(name: str, shared: Path) -> None:
    content = (shared / "corpus/cncjs/examples/gcode/tball" / f"{name}.gcode").read_bytes()
    machine = laser() if "laser" in name else mill()
    path = follow([content], rules_for(machine))
    assert path.faults == {} and path.fed_moves > 0
    agree(content, machine)


def test_bulk_is_several_times_as_fast() -> None:
    content = (BEGIN + "G1 F600\n" + "".join(f"G1 X{at % 100}.512 Y{at % 90}.25 E{at % 7}.25\n" for at in range(60_000)) + END).encode()
    seconds = []
    for fast in (True, False):
        began = time.process_time()
        follow([content], rules_for(printer()), fast)
        seconds.append(time.process_time() - began)
    assert seconds[0] * 2 < seconds[1]
