# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the gate's tests share: machines, whole toolpaths around a few lines, and the gate's answer in short."""

from __future__ import annotations

from typing import Any

from shop_agent.gcode import Toolpath, check, follow, rules_for
from shop_agent.shop_toml.machine_section import MachineSection

BEGIN = "G28\nM109 S210\nG21\nG90\nM82\n"
END = "\nG90\nG1 X10 Y10 E9999 F600\nM104 S0\nM140 S0\n"
CUT = "G21 G90 G17\nM3 S1000\nG0 X0 Y0 Z5\nG1 Z1 F300\n"
CUT_END = "\nG0 Z5\nM5\nM30\n"


def printer(**what: Any) -> MachineSection:
    """120 × 120 × 100 mm, Marlin behind OctoPrint."""
    told = {"id": "mk3", "envelope_mm": (120, 120, 100), "materials": ("pla",), "control": "octoprint", "url": "http://127.0.0.1:1"}
    return MachineSection(**(told | what))


def klipper(**what: Any) -> MachineSection:
    """The same with Klipper behind Moonraker."""
    return printer(control="moonraker", **what)


def mill(**what: Any) -> MachineSection:
    """A Grbl router of 300 × 200 × 60 mm."""
    told = {
        "id": "m",
        "envelope_mm": (300, 200, 60),
        "materials": ("plywood",),
        "control": "grbl",
        "port": "/dev/null",
        "process": "cnc_routing",
    }
    return MachineSection(**(told | what))


def laser(**what: Any) -> MachineSection:
    """A Grbl laser of the same size."""
    return mill(process="laser_cutting", laser="diode", **what)


def linuxcnc(**what: Any) -> MachineSection:
    """The router behind a folder that LinuxCNC reads."""
    return mill(control="hot_folder", folder="/nowhere", port="", **what)


def read(text: str | bytes, machine: MachineSection, fast: bool = True) -> Toolpath:
    """Follow a text."""
    return follow([text.encode() if isinstance(text, str) else text], rules_for(machine), fast)


def found(text: str | bytes, machine: MachineSection) -> list[tuple[str, int]]:
    """Every code with its line."""
    told = check(read(text, machine), machine)
    return [(one.code, next((int(figure.value) for figure in one.figures if figure.name == "line"), 0)) for one in told]


def codes(text: str | bytes, machine: MachineSection) -> list[str]:
    """Every code."""
    return [code for code, _ in found(text, machine)]


def printed(lines: str, machine: MachineSection | None = None) -> list[tuple[str, int]]:
    """What the gate says of these lines in the middle of a print; their first is line 1."""
    begun = BEGIN.count("\n")
    return [(code, line - begun) for code, line in found(BEGIN + lines + END, machine or printer())]


def cut(lines: str, machine: MachineSection | None = None) -> list[tuple[str, int]]:
    """What it says of these lines in the middle of a cut; their first is line 1."""
    begun = CUT.count("\n")
    return [(code, line - begun) for code, line in found(CUT + lines + CUT_END, machine or mill())]
