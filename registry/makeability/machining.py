# SPDX-License-Identifier: AGPL-3.0-or-later
"""What milling, routing and turning have in common: cutting data, holes, threads, directions. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import inf, pi, sqrt
from types import MappingProxyType

from google.protobuf.duration_pb2 import Duration

from commonfab import materials, v1
from commonfab.reasons import reason
from commonfab.units import Quantity, mm
from registry.makeability.common import against_material, material_of, tolerance_of

FAMILIES = ("metal", "thermoplastic", "wood", "composite")
"""What a cutting edge turns into chips."""

TOO_SOFT = ("tpu",)
"""What gives way to the cutter. Shops do cut some of it frozen; nobody should rely on that."""

USUAL_HOLE_DEPTH = 10.0
DEEPEST_HOLE = 40.0
"""Depth over diameter of a drilled hole: up to 10 with a common drill, up to 40 with deep-hole tools. Both as in the CNC design guide of
Protolabs Network (formerly Hubs): typical 10 times, feasible 40 times the diameter."""

LEAST_HOLE_MM = 1.0
"""Our own choice: drills below 1 mm break in a hand-loaded machine without a fast spindle. The guide named above recommends 2.5 mm."""

SAME_DIRECTION = 0.9998
SQUARE = 0.0175
"""The cosine of 1° and that of 89°: what is off by less is drawn parallel or square and meant so (our own choice)."""

MINUTES_PER_HOLE = 0.5
"""Our own choice: spot, drill and move on, with a share of the tool change."""

MOST_SECONDS = 1e9
"""A Duration ends at 10,000 years; absurd numbers in a file must not break the judge."""


@dataclass(frozen=True)
class CuttingData:
    """How a material is cut: chips in cm³/min when roughing, surface in cm²/min when finishing."""

    roughing: float
    finishing: float


CUTTING: Mapping[str, CuttingData] = MappingProxyType(
    {
        "aluminium": CuttingData(20, 30),
        "brass": CuttingData(15, 25),
        "copper": CuttingData(8, 15),
        "stainless_steel": CuttingData(4, 10),
        "titanium": CuttingData(2, 6),
        "metal": CuttingData(8, 15),
        "bronze": CuttingData(12, 20),
        "magnesium": CuttingData(25, 35),
        "zinc": CuttingData(15, 25),
        "thermoplastic": CuttingData(30, 40),
        "composite": CuttingData(15, 30),
        "foam": CuttingData(120, 120),
        "wood": CuttingData(60, 80),
    }
)
"""By family. Averages over a whole job on a machine of about 2 kW, our own choice: a quarter of what the spindle's power allows, with a
unit power of 0.7 kW per cm³/s in aluminium and 2 in steel as machining handbooks give it; the rest of the time the cutter moves, enters or
is changed. Finishing: a feed of 600 mm/min at a side step of 5 mm in aluminium, half of it in steel."""

WHERE_OPEN = "aluminium"
"""What is reckoned with where no material is demanded: the commonest stock of job shops."""

MOST_WASTE = 20.0
"""Stock over part, by volume. Our own choice: aerospace parts reach 20, an everyday part is below 10."""

WHOLLY_TURNED = 0.95
"""Share of the surface about one axis from which a part is turned work. Our own choice: a keyway or a cross-hole takes up to five per
cent."""

UNREACHED_NOISE = 0.005
UNREACHED_MOST = 0.05
"""Shares of the surface that no straight tool reaches. Our own choice: below half a per cent it may be an error of measuring; up to five
per cent a T-slot or lollipop cutter may do it, which a person must see; above it the part is hollow or undercut in earnest."""

TAP_DRILLS: Mapping[float, str] = MappingProxyType(
    {1.6: "M2", 2.05: "M2.5", 2.5: "M3", 3.3: "M4", 4.2: "M5", 5.0: "M6", 6.8: "M8", 8.5: "M10", 10.2: "M12", 14.0: "M16", 17.5: "M20"}
)
"""Diameter of the tap drill and the ISO metric coarse thread cut in it: nominal diameter less pitch (ISO 261, ISO 2306), mm."""

TAP_DRILL_SLACK_MM = 0.03
"""Our own choice: a hole drawn for tapping has the drill's diameter or the thread's minor diameter to the second digit."""


def cutting_data(material: str) -> CuttingData:
    """How `material`, a term of the vocabulary, is cut; as aluminium where it is empty or unknown."""
    return next((CUTTING[term] for term in materials.broader_terms(material) if term in CUTTING), CUTTING[WHERE_OPEN])


def grams(volume_mm3: float, material: str) -> float:
    """What `volume_mm3` of a material weighs, g; as aluminium where the material is empty or its density unknown."""
    return round(volume_mm3 / 1000 * (materials.density_of(material) or materials.density_of(WHERE_OPEN)), 2)


def against_uncut(demands: v1.Demands, families: Iterable[str] = FAMILIES) -> list[v1.Reason]:
    """Whether the demanded material is none that is cut into chips: of another family than `families`, or too soft."""
    wanted = material_of(demands)
    if any(soft in TOO_SOFT for soft in materials.broader_terms(wanted)):
        return [reason("material.not_for_process", wanted)]
    return against_material(demands, tuple(families))


def tolerance_question(report: v1.GeometryReport, demands: v1.Demands, usual_mm: float) -> list[v1.Reason]:
    """Whether a tolerance is demanded that is tighter than `usual_mm`, the width of the band in mm that the process keeps with care."""
    needs = tolerance_of(report, demands)
    return [reason("tolerance.process", needs=mm(needs), usual=mm(usual_mm))] if 0 < needs < usual_mm else []


def against_holes(holes: Iterable[v1.Hole]) -> list[v1.Reason]:
    """The hole that is too deep for any drill, if there is one: the worst."""
    return _hole_depth(holes, DEEPEST_HOLE, inf)


def hole_questions(holes: Iterable[v1.Hole]) -> list[v1.Reason]:
    """What is asked about holes: the worst one that takes a deep-hole drill, and the smallest where it is finer than is usual."""
    holes = list(holes)
    least = min((hole.diameter_mm for hole in holes if hole.diameter_mm > 0), default=LEAST_HOLE_MM)
    small = [reason("tool.min_hole", needs=mm(least), has=mm(LEAST_HOLE_MM))] if least < LEAST_HOLE_MM else []
    return [*_hole_depth(holes, USUAL_HOLE_DEPTH, DEEPEST_HOLE), *small]


def _hole_depth(holes: Iterable[v1.Hole], above: float, upto: float) -> list[v1.Reason]:
    deep = {hole.depth_mm / hole.diameter_mm: hole for hole in holes if hole.diameter_mm > 0}
    worst = max((ratio for ratio in deep if above < ratio <= upto), default=0.0)
    return [depth_reason("hole", deep[worst].depth_mm, deep[worst].diameter_mm, above)] if worst else []


def depth_reason(feature: str, depth_mm: float, diameter_mm: float, usual: float) -> v1.Reason:
    """That `feature` is deeper than `usual` times the tool's diameter."""
    return reason("tool.depth", feature, depth=mm(depth_mm), diameter=mm(diameter_mm), ratio=depth_mm / diameter_mm, usual=usual)


