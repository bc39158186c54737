# SPDX-License-Identifier: AGPL-3.0-or-later
"""Places that lie near each other, gathered around the one where most is. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import h3
import numpy as np
import numpy.typing as npt

EARTH_KM = 6371.0072
"""The authalic radius of WGS 84, which H3 uses too: the sphere of the same area."""


@dataclass(frozen=True)
class Neighbourhood:
    """A middle, which is one of its cells, and for each of its cells how far it is from there, km."""

    middle: str
    away_km: Mapping[str, float]


def neighbourhoods(cells: Iterable[str], within_km: float) -> list[Neighbourhood]:
    """Every cell in exactly one neighbourhood: around the cell that is named most often all within `within_km`, then again for the rest.

    The order of `cells` does not matter; of cells that are named equally often the first by name is the middle.
    """
    counts = Counter(cells)
    names = sorted(counts, key=lambda cell: (-counts[cell], cell))
    points = _unit_vectors(names)
    left = np.arange(len(names))
    found = []
    while left.size:
        away = _distances_km(points[left[0]], points[left])
        near = away <= within_km
        near[0] = True  # rounding must not take the middle out
        found.append(Neighbourhood(names[left[0]], {names[i]: float(km) for i, km in zip(left[near], away[near], strict=True)}))
        left = left[~near]
    return found


def _unit_vectors(cells: list[str]) -> npt.NDArray[np.float64]:
    degrees = np.array([h3.cell_to_latlng(cell) for cell in cells]).reshape(-1, 2)
    latitude, longitude = np.radians(degrees).T
    return np.column_stack((np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)))


def _distances_km(middle: npt.NDArray[np.float64], points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Great-circle distances. The chord is exact for near places, where the arc cosine of a product loses its digits."""
    chord: npt.NDArray[np.float64] = np.linalg.norm(points - middle, axis=1)
    arc: npt.NDArray[np.float64] = 2 * EARTH_KM * np.arcsin(np.minimum(chord / 2, 1.0))
    return arc
