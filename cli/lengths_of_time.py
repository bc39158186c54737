# SPDX-License-Identifier: AGPL-3.0-or-later
"""Lengths of time as people type them: 3d, 36h, 90min, 1d12h."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from google.protobuf.duration_pb2 import Duration

from commonfab.errors import Refused

UNITS: Mapping[str, timedelta] = MappingProxyType(
    {"w": timedelta(weeks=1), "d": timedelta(days=1), "h": timedelta(hours=1), "min": timedelta(minutes=1)}
)

LONGEST = timedelta(days=3650)
"""Ten years: longer is a slip of the hand."""

_PIECE = re.compile(r"\s*(\d{1,7}(?:\.\d{1,6})?)\s*(w|d|h|min)\s*", re.ASCII)


def duration_of(text: str) -> Duration:
    """The length of time that `text` says: numbers with w, d, h or min, added up; longer than nothing.

    Errors: `Refused` (`job.needed_in`).
    """
    length, at = timedelta(), 0
    while found := _PIECE.match(text, at):
        length += float(found[1]) * UNITS[found[2]]
        at = found.end()
    if at != len(text) or not timedelta() < length <= LONGEST:
        raise Refused("job.needed_in", text)
    written = Duration()
    written.FromTimedelta(length)
    return written
