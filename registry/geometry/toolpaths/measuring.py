# SPDX-License-Identifier: AGPL-3.0-or-later
"""Toolpaths, measured: the way in.

A toolpath is followed and never run: nothing it calls for is evaluated beyond words of a letter and a number. Work offsets (G54 to G59,
G10) are taken as zero, because they are set at the machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

import numpy as np

from commonfab import v1
from commonfab.reasons import reason
from commonfab.units import MILLIMETRES_PER
from registry.geometry.faults import Unmeasurable
from registry.geometry.screening import zips
from registry.geometry.source import Source
from registry.geometry.toolpaths.ending import end_state
from registry.geometry.toolpaths.lines import file_bytes, pieces
from registry.geometry.toolpaths.machine_kind import kind_of
from registry.geometry.toolpaths.modes import State
from registry.geometry.toolpaths.plates import note_slice_info, plates_of
from registry.geometry.toolpaths.remarks import Remarks, read_remarks
from registry.geometry.toolpaths.running import follow
from registry.geometry.toolpaths.tally import Box, Tally
from registry.geometry.toolpaths.words import Oddities, Reader, Words

RAPID_MM_PER_MIN = MappingProxyType({v1.TOOLPATH_KIND_LASER: 10_000.0, v1.TOOLPATH_KIND_PLASMA: 10_000.0})
USUAL_RAPID = 3000.0
"""How fast G0 is taken to be, mm a minute; only the machine knows. Our own choice, of light routers and of belt-driven gantries.

A printer's G0 goes at its F word."""

OFFSETS = MappingProxyType({100: "G10", 520: "G52", 530: "G53", 550: "G55", 560: "G56", 570: "G57", 580: "G58", 590: "G59"})


def measure(report: v1.GeometryReport, source: Source) -> None:
    """Measure a toolpath into `report`: `toolpath`, and its size as the room that its working motion takes, mm.

    The time is the length of each move by its feed, and dwells; it leaves out acceleration, so that it is short for many short moves.
    Errors: `Unmeasurable` (`gcode.unreadable`, `gcode.no_motion`; those of the archive).
    """
    total = Run()
    if source.format == v1.FILE_FORMAT_GCODE_3MF:
        entries = plates_of(source.path)
        report.toolpath.plates = len(entries)
        for entry in entries:
            total.read(zips.unpacked(source.path, entry), source)
        claims: list[v1.Setting] = []
        note_slice_info(source.path, total.remarks, claims)
        report.settings.extend(claims)
    else:
        total.read(file_bytes(source.path), source)
    _report(report, source, total)


class Run:
    """One file's toolpaths, one after the other."""

    def __init__(self) -> None:
        self.tally, self.remarks, self.reader, self.state = Tally(), Remarks(), Reader(), State()

    def read(self, blocks: Iterable[bytes], source: Source) -> None:
        """Follow one toolpath. Each begins in a controller's usual state. Errors: `Unmeasurable` (`gcode.unreadable`)."""
        self.state = State()
        self.state.modes["unit"] = MILLIMETRES_PER[source.declared_unit or "mm"]
        self.tally.extruded = 0.0
        first = True
        claimed = self.remarks.seconds, self.remarks.grams, self.remarks.filament_mm
        self.remarks.seconds = self.remarks.grams = self.remarks.filament_mm = 0.0
        pushed_before, self.tally.extruded_most = self.tally.extruded_most, 0.0
        for piece in pieces(blocks):
            words = self.reader.words(piece)
            if first:
                self.state.diameter, first = _turns_in_diameters(words), False
            follow(words, self.state, self.tally)
            read_remarks(piece.text, self.remarks)
        self.reader.check_garbage()
        self.tally.extruded_most += pushed_before
        self.remarks.seconds += claimed[0]
        self.remarks.grams += claimed[1]
        self.remarks.filament_mm += claimed[2]


def _turns_in_diameters(words: Words) -> bool:
    """Whether X words are diameters: G7 says so; without G8 a lathe's file (surface speed, no Y) has them so, as its drawings have."""
    tenths = np.rint(words.numbers * 10)
    has = {code: bool(np.any(words.of("G") & (tenths == code))) for code in (70, 80, 960, 950)}
    if words.of("Y").any() or has[80] or words.of("E").any():
        return False
    return has[70] or has[960] or (has[950] and bool(words.of("X").any() and words.of("Z").any()))


def _report(report: v1.GeometryReport, source: Source, run: Run) -> None:
    tally, remarks, seen = run.tally, run.remarks, run.reader.oddities
    tally.nozzle_c, tally.bed_c = max(tally.nozzle_c, seen.nozzle_c), max(tally.bed_c, seen.bed_c)
    facts = report.toolpath
    facts.lines = tally.lines
    _note_doubts(report, tally, seen)
    # Turning about A, B or C takes no room, and is motion.
    if not tally.motion.moves or not (float(tally.motion.sides().max()) > 0 or tally.axes & set("ABC")):
        raise Unmeasurable("gcode.no_motion")
    kind = kind_of(tally, remarks)
    facts.machine_kind, facts.dialect, facts.unit = kind, _dialect(run, kind), tally.unit
    work = working_box(tally, kind)
    _note_corners(facts.low_mm, facts.high_mm, tally.motion)
    _note_corners(facts.work_low_mm, facts.work_high_mm, work)
    facts.axes.extend(sorted(tally.axes, key="XYZABCUVWE".index))
    facts.tools.extend(sorted(tally.tools)[:100])
    facts.highest_s, facts.highest_feed = tally.highest_s, tally.highest_feed
    facts.switches_on = tally.m[30] + tally.m[40] > 0
    facts.nozzle_c, facts.bed_c = tally.nozzle_c, tally.bed_c
    facts.estimated_seconds = seconds_of(tally, kind)
    facts.filament_mm, facts.work_length_mm = tally.extruded_most, work.length
    facts.generator, facts.claimed_seconds = remarks.generator, remarks.seconds
    facts.claimed_grams, facts.claimed_filament_mm = remarks.grams, remarks.filament_mm
    facts.end_state.extend(end_state(tally, run.state, kind, seen.ended))
    if kind == v1.TOOLPATH_KIND_FDM:
        known = {setting.key for setting in report.settings}
        report.settings.extend(setting for setting in remarks.settings("comments of the toolpath") if setting.key not in known)
    _note_size(report, work, kind)
    _note_unit(report, source, tally)
    if facts.end_state and kind != v1.TOOLPATH_KIND_UNSPECIFIED:
        report.warnings.append(reason("gcode.end_state", "; ".join(facts.end_state)))


