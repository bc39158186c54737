# SPDX-License-Identifier: AGPL-3.0-or-later
"""G-code of any dialect: lines of words, each a letter and a number (ISO 6983-1; RS274/NGC; RepRap)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from commonfab import v1
from registry.geometry.sniff.glance import LONGEST_LINE, Glance

BLOCK = re.compile(rb"/?\d?\s*(?:[A-Za-z]\s{0,4}[-+]?(?:\d+(?:\.\d*)?|\.\d+|\[[^\]]*\]|#\d+|#<\w+>)\s*)+(?:\*\s*\d+\s*)?$", re.ASCII)
"""Every repetition begins with a letter that the one before cannot take, so no line keeps this busy for long."""
COMMAND = re.compile(rb"[Gg]\s?\d")
OTHER_LINES = re.compile(
    rb"%|[oO]\s?\d+$|[oO]<?\w+>?\s+(?:sub|endsub|call|if|else|endif|while|endwhile|do|return)\b"  # LinuxCNC: programs and their flow
    rb"|#\S+\s*=|\$[A-Z]|\$\d+="  # parameters, Grbl's own commands
    rb"|[MmTt]\d+\s.*|[A-Z][A-Z_0-9]{3,}(?:\s+[A-Z_]+=\S+)*\s*$"  # commands with a text (M117 …), macros of Klipper
)
SLICED = re.compile(
    rb";\s*(?:generated (?:by|with)|flavor:|header_block_start|thumbnail(?:_\w+)? begin|layer_change|gcode flavor)", re.IGNORECASE
)
COMMENT = re.compile(rb"\([^)]*\)")
LOOK_BYTES = 4 * 1024 * 1024
LOOK_LINES = 400
LIKELY = 0.8
LIKELY_SLICED = 0.4


def gcode(glance: Glance) -> v1.FileFormat.ValueType | None:
    """G-code: nearly every line is one, and at least one of them commands a motion or a mode."""
    statements = list(_statements(glance))
    blocks = [line for line in statements if BLOCK.match(line)]
    if not any(COMMAND.search(line) for line in blocks):
        return None
    others = sum(1 for line in statements if not BLOCK.match(line) and OTHER_LINES.match(line))
    # What is not a word of it may at most be as much as what is; text has such lines too.
    known = len(blocks) + min(others, len(blocks))
    likely = LIKELY_SLICED if SLICED.search(glance.text) else LIKELY
    return v1.FILE_FORMAT_GCODE if known >= likely * len(statements) else None


def _statements(glance: Glance) -> Iterator[bytes]:
    """The first lines without their comments."""
    found = 0
    for raw in _lines(glance):
        line = COMMENT.sub(b"", raw[:LONGEST_LINE].partition(b";")[0]).strip()
        if line:
            yield line
            found += 1
        if found >= LOOK_LINES:
            return


def _lines(glance: Glance) -> Iterator[bytes]:
    """The file's first lines. A slicer's pictures and settings may fill megabytes before the first that is no comment."""
    if not glance.start.startswith(b";"):
        yield from glance.lines
        return
    looked = 0
    with glance.path.open("rb") as file:
        while looked < LOOK_BYTES and (line := file.readline(LOOK_BYTES)):
            looked += len(line)
            yield line
