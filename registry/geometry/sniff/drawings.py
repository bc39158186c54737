# SPDX-License-Identifier: AGPL-3.0-or-later
"""DXF, as text and binary."""

from __future__ import annotations

import re

from commonfab import v1
from registry.geometry.faults import Unmeasurable
from registry.geometry.sniff.glance import Glance

BINARY = b"AutoCAD Binary DXF\r\n\x1a\0"
END = re.compile(rb"[\r\n][ \t]*(?:EOF[ \t]*(?:[\r\n]|$)|ENDSEC\s*$)")
"""The file ends with EOF. Some programs leave it out; a section that ends as the last thing was not cut off."""
CHUNK = 1024 * 1024


def binary_dxf(glance: Glance) -> v1.FileFormat.ValueType | None:
    """Errors: `Unmeasurable` (`file.breaks_off`)."""
    if not glance.head.startswith(BINARY):
        return None
    if b"EOF\0" not in glance.tail and not _somewhere(glance, re.compile(rb"\0EOF\0")):
        raise Unmeasurable("file.breaks_off", "EOF")
    return v1.FILE_FORMAT_DXF


def dxf(glance: Glance) -> v1.FileFormat.ValueType | None:
    """Pairs of a group code and a value that begin with a section, after comments if any (group code 999).

    Errors: `Unmeasurable` (`file.breaks_off`).
    """
    lines = [line.strip() for line in re.split(rb"\r\n|\n|\r", glance.start[:16384])]
    while lines[:1] == [b"999"]:
        lines = lines[2:]
    if lines[:1] != [b"0"] or lines[1:2] not in ([b"SECTION"], [b"EOF"]):
        return None
    if not END.search(glance.end) and not _somewhere(glance, END):
        raise Unmeasurable("file.breaks_off", "EOF")
    return v1.FILE_FORMAT_DXF


def _somewhere(glance: Glance, end: re.Pattern[bytes]) -> bool:
    """Whether the end stands anywhere: some programs write on behind it."""
    with glance.path.open("rb") as file:
        before = b""
        while piece := file.read(CHUNK):
            if end.search(before + piece):
                return True
            before = piece[-64:]
    return False
