# SPDX-License-Identifier: AGPL-3.0-or-later
"""Hours of the week as people write them in `shop.toml` ("Mo-Fr 17:00-22:00"), and as the router counts them. Pure.

The router counts in minutes of the week in UTC and knows no time zones: who has local hours converts them, with the offset of the moment,
whenever it reports. So a change to summer time reaches the router with the next report.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

from commonfab import v1

DAY = 24 * 60
WEEK = 7 * DAY
SINCE_MONDAY = 3 * DAY
"""1 January 1970 was a Thursday."""
LOOKED_AHEAD = 3 * WEEK
"""Minutes: hours of one night a week may be too short in the night of a change, and are whole again a week later."""
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WRITTEN = re.compile(r"(?:(?P<days>[A-Za-z ,-]+?)\s+)?(?P<opens>\d{1,2}(?::\d\d)?)\s*-\s*(?P<shuts>\d{1,2}(?::\d\d)?)")


def local_stretches(written: str) -> list[tuple[int, int]]:
    """The stretches of the week that one entry means, in local minutes since Monday 00:00. What runs over midnight ends on the next day.

    "Mo-Fr 17:00-22:00", "Sa,Su 9-13", "22:00-06:00" (every day). Errors: `ValueError`, in words for the owner.
    """
    found = WRITTEN.fullmatch(written.strip())
    if found is None:
        example = 'write them like "Mo-Fr 17:00-22:00" or "Sa 09:00-13:00"'
        raise ValueError(f"'{written}' is not understood as hours; {example}")
    opens, shuts = _minutes(found["opens"]), _minutes(found["shuts"])
    if opens in (shuts, DAY):
        raise ValueError(f"'{written}' holds for no time; the whole day is 00:00-24:00")
    lasts = (shuts - opens) % DAY or DAY
    return [(day * DAY + opens, day * DAY + opens + lasts) for day in sorted(set(_days(found["days"] or "Mo-Su")))]


def _checked(written: str) -> str:
    local_stretches(written)
    return written


def _known_zone(name: str) -> str:
    if name:
        zone_of(name)
    return name


Hours = Annotated[str, AfterValidator(_checked)]
"""One entry of hours, as it is written."""

TimeZone = Annotated[str, AfterValidator(_known_zone)]
"""A name of the IANA time zone database; empty where none is said."""


def zone_of(name: str) -> tzinfo:
    """The time zone of that name. Errors: `ValueError`, in words for the owner."""
    if name == "UTC":  # also where the computer has no time zone database
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"'{name}' is no time zone that this computer knows; they are written like Europe/Berlin") from None


def weekly_hours(written: Iterable[str], time_zone: str, now: float, quiet: Iterable[str] = ()) -> list[v1.WeeklyHours]:
    """The entries in UTC, with the offset that the zone has at `now` (seconds since 1970); without those hours that are `quiet`."""
    entries, still = list(written), list(quiet)
    stretches = (
        _open_stretches(open_minutes(entries, still)) if still else sorted(one for entry in entries for one in local_stretches(entry))
    )
    if not stretches:
        return []
    offset = datetime.fromtimestamp(now, zone_of(time_zone or "UTC")).utcoffset()
    ahead = round(offset.total_seconds() / 60) if offset else 0
    return [v1.WeeklyHours(from_minute=(opens - ahead) % WEEK, until_minute=(shuts - ahead) % WEEK or WEEK) for opens, shuts in stretches]


def _open_stretches(minutes: bytearray) -> list[tuple[int, int]]:
    """Where the open minutes begin and end; one that runs over the end of the week stands once."""
    begins = [minute for minute in range(WEEK) if minutes[minute] and not minutes[minute - 1]]
    return [(begin, next((end for end in range(begin + 1, begin + WEEK) if not minutes[end % WEEK]), begin + WEEK)) for begin in begins]


def open_minutes(may_run: Iterable[str], quiet: Iterable[str]) -> bytearray:
    """One byte for each local minute of the week: 1 where a machine may run. Without `may_run` it always may; `quiet` takes away."""
    written = [stretch for entry in may_run for stretch in local_stretches(entry)]
    minutes = bytearray(WEEK) if written else bytearray(b"\x01" * WEEK)
    for value, stretches in ((1, written), (0, [stretch for entry in quiet for stretch in local_stretches(entry)])):
        for opens, shuts in stretches:
            for minute in range(opens, shuts):
                minutes[minute % WEEK] = value
    return minutes


def starts_in(minutes: bytearray, time_zone: str, now: float, lasts_seconds: float) -> float | None:
    """In how many minutes something that lasts so long may begin without running on into a closed minute: 0 for now, None for never.

    It counts the minutes that really pass: in the night of a change to or from summer time the clock on the wall leaps, and what lasts
    eight hours ends an hour later or earlier by it than on other days.

    Parameters: `minutes`, as `open_minutes` has them; `now`, seconds since 1970.
    """
    if all(minutes):
        return 0
    zone, first = zone_of(time_zone or "UTC"), int(now // 60)
    at_once = max(1, math.ceil((now % 60 + lasts_seconds) / 60))  # with what has passed of this minute; what begins later begins with one
    if at_once > LOOKED_AHEAD:
        return None
    if all(_open_ahead(minutes, zone, first, at_once)):
        return 0
    lasts = b"\x01" * max(1, math.ceil(lasts_seconds / 60))
    for count in (DAY + at_once, LOOKED_AHEAD):  # most wait for the next evening or morning only
        if (begins := _open_ahead(minutes, zone, first, count).find(lasts, 1)) > 0:
            return begins
    return None


def on_the_wall(time_zone: str, at: float) -> str:
    """A moment of the coming week as people say it, by the clock on the wall: "Monday 07:00". Parameters: `at`, seconds since 1970."""
    local = datetime.fromtimestamp(at, zone_of(time_zone or "UTC"))
    return f"{DAYS[local.weekday()].capitalize()} {local:%H:%M}"


def _open_ahead(minutes: bytearray, zone: tzinfo, first: int, count: int) -> bytearray:
    """One byte for each minute that really passes, from `first` on (minutes since 1970): 1 where it is open by the clock on the wall.

    A zone's offset changes on a quarter of an hour in UTC (Lord Howe's by half an hour), so it is asked for once in each.
    """
    week, found, minute = minutes + minutes[:15], bytearray(), first
    while minute < first + count:
        offset = datetime.fromtimestamp(minute * 60, zone).utcoffset()
        local = (minute + SINCE_MONDAY + (round(offset.total_seconds() / 60) if offset else 0)) % WEEK
        until = min(minute // 15 * 15 + 15, first + count)
        found += week[local : local + until - minute]
        minute = until
    return found


def _minutes(written: str) -> int:
    hours, _, past = written.partition(":")
    minutes = int(hours) * 60 + int(past or 0)
    if minutes > DAY or int(past or 0) > 59:
        raise ValueError(f"'{written}' is no time of the day")
    return minutes


def _days(written: str) -> Iterator[int]:
    for part in written.replace(" ", "").split(","):
        first, to, last = part.partition("-")
        begins = _day(first)
        ends = _day(last) if to else begins
        yield from ((begins + step) % 7 for step in range((ends - begins) % 7 + 1))


def _day(written: str) -> int:
    for number, name in enumerate(DAYS):
        if len(written) >= 2 and name.startswith(written.lower()):
            return number
    raise ValueError(f"'{written}' is no day; the days are Mo, Tu, We, Th, Fr, Sa and Su")
