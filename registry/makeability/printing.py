# SPDX-License-Identifier: AGPL-3.0-or-later
"""What all printing asks of a part: how thick its walls are, how it may lie, what the maker demands of the settings. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from commonfab import v1
from commonfab.reasons import reason
from commonfab.units import mm

FEWEST_RAYS = 20
"""With fewer rays a hundredth and a twentieth of them say nothing. Our own choice."""

NOISE_MM = 0.01
"""A measured width is no nearer to the truth than this."""

COARSE_MM = 1.2
"""Walls thicker than this are resolved by every printer: three lines of a common nozzle. Our own choice."""

NONE_WANTED = ("no", "none", "false", "off", "0", "nein", "non", "without")


def settings_of(demands: v1.Demands) -> list[v1.Setting]:
    """The settings that are demanded, each key once: the first, which is the maker's own word where the file says otherwise."""
    first = {setting.key: setting for setting in reversed(demands.settings) if setting.value}
    return [first[key] for key in sorted(first)]


def text_of(settings: Sequence[v1.Setting], key: str) -> str:
    """What is demanded for `key`, in small letters; empty where nothing is."""
    return next((setting.value.strip().lower() for setting in settings if setting.key == key), "")


def number_of(settings: Sequence[v1.Setting], key: str, usual: float) -> float:
    """The number that is demanded for `key` ("20 %" is 20, "0,2" is 0.2); `usual` where none is, or no positive one."""
    written = re.search(r"\d+(?:[.,]\d+)?", text_of(settings, key))
    number = float(written[0].replace(",", ".")) if written else 0.0
    return number if 0 < number < 1e6 else usual


def supports_forbidden(settings: Sequence[v1.Setting]) -> bool:
    """Whether the maker demands that nothing is printed on supports."""
    return text_of(settings, "supports") in NONE_WANTED


def walls_of(report: v1.GeometryReport) -> v1.WallThickness | None:
    """How thick the walls are, if it was measured well enough to say."""
    walls = report.mesh.walls
    return walls if walls.rays >= FEWEST_RAYS and walls.p05_mm > 0 else None


def wall_questions(report: v1.GeometryReport, least_mm: float) -> list[v1.Reason]:
    """A question where a twentieth of the surface covers walls thinner than `least_mm`: they would be left out."""
    walls = walls_of(report)
    return [reason("shape.thin_wall", needs=mm(walls.p05_mm), has=mm(least_mm))] if walls and _below(walls.p05_mm, least_mm) else []


def wall_notes(report: v1.GeometryReport, least_mm: float) -> list[v1.Reason]:
    """A note where less than that does: sharp edges and raised letters look like thin walls."""
    walls = walls_of(report)
    if walls and walls.p01_mm > 0 and _below(walls.p01_mm, least_mm) and not _below(walls.p05_mm, least_mm):
        return [reason("shape.thin_wall", needs=mm(walls.p01_mm), has=mm(least_mm))]
    return []


def finest_mm(report: v1.GeometryReport, least_mm: float) -> float:
    """The wall that a printer must resolve, mm; 0 where any printer does, or where it was asked about anyway."""
    walls = walls_of(report)
    return walls.p05_mm if walls and walls.p05_mm < COARSE_MM and not _below(walls.p05_mm, least_mm) else 0.0


def _below(width: float, least_mm: float) -> bool:
    return width < least_mm - NOISE_MM


def hole_notes(report: v1.GeometryReport, least_mm: float) -> list[v1.Reason]:
    """A note where a round hole is narrower than `least_mm` and may close: it is drilled afterwards."""
    smallest = min((hole.diameter_mm for hole in report.solid.holes if hole.diameter_mm > 0), default=least_mm)
    return [reason("tool.min_hole", needs=mm(smallest), has=mm(least_mm))] if _below(smallest, least_mm) else []


def body_notes(report: v1.GeometryReport) -> list[v1.Reason]:
    """A note where there are several bodies: they are made together as drawn and never split silently."""
    return [reason("mesh.several_bodies", bodies=report.bodies)] if report.bodies > 1 else []


def lies_by_preference(report: v1.GeometryReport) -> list[v1.Lie]:
    """How the part may lie: as drawn first, then with the least overhang, of equal ones on the largest base."""
    return sorted(report.lies, key=lambda lie: (not lie.as_drawn, lie.overhang_area_mm2, -lie.base_area_mm2))


def placements_of(lies: Sequence[v1.Lie]) -> Iterator[v1.Placement]:
    """The boxes of some lies, in their order."""
    return (placement for lie in lies for placement in lie.placements)
