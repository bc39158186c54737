# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reports of flat parts as inspection writes them, for the judges of cutting."""

from __future__ import annotations

from commonfab import v1
from registry.makeability import judge


def flat_report(**sheet: object) -> v1.GeometryReport:
    """A sheet part of 100 × 60 mm, 3 mm thick unless told otherwise, with one hole of 10 mm; `sheet` changes its facts."""
    facts: dict[str, object] = {
        "thickness_mm": 3,
        "blank_mm": v1.Size(x=100, y=60, z=3),
        "placements": [v1.Placement(size_mm=v1.Size(x=100, y=60, z=3))],
        "cut_length_mm": 351.4,
        "pierces": 2,
        "smallest_hole_mm": 10,
        "narrowest_web_mm": 25,
        "area_mm2": 5921.5,
    }
    return v1.GeometryReport(
        format=v1.FILE_FORMAT_STEP,
        unit_certainty=v1.UNIT_CERTAINTY_DECLARED,
        size_mm=v1.Size(x=100, y=60, z=3),
        volume_mm3=17764,
        area_mm2=12897,
        bodies=1,
        sheet=v1.SheetFacts(**(facts | sheet)),  # type: ignore[arg-type]
    )


def drawing_report(**drawing: object) -> v1.GeometryReport:
    """The same part as a cutting drawing, which says no thickness; `drawing` changes its facts."""
    report = flat_report(
        thickness_mm=0, blank_mm=v1.Size(x=100, y=60), placements=[v1.Placement(turn=v1.Rotation(z_deg=20), size_mm=v1.Size(x=114, y=91))]
    )
    report.format, report.volume_mm3, report.area_mm2, report.bodies = v1.FILE_FORMAT_DXF, 0, 0, 0
    report.size_mm.z = 0
    facts: dict[str, object] = {"parts": 1}
    report.drawing.CopyFrom(v1.DrawingFacts(**(facts | drawing)))  # type: ignore[arg-type]
    return report


def cube_report() -> v1.GeometryReport:
    """A closed cube of 20 mm: no sheet."""
    return v1.GeometryReport(
        format=v1.FILE_FORMAT_STL_BINARY,
        unit_certainty=v1.UNIT_CERTAINTY_DECLARED,
        size_mm=v1.Size(x=20, y=20, z=20),
        volume_mm3=8000,
        area_mm2=2400,
        bodies=1,
        watertight=True,
    )


def judged_for(process: str, report: v1.GeometryReport, **demands: object) -> v1.Makeability:
    """The judgement for one process."""
    return next(m for m in judge(report, v1.Demands(**demands)) if m.process == process)  # type: ignore[arg-type]


def codes(judged: v1.Makeability) -> list[str]:
    """The codes of its reasons."""
    return [told.code for told in judged.reasons]


def figures(judged: v1.Makeability, code: str) -> dict[str, float]:
    """The figures of one of its reasons."""
    told = next(told for told in judged.reasons if told.code == code)
    return {figure.name: figure.value for figure in told.figures}
