# SPDX-License-Identifier: AGPL-3.0-or-later
"""Zip archives: what they are is found from their entries; what is in an archive within the archive is not looked at."""

from __future__ import annotations

import re

from commonfab import v1
from registry.geometry.faults import Unmeasurable
from registry.geometry.screening import zips
from registry.geometry.sniff.glance import Glance

START = b"PK\x03\x04"
EMPTY = b"PK\x05\x06"
MODEL_RELATION = b"/3dmanufacturing/2013/01/3dmodel"
"""How a package says that it holds a 3D model, whatever the entry is called (3MF core specification 1.3, section 2.1)."""
PLATE = re.compile(r"metadata/[^/]*\.gcode$")
"""Where Bambu Studio and OrcaSlicer put the toolpath of each plate."""

OTHERS = (
    (re.compile(r"fusionassetname"), "file.closed", "an Autodesk Fusion document"),
    (re.compile(r"word/document\.xml$"), "file.document", "Word"),
    (re.compile(r"xl/workbook\.xml$"), "file.document", "Excel"),
    (re.compile(r"ppt/presentation\.xml$"), "file.document", "PowerPoint"),
    (re.compile(r"content\.xml$"), "file.document", "OpenDocument"),
    (re.compile(r"/?3d/model\.gcode$"), "file.unsupported", "an Ultimaker package, a toolpath for one kind of printer"),
)
"""Other kinds of archive by the name of an entry that each has."""


def archive(glance: Glance) -> v1.FileFormat.ValueType:
    """What kind of archive it is.

    Errors: `Unmeasurable` (`file.zip_broken`, `file.zip_entries`, `file.encrypted`, `file.zip_lies`, `file.closed`, `file.document`,
    `file.unsupported`).
    """
    entries = zips.directory(glance.path)
    for entry in entries:
        zips.check_open(entry)
    names = [entry.filename.lower() for entry in entries]
    if any(PLATE.match(name) for name in names):
        return v1.FILE_FORMAT_GCODE_3MF
    if any(name.endswith(".model") for name in names) or MODEL_RELATION in _beginning(glance, entries, "_rels/.rels"):
        return v1.FILE_FORMAT_3MF
    if b"<Document" in _beginning(glance, entries, "document.xml"):
        return v1.FILE_FORMAT_FREECAD
    files = [entry for entry in entries if not entry.is_dir()]
    if len(files) == 1 and b"<amf" in _opening(glance, files[0]).lower():
        return v1.FILE_FORMAT_AMF
    raise _other(names)


def _beginning(glance: Glance, entries: list[zips.Entry], name: str) -> bytes:
    found = next((entry for entry in entries if entry.filename.lower() == name), None)
    return _opening(glance, found) if found else b""


def _opening(glance: Glance, entry: zips.Entry) -> bytes:
    return zips.beginning(glance.path, entry).replace(b"\0", b"")  # in UTF-16 every second byte of plain letters is a zero


def _other(names: list[str]) -> Unmeasurable:
    for pattern, code, what in OTHERS:
        if any(pattern.match(name) for name in names):
            return Unmeasurable(code, what)
    return Unmeasurable("file.unsupported", "a zip archive of other files" if names else "an empty zip archive")
