# SPDX-License-Identifier: AGPL-3.0-or-later
"""Hours as people write them, and as the router counts them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from clocks import ManualClock
from hypothesis import given
from hypothesis import strategies as st
from small_shop import write_shop

from shop_agent.agent import held_back
from shop_agent.config import load_config
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


# Summer time. Each zone with its changes of 2026, told by the zone itself and not by this module.

ZONES = ("Europe/Vienna", "America/New_York", "Australia/Lord_Howe")  # the last one changes by half an hour
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
HOURS: dict[str, Callable[[datetime], bool]] = {
    "22:00-06:00": lambda wall: wall.hour >= 22 or wall.hour < 6,
    "Su 00:00-02:30": lambda wall: wall.weekday() == 6 and wall.hour * 60 + wall.minute < 150,
    "02:00-03:00": lambda wall: wall.hour == 2,
    "Sa,Su 01-24": lambda wall: wall.weekday() in (5, 6) and wall.hour >= 1,
}


def changes(zone: str) -> list[datetime]:
    hours = [JANUARY + timedelta(hours=number) for number in range(366 * 24)]
    offsets = [hour.astimezone(ZoneInfo(zone)).utcoffset() for hour in hours]
    return [hour for hour, before, after in zip(hours[1:], offsets, offsets[1:], strict=False) if before != after]


def inside(zone: str, open_at: Callable[[datetime], bool], begins: float, lasts: float) -> bool:
    """Whether it runs within the hours from its first to its last second, by the clock on the wall."""
    moments = [*(begins + passed for passed in range(0, int(lasts), 900)), begins + lasts - 1]
    return all(open_at(datetime.fromtimestamp(moment, ZoneInfo(zone))) for moment in moments)


def test_eight_hours_do_not_begin_at_ten_before_the_change_to_summer_time() -> None:
    minutes = open_minutes(["22:00-06:00"], ())
    evening = datetime(2026, 3, 28, 22, 0, tzinfo=ZoneInfo("Europe/Vienna")).timestamp()
    assert starts_in(minutes, "Europe/Vienna", evening - 86_400, 8 * 3600) == 0
    assert starts_in(minutes, "Europe/Vienna", evening, 7 * 3600) == 0
    assert starts_in(minutes, "Europe/Vienna", evening, 8 * 3600) == 23 * 60  # that day has 23 hours


def test_nine_hours_fit_into_the_night_that_has_nine() -> None:
    minutes = open_minutes(["22:00-06:00"], ())
    evening = datetime(2026, 10, 24, 22, 0, tzinfo=ZoneInfo("Europe/Vienna")).timestamp()
    assert starts_in(minutes, "Europe/Vienna", evening, 9 * 3600) == 0
    assert starts_in(minutes, "Europe/Vienna", evening + 86_400, 9 * 3600) is None


@pytest.mark.parametrize("written", HOURS)
@pytest.mark.parametrize("zone", ZONES)
def test_around_each_change_what_may_start_ends_within_the_hours(zone: str, written: str) -> None:
    minutes, allowed = open_minutes([written], ()), 0
    found = changes(zone)
    assert len(found) == 2
    for change in found:
        for half, lasts in itertools.product(range(-2 * 12, 2 * 6), (1800, 8 * 3600)):
            begins = change.timestamp() + 1800 * half
            if starts_in(minutes, zone, begins, lasts) == 0:
                allowed += 1
                assert inside(zone, HOURS[written], begins, lasts), datetime.fromtimestamp(begins, ZoneInfo(zone))
            else:
                assert not inside(zone, HOURS[written], begins, lasts), datetime.fromtimestamp(begins, ZoneInfo(zone))
    assert allowed


@given(
    zone=st.sampled_from(ZONES),
    written=st.sampled_from(sorted(HOURS)),
    second=st.integers(0, 365 * 86_400),
    lasts=st.integers(1, 16 * 3600),
)
def test_all_the_year_what_may_start_now_or_later_ends_within_the_hours(zone: str, written: str, second: int, lasts: int) -> None:
    minutes, now = open_minutes([written], ()), JANUARY.timestamp() + second
    wait = starts_in(minutes, zone, now, lasts)
    if wait is None:
        return
    begins = now if wait == 0 else now // 60 * 60 + 60 * wait
    assert inside(zone, HOURS[written], begins, lasts)
    assert starts_in(minutes, zone, begins, lasts) == 0


def test_an_hour_in_an_hour_begins_at_its_first_minute_whatever_the_seconds_are_now() -> None:
    monday = 1_767_571_200.0
    minutes = open_minutes(["08:00-09:00"], ())
    assert starts_in(minutes, "UTC", monday + 30, 3600) == 8 * 60


def test_a_night_of_waiting_for_the_hours_says_one_thing(tmp_path: Path) -> None:
    """What is said goes into the log: each minute another line would fill a card in a year."""
    written = write_shop(tmp_path, may_run=["07:00-22:00"])
    written.write_text(
        written.read_text(encoding="utf-8").replace("[router]", 'time_zone = "Europe/Vienna"\n[router]', 1), encoding="utf-8"
    )
    config = load_config(written)
    clock = ManualClock(datetime(2026, 3, 28, 22, 0, 7, tzinfo=ZoneInfo("Europe/Vienna")).timestamp())
    said = set()
    for _ in range(8 * 6 - 1):  # summer time begins, so the night has eight hours
        said.add(held_back(config, clock, config.machine[0], 3600))
        clock.advance(601)
    assert said == {"the hours of mk3: it may start on Sunday 07:00"}
    clock.advance(600)
    assert held_back(config, clock, config.machine[0], 3600) == ""
