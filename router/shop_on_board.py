# SPDX-License-Identifier: AGPL-3.0-or-later
"""A shop as the board knows it: its own words, and what was noticed about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from commonfab import v1

USUAL_PACE = 1.0


@dataclass(frozen=True)
class ShopOnBoard:
    """A shop as last heard.

    `heard_ago`, s; `queued_minutes`, by machine, the work that lies with it; `pace`, by machine, the median ratio of reported to estimated
    time, absent where too little was reported; `had_minutes`, work that it was given of late; `proven`, by process, good pieces that it
    reported; `sequence`, the board's count of changes when this shop last changed: a plan that saw another is out of date.
    """

    shop: v1.Shop
    heard_ago: float
    queued_minutes: Mapping[str, float] = field(default_factory=dict)
    pace: Mapping[str, float] = field(default_factory=dict)
    had_minutes: float = 0.0
    proven: Mapping[str, int] = field(default_factory=dict)
    sequence: int = 0

    def with_more(self, minutes: Mapping[str, float]) -> ShopOnBoard:
        """The same shop with more work on its machines."""
        machines = {*self.queued_minutes, *minutes}
        queued = {machine: self.queued_minutes.get(machine, 0.0) + minutes.get(machine, 0.0) for machine in machines}
        return replace(self, queued_minutes=queued)
