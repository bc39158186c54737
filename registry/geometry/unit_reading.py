# SPDX-License-Identifier: AGPL-3.0-or-later
"""In which unit a file is drawn that does not say so. A doubtful unit is asked about; nothing is rescaled on a guess."""

from __future__ import annotations

from commonfab import v1
from commonfab.reasons import reason
from commonfab.units import MILLIMETRES_PER, mm, size_text

LEAST_LIKELY_SIDE_MM = 3.0
MOST_LIKELY_SIDE_MM = 2000.0
"""Between these, the largest side of a part read as millimetres is an everyday one.

Our own choice: parts drawn in inches or metres and read as millimetres mostly fall below 3 mm, and no machine of a garage takes more than
2 m. A part of 5 inches read as 5 mm stays undetected, which is why the report says PLAUSIBLE and never DECLARED.
"""


def note_unit(report: v1.GeometryReport, own: str, declared: str) -> None:
    """Say in `report` how sure the unit of its file is.

    Parameters: `own`, the unit that the file itself declares, or empty; `declared`, the maker's word for a file that says none, one of
    `MILLIMETRES_PER`, or empty; `report.size_mm`, measured in the file's own unit, else in the declared one, else as millimetres.
    """
    report.unit = own or declared or "mm"
    if own or declared:
        report.unit_certainty = v1.UNIT_CERTAINTY_DECLARED
        if own and declared and declared != own:
            report.warnings.append(reason("units.differs", declared))
        return
    largest = max(report.size_mm.x, report.size_mm.y, report.size_mm.z)
    if LEAST_LIKELY_SIDE_MM <= largest <= MOST_LIKELY_SIDE_MM:
        report.unit_certainty = v1.UNIT_CERTAINTY_PLAUSIBLE
        report.warnings.append(reason("units.assumed", largest=mm(largest)))
        return
    report.unit_certainty = v1.UNIT_CERTAINTY_SUSPECT
    report.unit_readings.extend(_reading(unit, report.size_mm) for unit in MILLIMETRES_PER)


def _reading(unit: str, as_millimetres: v1.Size) -> v1.UnitReading:
    factor = MILLIMETRES_PER[unit]
    sides = {axis: getattr(as_millimetres, axis) * factor for axis in "xyz"}
    return v1.UnitReading(unit=unit, size_mm=v1.Size(**sides))


def readings_text(readings: list[v1.UnitReading]) -> str:
    """The sizes under each reading, for a person: "drawn in mm it is …, in cm …"."""
    return "; ".join(f"in {r.unit} it is {size_text(r.size_mm.x, r.size_mm.y, r.size_mm.z)}" for r in readings)


def unit_questions(report: v1.GeometryReport) -> list[v1.Reason]:
    """The question that a doubtful unit raises, with the size under each reading; none where the unit is sure enough."""
    if report.unit_certainty != v1.UNIT_CERTAINTY_SUSPECT:
        return []
    return [reason("units.suspect", readings_text(list(report.unit_readings)))]
