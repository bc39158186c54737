# SPDX-License-Identifier: AGPL-3.0-or-later
"""In which unit a file is drawn, and how sure that is. A doubtful unit is asked about; nothing is rescaled on a guess."""

from __future__ import annotations

from collections.abc import Sequence

from commonfab import v1
from commonfab.reasons import reason
from commonfab.units import MILLIMETRES_PER, mm

LEAST_LIKELY_SIDE_MM = 5.0
MOST_LIKELY_SIDE_MM = 2000.0
"""Between these, the largest side of a part read as millimetres is an everyday one.

Our own choice: of parts whose largest side reads as less than 5, many more are drawn in inches (up to 127 mm) than are that small, and a
needless question costs less than a part 25 times too small. No machine of a garage takes more than 2 m.
"""

LEAST_BELIEVABLE_SIDE_MM = 0.2
MOST_BELIEVABLE_SIDE_MM = 20_000.0
"""A file that declares its unit is believed further: a jewel's pin is smaller than 5 mm, a boat longer than 2 m."""

LEAST_WALL_MM = 0.35
SMALL_PART_MM = 60.0
"""A small part of which half the surface is over walls thinner than this was most likely not drawn in millimetres: no garage process makes
such walls, and in inches it would be a wall of 9 mm."""

METRES_BELOW_MM = 0.5
"""Below this largest side, metres are likelier than inches: half an inch is the size of a small part, half a metre that of a large one."""


ROUNDING = 1e-5
"""A 0.35 mm wall is not thinner than 0.35 mm where 32-bit numbers make it 0.34999999: the same part as STL and as text gets one answer."""

QUESTIONS = ("units.suspect_inch", "units.suspect_metre", "units.suspect_declared", "units.unknown")
"""What a person must answer before the part is made."""


def note_unit(report: v1.GeometryReport, own: str, declared: str) -> None:
    """Say in `report` how sure the unit of its file is, and how large the part is under each reading where that is doubtful.

    Parameters: `own`, the unit that the file itself declares, or empty; `declared`, the maker's word for a file that says none, one of
    `MILLIMETRES_PER`, or empty; `report` with its size and walls, measured in the file's own unit, else in the declared one, else as
    millimetres.
    """
    report.unit = own or declared or "mm"
    if own and declared and declared != own:
        report.warnings.append(reason("units.differs", declared))
    if own or declared:
        report.unit_certainty = v1.UNIT_CERTAINTY_DECLARED
        if own and not LEAST_BELIEVABLE_SIDE_MM <= _largest(report) <= MOST_BELIEVABLE_SIDE_MM:
            _ask(report, "units.suspect_declared")
    elif _plausible(report):
        report.unit_certainty = v1.UNIT_CERTAINTY_PLAUSIBLE
        report.warnings.append(reason("units.assumed", largest=mm(_largest(report))))
    else:
        _ask(report, _code(report))


def unit_questions(report: v1.GeometryReport) -> list[v1.Reason]:
    """The question that a doubtful unit raises, with the size under each reading; none where the unit is sure enough."""
    return [warning for warning in report.warnings if warning.code in QUESTIONS]


def readings_text(readings: Sequence[v1.UnitReading]) -> str:
    """The size as measured and under the likeliest other reading: "2 × 2 × 1 mm, or 51 × 51 × 25 mm if it is drawn in inch"."""
    first, *others = readings
    return _rounded(first.size_mm) + "".join(f", or {_rounded(other.size_mm)} if it is drawn in {other.unit}" for other in others[:1])


def _rounded(size: v1.Size) -> str:
    """A size to three digits: enough to recognise the part by. A drawing has no third side."""
    sides = (size.x, size.y, size.z) if size.z else (size.x, size.y)
    return " × ".join(f"{float(f'{side:.3g}'):g}" for side in sides) + " mm"


def _largest(report: v1.GeometryReport) -> float:
    return max(report.size_mm.x, report.size_mm.y, report.size_mm.z)


def _plausible(report: v1.GeometryReport) -> bool:
    largest = _largest(report)
    if not LEAST_LIKELY_SIDE_MM * (1 - ROUNDING) <= largest <= MOST_LIKELY_SIDE_MM * (1 + ROUNDING):
        return False
    walls = report.mesh.walls.median_mm
    return not (0 < walls < LEAST_WALL_MM * (1 - ROUNDING) and largest < SMALL_PART_MM)


def _ask(report: v1.GeometryReport, code: str) -> None:
    """Make the unit a question: the reading under which the report was measured stands first, then those that make it an everyday part."""
    report.unit_certainty = v1.UNIT_CERTAINTY_SUSPECT
    drawn = MILLIMETRES_PER.get(report.unit, 1.0)
    readings = [_reading(unit, report.size_mm, drawn) for unit in MILLIMETRES_PER]
    first = [one for one in readings if one.unit == report.unit]
    likely = [one for one in readings if one.unit != report.unit and LEAST_LIKELY_SIDE_MM <= _side(one) <= MOST_LIKELY_SIDE_MM]
    # Who writes a wrong unit into a file most often drew in millimetres all the same.
    order = ["mm", _likeliest(report)] if report.unit != "mm" else [_likeliest(report)]
    likely.sort(key=lambda one: order.index(one.unit) if one.unit in order else len(order))
    report.unit_readings.extend(first + likely)
    report.warnings.append(reason(code, readings_text(report.unit_readings)))


def _code(report: v1.GeometryReport) -> str:
    """Which mistake is the likeliest where the file names no unit."""
    if _largest(report) > MOST_LIKELY_SIDE_MM:
        return "units.unknown"
    return "units.suspect_metre" if _likeliest(report) == "m" else "units.suspect_inch"


def _likeliest(report: v1.GeometryReport) -> str:
    return "m" if _largest(report) < METRES_BELOW_MM else "inch"


def _side(reading: v1.UnitReading) -> float:
    return max(reading.size_mm.x, reading.size_mm.y, reading.size_mm.z)


def _reading(unit: str, measured: v1.Size, drawn: float) -> v1.UnitReading:
    factor = MILLIMETRES_PER[unit] / drawn
    return v1.UnitReading(unit=unit, size_mm=v1.Size(x=measured.x * factor, y=measured.y * factor, z=measured.z * factor))
