# SPDX-License-Identifier: AGPL-3.0-or-later
"""Turns in space, in the convention of `placement.proto`: about the fixed X axis first, then Y, then Z; degrees, right-handed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from commonfab import v1

Floats = npt.NDArray[np.float64]


def matrix_of(rotation: v1.Rotation) -> Floats:
    """The matrix of `rotation`, shape (3, 3), for column vectors: a point p goes to `matrix @ p`, rows of points to `points @ matrix.T`."""
    x, y, z = (np.radians(angle) for angle in (rotation.x_deg, rotation.y_deg, rotation.z_deg))
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    turned: Floats = about_z @ about_y @ about_x
    return turned


def rotation_laying(normal: Floats) -> v1.Rotation:
    """A turn that lays the face with the outward `normal` (of length 1, shape (3,)) on the bed, so that it looks straight down.

    About X the normal comes into the XZ plane with its Z downwards, about Y then onto -Z. It turns nothing about Z: any turn about the
    vertical may be added to `z_deg`.
    """
    x, y, z = (float(part) for part in normal)
    beside = float(np.hypot(y, z))
    about_x = np.arctan2(-y, -z) if beside > 1e-12 else 0.0
    return v1.Rotation(x_deg=float(np.degrees(about_x)) + 0.0, y_deg=float(np.degrees(np.arctan2(x, beside))) + 0.0)
