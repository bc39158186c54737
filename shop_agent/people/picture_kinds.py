# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether a file is a picture, by its first bytes. Nothing in it is changed and nothing is taken out."""

from __future__ import annotations

from pathlib import Path

HEAD_BYTES = 32

HEIF_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))
"""Brands of HEIC files (ISO/IEC 23008-12, annex B) and of HEIF files that hold pictures; telephones write them."""


def picture_ending(head: bytes) -> str:
    """The ending of a picture's name, by its first 32 bytes: ".png", ".jpg", ".webp" or ".heic"; empty where it is none of these.

    Sources: PNG, section 5.2; JPEG, ITU-T T.81, B.1.1.3 (SOI, then another marker); WebP, RFC 9649, section 2.4; ISO/IEC 14496-12, 4.3.
    """
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return ".png"
    if head.startswith(b"\xff\xd8\xff"):
        return ".jpg"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return ".webp"
    if head[4:8] == b"ftyp" and HEIF_BRANDS.intersection(head[at : at + 4] for at in (8, *range(16, _box_end(head), 4))):
        return ".heic"
    return ""


def picture_ending_of(file: Path) -> str:
    """The same of a file. Errors: `OSError`."""
    with file.open("rb") as content:
        return picture_ending(content.read(HEAD_BYTES))


def _box_end(head: bytes) -> int:
    """Where the list of brands ends, as far as it was read."""
    return min(int.from_bytes(head[:4], "big"), len(head) - 3)
