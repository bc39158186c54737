# SPDX-License-Identifier: AGPL-3.0-or-later
"""Outer dimensions, as 2.4 has them (width, depth and height in mm) and as OKH-LOSH 1.0 had them: a line of OpenSCAD and a unit.

Many of those lines lack their last bracket. A cylinder or a sphere becomes the box around it; its axis is Z
(https://en.wikibooks.org/wiki/OpenSCAD_User_Manual/Primitive_Solids).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from commonfab.units import MILLIMETRES_PER
from registry.okh.notes import Notes
from registry.okh.record import Dimensions
from registry.okh.values import Unheld, number

LONGEST_LINE = 200
"""Characters; a line of OpenSCAD that is longer is a program and no box."""

_SIDES = ("width", "depth", "height")
_LINE = re.compile(r"\s*(cube|cylinder|sphere)\s*\((.*)", re.DOTALL)
_NAMED = re.compile(r"([a-z]\w*)\s*=\s*(.+)", re.DOTALL)
_COMMA = re.compile(r",(?![^\[]*\])")
_CLOSING = re.compile(r"[\s)\];]*$")


def dimensions(value: Any, key: str, notes: Notes) -> Dimensions:
    """The box, mm. Errors: `Unheld` where it is none."""
    if isinstance(value, str):
        return _of_line(value, "mm", value, key, notes)
    if not isinstance(value, dict):
        raise Unheld
    if set(value) == set(_SIDES):
        return Dimensions(*(number(value[side], f"{key}.{side}", notes) for side in _SIDES))
    if set(value) == {*_SIDES, "unit"}:
        box = _scaled(tuple(number(value[side], f"{key}.{side}", notes) for side in _SIDES), value["unit"])
        notes.add("okh.dimensions", key, value, _told(box))
        return box
    lines = [name for name in value if name.lower() == "openscad"]
    if len(lines) != 1 or not set(value) <= {lines[0], "unit"} or not isinstance(value[lines[0]], str):
        raise Unheld
    return _of_line(value[lines[0]], value.get("unit", "mm"), value, key, notes)


def _of_line(line: str, unit: Any, before: Any, key: str, notes: Notes) -> Dimensions:
    found = _LINE.fullmatch(line) if len(line) <= LONGEST_LINE else None
    if not found:
        raise Unheld
    box = _scaled(_SHAPES[found[1]](_arguments(found[2])), unit)
    if any(line.count(opened) != line.count(closed) for opened, closed in ("()", "[]")):
        notes.add("okh.brackets", key, line, _told(box))
    else:
        notes.add("okh.dimensions", key, before, _told(box))
    return box


def _arguments(inside: str) -> dict[str, str]:
    """The arguments by name; those without one are numbered from "0". A bracket that was never closed ends at the end."""
    inside = _CLOSING.sub("", inside)
    closed = inside + "]" if "[" in inside and "]" not in inside[inside.rindex("[") :] else inside
    arguments: dict[str, str] = {}
    for place, argument in enumerate(_COMMA.split(closed)):
        named = _NAMED.fullmatch(argument.strip())
        arguments[named[1] if named else str(place)] = (named[2] if named else argument).strip()
    return arguments


def _cube(arguments: Mapping[str, str]) -> tuple[float, ...]:
    size = arguments.get("size", arguments.get("0", ""))
    if not size.startswith("["):
        return (_length(size),) * 3
    return tuple(_length(side) for side in size.strip("[] ").split(","))


def _cylinder(arguments: Mapping[str, str]) -> tuple[float, ...]:
    height = _length(arguments.get("h", arguments.get("0", "")))
    across = _across(arguments, ("r", "r1", "r2", "1", "2"), ("d", "d1", "d2"))
    return across, across, height


def _sphere(arguments: Mapping[str, str]) -> tuple[float, ...]:
    return (_across(arguments, ("r", "0"), ("d",)),) * 3


_SHAPES = {"cube": _cube, "cylinder": _cylinder, "sphere": _sphere}


def _across(arguments: Mapping[str, str], radii: tuple[str, ...], diameters: tuple[str, ...]) -> float:
    """The largest diameter that is named."""
    named = [2 * _length(arguments[name]) for name in radii if name in arguments]
    named += [_length(arguments[name]) for name in diameters if name in arguments]
    if not named:
        raise Unheld
    return max(named)


def _length(written: str) -> float:
    try:
        return float(written)
    except ValueError:
        raise Unheld from None


def _scaled(sides: tuple[float, ...], unit: Any) -> Dimensions:
    known = {**MILLIMETRES_PER, "in": MILLIMETRES_PER["inch"]}.get(unit.strip().lower()) if isinstance(unit, str) else None
    box = [round(side * known, 6) for side in sides] if known else []
    if len(box) != 3 or not all(0 < side < math.inf for side in box):
        raise Unheld
    return Dimensions(*box)


def _told(box: Dimensions) -> str:
    return f"{box.width:g} × {box.depth:g} × {box.height:g} mm"
