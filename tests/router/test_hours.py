# SPDX-License-Identifier: AGPL-3.0-or-later
"""Hours of the week."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonfab import v1
from router.hours import WEEK, longest, opens_in, starts_in

DAY = 1440
MINUTES = st.integers(min_value=0, max_value=WEEK - 1)
STRETCHES = st.lists(st.tuples(MINUTES, MINUTES), max_size=4)


def hours(*stretches: tuple[int, int]) -> list[v1.WeeklyHours]:
    return [v1.WeeklyHours(from_minute=start, until_minute=until) for start, until in stretches]


def holds(stretches: list[v1.WeeklyHours], minute: int) -> bool:
    return not stretches or opens_in(stretches, minute) == 0


@pytest.mark.parametrize(("now", "wait"), [(0, 600), (600, 0), (719, 0), (720, WEEK - 120), (WEEK - 1, 601)])
def test_it_opens_when_the_next_stretch_begins(now: int, wait: int) -> None:
    assert opens_in(hours((600, 720)), now) == wait


def test_where_there_are_no_hours_it_is_always_open() -> None:
    assert (opens_in([], 5), longest([]), starts_in([], [], 5, 1e6)) == (0, float("inf"), 0)


@pytest.mark.parametrize(
    ("stretches", "minutes"),
    [
        ([(600, 720)], 120),
        ([(600, 720), (720, 900)], 300),
        ([(600, 720), (660, 900)], 300),
        ([(600, 720), (721, 900)], 179),
        ([(WEEK - 60, WEEK), (0, 30)], 90),
        ([(WEEK - 60, 10)], 70),
        ([(WEEK - 60, 10), (5, 30)], 90),
        ([(WEEK - 60, 100), (5, 30), (50, 60)], 160),
        ([(0, 5000), (5000, WEEK)], float("inf")),
        ([(7, 7)], float("inf")),
        ([(3000, 2000), (1000, 3500)], float("inf")),
    ],
)
def test_stretches_that_touch_are_one_also_over_the_end_of_the_week(stretches: list[tuple[int, int]], minutes: float) -> None:
    assert longest(hours(*stretches)) == minutes


def test_work_begins_where_the_whole_of_it_fits() -> None:
    evenings = hours((1080, 1320), (DAY + 1080, DAY + 1320))
    assert starts_in(evenings, [], 1100, 60) == 0
    assert starts_in(evenings, [], 1300, 60) == DAY - 220
    assert starts_in(evenings, [], 1320, 0) == DAY - 240
    assert starts_in(evenings, [], 0, 240) == 1080
    assert starts_in(evenings, [], 0, 241) is None


def test_people_are_needed_at_the_beginning_alone() -> None:
    running, people = hours((480, 1200)), hours((600, 660))
    assert starts_in(running, people, 0, 540) == 600
    assert starts_in(running, people, 0, 601) is None
    assert starts_in(running, people, 655, 60) == 0
    assert starts_in(running, people, 660, 60) == WEEK - 60
    assert starts_in(running, hours((1200, 1300)), 0) is None


@given(STRETCHES, STRETCHES, MINUTES, st.integers(min_value=1, max_value=900))
def test_the_moment_that_is_told_is_the_first_that_holds(
    running: list[tuple[int, int]], people: list[tuple[int, int]], now: int, lasts: int
) -> None:
    runs, there = hours(*running), hours(*people)
    wait = starts_in(runs, there, now, lasts)
    assert wait is not None or longest(runs) < lasts or (runs and there)
    if wait is None:
        return
    begin = round(now + wait)
    assert holds(there, begin % WEEK) and all(holds(runs, minute % WEEK) for minute in range(begin, begin + lasts, 7))
    assert holds(runs, (begin + lasts - 1) % WEEK)
    if wait:
        before = begin - 1
        whole = all(holds(runs, minute % WEEK) for minute in range(before, before + lasts))
        assert not (whole and holds(there, before % WEEK))
