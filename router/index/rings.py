# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which shops are how far away: places as points on a sphere, a kd-tree over the places in use, and the shops of each place.

The tree and the list of shops by place are built anew when a tenth of the shops have moved; until then those that moved are looked at
one by one, which is what makes a change cost nothing to speak of.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import h3
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from commonfab import v1
from router.index.columns import Columns, Rows, spans

RINGS_KM = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1280.0, 2560.0, 5120.0)
"""Where each ring ends; the last ring is everything. Each is about four times as large as the one before."""

FAR_KM = 100.0
"""From here on, all places are measured at once: the tree would name most of them one by one."""

EARTH_KM = 6371.007180918475
"""The radius that H3 measures with (WGS 84, of the sphere with the same area)."""

UNKNOWN_PLACE_KM = 5.0
"""A shop without a place counts as so far away, as `ranking_policy.toml` says of it."""

PLACES_TOGETHER, GROWTH = 200, 8
"""Rings are looked at together that hold no more places than that, and then eight times as many as were looked at before."""

NOWHERE, GONE = -1, -2
MOVED_AT_LEAST = 1000


@dataclass(frozen=True)
class Ring:
    """Shops whose distance lies in one ring, km each; not a number where it is unknown. `until` is where the ring ends."""

    shops: Rows
    km: NDArray[np.float64]
    until: float = np.inf


