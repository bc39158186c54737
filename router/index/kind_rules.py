# SPDX-License-Identifier: AGPL-3.0-or-later
"""The figures of a machine that decide most needs, and the rules that compare whole columns of them.

They only sort out. Every rule is a weaker form of one in `router/fitness.py` or `router/stock.py`: what it keeps is judged there once
more, and what it drops would have been refused or asked about there: a machine that a directory lists (`control` is empty) and of which
something is not said that the need turns on. Figures stand in single precision and are compared with a slack that is wider
than its rounding. A rule is written as what fails, so that a figure that is no number drops nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import floor, inf, log
from types import MappingProxyType

import numpy as np
from numpy.typing import DTypeLike, NDArray

from commonfab import materials, processes, v1
from commonfab.envelope import TOLERANCE_MM
from router.fitness import END_MILLS, USUAL_AXES, USUAL_TOLERANCE_MM
from router.index.columns import Column, Columns, Flags, Rows
from router.stock import LEAST_SLACK_MM, THICKNESS_SLACK

Rule = Callable[[Rows], Flags]

FIGURES: Mapping[str, DTypeLike] = MappingProxyType(
    {
        "short": np.float32,
        "long": np.float32,
        "high": np.float32,
        "power": np.float32,
        "tolerance": np.float32,
        "feature": np.float32,
        "mill": np.float32,
        "drill": np.float32,
        "cuts": np.float32,
        "grams": np.float32,
        "sheets": np.uint64,
        "axes": np.uint8,
        "flags": np.uint8,
    }
)
"""The columns: the room with its shorter side first; power and measured or usual tolerance; the smallest feature; the narrowest end mill
and the narrowest cutter for a hole; the thickest that it cuts; the largest lot of material by weight; a bit for each class of thickness
that lies there; axes; and the flags below. What was not said is what drops nothing."""

ENCLOSED, LIMITS_SAID, X_IS_SHORTER, SOMETHING_UNSAID = 1, 2, 4, 8

SLACK = 1e-5
"""Relative; single precision rounds by at most 6e-8, and stock counts with 1e-6 less than is needed."""

THINNEST_MM, THICKNESS_STEP, THICKEST_CLASS, ANY_CLASS = 0.1, 1.12, 62, 63
"""Thicknesses fall into classes, each 12 % thicker than the last, from 0.1 mm to 113 mm; what is beyond counts as at the end."""


def figures_of(machine: v1.Machine) -> dict[str, float]:
    """The figures of a machine, by column."""
    room = machine.envelope_mm
    return {
        "short": min(room.x, room.y),
        "long": max(room.x, room.y),
        "high": room.z,
        "power": machine.power_w or inf,
        "tolerance": machine.tolerance_mm or _usual_tolerance(machine.process),
        "feature": machine.smallest_feature_mm or _unsaid(machine),
        "mill": _narrowest(machine, END_MILLS),
        "drill": _narrowest(machine, (*END_MILLS, "drill")),
        "cuts": _thickest_cut(machine),
        "grams": _largest_lot(machine),
        "sheets": _classes_on_hand(machine),
        "axes": min(machine.axes or USUAL_AXES, 255),
        "flags": _flags(machine),
    }


def rules(need: v1.Requirement, has: Columns, with_material: Flags) -> Iterator[Rule]:
    """What a machine must pass, one rule after another, the ones that drop most first. Each is given rows and answers which pass.

    Parameters: `with_material`, which sets of materials hold one that will do.
    """
    yield lambda kinds: with_material.take(has["materials"].take(kinds))
    boxes = _boxes(need)
    yield lambda kinds: _has_room(boxes, *_room(need, has, kinds))
    for name, least in _at_least(need):
        yield lambda kinds, name=name, least=least: ~(has[name].take(kinds) < least)  # type: ignore[misc]
    for name, most in _at_most(need):
        yield lambda kinds, name=name, most=most: ~(has[name].take(kinds) > most)  # type: ignore[misc]
    if need.enclosed:
        yield lambda kinds: has["flags"][kinds] & ENCLOSED != 0
    if need.least_power_w > 0:
        weakest = need.least_power_w * (1 - SLACK)
        yield lambda kinds: ~((has["power"][kinds] < weakest) & (has["flags"][kinds] & LIMITS_SAID == 0))
    if need.thickness_mm:
        slack = max(LEAST_SLACK_MM, THICKNESS_SLACK * need.thickness_mm) * (1 + SLACK)
        classes = _classes(need.thickness_mm - slack, need.thickness_mm + slack)
        yield lambda kinds: has["sheets"][kinds] & np.uint64(classes) != 0


def excess(need: v1.Requirement, has: Columns, kinds: Rows) -> Column:
    """By how much the part is too large for each of these kinds, as a share of itself, summed over the axes; 0 where it is not."""
    room = np.stack(_room(need, has, kinds)).astype(float)
    gaps = (np.maximum(box[:, None] - room, 0).sum(axis=0) / max(float(box.sum()), 1.0) for box in _boxes(need))
    return np.asarray(np.min(list(gaps), axis=0))


def _at_least(need: v1.Requirement) -> Iterator[tuple[str, float]]:
    if need.axes:
        yield "axes", min(need.axes, 255)
    if need.thickness_mm:
        yield "cuts", (need.thickness_mm - TOLERANCE_MM) * (1 - SLACK)
    elif need.grams:
        yield "grams", need.grams * (1 - SLACK)


def _at_most(need: v1.Requirement) -> Iterator[tuple[str, float]]:
    if need.tolerance_mm:
        yield "tolerance", need.tolerance_mm * (1 + SLACK)
    wishes = {"feature": need.smallest_feature_mm, "mill": need.smallest_tool_mm, "drill": need.smallest_drill_mm}
    for name, width in wishes.items():
        if width:
            yield name, (width + TOLERANCE_MM) * (1 + SLACK)


def _boxes(need: v1.Requirement) -> NDArray[np.float64]:
    """The boxes that a part may take, less the slack, sorted as `_room` sorts; without those that another goes into."""
    sizes = [one.size_mm for one in need.placements] or [need.size_mm]
    boxes = {(size.x, size.y, size.z) if need.keep_direction or size.x <= size.y else (size.y, size.x, size.z) for size in sizes}
    least: list[tuple[float, float, float]] = []
    for x, y, z in sorted(boxes):
        # Sorted by the first side, a box can only be one that an earlier one goes into.
        if not any(other[1] <= y and other[2] <= z for other in least):
            least.append((x, y, z))
    return np.array(least) * (1 - SLACK) - TOLERANCE_MM


def _room(need: v1.Requirement, has: Columns, kinds: Rows) -> tuple[Column, Column, Column]:
    """The room of each kind: across, deep and high, or with the shorter side first where the part may be turned."""
    short, long, high = has["short"].take(kinds), has["long"].take(kinds), has["high"].take(kinds)
    if not need.keep_direction:
        return short, long, high
    as_is = has["flags"][kinds] & X_IS_SHORTER != 0
    return np.where(as_is, short, long), np.where(as_is, long, short), high


def _has_room(boxes: NDArray[np.float64], across: Column, deep: Column, high: Column) -> Flags:
    fits = np.zeros(len(across), bool)
    for x, y, z in boxes:
        fits |= ~((across < x) | (deep < y) | (high < z))
    return fits


def _flags(machine: v1.Machine) -> int:
    room = machine.envelope_mm
    unsaid = not machine.control or not min(room.x, room.y, room.z) > 0
    flags = {ENCLOSED: machine.enclosed, LIMITS_SAID: machine.max_thickness, X_IS_SHORTER: room.x <= room.y, SOMETHING_UNSAID: unsaid}
    return sum(flag for flag, holds in flags.items() if holds)


def _usual_tolerance(process: str) -> float:
    return next((USUAL_TOLERANCE_MM[term] for term in processes.broader_terms(process) if term in USUAL_TOLERANCE_MM), 0.0)


def _narrowest(machine: v1.Machine, kinds: tuple[str, ...]) -> float:
    if not machine.tools:
        return _unsaid(machine)
    return min((tool.diameter_mm for tool in machine.tools if tool.kind in kinds), default=inf)


def _thickest_cut(machine: v1.Machine) -> float:
    limits = {materials.canonical(limit.material): limit.thickness_mm for limit in machine.max_thickness}
    if not limits:
        return inf
    of_each = (next((limits[term] for term in materials.broader_terms(has) if term in limits), 0.0) for has in machine.materials)
    return max((limit or inf for limit in of_each), default=inf)


def _largest_lot(machine: v1.Machine) -> float:
    if not machine.stock:
        return inf
    listed = {materials.canonical(piece.material) for piece in machine.stock}
    if any(materials.canonical(has) not in listed for has in machine.materials):
        return inf
    return max(piece.grams or inf for piece in machine.stock)


def _unsaid(machine: v1.Machine) -> float:
    """What stands for a figure of which less is better, where it was not said: an agent's silence is no fault, a directory's a question."""
    return 0.0 if machine.control else inf


def _classes_on_hand(machine: v1.Machine) -> int:
    if not machine.control and not machine.max_thickness and not machine.stock:
        return 0
    pieces = {(materials.canonical(piece.material), piece.thickness_mm) for piece in machine.stock if piece.thickness_mm}
    listed = {name for name, _ in pieces}
    if any(materials.canonical(has) not in listed for has in machine.materials):
        return 1 << ANY_CLASS
    return sum(1 << place for place in {_class(thickness) for _, thickness in pieces})


def _classes(thinnest: float, thickest: float) -> int:
    return 1 << ANY_CLASS | sum(1 << place for place in range(_class(thinnest), _class(thickest) + 1))


def _class(thickness: float) -> int:
    if not thickness > THINNEST_MM:
        return 0
    return min(floor(log(min(thickness, 1e6) / THINNEST_MM) / log(THICKNESS_STEP)), THICKEST_CLASS)