def thread_hints(report: v1.GeometryReport, operations: Iterable[str]) -> Iterator[v1.Reason]:
    """Holes with the diameter of a tap drill, where no thread is spoken of: a hint, because a hole of 5 mm may be just that."""
    if "tap" in operations:
        return
    for hole in report.solid.holes:
        for drill, thread in TAP_DRILLS.items():
            if abs(hole.diameter_mm - drill) <= TAP_DRILL_SLACK_MM:
                yield reason("op.tap_hint", thread, holes=max(hole.count, 1), diameter=mm(hole.diameter_mm))


def operations_of(report: v1.GeometryReport, demands: v1.Demands) -> list[str]:
    """What is done besides the shape: as demanded, and as the holes and threads of a solid show it. Each once, in that order."""
    holes = report.solid.holes
    shown = {
        "tap": bool(report.solid.threads),
        "counterbore": any(hole.counterbore_diameter_mm for hole in holes),
        "countersink": any(hole.countersink_diameter_mm for hole in holes) or bool(report.sheet.countersinks and not holes),
    }
    return list(dict.fromkeys([*demands.operations, *(operation for operation, there in shown.items() if there)]))


def waste_question(report: v1.GeometryReport, stock_mm3: float) -> list[v1.Reason]:
    """Whether nearly all of the stock, mm³, would become chips."""
    if report.volume_mm3 and stock_mm3 > MOST_WASTE * report.volume_mm3:
        return [reason("stock.waste", ratio=stock_mm3 / report.volume_mm3)]
    return []


