# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a toolpath adds up to, kept while it streams by."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

NOWHERE = (np.nan, np.nan, np.nan)


@dataclass
class Box:
    """The room that some of the motion takes, and its length, mm. A side that was never named is not-a-number."""

    low: Numbers = field(default_factory=lambda: np.array(NOWHERE))
    high: Numbers = field(default_factory=lambda: np.array(NOWHERE))
    length: float = 0.0
    moves: int = 0

    def add(self, low: Numbers, high: Numbers, lengths: Numbers, chosen: npt.NDArray[np.bool_]) -> None:
        """Take in the chosen moves; `low` and `high` have the shape (3, n), `lengths` (n,)."""
        count = int(np.count_nonzero(chosen))
        if not count:
            return
        self.moves += count
        self.length += float(lengths[chosen].sum())
        if count < len(lengths):
            low, high = low[:, chosen], high[:, chosen]
        self.low = np.fmin(self.low, np.fmin.reduce(low, axis=1))
        self.high = np.fmax(self.high, np.fmax.reduce(high, axis=1))

    def sides(self) -> Numbers:
        """Its size, mm; 0 along an axis that was never named."""
        return np.nan_to_num(self.high - self.low)


@dataclass
class Tally:
    """All that is added up.

    Boxes: `motion`, everything; `extruding`, while filament comes out; `feed`, G1 to G3 and drilling; `feed_on`, that with a tool switched
    on; `powered`, that with power above 0; `below` and `below_on`, the part of `feed` and `feed_on` at or below Z 0.
    `seconds` leaves rapids out: `rapid_mm` and `rapid_seconds` are their length and their time at the feed that was set.
    """

    motion: Box = field(default_factory=Box)
    extruding: Box = field(default_factory=Box)
    feed: Box = field(default_factory=Box)
    feed_on: Box = field(default_factory=Box)
    powered: Box = field(default_factory=Box)
    below: Box = field(default_factory=Box)
    below_on: Box = field(default_factory=Box)
    seconds: float = 0.0
    rapid_mm: float = 0.0
    rapid_seconds: float = 0.0
    dwell_seconds: float = 0.0
    dwells: int = 0
    extruded: float = 0.0
    extruded_most: float = 0.0
    z_feeds: int = 0
    y_words: int = 0
    inline_powers: int = 0
    highest_s: float = 0.0
    highest_feed: float = 0.0
    nozzle_c: float = 0.0
    bed_c: float = 0.0
    nozzle_left: float = 0.0
    bed_left: float = 0.0
    axes: set[str] = field(default_factory=set)
    tools: set[int] = field(default_factory=set)
    g: Counter[int] = field(default_factory=Counter)
    m: Counter[int] = field(default_factory=Counter)
    unit: str = ""
    lines: int = 0
