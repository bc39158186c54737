# SPDX-License-Identifier: AGPL-3.0-or-later
"""On which line of a TOML file a key stands. The standard parser does not say."""

from __future__ import annotations

import re

Location = tuple[int | str, ...]
"""A path into the parsed file: ("machine", 1, "envelope_mm")."""

HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.-]+)\s*\]")
KEY = re.compile(r"^\s*([A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')\s*=")


def line_of(text: str, location: Location) -> int:
    """The line of the key at `location`, counted from 1; else that of its table's header; else 1.

    Follows headers and `key = value` lines, which is how people write such files; inline tables lead to the line of their key.
    """
    wanted = [step for step in location if isinstance(step, str)]
    index = next((step for step in location if isinstance(step, int)), 0)
    table, seen, found = "", 0, 1
    for number, line in enumerate(text.splitlines(), start=1):
        if header := HEADER.match(line):
            table = header[2]
            seen += header[1] == "[[" and wanted[:1] == [table]
            if wanted[:1] == [table] and _is_ours(header[1], seen, index):
                found = number
        elif (key := KEY.match(line)) and _names(wanted, table, key[1].strip("\"'")) and _is_ours("[[" if seen else "[", seen, index):
            return number
    return found


def _is_ours(bracket: str, seen: int, index: int) -> bool:
    return bracket == "[" or seen == index + 1


def _names(wanted: list[str], table: str, key: str) -> bool:
    if not table:
        return wanted[:1] == [key]
    return wanted[:2] == [table, key]