class ShopPlaces:
    """Where the shops are. Shops are numbers from 0 on, small enough to index columns."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._points = Columns(x=np.float64, y=np.float64, z=np.float64)
        self._shops = Columns(place=np.int32, moved=bool)
        self._moved: list[int] = []
        self._by_place: NDArray[np.int32] = np.zeros(0, np.int32)
        self._starts: NDArray[np.int64] = np.zeros(1, np.int64)
        self._tree: cKDTree | None = None

    def put(self, shop: int, place: v1.Place) -> None:
        """The shop is there now. Errors: `ValueError` where the cell is none; then nothing has changed."""
        number = self._place(place)
        if shop >= self._shops.length:
            first = self._shops.extend(shop + 1 - self._shops.length)
            self._shops["place"][first:] = GONE
        self._move(shop, number)

    def drop(self, shop: int) -> None:
        """The shop is no more."""
        self._move(shop, GONE)

    def km(self, place: v1.Place, shops: Rows) -> NDArray[np.float64]:
        """How far each shop is, km; not a number where a side gave no place."""
        places = self._shops["place"][shops]
        point = self._point(place)
        if point is None or not self._points.length:
            return np.full(len(shops), np.nan)
        # Fewer shops than places: measure each; else measure each place once.
        if len(shops) < self._points.length:
            return np.where(places >= 0, self._distances(point, np.maximum(places, 0)), np.nan)
        return np.where(places >= 0, self._distances(point, None)[np.maximum(places, 0)], np.nan)

    def rings(self, place: v1.Place) -> Iterator[Ring]:
        """All shops, ring by ring. Shops without a place are in the ring of `UNKNOWN_PLACE_KM`."""
        self._settle()
        point = self._point(place)
        if point is None or self._tree is None:
            shops = np.flatnonzero(self._shops["place"] != GONE)
            yield Ring(shops, np.full(len(shops), np.nan))
            return
        yield from self._near_and_far(point, self._tree)

    @property
    def nbytes(self) -> int:
        """Memory that it takes, bytes."""
        # The tree keeps the points, their order, and a node of 72 bytes for about ten points.
        tree = 0 if self._tree is None else self._tree.n * (24 + 8) + self._tree.size * 72
        held = sys.getsizeof(self._numbers) + 60 * len(self._numbers) + sys.getsizeof(self._moved) + 32 * len(self._moved)
        return int(self._points.nbytes + self._shops.nbytes + self._by_place.nbytes + self._starts.nbytes + tree + held)

    def _near_and_far(self, point: NDArray[np.float64], tree: cKDTree) -> Iterator[Ring]:
        others, others_km = self._outside_the_tree(point, tree)
        done, places, km = -1.0, np.zeros(0, np.int64), np.zeros(0)
        for end in self._ends(point, tree):
            if end <= FAR_KM:
                places = np.array(tree.query_ball_point(point, _chord(end)), np.int64)
                km = _arc(tree.data[places], point)
            elif done <= FAR_KM:
                places, km = np.arange(tree.n), _arc(tree.data, point)
            here = np.flatnonzero((km > done) & (km <= end))
            shops, shops_km = self._shops_of(places[here], km[here])
            if len(others):
                counted_km = np.where(np.isnan(others_km), UNKNOWN_PLACE_KM, others_km)
                extra = (counted_km > done) & (counted_km <= end)
                shops, shops_km = np.concatenate([shops, others[extra]]), np.concatenate([shops_km, others_km[extra]])
            yield Ring(shops, shops_km, end)
            done = end

    def _ends(self, point: NDArray[np.float64], tree: cKDTree) -> Iterator[float]:
        """Where each of the rings ends, some of the nearer ones made one, where few places lie in them: to look at a ring has its cost."""
        together = PLACES_TOGETHER
        near = [end for end in RINGS_KM if end <= FAR_KM]
        counts = tree.query_ball_point(np.broadcast_to(point, (len(near), 3)), [_chord(end) for end in near], return_length=True)
        for end, places, more in zip(near, counts.tolist(), [*counts.tolist()[1:], tree.n], strict=True):
            if more > together or end == near[-1]:
                yield end
                together = max(together, GROWTH * places)
        yield from (end for end in (*RINGS_KM, np.inf) if end > FAR_KM)

    def _outside_the_tree(self, point: NDArray[np.float64], tree: cKDTree) -> tuple[Rows, NDArray[np.float64]]:
        """Shops without a place, and those that moved since the tree was built; with their distances."""
        moved = np.array(self._moved, np.int64)
        moved = moved[self._shops["place"][moved] != GONE]
        unplaced, _ = self._shops_of(np.array([tree.n]), np.zeros(1))
        if not len(moved):
            return unplaced, np.full(len(unplaced), np.nan)
        places = self._shops["place"][moved]
        moved_km = np.where(places >= 0, self._distances(point, np.maximum(places, 0)), np.nan)
        return np.concatenate([unplaced, moved]), np.concatenate([np.full(len(unplaced), np.nan), moved_km])

    def _shops_of(self, places: Rows, km: NDArray[np.float64]) -> tuple[Rows, NDArray[np.float64]]:
        counts = self._starts[places + 1] - self._starts[places]
        shops = self._by_place[spans(self._starts[places], counts)].astype(np.int64)
        still = ~self._shops["moved"][shops]
        return shops[still], np.repeat(km, counts)[still]

    def _move(self, shop: int, number: int) -> None:
        shops = self._shops
        if shops["place"][shop] == number:
            return
        shops["place"][shop] = number
        if not shops["moved"][shop]:
            shops["moved"][shop] = True
            self._moved.append(shop)

    def _settle(self) -> None:
        """Build the tree and the list anew where enough shops have moved."""
        if self._tree is not None and len(self._moved) < max(MOVED_AT_LEAST, self._shops.length // 10):
            return
        places, known = self._shops["place"], self._points.length
        if not known:
            return
        self._tree = cKDTree(np.stack([self._points[axis] for axis in "xyz"], axis=1))
        # Shops without a place come after all places, those that are gone at the very end.
        group = np.where(places >= 0, places, np.where(places == NOWHERE, known, known + 1))
        self._by_place = np.argsort(group, kind="stable").astype(np.int32)
        self._starts = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=known + 2))])
        self._shops["moved"][:] = False
        self._moved.clear()

    def _place(self, place: v1.Place) -> int:
        if not place.cell:
            return NOWHERE
        cell = h3.str_to_int(place.cell)
        number = self._numbers.get(cell)
        if number is None:
            point = _on_sphere(place.cell)
            number = self._numbers[cell] = self._points.extend(1)
            for axis, value in zip("xyz", point, strict=True):
                self._points[axis][number] = value
        return number

    def _point(self, place: v1.Place) -> NDArray[np.float64] | None:
        return np.array(_on_sphere(place.cell)) if place.cell else None

    def _distances(self, point: NDArray[np.float64], places: Rows | None) -> NDArray[np.float64]:
        """From the point to those places, or to all, km. By the chord, which is exact for short ways too."""
        points = np.stack([self._points[axis] if places is None else self._points[axis][places] for axis in "xyz"], axis=1)
        return _arc(points, point)


def ring_of(km: NDArray[np.float64]) -> NDArray[np.int64]:
    """The number of the ring of each distance; a distance that is unknown counts as `UNKNOWN_PLACE_KM`."""
    return np.searchsorted(RINGS_KM, np.where(np.isnan(km), UNKNOWN_PLACE_KM, km))


def _arc(points: NDArray[np.float64], point: NDArray[np.float64]) -> NDArray[np.float64]:
    away = points - point
    return np.asarray(2 * EARTH_KM * np.arcsin(np.minimum(np.sqrt(np.einsum("ij,ij->i", away, away)) / 2, 1)))


def _chord(km: float) -> float:
    return float(2 * np.sin(km / EARTH_KM / 2) * (1 + 1e-9))


def _on_sphere(cell: str) -> tuple[float, float, float]:
    latitude, longitude = np.radians(h3.cell_to_latlng(cell))
    return float(np.cos(latitude) * np.cos(longitude)), float(np.cos(latitude) * np.sin(longitude)), float(np.sin(latitude))
