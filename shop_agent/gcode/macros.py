# SPDX-License-Identifier: AGPL-3.0-or-later
"""Klipper's commands with names of their own, `START_PRINT BED_TEMP=60`, read as klippy/gcode.py does it: with a shell's quoting."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping
from types import MappingProxyType

from shop_agent.gcode.dialects import Dialect, names_in
from shop_agent.gcode.lines import Odd, shown, words_of
from shop_agent.gcode.printer import Printer

EXTENDED = re.compile(r"[A-Za-z_]{2,}[A-Za-z0-9_]*")
MACRO_PARTS: Mapping[str, str] = MappingProxyType(
    {
        "BED": "the bed",
        "CHAMBER": "the chamber",
        "EXTRUDER": "the nozzle",
        "NOZZLE": "the nozzle",
        "HOTEND": "the nozzle",
        "TEMP": "the nozzle",
    }
)
"""What a macro's parameter is about, by what its name contains, the first that fits: START_PRINT BED_TEMP=60 EXTRUDER_TEMP=210."""
NO_HEAT = names_in(
    "ACCEL ACCELERATION ANGLE AREA COLOR COLOUR COST COUNT CURRENT DATE DENSITY DIAMETER DISTANCE DURATION ETA F FAN FEED FEEDRATE "
    "FILAMENT FILE FLOW GRAMS HASH HEATSOAK HEIGHT ID JERK JOB LAYERS LENGTH MATERIAL MAX MIN MINUTES MM NAME NUM NUMBER OBJECT "
    "OBJECTS OFFSET PERCENT POSITION PRICE PRINTER PROGRESS RPM SECONDS SIZE SLICER SOAK SPEED SPOOL THICKNESS TIME TOTAL USED "
    "VELOCITY VERSION VOLUME WEIGHT WIDTH X Y Z"
)
"""A parameter that one of these words is part of (TOTAL_LAYER, X_MAX, SOAK_TIME) is of lengths, times, counts or names."""
NO_HEAT_NAMES = re.compile(r"[XYZ](?:_?(?:MIN|MAX|POS))?\d?|LAYER")
NEARLY_HOT_C = 20.0
"""How far below its target a nozzle may be after TEMPERATURE_WAIT to count as heated."""


def extended(follower: Printer, code: str) -> None:
    """One line that begins with a name. Errors: `Odd`."""
    name = re.split(r"[ =]", code, maxsplit=1)[0].upper()
    if not EXTENDED.fullmatch(name):
        words_of(code, follower.rules)  # says what is odd about it, where something is
        follower.say("toolpath.unreadable", shown(code))
        return
    if follower.rules.dialect is Dialect.MARLIN:
        follower.say("toolpath.unknown_command", shown(code))
        return
    follower.path.count(name)
    if name in follower.rules.never:
        follower.say("toolpath.forbidden_command", name)
    elif name == "TURN_OFF_HEATERS":
        follower.targets.clear()
        follower.hot = False
    elif name == "TEMPERATURE_WAIT":
        _wait(follower, assigned(code))
    elif name in follower.harmless:
        return
    elif not follower.rules.allows(code):
        follower.say("toolpath.unknown_command", name)
    elif name == "SET_HEATER_TEMPERATURE":
        _set_heater(follower, assigned(code), code)
    else:
        _trusted(follower, name, assigned(code))


def assigned(code: str) -> dict[str, str]:
    """NAME=value, by names in capitals. Errors: `Odd` where Klipper finds it malformed."""
    reader = shlex.shlex(code, posix=True)
    reader.whitespace_split = True
    reader.commenters = "#;"
    try:
        return {name.upper(): value for name, value in (one.split("=", 1) for one in list(reader)[1:])}
    except ValueError as error:
        raise Odd("toolpath.unreadable", shown(code)) from error


def number_in(text: str) -> float | None:
    """The number that Python, and so Klipper, takes a text for."""
    try:
        return float(text)
    except ValueError:
        return None


def _trusted(follower: Printer, macro: str, told: dict[str, str]) -> None:
    """A macro that the owner allowed: before the first move it may home and heat, after the last one it may switch off."""
    for name, value in told.items():
        part = next((part for key, part in MACRO_PARTS.items() if key in name), "")
        degrees = number_in(value)
        if degrees is None:
            continue
        if part:
            if not 0 <= degrees < 10_000:  # not a number, infinite or below zero
                raise Odd("toolpath.bad_value", f"{name}={value}")
            follower.note_heat(part, name, degrees)
        elif not _is_no_heat(follower, macro, name):
            if math.isnan(degrees):
                raise Odd("toolpath.bad_value", f"{name}={value}")
            follower.note_parameter(name, macro, degrees)
    if not follower.moved:
        follower.homed, follower.known, follower.hot = [True] * 3, [True] * 3, True
    follower.closed_by_macro = True


def _is_no_heat(follower: Printer, macro: str, name: str) -> bool:
    """Whether a figure of that name is no temperature: by its name, or because its owner names it beside the macro in allow_commands."""
    if NO_HEAT_NAMES.fullmatch(name) or NO_HEAT.intersection(name.split("_")):
        return True
    return any(one[0] == macro and name in one[1:] for one in follower.rules.allowed)


def _set_heater(follower: Printer, told: dict[str, str], code: str) -> None:
    heater, degrees = told.get("HEATER", "").lower(), number_in(told.get("TARGET", "0"))
    if degrees is None or not degrees < 10_000 or not heater:
        raise Odd("toolpath.unreadable", shown(code))
    part = "the nozzle" if heater.startswith("extruder") else "the bed" if heater == "heater_bed" else "the chamber"
    follower.heat(part, "SET_HEATER_TEMPERATURE", degrees, waits=False)


def _wait(follower: Printer, told: dict[str, str]) -> None:
    target = follower.targets.get("the nozzle")
    least = number_in(told.get("MINIMUM", ""))
    if told.get("SENSOR", "").lower().startswith("extruder") and target and least is not None and least >= target[0] - NEARLY_HOT_C:
        follower.hot = True
