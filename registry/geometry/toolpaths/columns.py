# SPDX-License-Identifier: AGPL-3.0-or-later
"""What holds in every line of a stretch: a word holds until another of its group takes its place (RS274/NGC version 3, section 3.4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from registry.geometry.toolpaths.words import Words

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def given(words: Words, chosen: Flags) -> Numbers:
    """The number that each line gives in the chosen words, the last of several; not-a-number where it gives none."""
    column = np.full(words.line_count, np.nan)
    column[words.lines[chosen]] = words.numbers[chosen]
    return column


def held(column: Numbers, before: float) -> Numbers:
    """The last number given up to each line; `before` where none was yet."""
    lines = np.flatnonzero(~np.isnan(column))
    if not len(lines):
        return np.full(len(column), before)
    counts = np.diff(np.concatenate([[0], lines, [len(column)]]))
    return np.repeat(np.concatenate([[before], column[lines]]), counts)


def codes(words: Words, letter: str) -> tuple[Flags, npt.NDArray[np.int64]]:
    """Which words have this letter, and for each word its number in tenths: G38.2 is 382."""
    return words.of(letter), np.rint(np.clip(words.numbers, -1e6, 1e6) * 10).astype(np.int64)


def among(tenths: npt.NDArray[np.int64], wanted: Sequence[int]) -> Flags:
    """Which of the codes, in tenths, are wanted. Faster than `numpy.isin` for the few of a group."""
    found: Flags = tenths == wanted[0]
    for code in wanted[1:]:
        found |= tenths == code
    return found


def lines_with(words: Words, chosen: Flags) -> Flags:
    """Which lines have one of the chosen words."""
    column = np.zeros(words.line_count, dtype=bool)
    column[words.lines[chosen]] = True
    return column


def followed(sets: Numbers, adds: Numbers, before: float) -> Numbers:
    """Where an axis is after each line.

    Parameters: `sets`, where a line sends it, not-a-number where it does not; `adds`, by how much a line moves it on, else 0; `before`,
    where it was, not-a-number where nobody knows: then its first move on counts from 0.
    """
    if not adds.any():
        return held(sets, before)
    known = held(sets, before)
    total = np.cumsum(adds)
    if np.isnan(before):
        first = int(np.flatnonzero(adds)[0])
        if np.isnan(known[first]):
            known = held(sets, 0.0)
    at_set = np.where(np.isnan(sets), np.nan, total)
    return np.asarray(known + total - held(at_set, 0.0))
