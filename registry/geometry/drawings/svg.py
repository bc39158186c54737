# SPDX-License-Identifier: AGPL-3.0-or-later
"""Drawings as SVG. The outline of whatever shows is a cut; text and pictures are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from lxml import etree

from registry.geometry.drawings.layers import CONSTRUCTION, named_purpose, purpose_of
from registry.geometry.drawings.lines import Drawn, Points, Stroke, straight
from registry.geometry.drawings.svg_lengths import (
    INKSCAPE,
    NUMBERS,
    Matrix,
    Page,
    fitted,
    moved,
    page_of,
    transform_of,
    user_length,
    view_box,
)
from registry.geometry.drawings.svg_paths import ellipse_row, path_rows, rectangle_row
from registry.geometry.drawings.svg_style import Paint, Rules, paint_of, rules_of
from registry.geometry.drawings.words import shown
from registry.geometry.faults import Unmeasurable

MOST_ELEMENTS = 100_000
MOST_POINTS = 4_000_000
MOST_NESTED = 100
HEAD_BYTES = 4096
MOST_TEXTS = 50

GROUPS = frozenset({"svg", "g", "a", "switch"})
TEXTS = frozenset({"text", "flowRoot"})
ANNOTATIONS = frozenset({"image", "foreignObject", "video", "audio", "iframe", "canvas"})
HREFS = ("href", "{http://www.w3.org/1999/xlink}href")


@dataclass
class Walk:
    """Where the reading of a document stands."""

    drawn: Drawn
    rules: Rules
    page: Page
    by_id: dict[str, Any]
    elements: int = 0
    points: int = 0
    references: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """What an element inherits: where it lies, how it is painted, its layer, and how deep it is nested."""

    matrix: Matrix
    paint: Paint
    layer: str = ""
    depth: int = 0


def read_svg(path: Path, user_unit: float) -> Drawn:
    """The lines of an SVG file in millimetres, y upwards from the lower edge of the page.

    Without a physical size, `user_unit` millimetres are one user unit; where that is 0, a pixel is what it is for the program that wrote
    the file: 1/96 inch unless it is known to count otherwise. Errors: `Unmeasurable`.
    """
    root = _parse(path)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES).decode("utf-8", "replace")
    page = page_of(root, head, user_unit)
    drawn = Drawn(
        unit="mm" if page.declared else "", factor=1.0, pixels=page.pixels, version=f"SVG {(root.get('version') or '')[:8]}".strip()
    )
    by_id = {element.get("id"): element for element in root.iter() if isinstance(element.tag, str) and element.get("id")}
    walk = Walk(drawn, rules_of(root), page, by_id)
    paint, displayed = paint_of(root, Paint({}), walk.rules)
    if displayed:
        _inside(walk, root, Place(page.to_page, paint))
    return drawn


def _parse(path: Path) -> Any:
    """The root of the document. Nothing outside the file is loaded; entities stay as they are, and the parser's own limits on depth and
    on the length of texts hold."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.parse(str(path), parser).getroot()
    except (etree.XMLSyntaxError, ValueError, OSError) as error:
        raise Unmeasurable("file.unreadable", shown(str(error))) from None
    if not isinstance(root.tag, str) or _name(root) != "svg":
        raise Unmeasurable("file.unreadable", "the document is no SVG drawing")
    return root


def _name(element: Any) -> str:
    name: str = element.tag.rpartition("}")[2]
    return name


def _inside(walk: Walk, element: Any, place: Place) -> None:
    if place.depth > MOST_NESTED:
        raise Unmeasurable("dxf.block_expansion", limit=MOST_ELEMENTS)
    for child in element:
        if isinstance(child.tag, str):
            _element(walk, child, place)


def _element(walk: Walk, element: Any, above: Place) -> None:
    walk.elements += 1
    if walk.elements > MOST_ELEMENTS:
        raise Unmeasurable("dxf.block_expansion" if walk.references else "dxf.too_many", limit=MOST_ELEMENTS)
    name = _name(element)
    paint, displayed = paint_of(element, above.paint, walk.rules)
    if not displayed:
        return
    place = Place(above.matrix @ transform_of(element.get("transform")), paint, above.layer or "", above.depth + 1)
    if name in GROUPS:
        _group(walk, element, place)
    elif name == "use":
        _use(walk, element, place)
    elif name in SHAPES:
        _shape(walk, element, place)
    elif name in TEXTS:
        walk.drawn.annotations += 1
        text = shown("".join(element.itertext()))
        if text and len(walk.drawn.texts) < MOST_TEXTS:
            walk.drawn.texts.append(text)
    elif name in ANNOTATIONS:
        walk.drawn.annotations += 1


def _group(walk: Walk, element: Any, place: Place) -> None:
    """A group; its name is that of a layer where Inkscape says so, or where it says what the group is for."""
    label = _label(element)
    if label and (element.get(f"{INKSCAPE}groupmode") == "layer" or named_purpose(label)):
        place = replace(place, layer=label)
    if _name(element) == "svg":
        width = user_length(element.get("width"), walk.page.width, walk.page.width)
        height = user_length(element.get("height"), walk.page.height, walk.page.height)
        place = _viewport(element, place, moved(user_length(element.get("x")), user_length(element.get("y"))), width, height)
    _inside(walk, element, place)


