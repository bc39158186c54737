# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whose turn it is: the oldest first, urgency and deadlines counted, requesters in turns, and nobody waits for ever."""

from __future__ import annotations

import random as dice
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from commonfab import v1
from router.ranking import load_policy
from router.turns import HOUR, MINUTE, in_turn, most_overtaking_ms

POLICY = load_policy()
few = settings(max_examples=40, deadline=None)  # the machines of a whole suite are busy
NOW = 1_700_000_000_000
URGENCIES = (v1.URGENCY_UNSPECIFIED, v1.URGENCY_WHEN_CONVENIENT, v1.URGENCY_URGENT)


@dataclass(frozen=True)
class Asked:
    """A job that waits."""

    id: str
    requester: str = "anna"
    requested_ms: int = NOW
    urgency: v1.Urgency.ValueType = v1.URGENCY_UNSPECIFIED
    needed_ms: int | None = None
    placed_minutes: float = 0.0


def asked(name: str, hours_ago: float = 0, requester: str = "", needed_in_hours: float | None = None, **more: object) -> Asked:
    needed = None if needed_in_hours is None else NOW + int(needed_in_hours * HOUR)
    return Asked(name, requester or name, NOW - int(hours_ago * HOUR), needed_ms=needed, **more)  # type: ignore[arg-type]


def turns(*jobs: Asked, now: int = NOW) -> list[str]:
    return [job.id for job in in_turn(jobs, now, POLICY)]


waiting_jobs = st.lists(
    st.builds(
        Asked,
        id=st.uuids().map(str),
        requester=st.sampled_from(("anna", "bo", "cem")),
        requested_ms=st.integers(0, int(30 * 24 * HOUR)).map(lambda ago: NOW - ago),
        urgency=st.sampled_from(URGENCIES),
        needed_ms=st.none() | st.integers(-int(100 * HOUR), int(200 * HOUR)).map(lambda left: NOW + left),
        placed_minutes=st.floats(0, 1e6),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda job: job.id,
)


def test_who_asked_first_comes_first() -> None:
    assert turns(asked("late", 1), asked("early", 5), asked("middle", 3)) == ["early", "middle", "late"]


def test_an_urgent_job_comes_before_an_older_one_but_not_before_a_very_old_one() -> None:
    urgent = asked("urgent", 0, urgency=v1.URGENCY_URGENT)
    assert turns(asked("day", 23), urgent) == ["urgent", "day"]
    assert turns(asked("days", 25), urgent) == ["days", "urgent"]


def test_a_job_that_is_wanted_when_convenient_lets_others_pass_for_three_days() -> None:
    convenient = asked("convenient", 71, urgency=v1.URGENCY_WHEN_CONVENIENT)
    assert turns(convenient, asked("new")) == ["new", "convenient"]
    assert turns(asked("convenient", 73, urgency=v1.URGENCY_WHEN_CONVENIENT), asked("new")) == ["convenient", "new"]


def test_a_job_rises_as_its_deadline_nears() -> None:
    older = asked("older", 12)
    assert turns(older, asked("needed", needed_in_hours=100)) == ["older", "needed"]
    assert turns(older, asked("needed", needed_in_hours=37)) == ["older", "needed"]
    assert turns(older, asked("needed", needed_in_hours=35)) == ["needed", "older"]
    assert turns(asked("older", 25), asked("needed", needed_in_hours=-50)) == ["older", "needed"]


def test_a_requester_with_many_jobs_takes_turns_with_one_who_has_one() -> None:
    many = [asked(f"many-{number}", 2 - number / 60, "anna") for number in range(9)]
    assert turns(*many, asked("one", 0.5, "bo")) == ["many-0", "many-1", "one", *(f"many-{number}" for number in range(2, 9))]


def test_a_requester_with_much_work_at_shops_waits_a_little_longer() -> None:
    assert turns(asked("much", 1, placed_minutes=620), asked("none", 0)) == ["none", "much"]
    assert turns(asked("much", 1, placed_minutes=580), asked("none", 0)) == ["much", "none"]


def test_however_much_work_a_requester_has_it_puts_a_job_back_by_two_days_at_most() -> None:
    assert turns(asked("much", 49, placed_minutes=1e9), asked("none", 0)) == ["much", "none"]
    flood = [asked(f"flood-{number:03}", 49, "anna") for number in range(200)]
    assert turns(*flood, asked("new", 0, "bo"))[-1] == "new"


def test_of_the_parts_of_one_product_the_longest_goes_first() -> None:
    parts = [asked(name, 1, "anna") for name in ("arm", "base", "cap")]
    minutes = {"arm": 30.0, "base": 400.0, "cap": 60.0}
    assert [job.id for job in in_turn(parts, NOW, POLICY, minutes)] == ["base", "cap", "arm"]


@few
@given(waiting_jobs, st.randoms(use_true_random=False))
def test_every_job_has_one_turn_whatever_the_order_in_which_they_are_known(jobs: list[Asked], random: dice.Random) -> None:
    before = turns(*jobs)
    assert sorted(before) == sorted(job.id for job in jobs)
    random.shuffle(jobs)
    assert turns(*jobs) == before


@few
@given(waiting_jobs)
def test_a_job_is_never_overtaken_by_one_that_was_asked_for_much_later(jobs: list[Asked]) -> None:
    order = in_turn(jobs, NOW, POLICY)
    for place, job in enumerate(order):
        assert all(job.requested_ms - later.requested_ms < most_overtaking_ms(POLICY) for later in order[place + 1 :])


@few
@given(waiting_jobs)
def test_of_two_jobs_of_one_requester_that_are_alike_the_older_comes_first(jobs: list[Asked]) -> None:
    order = in_turn([Asked(job.id, job.requester, job.requested_ms) for job in jobs], NOW, POLICY)
    for requester in {job.requester for job in order}:
        own = [job.requested_ms for job in order if job.requester == requester]
        assert own == sorted(own)


@few
@given(st.sampled_from(URGENCIES), st.integers(1, 4), st.integers(0, 10_000))
def test_a_job_comes_first_at_last_however_many_urgent_ones_keep_coming(urgency: int, each_hour: int, seed: int) -> None:
    """The worst that others can do: every hour new urgent jobs of new requesters, due at once, and only one is served."""
    random, waiting = dice.Random(seed), [Asked("mine", "anna", NOW, urgency, placed_minutes=1e9)]  # type: ignore[arg-type]
    limit = int(most_overtaking_ms(POLICY) / HOUR) * each_hour + 1
    for hour in range(limit + 1):
        now = NOW + int(hour * HOUR)
        served = in_turn(waiting, now, POLICY)[0]
        waiting.remove(served)
        if served.id == "mine":
            return
        for number in range(each_hour):
            came = now + random.randrange(int(HOUR))
            waiting.append(Asked(f"{hour}-{number}", f"new-{hour}-{number}", came, v1.URGENCY_URGENT, needed_ms=came))
    raise AssertionError("it was never first")


def test_the_bound_is_a_week_as_the_page_says() -> None:
    assert most_overtaking_ms(POLICY) == 7 * 24 * 60 * MINUTE
