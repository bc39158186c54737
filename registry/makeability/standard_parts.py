# SPDX-License-Identifier: AGPL-3.0-or-later
"""Parts that are bought and not made: screws, nuts, washers, bearings, known by their name in the file or by their proportions. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import pi, sqrt
from types import MappingProxyType

from commonfab import v1
from commonfab.reasons import reason
from registry.makeability.machining import sides


@dataclass(frozen=True)
class Metric:
    """Standard sizes that go with one thread, mm.

    `across` flats of hexagon head and nut (ISO 4017, ISO 4032), `head` height and `nut` height of them, `cap` diameter of a socket head
    whose height is the thread's diameter (ISO 4762), and `washer`: hole, outside, thickness (ISO 7089).
    """

    diameter: float
    across: float
    head: float
    nut: float
    cap: float
    washer: tuple[float, float, float]


METRIC: Mapping[str, Metric] = MappingProxyType(
    {
        "M3": Metric(3, 5.5, 2.0, 2.4, 5.5, (3.2, 7, 0.5)),
        "M4": Metric(4, 7, 2.8, 3.2, 7, (4.3, 9, 0.8)),
        "M5": Metric(5, 8, 3.5, 4.7, 8.5, (5.3, 10, 1.0)),
        "M6": Metric(6, 10, 4.0, 5.2, 10, (6.4, 12, 1.6)),
        "M8": Metric(8, 13, 5.3, 6.8, 13, (8.4, 16, 1.6)),
        "M10": Metric(10, 16, 6.4, 8.4, 16, (10.5, 20, 2.0)),
        "M12": Metric(12, 18, 7.5, 10.8, 18, (13.0, 24, 2.5)),
    }
)

BEARINGS: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {
        "623": (3, 10, 4),
        "624": (4, 13, 5),
        "625": (5, 16, 5),
        "626": (6, 19, 6),
        "608": (8, 22, 7),
        "688": (8, 16, 5),
        "6000": (10, 26, 8),
        "6001": (12, 28, 8),
        "6002": (15, 32, 9),
        "6003": (17, 35, 10),
        "6004": (20, 42, 12),
        "6200": (10, 30, 9),
        "6201": (12, 32, 10),
        "6202": (15, 35, 11),
        "6203": (17, 40, 14),
        "6204": (20, 47, 14),
    }
)
"""Deep groove ball bearings: bore, outside, width, mm (ISO 15)."""

SLACK = 0.02
"""Our own choice: drawn standard parts differ by up to 2 % from the table, because some draw the largest and some the nominal size."""

CORNERS = 2 / sqrt(3)
"""Across corners over across flats of a hexagon."""

SCREW_VOLUME = (0.80, 1.05)
"""Our own choice: the volume of a drawn screw over that of its plain head and shank; a drawn thread or socket takes some away."""

STANDARD_LENGTHS_MM = (5, 6, 8, 10, 12, 14, 16, 18, 20, 22, 25, 28, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 90, 100, 110, 120)
"""Lengths in which these screws are sold (ISO 888)."""


def bought_question(report: v1.GeometryReport) -> list[v1.Reason]:
    """Whether a single part looks like one that is bought: a question, because a spacer may have a bearing's size."""
    known = bought_as(report)
    return [reason("shape.bought", known)] if known else []


def bought_as(report: v1.GeometryReport) -> str:
    """What to buy in place of the part: "hexagon screw M8 × 30"; empty where it is no standard part."""
    product = report.solid.product
    if product.bought_as and not product.children:
        return f"{product.bought_as} ({product.name})" if product.name else product.bought_as
    if not report.HasField("solid") or not report.volume_mm3:
        return ""
    return next(_known(report), "")


def _known(report: v1.GeometryReport) -> Iterator[str]:
    low, middle, high = sorted(sides(report.size_mm))
    bores = [hole.diameter_mm for hole in report.solid.holes if hole.through]
    for thread, of in METRIC.items():
        hexagon = any(_near(middle, of.across) and _near(high, of.across * corner) for corner in (1.0, CORNERS))
        if hexagon and _near(low, of.nut) and any(0.75 * of.diameter <= bore <= 1.02 * of.diameter for bore in bores):
            yield f"hexagon nut {thread}"
        hole, outside, thickness = of.washer
        if _near(low, thickness) and _near(middle, outside) and _near(high, outside) and any(_near(bore, hole) for bore in bores):
            yield f"washer {thread}"
        yield from _screw(report, thread, of)
    yield from _bearing(report, bores)


def _screw(report: v1.GeometryReport, thread: str, of: Metric) -> Iterator[str]:
    low, middle, high = sorted(sides(report.size_mm))
    shank = pi / 4 * of.diameter**2
    kinds = (
        ("hexagon screw", of.head, _near(low, of.across) and _near(middle, of.across * CORNERS), sqrt(3) / 2 * of.across**2 * of.head),
        ("socket head screw", of.diameter, _near(low, of.cap) and _near(middle, of.cap), pi / 4 * of.cap**2 * of.diameter),
    )
    for kind, head_mm, fits, head_mm3 in kinds:
        length = high - head_mm
        sold = any(abs(length - standard) < 0.3 for standard in STANDARD_LENGTHS_MM)
        # A pin with a collar has the socket screw's outline; what is turned all over has no socket and no hexagon.
        if fits and sold and report.solid.turned.share < 0.99:
            filled = report.volume_mm3 / (head_mm3 + shank * length)
            if SCREW_VOLUME[0] <= filled <= SCREW_VOLUME[1]:
                yield f"{kind} {thread} × {length:.0f}"


def _bearing(report: v1.GeometryReport, bores: list[float]) -> Iterator[str]:
    """A ring of a bearing's size is a bushing, unless it has balls or races in it or is of several solids."""
    inside = report.solid.solids > 1 or any(face.kind in ("sphere", "torus") and face.count >= 2 for face in report.solid.faces)
    low, middle, high = sorted(sides(report.size_mm))
    for name, (bore, outside, width) in BEARINGS.items():
        fits = _near(low, width) and _near(middle, outside) and _near(high, outside)
        if inside and fits and (not bores or any(_near(drawn, bore) for drawn in bores)):
            yield f"ball bearing {name}"


def _near(drawn: float, standard: float) -> bool:
    return abs(drawn - standard) <= SLACK * standard
