# SPDX-License-Identifier: AGPL-3.0-or-later
"""Arcs of G2 and G3, many at once: how long they are and how far they reach (RS274/NGC version 3, section 3.5.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

SAME = 1e-6
"""Ends nearer than this, mm, are one place: the arc is a full circle."""


@dataclass(frozen=True)
class Arcs:
    """Arcs in their own plane; every array has one entry, or one row of two, an arc; mm.

    `start`, `end`, `centre`: shape (n, 2) along the plane's first and second axis; `clockwise`: seen against the third.
    """

    start: Numbers
    end: Numbers
    centre: Numbers
    clockwise: npt.NDArray[np.bool_]
    turns: Numbers

    def sweeps(self) -> Numbers:
        """The angles swept, radians, above 0. `turns` above 1 add full circles (LinuxCNC's and Marlin's P word)."""
        first, last = self._angle(self.start), self._angle(self.end)
        swept = np.where(self.clockwise, first - last, last - first) % (2 * np.pi)
        closed = np.abs(self.start - self.end).max(axis=1, initial=0.0) < SAME
        swept = np.where(closed | (swept < 1e-12), 2 * np.pi, swept)
        return np.asarray(swept + 2 * np.pi * np.maximum(self.turns - 1, 0))

    def lengths(self, rise: Numbers) -> Numbers:
        """Their lengths, mm; `rise` is the way along the third axis, which makes them helices."""
        lengths: Numbers = np.hypot(self._radius() * self.sweeps(), rise)
        return lengths

    def bounds(self) -> tuple[Numbers, Numbers]:
        """The lowest and the highest place of each, shape (n, 2): the ends, and where it crosses an axis through its centre."""
        low, high = np.minimum(self.start, self.end), np.maximum(self.start, self.end)
        first, sweeps, radius = self._angle(self.start), self.sweeps(), self._radius()
        for quarter, (along, across) in enumerate(((1, 0), (0, 1), (-1, 0), (0, -1))):
            ahead = np.where(self.clockwise, first - quarter * np.pi / 2, quarter * np.pi / 2 - first) % (2 * np.pi)
            place = self.centre + radius[:, None] * np.array([along, across])
            crossed = (ahead <= sweeps)[:, None] & ~np.isnan(place)
            low = np.where(crossed, np.minimum(low, place), low)
            high = np.where(crossed, np.maximum(high, place), high)
        return low, high

    def _radius(self) -> Numbers:
        radius: Numbers = np.hypot(*(self.start - self.centre).T)
        return radius

    def _angle(self, places: Numbers) -> Numbers:
        angle: Numbers = np.arctan2(places[:, 1] - self.centre[:, 1], places[:, 0] - self.centre[:, 0])
        return angle


def centres_of_radius(start: Numbers, end: Numbers, radius: Numbers, clockwise: npt.NDArray[np.bool_]) -> Numbers:
    """The centres of arcs that are given by their radius, shape (n, 2): the shorter arc, for a negative radius the longer.

    Where the radius is shorter than half the way, half the way is taken, as rounded files have it.
    """
    way = end - start
    distance = np.hypot(way[:, 0], way[:, 1])
    aside = np.sqrt(np.maximum(radius**2 - (distance / 2) ** 2, 0.0))
    side = np.where(clockwise, -1.0, 1.0) * np.where(radius < 0, -1.0, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        across = np.stack([-way[:, 1], way[:, 0]], axis=1) / distance[:, None]
    return np.asarray((start + end) / 2 + np.nan_to_num(across) * (aside * side)[:, None])
