# SPDX-License-Identifier: AGPL-3.0-or-later
"""Coarse places: H3 cells of about 5 km², so that no address leaves a home.

H3 is Uber's hexagonal grid (https://h3geo.org); resolution 7 has cells of 5.16 km² on average.
"""

from __future__ import annotations

import re

import h3

from commonfab import v1

COARSE_RESOLUTION = 7

_CELL = re.compile(r"[0-9a-fA-F]{1,16}")


def coarse_place(latitude: float, longitude: float) -> v1.Place:
    """The public place for exact coordinates in degrees. The coordinates are used here and go nowhere."""
    return v1.Place(cell=h3.latlng_to_cell(latitude, longitude, COARSE_RESOLUTION))


def is_coarse(place: v1.Place) -> bool:
    """Whether `place` is empty, or a cell that is coarse enough to be public."""
    if not place.cell:
        return True
    # The library takes whatever Python reads as a hexadecimal number, and stumbles over one that is too long.
    written = _CELL.fullmatch(place.cell) is not None
    return written and h3.is_valid_cell(place.cell) and h3.get_resolution(place.cell) <= COARSE_RESOLUTION


def distance_km(one: v1.Place, other: v1.Place) -> float | None:
    """Great-circle distance between the middles of two cells in km; None where a side gave no place."""
    if not one.cell or not other.cell:
        return None
    return float(h3.great_circle_distance(h3.cell_to_latlng(one.cell), h3.cell_to_latlng(other.cell), unit="km"))
