# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the header of a DXF file says, read raw: libraries fill in a default unit where the file names none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType

BINARY = b"AutoCAD Binary DXF\r\n\x1a\x00"
"""How the binary form begins (Autodesk, DXF reference, "Binary DXF files")."""

HEADER_BYTES = 256 * 1024
"""The header is the first section and has some 300 short entries; a file with more in it has something to hide."""

UNITS = MappingProxyType(
    {
        1: ("inch", 25.4),
        2: ("foot", 304.8),
        3: ("mile", 1_609_344.0),
        4: ("mm", 1.0),
        5: ("cm", 10.0),
        6: ("m", 1000.0),
        7: ("km", 1_000_000.0),
        8: ("microinch", 25.4e-6),
        9: ("mil", 25.4e-3),
        10: ("yard", 914.4),
        11: ("angstrom", 1e-7),
        12: ("nm", 1e-6),
        13: ("micron", 1e-3),
        14: ("dm", 100.0),
        15: ("dam", 10_000.0),
        16: ("hm", 100_000.0),
        21: ("US survey foot", 1200 / 3937 * 1000),
        22: ("US survey inch", 100 / 3937 * 1000),
    }
)
"""Name and millimetres of each value of $INSUNITS (Autodesk, DXF reference, "HEADER section"). Larger and older units are no parts."""

VERSIONS = MappingProxyType(
    {
        "AC1009": "R12",
        "AC1012": "R13",
        "AC1014": "R14",
        "AC1015": "R2000",
        "AC1018": "R2004",
        "AC1021": "R2007",
        "AC1024": "R2010",
        "AC1027": "R2013",
        "AC1032": "R2018",
    }
)
"""Releases by the value of $ACADVER."""


@dataclass(frozen=True)
class Header:
    """`version`, a release or the raw value; `insunits`, -1 where there is none; `measurement`, 0 for English, 1 for metric,
    -1 for none."""

    version: str
    insunits: int
    measurement: int


def read_header(head: bytes) -> Header:
    """What `head`, the first bytes of a DXF file, says of version and unit."""
    binary = head.startswith(BINARY)
    end = head.find(b"ENDSEC")
    head = head[: end if end > 0 else HEADER_BYTES]
    raw = _version(head, binary)
    # A release of 12 or before has no version, or one up to AC1009; its binary form has codes of one byte.
    narrow = not raw or raw <= "AC1009"
    number = _binary_number if binary else _text_number
    version = VERSIONS.get(raw, "R12" if narrow else raw)
    return Header(version, number(head, b"$INSUNITS", narrow), number(head, b"$MEASUREMENT", narrow))


def _version(head: bytes, binary: bool) -> str:
    pattern = rb"\$ACADVER\x00\x01\x00?(AC\d{4})" if binary else rb"\$ACADVER\s+1\s+(AC\d{4})"
    found = re.search(pattern, head)
    return found[1].decode("ascii") if found else ""


def _text_number(head: bytes, name: bytes, narrow: bool) -> int:
    found = re.search(re.escape(name) + rb"\s+70\s+(-?\d{1,9})\b", head)
    return int(found[1]) if found else -1


def _binary_number(head: bytes, name: bytes, narrow: bool) -> int:
    found = re.search(re.escape(name) + (rb"\x00\x46(..)" if narrow else rb"\x00\x46\x00(..)"), head, re.DOTALL)
    return int.from_bytes(found[1], "little", signed=True) if found else -1
