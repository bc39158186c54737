# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files that say in their first bytes what they are, and are nothing that is measured here."""

from __future__ import annotations

import re

from registry.geometry.faults import Unmeasurable
from registry.geometry.sniff.glance import Glance

MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "file.picture", "PNG"),
    (b"\xff\xd8\xff", "file.picture", "JPEG"),
    (b"GIF87a", "file.picture", "GIF"),
    (b"GIF89a", "file.picture", "GIF"),
    (b"II*\0", "file.picture", "TIFF"),
    (b"MM\0*", "file.picture", "TIFF"),
    (b"\0\0\1\0", "file.picture", "icon"),
    (b"%PDF-", "file.document", "PDF"),
    (b"%!PS", "file.document", "PostScript"),
    (b"{\\rtf", "file.document", "RTF"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "file.closed", "an OLE2 document, such as SolidWorks and Inventor write"),
    (b"3D Geometry File Format ", "file.closed", "a Rhino model"),
    (b"BLENDER", "file.closed", "a Blender file"),
    (b"Kaydara FBX Binary", "file.closed", "an FBX scene"),
    (b"**ABCDEFGHIJKLMNOPQRSTUVWXYZ", "file.closed", "a Parasolid model"),
    (b"PS\0\0", "file.closed", "a Parasolid model"),
    (b"ACIS BinaryFile", "file.closed", "an ACIS model"),
    (b"\x1f\x8b", "file.unsupported", "data packed by gzip"),
    (b"BZh", "file.unsupported", "data packed by bzip2"),
    (b"\xfd7zXZ\0", "file.unsupported", "data packed by xz"),
    (b"\x28\xb5\x2f\xfd", "file.unsupported", "data packed by zstd"),
    (b"7z\xbc\xaf\x27\x1c", "file.unsupported", "a 7z archive"),
    (b"Rar!\x1a\x07", "file.unsupported", "a RAR archive"),
    (b"GCDE", "file.unsupported", "binary G-code"),
    (b"\x7fELF", "file.unrecognised", ""),
    (b"MZ\x90\0", "file.unrecognised", ""),
)
"""First bytes, the reason code, and what it is; from each format's own specification."""


def check_magic(glance: Glance) -> None:
    """Errors: `Unmeasurable` (`file.dwg`, `file.picture`, `file.document`, `file.closed`, `file.unsupported`, `file.unrecognised`)."""
    if re.match(rb"AC(10\d\d|[12]\.\d\d)\0", glance.head):  # the version of AutoCAD, then zeros; AC1009 is release 12
        raise Unmeasurable("file.dwg")
    for start, code, what in MAGIC:
        if glance.head.lstrip(b"\r\n").startswith(start):
            raise Unmeasurable(code, what)
    if re.match(rb"(?:ST)?C?N?4?n?OFF BINARY\b", glance.head):
        raise Unmeasurable("file.unsupported", "a binary OFF")
    _check_behind(glance.head, glance.size)


def _check_behind(head: bytes, size: int) -> None:
    """Marks that do not stand at the very beginning."""
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        raise Unmeasurable("file.picture", "WebP")
    if head.startswith(b"BM") and int.from_bytes(head[2:6], "little") == size:
        raise Unmeasurable("file.picture", "BMP")
    if head[257:262] == b"ustar":
        raise Unmeasurable("file.unsupported", "a tar archive")
    if head[4:12] in (b"ftypheic", b"ftypmif1", b"ftypavif"):
        raise Unmeasurable("file.picture", "HEIF")