def shaft_question(report: v1.GeometryReport) -> list[v1.Reason]:
    """Whether the part is wholly turned and longer than thick, so that a lathe and no mill is the machine for it."""
    turned = report.solid.turned
    if turned.share >= WHOLLY_TURNED and turned.length_mm > turned.diameter_mm:
        return [reason("shape.turned", length=mm(turned.length_mm), diameter=mm(turned.diameter_mm))]
    return []


def is_shape(report: v1.GeometryReport) -> bool:
    """Whether there is a shape to judge: no fault that ended the measuring, no toolpath. Else the general reasons have said it all."""
    return not report.faults and bool(report.format) and not report.HasField("toolpath")


def several_pieces(report: v1.GeometryReport) -> list[v1.Reason]:
    """Whether the file holds several solids or bodies: each is clamped on its own, and whether they are one part is for a person to say."""
    pieces = max(report.solids, report.solid.solids, 0 if report.HasField("solid") else report.bodies)
    return [reason("shape.several_pieces", pieces=pieces)] if pieces > 1 else []


def holes_in(holes: Iterable[v1.Hole]) -> int:
    """How many holes there are, each kind as often as it is found."""
    return sum(max(hole.count, 1) for hole in holes)


def hole_wall_mm2(holes: Iterable[v1.Hole]) -> float:
    """The walls of the holes together, mm²: π · diameter · depth."""
    return sum(max(hole.count, 1) * pi * hole.diameter_mm * hole.depth_mm for hole in holes)


def directions_of(solid: v1.SolidFacts) -> list[v1.Vector]:
    """From where tools must come, each from the tool towards the part."""
    return [getattr(side, "from") for side in solid.tool_directions]


def cosine(a: v1.Vector, b: v1.Vector) -> float:
    """The cosine of the angle between two directions; 0 where one has no length."""
    length = sqrt((a.x**2 + a.y**2 + a.z**2) * (b.x**2 + b.y**2 + b.z**2))
    return (a.x * b.x + a.y * b.y + a.z * b.z) / length if length else 0.0


def parallel(a: v1.Vector, b: v1.Vector) -> bool:
    """Whether two directions are one but for the sign, to within 1°."""
    return abs(cosine(a, b)) >= SAME_DIRECTION


def square(a: v1.Vector, b: v1.Vector) -> bool:
    """Whether two directions are at right angles, to within 1°."""
    return abs(cosine(a, b)) <= SQUARE


def axis_of(direction: v1.Vector) -> int:
    """Along which axis of the file a direction lies: 0, 1 or 2; -1 where along none, to within 1°."""
    along = (v1.Vector(x=1), v1.Vector(y=1), v1.Vector(z=1))
    return next((axis for axis, unit in enumerate(along) if parallel(direction, unit)), -1)


def sides(size: v1.Size) -> tuple[float, float, float]:
    """The three sides as drawn, mm."""
    return size.x, size.y, size.z


def duration(minutes: float) -> Duration:
    """Minutes as a protobuf duration."""
    return Duration(seconds=round(min(minutes * 60, MOST_SECONDS)))


def per_cent(share: float) -> Quantity:
    """A share of 0 to 1 as per cent."""
    return Quantity(100 * share, "%")
