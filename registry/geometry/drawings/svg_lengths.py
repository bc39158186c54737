# SPDX-License-Identifier: AGPL-3.0-or-later
"""Lengths and transforms of SVG, and the scale from its user units to millimetres."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
NUMBERS = re.compile(NUMBER)
LENGTH = re.compile(rf"\s*({NUMBER})\s*([a-zA-Z%]*)\s*$")
TRANSFORM = re.compile(r"(matrix|translate|scale|rotate|skewX|skewY)\s*\(([^)]*)\)")

MILLIMETRES = MappingProxyType({"mm": 1.0, "cm": 10.0, "in": 25.4, "pt": 25.4 / 72, "pc": 25.4 / 6, "q": 0.25})
"""Absolute units of CSS but for the pixel, mm (CSS Values and Units 3, section 6.2)."""

CSS_PIXELS = 96.0
OLD_INKSCAPE_PIXELS = 90.0
ILLUSTRATOR_PIXELS = 72.0
"""Pixels to the inch: of CSS, of Inkscape before 0.92, of Adobe Illustrator. Without a physical size, the program's own is used."""

INKSCAPE = "{http://www.inkscape.org/namespaces/inkscape}"


@dataclass(frozen=True)
class Page:
    """How user units lie on the page: `to_page`, user units → millimetres with y upwards; `declared`, whether the file itself gives a
    physical size; `pixels`, to the inch where it does not; `width` and `height` of the viewport in user units, for percentages."""

    to_page: Matrix
    declared: bool
    pixels: float
    width: float
    height: float


def page_of(root: Any, head: str, user_unit: float) -> Page:
    """The page of an SVG document.

    Parameters: `head`, the beginning of the file, where a program may name itself; `user_unit`, millimetres per user unit where somebody
    said so for a file that gives no physical size, else 0.
    """
    pixels = _pixels(root, head)
    across, down = _physical(root.get("width"), pixels), _physical(root.get("height"), pixels)
    box = view_box(root)
    declared = any(_is_absolute(root.get(side)) for side in ("width", "height"))
    if box is None:
        scale = 25.4 / pixels if declared or not user_unit else user_unit
        width, height = (across or 0.0) / scale, (down or 0.0) / scale
        box = (0.0, 0.0, width, height)
    elif not declared and user_unit:
        across, down = box[2] * user_unit, box[3] * user_unit
    across = across or ((down * box[2] / box[3]) if down and box[3] else box[2] * 25.4 / pixels)
    down = down or ((across * box[3] / box[2]) if across and box[2] else box[3] * 25.4 / pixels)
    matrix = (
        fitted(box, across, down, root.get("preserveAspectRatio", "")) if box[2] > 0 and box[3] > 0 else _scaled(user_unit or 25.4 / pixels)
    )
    upwards = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, down], [0.0, 0.0, 1.0]])
    return Page(upwards @ matrix, declared, 0.0 if declared else pixels, box[2], box[3])


def view_box(element: Any) -> tuple[float, float, float, float] | None:
    """The `viewBox` of an element: x, y, width, height; `None` where there is none that can be used."""
    numbers = [float(number) for number in NUMBERS.findall(element.get("viewBox") or "")]
    if len(numbers) != 4 or numbers[2] <= 0 or numbers[3] <= 0:
        return None
    return numbers[0], numbers[1], numbers[2], numbers[3]


def fitted(box: tuple[float, float, float, float], width: float, height: float, keep: str) -> Matrix:
    """From a `viewBox` to a viewport of `width` × `height`, as `preserveAspectRatio` has it (SVG 2, section 8.2)."""
    x, y, across, down = box
    scale_x, scale_y = width / across, height / down
    shift_x = shift_y = 0.0
    words = keep.split()
    align = words[0] if words else "xMidYMid"
    if align != "none":
        scale_x = scale_y = max(scale_x, scale_y) if "slice" in words else min(scale_x, scale_y)
        share = {"Min": 0.0, "Mid": 0.5, "Max": 1.0}
        shift_x = (width - across * scale_x) * share.get(align[1:4], 0.5)
        shift_y = (height - down * scale_y) * share.get(align[5:8], 0.5)
    return np.array([[scale_x, 0.0, shift_x - x * scale_x], [0.0, scale_y, shift_y - y * scale_y], [0.0, 0.0, 1.0]])


def user_length(text: str | None, whole: float = 0.0, default: float = 0.0) -> float:
    """A length in user units. Parameters: `whole`, what 100 % is; `default`, where there is none or it cannot be read."""
    found = LENGTH.match(text or "")
    if not found:
        return default
    value, unit = float(found[1]), found[2].lower()
    if unit == "%":
        return value * whole / 100
    if unit in ("em", "ex", "rem"):
        return value * 16
    return value * (MILLIMETRES[unit] * CSS_PIXELS / 25.4 if unit in MILLIMETRES else 1.0)


def transform_of(text: str | None) -> Matrix:
    """A `transform` attribute as one matrix (SVG 2, section 8.5)."""
    matrix = np.eye(3)
    for name, arguments in TRANSFORM.findall(text or ""):
        step = _step(name, [float(number) for number in NUMBERS.findall(arguments)])
        if step is not None:
            matrix = matrix @ step
    return matrix


def _step(name: str, given: list[float]) -> Matrix | None:
    if not given or (name == "matrix" and len(given) < 6):
        return None
    first, second = given[0], given[1] if len(given) > 1 else None
    if name == "matrix":
        a, b, c, d, e, f = given[:6]
        return np.array([[a, c, e], [b, d, f], [0.0, 0.0, 1.0]])
    if name == "translate":
        return moved(first, second or 0.0)
    if name == "scale":
        return np.diag([first, first if second is None else second, 1.0])
    angle = math.radians(first)
    if name == "rotate":
        turn = np.array([[math.cos(angle), -math.sin(angle), 0.0], [math.sin(angle), math.cos(angle), 0.0], [0.0, 0.0, 1.0]])
        return moved(*given[1:3]) @ turn @ moved(-given[1], -given[2]) if len(given) > 2 else turn
    skew = np.eye(3)
    skew[(0, 1) if name == "skewX" else (1, 0)] = math.tan(angle)
    return skew


def moved(x: float, y: float) -> Matrix:
    """A translation."""
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def _scaled(factor: float) -> Matrix:
    return np.diag([factor, factor, 1.0])


def _is_absolute(text: str | None) -> bool:
    found = LENGTH.match(text or "")
    return bool(found) and found is not None and found[2].lower() in MILLIMETRES and float(found[1]) > 0


def _physical(text: str | None, pixels: float) -> float:
    """A page's side in mm; 0 where it is not said, or in per cent of a window."""
    found = LENGTH.match(text or "")
    if not found or found[2] == "%":
        return 0.0
    unit = found[2].lower()
    value = max(0.0, float(found[1]))
    return value * (MILLIMETRES[unit] if unit in MILLIMETRES else 25.4 / pixels)


def _pixels(root: Any, head: str) -> float:
    """How many pixels go to the inch for the program that wrote the file."""
    version = re.match(r"0\.(\d+)", root.get(f"{INKSCAPE}version") or "")
    if version and int(version[1]) < 92:
        return OLD_INKSCAPE_PIXELS
    return ILLUSTRATOR_PIXELS if "Adobe Illustrator" in head else CSS_PIXELS
