# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a reader of drawings hands on: lines and curves, each as a row of points, with what the points alone do not say.

A curve is kept as points that lie on it. The length of straight lines and circular arcs is kept beside them, exact, and so is the area
between an arc and its chords, so that neither depends on how finely a curve was divided.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from commonfab import v1

Points = npt.NDArray[np.float64]

PARTS_OF_A_CIRCLE = 96
"""Chords of a full circle. Its radius is missed by 0.05 % at most, and its extent not at all: the four outermost points are among them."""

FEWEST_CHORDS = 8
"""Chords of an arc that covers little of its circle, so that one of a large radius does not become a straight line."""

FULL_TURN = 2 * math.pi


@dataclass(frozen=True)
class Stroke:
    """A line or curve of a drawing.

    `points`, shape (n, 2), n ≥ 2, from one end to the other, the first again at the end where it is closed; `layer`; `purpose`, one of
    `layers.PURPOSES`; `length`; `bow`, the area between the true curve and the chords of `points`, positive where the curve lies to
    the right of them. All in the unit of the drawing, y upwards.
    """

    points: Points
    layer: str
    purpose: str
    length: float
    bow: float = 0.0


@dataclass
class Drawn:
    """A drawing as it was read, in its own unit, while it is being read.

    `unit` is the unit that the file declares, or empty; `factor` the millimetres per unit of the strokes where the file settles them;
    `entities` counts lines and curves by layer; `purposes` is what each layer was taken for. `spatial` counts faces and bodies in space,
    `tilted` lines that do not lie flat, `height` is by how much the heights of lines differ. `pixels`, where not 0, is how many go to the
    inch in a drawing whose size is given in them alone.
    """

    strokes: list[Stroke] = field(default_factory=list)
    unit: str = ""
    factor: float = 0.0
    pixels: float = 0.0
    version: str = ""
    insunits: int = -1
    entities: dict[str, int] = field(default_factory=dict)
    purposes: dict[str, str] = field(default_factory=dict)
    annotations: int = 0
    texts: list[str] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    spatial: int = 0
    tilted: int = 0
    height: float = 0.0
    remarks: list[v1.Reason] = field(default_factory=list)


@dataclass(frozen=True)
class Curve:
    """Points on a curve, its length, and the area between it and their chords as `Stroke.bow` has it."""

    points: Points
    length: float
    bow: float = 0.0


def paired(first: Points, second: Points) -> npt.NDArray[np.int64]:
    """A number for each pair of values, the same for the same pair; shape (n,). Much quicker than sorting whole rows."""
    _, along = np.unique(first, return_inverse=True)
    values, across = np.unique(second, return_inverse=True)
    _, number = np.unique(along * len(values) + across, return_inverse=True)
    numbers: npt.NDArray[np.int64] = number.astype(np.int64)
    return numbers


def straight(points: Points) -> Curve:
    """Straight lines through `points`, shape (n, 2); also for curves that were divided finely."""
    return Curve(points, float(np.hypot(*np.diff(points, axis=0).T).sum()))


def arc(centre: complex, radius: float, start: float, sweep: float) -> Curve:
    """A circular arc from angle `start` on by `sweep`, radians; anticlockwise where that is positive.

    The same stretch of the same circle gets the same points wherever an arc begins, so that arcs that lie on each other are found.
    """
    angles = arc_angles(start, sweep)
    places = centre + radius * np.exp(1j * angles)
    steps = np.abs(np.diff(angles))
    bow = math.copysign(float((steps - np.sin(steps)).sum()) * radius**2 / 2, sweep)
    return Curve(np.stack([places.real, places.imag], axis=1), abs(sweep) * radius, bow)


def arc_angles(start: float, sweep: float) -> Points:
    """Angles along an arc: its ends, and between them whole steps of the circle, or of a fraction where there are few."""
    step = FULL_TURN / PARTS_OF_A_CIRCLE
    while abs(sweep) / step < FEWEST_CHORDS and step > 1e-6:
        step /= 2
    low, high = min(start, start + sweep), max(start, start + sweep)
    between = np.arange(math.floor(low / step) + 1, math.ceil(high / step)) * step
    slack = step * 1e-6
    between = between[(between > low + slack) & (between < high - slack)]
    angles: Points = np.concatenate([[low], between, [high]])
    return angles if sweep > 0 else angles[::-1]


def bulged(points: Points, bulges: Points) -> Curve:
    """A row of lines and arcs: from `points[i]` to `points[i + 1]` bends by `bulges[i]`, the tangent of a quarter of the arc's sweep,
    positive where the arc turns anticlockwise (Autodesk, DXF reference, group code 42)."""
    if not np.any(bulges[: len(points) - 1]):
        return straight(points)
    rows: list[Points] = [points[:1]]
    length = bow = 0.0
    for first, second, bulge in zip(points[:-1], points[1:], bulges, strict=False):
        piece = _bulge(complex(*first), complex(*second), float(bulge))
        rows.append(piece.points[1:])
        length, bow = length + piece.length, bow + piece.bow
    return Curve(np.concatenate(rows), length, bow)


def _bulge(first: complex, second: complex, bulge: float) -> Curve:
    ends = np.array([[first.real, first.imag], [second.real, second.imag]])
    if abs(bulge) < 1e-9 or first == second:
        return Curve(ends, abs(second - first))
    sweep = 4 * math.atan(bulge)
    centre = (first + second) / 2 + 1j * (second - first) / 2 * (1 - bulge**2) / (2 * bulge)
    begin = first - centre
    curve = arc(centre, abs(begin), math.atan2(begin.imag, begin.real), sweep)
    curve.points[0], curve.points[-1] = ends  # as written, so that they meet their neighbours
    return curve
