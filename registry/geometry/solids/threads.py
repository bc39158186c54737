# SPDX-License-Identifier: AGPL-3.0-or-later
"""Threads that a STEP file names: solids mostly carry them as words and not as shapes."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator

NAMED = re.compile(
    rb"\b(?:SHAPE_ASPECT|DESCRIPTIVE_REPRESENTATION_ITEM|ADVANCED_FACE|PROPERTY_DEFINITION)\s*\(\s*'([^']{2,200})'(?:\s*,\s*'([^']{0,200})')?"
)
METRIC = re.compile(rb"(?<![A-Za-z0-9])(M\d{1,2}(?:\.\d)?)(?![\d.]*[A-Za-z]{2})")
WORDS = re.compile(rb"thread|tap|gewinde|filet|rosca|\d[xX]\d|[456][HGhg]\b", re.IGNORECASE)
"""What must stand beside a metric size for it to be a thread: a word for it, a pitch, or a tolerance class (ISO 965-1)."""

MOST = 200


def threads_in(text: mmap.mmap) -> Iterator[str]:
    """The metric sizes ("M6") of threads that features and faces are named after, once for each."""
    if text.find(b"'M") < 0 and text.find(b" M") < 0:
        return
    given = 0
    for found in NAMED.finditer(text):
        words = b" ".join(part for part in found.groups() if part)
        size = METRIC.search(words)
        if size and WORDS.search(words) and given < MOST:
            given += 1
            yield size[1].decode()
