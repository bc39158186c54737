# SPDX-License-Identifier: AGPL-3.0-or-later
"""From corners and faces, as most mesh formats list them, to triangles.

A face may have any number of corners. Three are a triangle; a convex face is cut as a fan; one with a corner that points inwards is cut by
ear clipping in its own plane, for a fan would reach outside it.
"""

from __future__ import annotations

import manifold3d
import numpy as np
import numpy.typing as npt

from registry.geometry.faults import Unmeasurable
from registry.geometry.triangles import Numbers, Triangles

Points = npt.NDArray[np.float64]

MOST_TRIANGLES = 10_000_000
"""More are not measured: their corners alone take 720 MB. Our own choice; a slicer is hardly of use beyond a tenth of it."""

STRAIGHT = 1e-9
"""A corner whose turn, as a share of the largest possible, is within this of none is straight and not pointing inwards."""


def draw(corners: Points, faces: Numbers, counts: Numbers) -> tuple[Triangles, Numbers]:
    """The triangles of faces, and for each the number of its face. Faces of fewer than three corners draw nothing.

    Parameters: `corners`, shape (v, 3); `faces`, the corner numbers of all faces one after another, from 0; `counts`, how many each has.
    Errors: `Unmeasurable` (`file.unreadable` with the first face or corner that is wrong, `file.unsupported` where there are too many).
    """
    check_faces(faces, counts, len(corners))
    check_corners(corners)
    if int(np.maximum(counts - 2, 0).sum()) > MOST_TRIANGLES:
        raise Unmeasurable("file.unsupported", f"more than {MOST_TRIANGLES} triangles")
    if len(counts) and (counts == 3).all():
        return corners[faces.reshape(-1, 3)], np.arange(len(counts))
    starts = np.cumsum(counts) - counts
    sides, owners = [np.empty((0, 3), np.int64)], [np.empty(0, np.int64)]
    for count in np.unique(counts[counts >= 3]).tolist():
        which = np.flatnonzero(counts == count)
        sides.append(_cut(corners, faces[starts[which][:, None] + np.arange(count)]))
        owners.append(np.repeat(which, count - 2))
    owner = np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    return corners[np.concatenate(sides)[order]], owner[order]


def check_faces(faces: Numbers, counts: Numbers, corners: int) -> None:
    """Whether every face names corners that there are. Errors: `Unmeasurable` (`file.unreadable`)."""
    if len(faces) and (faces.min() < 0 or faces.max() >= corners):
        first = int(np.argmax((faces < 0) | (faces >= corners)))
        face = int(np.searchsorted(np.cumsum(counts), first, side="right"))
        raise Unmeasurable("file.unreadable", f"face {face + 1} names corner {int(faces[first])}, counted from 0, of {corners}")


def check_corners(corners: Points) -> None:
    """Whether every coordinate is a number. Errors: `Unmeasurable` (`file.unreadable`)."""
    sound = np.isfinite(corners)
    if not sound.all():
        raise Unmeasurable("file.unreadable", f"corner {int(np.argmin(sound.all(axis=1))) + 1} lies at no number")


def whole(values: npt.NDArray[np.float64], what: str) -> Numbers:
    """Numbers of corners, read as floating point, as integers. Errors: `Unmeasurable` (`file.unreadable`)."""
    sound = (values == np.floor(values)) & (np.abs(values) < 2**53)
    if not sound.all():
        raise Unmeasurable("file.unreadable", f"{what} {values[int(np.argmin(sound))]:g} is not a whole number")
    return values.astype(np.int64)


def strip(corners: Numbers) -> Numbers:
    """The triangles of a strip, shape (n, 3): each corner from the third on makes one with the two before, turned every other time."""
    sides = np.stack([corners[:-2], corners[1:-1], corners[2:]], axis=1)
    sides[1::2] = sides[1::2, [1, 0, 2]]
    return sides


def fan(corners: Numbers) -> Numbers:
    """The triangles of a fan round its first corner, shape (n, 3)."""
    return np.stack([np.full(max(len(corners) - 2, 0), corners[0] if len(corners) else 0), corners[1:-1], corners[2:]], axis=1)


def _cut(corners: Points, faces: Numbers) -> Numbers:
    """Cut faces of equal count, shape (n, count), into triangles, shape (n · (count - 2), 3), face by face."""
    count = faces.shape[1]
    if count == 3:
        return faces
    places = corners[faces] - corners[faces[:, :1]]
    with np.errstate(over="ignore", invalid="ignore"):  # absurdly large coordinates are refused when the mesh is measured
        normals = _normals(places)
        inward = _inward(places, normals)
    if count == 4:  # from the inward corner both halves lie inside
        faces = np.take_along_axis(faces, (np.argmax(inward, axis=1)[:, None] + np.arange(4)) % 4, axis=1)
    sides = np.stack([np.repeat(faces[:, :1], count - 2, axis=1), faces[:, 1:-1], faces[:, 2:]], axis=2)
    if count > 4:
        for index in np.flatnonzero(inward.any(axis=1)):
            sides[index] = faces[index][_ears(places[index], normals[index])]
    return sides.reshape(-1, 3)


def _normals(places: Points) -> Points:
    """Of each face the unit normal of the plane that fits it best (Newell's method), or zero where it has no area."""
    sums: Points = np.cross(places, np.roll(places, -1, axis=1)).sum(axis=1)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    units: Points = np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0)
    return units


def _inward(places: Points, normals: Points) -> npt.NDArray[np.bool_]:
    """Which corners of each face point inwards."""
    after = np.roll(places, -1, axis=1) - places
    before = np.roll(after, 1, axis=1)
    turns = np.einsum("ijk,ik->ij", np.cross(before, after), normals)
    largest = np.linalg.norm(before, axis=2) * np.linalg.norm(after, axis=2)
    return np.asarray(turns < -STRAIGHT * largest)


def _ears(places: Points, normal: Points) -> Numbers:
    """Cut one face, seen along its normal, by ear clipping; corner numbers within the face, shape (count - 2, 3)."""
    if not normal.any() or not np.isfinite(places).all():
        return fan(np.arange(len(places)))
    across = np.cross(normal, np.eye(3)[int(np.argmin(np.abs(normal)))])
    across /= np.linalg.norm(across)
    flat = np.stack([places @ across, places @ np.cross(normal, across)], axis=1)
    cut = np.asarray(manifold3d.triangulate([flat]), dtype=np.int64)
    if len(cut) == len(places) - 2:
        return cut
    return fan(np.arange(len(places)))  # it crosses itself: no cut is right, and this one keeps every edge
