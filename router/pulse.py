# SPDX-License-Identifier: AGPL-3.0-or-later
"""For how long things hold, and how often agents call: the more there are, the longer each waits, so that calls do not grow. Pure."""

from __future__ import annotations

from dataclasses import dataclass

CALLS_PER_LEASE = 3
"""An agent that misses a call, and the next, still keeps its lease."""

SPREAD = 0.2
"""Calls are moved by up to a fifth to either side, so that agents which began together do not call together for ever."""

USUAL_MOST_CALLS = 200.0


@dataclass(frozen=True)
class Pulse:
    """How often one agent calls while nothing happens, s; how long its leases hold; how long after its last call it is still asked."""

    call_every_seconds: float
    lease_seconds: float

    @property
    def present_seconds(self) -> float:
        """How long after its last call a shop counts as present, s: two leases."""
        return 2 * self.lease_seconds

    @property
    def lease_ms(self) -> int:
        """The lease in whole milliseconds."""
        return int(self.lease_seconds * 1000)

    def next_call(self, lot: float) -> float:
        """When this agent calls again, s. Parameters: `lot`, a number from 0 to 1 drawn for this call."""
        return self.call_every_seconds * (1 - SPREAD + 2 * SPREAD * lot)


@dataclass(frozen=True)
class Terms:
    """For how long an offer stands without an answer, s; the shortest lease, s; and the most calls a second that idle agents may make."""

    offer_seconds: float
    lease_seconds: float
    most_calls: float = USUAL_MOST_CALLS

    def pulse(self, agents: int) -> Pulse:
        """The pulse for so many agents: three calls in the shortest lease while they are few; as the cap allows where they are many.

        The lease grows with the interval, or agents would lose theirs by keeping to it.
        """
        every = max(self.lease_seconds / (CALLS_PER_LEASE * (1 + SPREAD)), agents / self.most_calls)
        return Pulse(every, max(self.lease_seconds, CALLS_PER_LEASE * (1 + SPREAD) * every))
