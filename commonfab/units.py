# SPDX-License-Identifier: AGPL-3.0-or-later
"""Quantities with their units, and how they are written for a person."""

from __future__ import annotations

from dataclasses import dataclass

MILLIMETRES_PER: dict[str, float] = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "inch": 25.4}
"""Units of length that a file or a person may use. The inch is exactly 25.4 mm (international yard and pound agreement, 1959)."""


@dataclass(frozen=True)
class Quantity:
    """A number and its unit; an empty unit is a plain count. It is written with so many `digits`, and always to the whole unit."""

    value: float
    unit: str = ""
    digits: int = 4

    def __str__(self) -> str:
        whole = abs(self.value) >= 10 ** (self.digits - 1)
        return f"{self.value:.0f} {self.unit}".rstrip() if whole else f"{self.value:.{self.digits}g} {self.unit}".rstrip()


def mm(value: float) -> Quantity:
    """A length in millimetres."""
    return Quantity(value, "mm")


def told_apart(needs: float, has: float) -> tuple[Quantity, Quantity]:
    """Two lengths in millimetres with as many digits as it takes to see that they differ: 250.02 mm and 250 mm."""
    digits = 4 if str(mm(needs)) != str(mm(has)) else 7
    return Quantity(needs, "mm", digits), Quantity(has, "mm", digits)


def km(value: float) -> Quantity:
    """A distance in kilometres, to 100 m: places are cells of 5 km², so more digits would be made up."""
    return Quantity(round(value, 1), "km")


def minutes(value: float) -> Quantity:
    """A time in minutes."""
    return Quantity(value, "min")


def size_text(x: float, y: float, z: float) -> str:
    """Three millimetre lengths as people write them: "120 × 80 × 12.5 mm"."""
    return " × ".join(str(Quantity(side)) for side in (x, y, z)) + " mm"


def grams(value: float) -> Quantity:
    """A mass in grams to three digits: more would be made up."""
    return Quantity(float(f"{value:.3g}"), "g")