def _label(element: Any) -> str:
    """The name that a person gave an element; ids with digits come from programs, which call a traced text "text42"."""
    own = element.get("id") or ""
    named = element.get(f"{INKSCAPE}label") or ("" if any(sign.isdigit() for sign in own) else own)
    return str(named)[:100]


def _viewport(element: Any, place: Place, shift: Matrix, width: float, height: float) -> Place:
    box = view_box(element)
    matrix = (
        shift if box is None or width <= 0 or height <= 0 else shift @ fitted(box, width, height, element.get("preserveAspectRatio", ""))
    )
    return replace(place, matrix=place.matrix @ matrix)


def _use(walk: Walk, element: Any, place: Place) -> None:
    target = next((element.get(name) for name in HREFS if element.get(name)), "")
    found = walk.by_id.get(target[1:]) if target.startswith("#") else None
    if found is None:
        walk.drawn.unread.add(f"use {target[:60]}")
        return
    if target in walk.references:
        raise Unmeasurable("dxf.recursion", target[:60])
    shift = moved(user_length(element.get("x"), walk.page.width), user_length(element.get("y"), walk.page.height))
    walk.references.append(target)
    if _name(found) == "symbol":
        paint, displayed = paint_of(found, place.paint, walk.rules)
        box = view_box(found)
        width = user_length(element.get("width"), walk.page.width, box[2] if box else 0.0)
        height = user_length(element.get("height"), walk.page.height, box[3] if box else 0.0)
        if displayed:
            _inside(walk, found, _viewport(found, replace(place, paint=paint), shift, width, height))
    else:
        _element(walk, found, replace(place, matrix=place.matrix @ shift))
    walk.references.pop()


def _shape(walk: Walk, element: Any, place: Place) -> None:
    if not place.paint.shows:
        return
    layer = place.layer or place.paint.colour
    label = _label(element)
    if not place.layer and named_purpose(label):
        layer = label
    purpose = purpose_of(layer, "hidden" if place.paint.dashed else "")
    drawn = walk.drawn
    for row in SHAPES[_name(element)](element, walk):
        walk.points += len(row)
        if walk.points > MOST_POINTS:
            raise Unmeasurable("dxf.too_many", limit=MOST_ELEMENTS)
        with np.errstate(all="ignore"):  # what comes out as no number is refused later on
            curve = straight(row @ place.matrix[:2, :2].T + place.matrix[:2, 2])
        drawn.entities[layer] = drawn.entities.get(layer, 0) + 1
        if drawn.purposes.get(layer) in (None, CONSTRUCTION):
            drawn.purposes[layer] = purpose
        drawn.strokes.append(Stroke(curve.points, layer, purpose, curve.length))


def _path(element: Any, walk: Walk) -> list[Points]:
    rows, whole = path_rows(element.get("d") or "")
    if not whole:
        walk.drawn.unread.add("path")
    return rows


def _rectangle(element: Any, walk: Walk) -> list[Points]:
    wide, high = walk.page.width, walk.page.height
    width, height = user_length(element.get("width"), wide), user_length(element.get("height"), high)
    if width <= 0 or height <= 0:
        return []
    across, down = user_length(element.get("rx"), wide, -1.0), user_length(element.get("ry"), high, -1.0)
    across, down = (down if across < 0 else across), (across if down < 0 else down)  # one that is missing is like the other
    x, y = user_length(element.get("x"), wide), user_length(element.get("y"), high)
    return [rectangle_row(x, y, width, height, across, down)]


def _circle(element: Any, walk: Walk) -> list[Points]:
    wide, high = walk.page.width, walk.page.height
    if _name(element) == "circle":
        across = down = user_length(element.get("r"), ((wide**2 + high**2) / 2) ** 0.5)
    else:
        across, down = user_length(element.get("rx"), wide), user_length(element.get("ry"), high)
    if across <= 0 or down <= 0:
        return []
    return [ellipse_row(user_length(element.get("cx"), wide), user_length(element.get("cy"), high), across, down)]


def _straight_line(element: Any, walk: Walk) -> list[Points]:
    sides = (walk.page.width, walk.page.height) * 2
    ends = [user_length(element.get(name), side) for name, side in zip(("x1", "y1", "x2", "y2"), sides, strict=True)]
    return [np.array(ends).reshape(2, 2)]


def _corners(element: Any, walk: Walk) -> list[Points]:
    numbers = [float(number) for number in NUMBERS.findall(element.get("points") or "")]
    points = np.array(numbers[: len(numbers) // 2 * 2]).reshape(-1, 2)
    if len(points) < 2:
        return []
    return [np.concatenate([points, points[:1]]) if _name(element) == "polygon" else points]


SHAPES: MappingProxyType[str, Callable[[Any, Walk], list[Points]]] = MappingProxyType(
    {
        "path": _path,
        "rect": _rectangle,
        "circle": _circle,
        "ellipse": _circle,
        "line": _straight_line,
        "polyline": _corners,
        "polygon": _corners,
    }
)
"""The rows of points that each basic shape draws, in user units."""
