# SPDX-License-Identifier: AGPL-3.0-or-later
"""Lines that are drawn more than once. A laser cuts them more than once, and an outline that is drawn twice never closes."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from registry.geometry.drawings.lines import Points, Stroke, paired

ANGLE = 1e-6
"""Chords that differ less than this in direction, radians, may lie on one straight line."""

WHOLLY = 0.999
"""A stroke of which this part lies on others is left out; a smaller part is counted and kept."""


@dataclass(frozen=True)
class Once:
    """Each line once, and how many strokes lay, wholly or in part, on another one."""

    strokes: list[Stroke]
    duplicates: int


def drawn_once(strokes: list[Stroke], within: float) -> Once:
    """Leave out the strokes that lie wholly on others, drawn either way round, in one piece or in several.

    Parameters: `within`, how far apart lines may be, mm, and still be one.
    """
    if not strokes:
        return Once([], 0)
    order = sorted(range(len(strokes)), key=lambda index: -strokes[index].length)
    covered, lengths = _covered([strokes[index] for index in order], within)
    share = np.divide(covered, lengths, out=np.zeros_like(covered), where=lengths > 0)
    touched = covered > np.maximum(2 * within, 1e-3 * lengths)
    kept = [order[rank] for rank in range(len(order)) if share[rank] < WHOLLY]
    return Once([strokes[index] for index in sorted(kept)], int((touched | (share >= WHOLLY)).sum()))


def _covered(strokes: list[Stroke], within: float) -> tuple[Points, Points]:
    """How much of each stroke lies on earlier ones, and how long its chords are."""
    counts = np.array([len(stroke.points) - 1 for stroke in strokes])
    owner = np.repeat(np.arange(len(strokes)), counts)
    first = np.concatenate([stroke.points[:-1] for stroke in strokes])
    second = np.concatenate([stroke.points[1:] for stroke in strokes])
    middle = (first.min(axis=0) + first.max(axis=0)) / 2
    first, second = first - middle, second - middle
    backward = (second[:, 0] < first[:, 0]) | ((second[:, 0] == first[:, 0]) & (second[:, 1] < first[:, 1]))
    first[backward], second[backward] = second[backward], first[backward].copy()
    along = second - first
    sizes = np.hypot(along[:, 0], along[:, 1])
    covered = np.zeros(len(strokes))
    real = sizes > 0
    lengths = np.bincount(owner, sizes, len(strokes)).astype(np.float64)
    owner, first, along, sizes = owner[real], first[real], along[real] / sizes[real, None], sizes[real]
    low = (first * along).sum(axis=1)
    offset = first[:, 0] * along[:, 1] - first[:, 1] * along[:, 0]
    angle = np.arctan2(along[:, 1], along[:, 0])
    group = paired(np.round(angle / ANGLE), np.round(offset / max(within, 1e-9)))
    order = np.lexsort((low, group))
    for run in _overlapping_runs(group[order], low[order], (low + sizes)[order], within):
        chosen = order[run]
        _add_covered(covered, owner[chosen], low[chosen], (low + sizes)[chosen])
    return covered, lengths


def _overlapping_runs(group: npt.NDArray[np.int64], low: Points, high: Points, within: float) -> list[slice]:
    """Stretches of the sorted chords in which one overlaps the next, of more than one chord each."""
    if len(group) < 2:
        return []
    numbers = np.concatenate([[0], np.cumsum(np.diff(group) != 0)])
    span = float(high.max() - low.min()) + 1.0
    reach = np.maximum.accumulate(high + numbers * 2 * span)  # groups are set apart so that one pass serves all
    apart = np.flatnonzero(low[1:] + numbers[1:] * 2 * span >= reach[:-1] - within) + 1
    borders = np.concatenate([[0], apart, [len(group)]])
    wide = np.flatnonzero(np.diff(borders) > 1)
    return [slice(int(borders[index]), int(borders[index + 1])) for index in wide]


def _add_covered(covered: Points, owner: npt.NDArray[np.int64], low: Points, high: Points) -> None:
    """Add to `covered` how much of each chord lies on chords of earlier owners; all chords lie on one straight line."""
    starts: list[float] = []
    stops: list[float] = []
    for index in np.argsort(owner, kind="stable").tolist():
        begin, end = float(low[index]), float(high[index])
        left = bisect_left(stops, begin)
        right = bisect_left(starts, end)
        met = zip(starts[left:right], stops[left:right], strict=True)
        covered[owner[index]] += sum(max(0.0, min(end, stop) - max(begin, start)) for start, stop in met)
        if left < right:
            begin, end = min(begin, starts[left]), max(end, stops[right - 1])
        starts[left:right], stops[left:right] = [begin], [end]