def _note_corners(low: v1.Vector, high: v1.Vector, box: Box) -> None:
    """An axis that is never named is 0 in both."""
    for vector, corner in ((low, box.low), (high, box.high)):
        vector.x, vector.y, vector.z = (float(number) for number in np.nan_to_num(corner))


def working_box(tally: Tally, kind: v1.ToolpathKind.ValueType) -> Box:
    """The room of the working motion: extruding; the beam's or torch's while it is on; a spindle's feeds at or below Z 0, else all feeds.

    Z 0 is where the cutter touches the stock in nearly every program of a mill; what is above it is approach. Where a program never goes
    there, or has no such motion, the next best is taken, and all motion at the end.
    """
    on_first = (tally.powered, tally.feed_on, tally.feed)
    orders = {
        v1.TOOLPATH_KIND_FDM: (tally.extruding,),
        v1.TOOLPATH_KIND_LASER: on_first,
        v1.TOOLPATH_KIND_PLASMA: on_first,
        v1.TOOLPATH_KIND_MILL: (tally.below_on, tally.below, tally.feed_on, tally.feed),
        v1.TOOLPATH_KIND_PLOTTER: (tally.below, tally.feed),
        v1.TOOLPATH_KIND_LATHE: (tally.feed_on, tally.feed),
    }
    boxes = (*orders.get(kind, (tally.feed,)), tally.motion)
    return next((box for box in boxes if box.moves and float(box.sides()[:2].max()) > 0), tally.motion)


def seconds_of(tally: Tally, kind: v1.ToolpathKind.ValueType) -> float:
    """Time from feeds, lengths and dwells, s; rapids at `RAPID_MM_PER_MIN`, on a printer at their feed."""
    rapid = 60 * tally.rapid_mm / RAPID_MM_PER_MIN.get(kind, USUAL_RAPID)
    if kind == v1.TOOLPATH_KIND_FDM and tally.rapid_seconds:
        rapid = tally.rapid_seconds
    return tally.seconds + rapid + tally.dwell_seconds


def _dialect(run: Run, kind: v1.ToolpathKind.ValueType) -> str:
    """Klipper where its macros or its flavour stand; the flavour that a slicer names; Marlin for other printers; else what comments say."""
    seen, remarks = run.reader.oddities, run.remarks
    if kind == v1.TOOLPATH_KIND_FDM:
        if remarks.flavour.startswith("klipper") or (seen.klipper and not remarks.flavour):
            return "klipper"
        return "reprap" if remarks.flavour.startswith("reprap") else "marlin"
    if seen.grbl or "grbl" in remarks.controls or "lightburn" in remarks.generator.lower():
        return "grbl"
    linuxcnc = "linuxcnc" in remarks.controls or (seen.macros and run.tally.g[640])
    return "linuxcnc" if linuxcnc else ""


def _note_size(report: v1.GeometryReport, work: Box, kind: v1.ToolpathKind.ValueType) -> None:
    """A lathe's is that of the bar: its length along X, as lathes are placed here, and its diameter twice."""
    x, y, z = (float(side) for side in work.sides())
    if kind == v1.TOOLPATH_KIND_LATHE:
        across = 2 * float(np.nanmax(np.abs([work.low[0], work.high[0]])))
        x, y, z = z, across, across
    report.size_mm.x, report.size_mm.y, report.size_mm.z = x, y, z


def _note_unit(report: v1.GeometryReport, source: Source, tally: Tally) -> None:
    """A printer's firmware takes millimetres where nothing is said; on a machine tool it is whatever was set before."""
    report.unit = tally.unit or source.declared_unit or "mm"
    report.unit_certainty = v1.UNIT_CERTAINTY_DECLARED if tally.unit or source.declared_unit else v1.UNIT_CERTAINTY_PLAUSIBLE
    if tally.unit and source.declared_unit and tally.unit != source.declared_unit:
        report.warnings.append(reason("units.differs", source.declared_unit))
    if not tally.unit and not source.declared_unit:
        report.warnings.append(reason("gcode.no_unit"))


def _note_doubts(report: v1.GeometryReport, tally: Tally, seen: Oddities) -> None:
    macros = seen.macros + tally.m[980] + tally.g[650]
    if macros:
        report.warnings.append(reason("gcode.macro", lines=macros))
    if seen.garbage:
        report.warnings.append(reason("gcode.skipped", lines=seen.garbage, first=seen.first_garbage))
    offsets = [name for code, name in OFFSETS.items() if tally.g[code] and not (code == 100 and tally.nozzle_c)]
    if offsets:
        report.warnings.append(reason("gcode.offsets", ", ".join(offsets)))
