# SPDX-License-Identifier: AGPL-3.0-or-later
"""Figures that a sentence tells in words: "1 piece", "11 jobs wait", "2 h 5 min". The figure itself stays a number. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from commonfab.units import Quantity


@dataclass(frozen=True)
class Worded(Quantity):
    """A quantity that is written as `words`."""

    words: str = ""

    def __str__(self) -> str:
        return self.words


def counted(number: int, one: str, many: str) -> Worded:
    """A count with its noun: "1 piece", "12 pieces"."""
    return Worded(number, words=f"{number} {one if number == 1 else many}")


def pieces(number: int) -> Worded:
    """A count of pieces."""
    return counted(number, "piece", "pieces")


def shops(number: int) -> Worded:
    """A count of shops."""
    return counted(number, "shop", "shops")


def machines(number: int) -> Worded:
    """A count of machines."""
    return counted(number, "machine", "machines")


def lasting(minutes: float) -> Worded:
    """A time in its two largest units, rounded up to the minute."""
    whole = max(1, round(minutes))
    days, hours, left = whole // 1440, whole % 1440 // 60, whole % 60
    parts = [f"{number} {unit}" for number, unit in ((days, "d"), (hours, "h"), (left, "min")) if number]
    return Worded(minutes, "min", words=" ".join(parts[:2]))
