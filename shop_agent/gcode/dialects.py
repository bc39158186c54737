# SPDX-License-Identifier: AGPL-3.0-or-later
"""What each kind of controller understands, and which of its commands the gate lets through.

The lists are lists of what is allowed: a command that is on none of them is refused unless the machine's `allow_commands` names it.
`NEVER` are
those that nobody can allow. Sources: https://marlinfw.org/meta/gcode/, https://www.klipper3d.org/G-Codes.html,
https://github.com/gnea/grbl/wiki/Grbl-v1.1-Commands and https://linuxcnc.org/docs/html/gcode/g-code.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from commonfab import processes
from shop_agent.shop_toml.machine_section import MachineSection


class Dialect(Enum):
    """Whose reading of G-code counts."""

    MARLIN = "Marlin"
    KLIPPER = "Klipper"
    GRBL = "Grbl"
    LINUXCNC = "LinuxCNC"


DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "octoprint": Dialect.MARLIN,
        "prusalink": Dialect.MARLIN,
        "moonraker": Dialect.KLIPPER,
        "grbl": Dialect.GRBL,
        "cncjs": Dialect.GRBL,
    }
)
"""By the machine's control. Folders, machines worked by hand and virtual ones go by their process: additive is Marlin, a virtual machine
that cuts
is Grbl, all others LinuxCNC."""


def names_in(text: str) -> frozenset[str]:
    """Names with blanks between them."""
    return frozenset(text.split())


MARLIN_HARMLESS = names_in(
    # motion settings of this run only, fans, display, questions, firmware retraction, levelling, filament and object marks
    "G11 G17 M73 M74 M105 M106 M107 M114 M115 M117 M155 M201 M203 M204 M205 M208 M209 M221 M300 M400 M420 M486 M555 "
    "M572 M593 M900 M862.1 M862.2 M862.3 M862.4 M862.5 M862.6"
)
KLIPPER_HARMLESS = names_in(
    "G10 G11 G17 M73 M105 M201 M203 M900 M106 M107 M114 M115 M117 M204 M205 M220 M221 M400 M486 EXCLUDE_OBJECT_DEFINE EXCLUDE_OBJECT_START "
    "EXCLUDE_OBJECT_END EXCLUDE_OBJECT SET_PRINT_STATS_INFO TEMPERATURE_WAIT SET_VELOCITY_LIMIT SET_PRESSURE_ADVANCE SET_DISPLAY_TEXT"
)
FREE_TEXT = names_in("M117 M115 M486 M862.1 M862.2 M862.3 M862.4 M862.5 M862.6")
"""Commands whose arguments are words for people or names; nothing in them moves or heats anything."""

RS274_COMMON = names_in(
    "G0 G1 G2 G3 G4 G17 G18 G19 G20 G21 G28 G30 G40 G49 G53 G54 G55 G56 G57 G58 G59 G61 G80 G90 G91 G91.1 G92 G92.1 G94 "
    "M0 M1 M2 M3 M4 M5 M7 M8 M9 M30"
)
LINUXCNC_LISTED = RS274_COMMON | names_in("G43 G59.1 G59.2 G59.3 G64 G61.1 G98 G99 G97 M6 M60")

_FILES = "M20 M21 M22 M23 M24 M26 M27 M28 M29 M32 M33 M34 M928 "  # the card: write, start, delete (M30 below)
MARLIN_NEVER = names_in(
    _FILES + "M30 M42 M43 M81 M92 M108 M110 M112 M206 M218 M226 M301 M302 M303 M304 M410 M428 M500 M501 M502 M503 M504 M510 M511 M512 "
    "M540 M575 M851 M852 M997 M999 G53 G60 G61 G20 M98 M111 M120 M121 M149 M211 M281 M290 M293 M294 M305 M306 M309 M350 M351 M605 M665 "
    "M666 M808 M810 M811 M812 M813 M814 M815 M816 M817 M818 M819"
)
"""Files on the card, stored settings (M500 to M504), steps, micro-steps, offsets, geometry and heater control, cold extrusion (M302), end
stops (M121, M211 but for S1), other units of temperature (M149), baby steps (M290), pins and power, the firmware itself (M997), stopping at
once (M112), lines that run again (M808) or are kept as macros (M810 to M819), and the serial line. G20: inches work only where Marlin was
built with INCH_MODE_SUPPORT, and by default it is not; without it the same
numbers are millimetres."""
KLIPPER_NEVER = MARLIN_NEVER | names_in(
    "SAVE_CONFIG RESTART FIRMWARE_RESTART SDCARD_PRINT_FILE SDCARD_RESET_FILE RUN_SHELL_COMMAND FORCE_MOVE SET_KINEMATIC_POSITION "
    "SET_GCODE_OFFSET PID_CALIBRATE MPC_CALIBRATE STEPPER_BUZZ SET_STEPPER_ENABLE INIT_TMC SET_TMC_FIELD SET_TMC_CURRENT DELTA_CALIBRATE "
    "PROBE_CALIBRATE Z_OFFSET_APPLY_PROBE Z_OFFSET_APPLY_ENDSTOP MANUAL_STEPPER SAVE_VARIABLE SAVE_GCODE_STATE RESTORE_GCODE_STATE "
    "SDCARD_LOOP_BEGIN SDCARD_LOOP_END SDCARD_LOOP_DESIST SET_DUAL_CARRIAGE RESTORE_DUAL_CARRIAGE_STATE SET_STEPPER_CARRIAGES "
    "SET_GCODE_VARIABLE UPDATE_DELAYED_GCODE MANUAL_PROBE TESTZ ACCEPT Z_ENDSTOP_CALIBRATE ENDSTOP_PHASE_CALIBRATE BED_TILT_CALIBRATE "
    "AXIS_TWIST_COMPENSATION_CALIBRATE TUNING_TOWER SET_PIN SET_SERVO SET_DIGIPOT DUMP_TMC SET_EXTRUDER_ROTATION_DISTANCE "
    "SET_E_ROTATION_DISTANCE SYNC_EXTRUDER_MOTION RESPOND"
)
"""The same, and what writes the configuration, moves past the limits, shifts the coordinates unseen, runs lines again (SDCARD_LOOP_BEGIN),
sets outputs or runs a program. RESPOND can give orders to the server."""
GRBL_NEVER = names_in(
    "G10 G28.1 G30.1 G43.1 G5 G5.1 G5.2 G90.1 G93 G95 G41 G42 M20 M21 M22 M23 M24 M28 M29 M32 M98 M99 M100 M112 M500 M501 M502 M997"
)
LINUXCNC_NEVER = (GRBL_NEVER | names_in("M61 M66 M62 M63 M64 M65 M67 M68 M70 M71 M72 M73 G52 G92.2 G92.3")) - {"G5", "G5.1", "G5.2"}
"""Stored offsets (G10, G28.1, G30.1), tool radius compensation and inverse time, which the gate does not follow, outputs, saved state and
subprograms."""


@dataclass(frozen=True)
class Rules:
    """How a machine reads G-code and what it is for."""

    dialect: Dialect
    prints: bool
    laser: bool
    allowed: tuple[tuple[str, ...], ...] = ()
    home_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def rs274(self) -> bool:
        """Whether several commands stand on a line and motion goes on without its G word."""
        return self.dialect in (Dialect.GRBL, Dialect.LINUXCNC)

    @property
    def brackets_are_comments(self) -> bool:
        """Grbl and LinuxCNC; Marlin only when it is built so."""
        return self.rs274

    @property
    def lower_case(self) -> bool:
        """All but Marlin, which takes small letters only when it is built so."""
        return self.dialect is not Dialect.MARLIN

    @property
    def mills(self) -> bool:
        """Whether a tool goes into stock whose top is the zero of Z."""
        return not self.prints and not self.laser

    @property
    def never(self) -> frozenset[str]:
        """What no owner can allow."""
        return _NEVER[self.dialect]

    @property
    def longest_code(self) -> int:
        """How many characters of a line the controller surely holds.

        Grbl: LINE_BUFFER_SIZE 80 with its end, spaces and comments left out. Marlin: MAX_CMD_SIZE 96, less line number and checksum.
        LinuxCNC: 255. Klipper has no limit; the gate sets one.
        """
        return {Dialect.MARLIN: 80, Dialect.GRBL: 79, Dialect.LINUXCNC: 255, Dialect.KLIPPER: 1000}[self.dialect]

    def allows(self, code: str) -> bool:
        """Whether the owner's list names this line: by its first words, in capitals, "M106 P1" or "START_PRINT"."""
        told = tuple(code.upper().replace("=", " ").split())
        return any(told[: len(one)] == one for one in self.allowed)


_NEVER: Mapping[Dialect, frozenset[str]] = MappingProxyType(
    {Dialect.MARLIN: MARLIN_NEVER, Dialect.KLIPPER: KLIPPER_NEVER, Dialect.GRBL: GRBL_NEVER, Dialect.LINUXCNC: LINUXCNC_NEVER}
)

PLAIN_PRINTER = Rules(Dialect.MARLIN, prints=True, laser=False)


def rules_for(machine: MachineSection) -> Rules:
    """How this machine reads G-code."""
    prints = processes.satisfies(machine.process, "additive")
    otherwise = Dialect.MARLIN if prints else Dialect.GRBL if machine.control == "virtual" else Dialect.LINUXCNC
    return Rules(
        DIALECTS.get(machine.control, otherwise),
        prints=prints,
        laser=processes.satisfies(machine.process, "laser_cutting"),
        allowed=tuple(tuple(one.upper().replace("=", " ").split()) for one in machine.allow_commands if one.strip()),
        home_mm=machine.homes_at_mm,
    )
