# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is looked at of a file to recognise it: its beginning, its end and its length."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

HEAD_BYTES = 64 * 1024
TAIL_BYTES = 4 * 1024
LONGEST_LINE = 2048

CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\v\x1a\x1b"))
NOT_CONTROLS = bytes(set(range(256)) - set(CONTROLS))


@dataclass(frozen=True)
class Glance:
    """What is looked at of a file: its first bytes, its last bytes, its length."""

    path: Path
    head: bytes
    tail: bytes
    size: int

    @staticmethod
    def at(path: Path) -> Glance:
        """Look at the file at `path`. Errors: `OSError`."""
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            file.seek(max(0, size - TAIL_BYTES) & ~1)  # on whole characters, should it be UTF-16
            return Glance(path, head, file.read(TAIL_BYTES + 1), size)

    @cached_property
    def text(self) -> bytes:
        """The first bytes in a code that keeps ASCII, without a byte order mark. UTF-16 is told by its mark."""
        return _in_ascii_code(self.head, self.head)

    @cached_property
    def end(self) -> bytes:
        """The last bytes in a code that keeps ASCII."""
        return _in_ascii_code(self.tail, self.head)

    @cached_property
    def start(self) -> bytes:
        """The first bytes as text, without leading white space."""
        return self.text.lstrip()

    @cached_property
    def is_text(self) -> bool:
        """Whether the first bytes are text: no control characters but those of line ends and tabs."""
        return not self.text.translate(None, NOT_CONTROLS)

    @cached_property
    def lines(self) -> list[bytes]:
        """The whole lines at the beginning, without white space around them, blank ones left out, long ones cut."""
        lines = re.split(rb"[\r\n]+", self.text)
        if len(lines) > 1 and self.size > len(self.head):
            lines.pop()  # the look ended within it
        return [line.strip()[:LONGEST_LINE] for line in lines if line.strip()]


def _in_ascii_code(data: bytes, head: bytes) -> bytes:
    for mark, code in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if head.startswith(mark):
            return data.removeprefix(mark).decode(code, errors="replace").encode()
    return data.removeprefix(codecs.BOM_UTF8)
