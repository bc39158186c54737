# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files of one part: which describes it best, which agree with it, and what they say about each other's unit. Pure.

A `bracket.step`, a `bracket.stl` and a `bracket.dxf` in one folder are one part where their shapes agree after scaling. The richest becomes
the master; what another file says of the unit is believed where the shapes agree; a file that shows something else is told of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from commonfab import v1
from commonfab.reasons import reason
from commonfab.units import MILLIMETRES_PER, Quantity
from registry.geometry.unit_reading import QUESTIONS

RICHNESS: Mapping[v1.FileFormat.ValueType, int] = MappingProxyType(
    {
        one: rank
        for rank, one in enumerate(
            (
                v1.FILE_FORMAT_STEP,
                v1.FILE_FORMAT_BREP,
                v1.FILE_FORMAT_IGES,
                v1.FILE_FORMAT_3MF,
                v1.FILE_FORMAT_AMF,
                v1.FILE_FORMAT_STL_BINARY,
                v1.FILE_FORMAT_STL_ASCII,
                v1.FILE_FORMAT_PLY,
                v1.FILE_FORMAT_OFF,
                v1.FILE_FORMAT_OBJ,
                v1.FILE_FORMAT_GLB,
                v1.FILE_FORMAT_DXF,
                v1.FILE_FORMAT_SVG,
                v1.FILE_FORMAT_GCODE,
                v1.FILE_FORMAT_GCODE_3MF,
            )
        )
    }
)
"""The richest first: exact solids, meshes that name a unit, other meshes, flat drawings, toolpaths."""

SIDES_AGREE = 0.01
"""Sides that differ by less than a hundredth are the same: tessellations of curved parts are smaller than the solid by up to that."""

FULLNESS_AGREES = 0.03

MEASURES_AGREE = 0.003
"""Scales by volume and by surface that differ by less are one: a tessellation of 0.1 mm changes both, and both by about as much (our own
choice)."""

SCALES = tuple(sorted({a / b for a in MILLIMETRES_PER.values() for b in MILLIMETRES_PER.values()}))
"""What one file may be larger than another by when the same part is drawn in two units."""


@dataclass(frozen=True)
class _Measured:
    path: str
    report: v1.GeometryReport

    @property
    def rank(self) -> int:
        return RICHNESS.get(self.report.format, len(RICHNESS))

    @property
    def usable(self) -> bool:
        return not self.report.faults

    @property
    def sure(self) -> bool:
        return self.report.unit_certainty == v1.UNIT_CERTAINTY_DECLARED


def related(files: Sequence[tuple[str, v1.GeometryReport]]) -> list[v1.FileFinding]:
    """What the files of one part say of each other, in their order; exactly one is the master.

    A report in the answer is a copy: its unit is RESOLVED where another file settled it. A file that was measured in another unit than the
    one it turns out to have keeps its figures, and `unit_to_use` says in which unit it is to be measured again.
    Parameters: each file's path and its report; at least one.
    """
    measured = [_Measured(path, report) for path, report in files]
    master = min(measured, key=lambda one: (not one.usable, one.rank))
    findings = [_finding(one, master) for one in measured]
    _settle_master(findings, measured, master)
    return findings


def unit_to_use(finding: v1.FileFinding) -> str:
    """The unit that another file settled for this one where it was measured in another; empty where it needs no new measuring."""
    return next((one.subject.rpartition(" ")[2] for one in finding.remarks if one.code == "units.sibling_says"), "")


def _finding(one: _Measured, master: _Measured) -> v1.FileFinding:
    finding = v1.FileFinding(path=one.path, report=one.report, master=one is master, agrees=one is master)
    if one is master or not one.usable:
        finding.remarks.extend(() if one is master else one.report.faults)
        return finding
    scale = _scale(one.report, master.report)
    if scale is None:
        return finding
    finding.agrees = scale != 0
    if not scale:
        finding.remarks.append(reason("file.sibling_differs", master.path))
    elif master.sure:
        _settle(finding, scale, master.path)
    return finding


def _settle_master(findings: Sequence[v1.FileFinding], measured: Sequence[_Measured], master: _Measured) -> None:
    """Let a file that is sure of its unit speak for a master that is not."""
    if master.sure or not master.usable:
        return
    for one in measured:
        scale = _scale(master.report, one.report) if one is not master and one.usable and one.sure else None
        if scale:
            _settle(next(finding for finding in findings if finding.master), scale, one.path)
            return


