# SPDX-License-Identifier: AGPL-3.0-or-later
"""How often agents call: often while they are few, and never more together than the router can bear."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.pulse import Terms

TERMS = Terms(offer_seconds=600, lease_seconds=60, most_calls=200)


def test_a_few_agents_call_about_three_times_in_a_lease() -> None:
    pulse = TERMS.pulse(3)
    assert pulse.lease_seconds == 60
    assert 3 <= 60 / pulse.call_every_seconds <= 4


def test_ten_thousand_agents_make_two_hundred_calls_a_second_and_keep_longer_leases() -> None:
    pulse = TERMS.pulse(10_000)
    assert 10_000 / pulse.call_every_seconds == pytest.approx(200)
    assert pulse.lease_seconds == pytest.approx(180)


@given(st.integers(0, 1_000_000), st.floats(0, 1))
def test_however_many_there_are_an_agent_that_misses_one_call_keeps_its_lease(agents: int, lot: float) -> None:
    pulse = TERMS.pulse(agents)
    assert 2 * pulse.next_call(lot) < pulse.lease_seconds
    assert pulse.present_seconds >= 2 * pulse.lease_seconds


def test_agents_that_began_together_do_not_call_together() -> None:
    pulse = TERMS.pulse(400)
    calls = [pulse.next_call(agent / 399) for agent in range(400)]
    assert max(calls) - min(calls) == pytest.approx(0.4 * pulse.call_every_seconds)
    assert sum(calls) / 400 == pytest.approx(pulse.call_every_seconds)


@given(st.integers(1, 1_000_000))
def test_calls_a_second_never_grow_beyond_the_cap(agents: int) -> None:
    assert agents / TERMS.pulse(agents).call_every_seconds <= TERMS.most_calls * 1.0000001
