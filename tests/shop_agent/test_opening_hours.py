# SPDX-License-Identifier: AGPL-3.0-or-later
"""Hours as people write them, and as the router counts them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shop_agent.shop_toml.opening_hours import local_stretches, open_minutes, starts_in, weekly_hours

DAY = 1440
WINTER = datetime(2026, 1, 15, tzinfo=UTC).timestamp()
SUMMER = datetime(2026, 7, 15, tzinfo=UTC).timestamp()


def in_utc(written: str, zone: str, now: float = WINTER) -> list[tuple[int, int]]:
    return [(one.from_minute, one.until_minute) for one in weekly_hours([written], zone, now)]


@pytest.mark.parametrize(
    ("written", "days", "opens", "shuts"),
    [
        ("Mo-Fr 17:00-22:00", [0, 1, 2, 3, 4], 1020, 1320),
        ("Sa 09:00-13:00", [5], 540, 780),
        ("sat, Sun 9-13:30", [5, 6], 540, 810),
        ("Fr-Mo 8-9", [0, 4, 5, 6], 480, 540),
        ("Mo,We-Th,We 8-9", [0, 2, 3], 480, 540),
        ("00:00-24:00", [0, 1, 2, 3, 4, 5, 6], 0, 1440),
        ("Su 22:00-06:00", [6], 1320, 1800),
        ("Wednesday 8 - 9", [2], 480, 540),
    ],
)
def test_hours_are_read_as_people_write_them(written: str, days: list[int], opens: int, shuts: int) -> None:
    assert local_stretches(written) == [(day * DAY + opens, day * DAY + shuts) for day in days]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("evenings", "not understood as hours"),
        ("Mo-Fr 5pm-10pm", "not understood as hours"),
        ("Xx 8-9", "'Xx' is no day"),
        ("M 8-9", "'M' is no day"),
        ("Mo- 8-9", "'' is no day"),
        ("8:00-25:00", "no time of the day"),
        ("8:60-9:00", "no time of the day"),
        ("8-8", "holds for no time"),
        ("", "not understood as hours"),
    ],
)
def test_what_cannot_be_understood_says_so(written: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        local_stretches(written)


def test_an_evening_in_berlin_begins_an_hour_or_two_earlier_in_greenwich() -> None:
    assert in_utc("Mo 17:00-22:00", "Europe/Berlin") == [(960, 1260)]
    assert in_utc("Mo 17:00-22:00", "Europe/Berlin", SUMMER) == [(900, 1200)]
    assert in_utc("Mo 17:00-22:00", "UTC") == [(1020, 1320)]


def test_a_morning_in_auckland_is_the_evening_before_and_monday_there_still_sunday() -> None:
    assert in_utc("Mo 08:00-18:00", "Pacific/Auckland") == [(6 * DAY + 19 * 60, 5 * 60)]
    assert in_utc("Su 20:00-24:00", "America/New_York") == [(60, 300)]


def test_a_whole_week_has_no_gap_and_ends_with_the_week() -> None:
    stretches = in_utc("00:00-24:00", "UTC")
    assert stretches[0] == (0, DAY) and stretches[-1] == (6 * DAY, 7 * DAY) and len(stretches) == 7


def test_quiet_hours_are_taken_from_those_in_which_a_machine_may_run() -> None:
    monday = 1_767_571_200.0  # 2026-01-05 00:00 UTC
    always = weekly_hours((), "UTC", monday, ["22:00-07:00"])
    assert len(always) == 7 and (always[0].from_minute, always[0].until_minute) == (7 * 60, 22 * 60)
    (evening,) = weekly_hours(["Mo 18:00-24:00"], "UTC", monday, ["22:00-07:00"])
    assert (evening.from_minute, evening.until_minute) == (18 * 60, 22 * 60)
    (over_sunday,) = weekly_hours((), "UTC", monday, ["Mo-Sa 00:00-24:00"])
    assert (over_sunday.from_minute, over_sunday.until_minute) == (6 * 1440, 7 * 1440)


def test_something_that_would_run_into_the_quiet_hours_waits_until_they_are_over() -> None:
    monday = 1_767_571_200.0
    minutes = open_minutes((), ["22:00-07:00"])
    assert starts_in(minutes, "UTC", monday + 12 * 3600, 3600) == 0
    assert starts_in(minutes, "UTC", monday + 21.5 * 3600, 3600) == 9.5 * 60  # it would end at half past ten
    assert starts_in(minutes, "UTC", monday + 23 * 3600, 60) == 8 * 60
    assert starts_in(minutes, "UTC", monday, 16 * 3600) is None  # no day is so long
    assert starts_in(open_minutes((), ()), "UTC", monday, 1e6) == 0


def test_the_hours_are_those_of_the_clock_on_the_wall() -> None:
    monday = 1_767_571_200.0
    minutes = open_minutes(["Mo 08:00-20:00"], ())
    assert starts_in(minutes, "Europe/Berlin", monday + 6.5 * 3600, 3600) == 30  # half past seven in Berlin