def _settle(finding: v1.FileFinding, scale: float, by: str) -> None:
    """Note the unit of a file whose shape agrees with a file `by` that is sure of its own; `scale` is how many times larger that one is."""
    if abs(scale - 1) < SIDES_AGREE:
        if finding.report.unit_certainty != v1.UNIT_CERTAINTY_DECLARED:
            _resolve(finding.report)
            finding.remarks.append(reason("units.resolved", by))
        return
    if finding.report.unit_certainty == v1.UNIT_CERTAINTY_DECLARED:
        finding.agrees = False
        finding.remarks.append(reason("units.sibling_scale", by, scale=Quantity(scale, "times")))
        return
    millimetres = MILLIMETRES_PER.get(finding.report.unit, 1.0) * scale
    unit = min(MILLIMETRES_PER, key=lambda name: abs(MILLIMETRES_PER[name] / millimetres - 1))
    finding.remarks.append(reason("units.sibling_says", f"{by} says {unit}"))


def _resolve(report: v1.GeometryReport) -> None:
    """The unit is settled: the question goes."""
    report.unit_certainty = v1.UNIT_CERTAINTY_RESOLVED
    del report.unit_readings[:]
    kept = [warning for warning in report.warnings if warning.code not in (*QUESTIONS, "units.assumed")]
    del report.warnings[:]
    report.warnings.extend(kept)


def _scale(one: v1.GeometryReport, other: v1.GeometryReport) -> float | None:
    """By how many times `other` is the larger drawing of the same shape; 0 where the shapes differ, None where they cannot be compared.

    Only such scales count as two units have: a part and its copy at 90 % are two parts.
    """
    pair = _comparable(one, other)
    if pair is None:
        return None
    shape, larger = pair
    if not shape.sides[0] or not shape.sides[-1] or not larger.sides[-1]:
        return None
    if abs(shape.fullness - larger.fullness) >= FULLNESS_AGREES * max(shape.fullness, larger.fullness):
        return 0.0
    scale = _by_sides(shape, larger) or _by_measures(shape, larger)
    return next((known for known in SCALES if abs(scale / known - 1) < SIDES_AGREE), 0.0)


@dataclass(frozen=True)
class _Shape:
    """The sides of the smallest box, the share of it that is filled, the volume (of what is flat the area) and the surface (the cuts)."""

    sides: list[float]
    fullness: float
    measure: float
    boundary: float


def _by_sides(one: _Shape, other: _Shape) -> float:
    scale = other.sides[0] / one.sides[0]
    return scale if all(abs(b / (a * scale) - 1) < SIDES_AGREE for a, b in zip(one.sides, other.sides, strict=True)) else 0.0


def _by_measures(one: _Shape, other: _Shape) -> float:
    """The scale by volume, where the surface says the same: a right triangle has two smallest boxes, and either may have been found."""
    if not all((one.measure, other.measure, one.boundary, other.boundary)):
        return 0.0
    ways = len(one.sides)
    scale, second = (other.measure / one.measure) ** (1 / ways), (other.boundary / one.boundary) ** (1 / (ways - 1))
    return scale if abs(scale / second - 1) < MEASURES_AGREE else 0.0


def _comparable(one: v1.GeometryReport, other: v1.GeometryReport) -> tuple[_Shape, _Shape] | None:
    """Sides and fullness of both in the same terms: as bodies, or as flat blanks where one is a drawing."""
    if one.signature.kind == other.signature.kind == "solid":
        return _body(one), _body(other)
    flat, other_flat = _flat(one), _flat(other)
    return (flat, other_flat) if flat and other_flat else None


def _body(report: v1.GeometryReport) -> _Shape:
    signature = report.signature
    return _Shape(list(signature.sides_mm), signature.fullness, signature.measure, signature.boundary)


def _flat(report: v1.GeometryReport) -> _Shape | None:
    """The blank of a sheet part without its cut-outs; nothing for a part that is no sheet."""
    if not report.HasField("sheet"):
        return None
    sheet = report.sheet
    sides = sorted((sheet.blank_mm.x, sheet.blank_mm.y), reverse=True)
    return _Shape(sides, sheet.area_mm2 / (sides[0] * sides[1]), sheet.area_mm2, sheet.cut_length_mm) if all(sides) else None
