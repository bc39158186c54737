# SPDX-License-Identifier: AGPL-3.0-or-later
"""Hours of the week: how long until they hold, how long the longest lasts, and when work that takes a while may begin. Pure.

All times are minutes since Monday 00:00 UTC. No hours at all means always.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from commonfab import v1

WEEK = 7 * 24 * 60
ROUNDING = 1e-6
"""Work of exactly a stretch's length fits, whatever the last bit says."""

Stretch = tuple[float, float]
"""From and until; where it runs over the end of the week, it ends after `WEEK`."""

ALWAYS: Stretch = (0.0, float("inf"))


def opens_in(hours: Sequence[v1.WeeklyHours], minute_of_week: float) -> float:
    """Minutes until a stretch of `hours` holds; 0 where one holds now, or where there are none."""
    if not hours or any(_holds(stretch, minute_of_week) for stretch in hours):
        return 0.0
    return min((stretch.from_minute - minute_of_week) % WEEK for stretch in hours)


def longest(hours: Sequence[v1.WeeklyHours]) -> float:
    """Minutes of the longest stretch; infinite where there are none, or where they leave no gap. Stretches that touch count as one."""
    return max(until - start for start, until in joined(hours))


def joined(hours: Sequence[v1.WeeklyHours]) -> list[Stretch]:
    """The stretches in their order, those that touch or overlap made one, also over the end of the week; at least one."""
    if not hours:
        return [ALWAYS]
    merged = _merged(sorted((float(one.from_minute % WEEK), one.from_minute % WEEK + _length(one)) for one in hours))
    while len(merged) > 1 and merged[-1][1] - WEEK >= merged[0][0]:
        (_, first_ends), (start, until) = merged.pop(0), merged[-1]
        merged[-1] = (start, max(until, first_ends + WEEK))
    return [ALWAYS] if any(until - start >= WEEK for start, until in merged) else merged


def starts_in(
    running: Sequence[v1.WeeklyHours], people: Sequence[v1.WeeklyHours], minute_of_week: float, lasts: float = 0.0
) -> float | None:
    """Minutes until work may begin that takes so long without a break; None where it never may.

    Parameters: `running`, hours in which the whole of the work must lie; `people`, hours in which it must begin.
    """
    runs, there = joined(running), joined(people)
    # The earliest moment is now, or the beginning of a stretch: in between nothing becomes possible.
    moments = [(0.0, minute_of_week), *(((start - minute_of_week) % WEEK, start) for start, _ in (*runs, *there))]
    able = (wait for wait, at in moments if _left(there, at) and _left(runs, at) >= max(lasts - ROUNDING, ROUNDING))
    return min(able, default=None)


def _merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    merged: list[Stretch] = []
    for start, until in stretches:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], until))
        else:
            merged.append((start, until))
    return merged


def _left(stretches: Iterable[Stretch], minute: float) -> float:
    """For how long the stretch that holds at that minute still does; 0 where none holds."""
    gone = (((minute - start) % WEEK, until - start) for start, until in stretches)
    return max((length - since for since, length in gone if since < length), default=0.0)


def _length(stretch: v1.WeeklyHours) -> float:
    return (stretch.until_minute - stretch.from_minute) % WEEK or WEEK


def _holds(stretch: v1.WeeklyHours, minute: float) -> bool:
    return (minute - stretch.from_minute) % WEEK < _length(stretch)
