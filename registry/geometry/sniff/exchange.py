# SPDX-License-Identifier: AGPL-3.0-or-later
"""Exchange formats of solids: STEP, IGES, BREP."""

from __future__ import annotations

import re

from commonfab import v1
from registry.geometry.faults import Unmeasurable
from registry.geometry.sniff.glance import Glance

STEP_START, STEP_END = b"ISO-10303-21;", b"END-ISO-10303-21"
IGES_LINE = re.compile(rb"[^\r\n]{72}([SBC])\s*\d{1,7}\s*(?:[\r\n]|$)")
"""80 columns, the section's letter in the 73rd, then the line's number (ANSI US PRO/IPO-100, section 2.2)."""
IGES_END = re.compile(rb"T\s{0,6}\d{1,7}\s*$")


def step(glance: Glance) -> v1.FileFormat.ValueType | None:
    """STEP, whatever the application protocol. Errors: `Unmeasurable` (`file.breaks_off`)."""
    start = glance.start
    while start.startswith(b"/*"):
        start = start.partition(b"*/")[2].lstrip()
    if not start.startswith(STEP_START[:-1]):
        return None
    if STEP_END not in glance.end:
        raise Unmeasurable("file.breaks_off", STEP_END.decode())
    return v1.FILE_FORMAT_STEP


def iges(glance: Glance) -> v1.FileFormat.ValueType | None:
    """IGES in its fixed form. Errors: `Unmeasurable` (`file.unsupported` for its other forms, `file.breaks_off`)."""
    first = IGES_LINE.match(glance.text)
    if not first:
        return None
    if first[1] != b"S":
        raise Unmeasurable("file.unsupported", "IGES in its binary or compressed form")
    if not IGES_END.search(glance.end.rstrip(b"\0\x1a\r\n\t ")):
        raise Unmeasurable("file.breaks_off", "T0000001")
    return v1.FILE_FORMAT_IGES


def brep(glance: Glance) -> v1.FileFormat.ValueType | None:
    """A boundary representation as Open CASCADE writes it, in text or in its binary form."""
    marks = (b"DBRep_DrawableShape", b"CASCADE Topology V", b"Open CASCADE Topology V")
    return v1.FILE_FORMAT_BREP if glance.start.startswith(marks) else None
