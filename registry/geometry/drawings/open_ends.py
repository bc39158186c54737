# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ends of lines that meet no other, and how far each is from the next."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from commonfab import v1
from commonfab.reasons import reason
from registry.geometry.drawings.lines import Points

MOST_SHOWN = 100


def note_open_ends(report: v1.GeometryReport, ends: Points, layers: list[str]) -> None:
    """Say where lines are open. Parameters: `ends`, shape (n, 2), mm; `layers`, the layer of each."""
    report.drawing.open_end_count = len(ends)
    if not len(ends):
        return
    gaps = np.zeros(len(ends))
    if len(ends) > 1:
        distances, _ = cKDTree(ends).query(ends, k=2)
        gaps = distances[:, 1]
    order = np.argsort(gaps, kind="stable")[:MOST_SHOWN]  # small gaps first: those were meant to be closed
    report.drawing.open_ends.extend(
        v1.OpenEnd(x=float(ends[index, 0]), y=float(ends[index, 1]), gap_mm=float(gaps[index]), layer=layers[index]) for index in order
    )
    x, y = ends[order[0]]
    report.warnings.append(reason("dxf.open_contour", f"x {x:.6g}, y {y:.6g} mm", ends=len(ends)))
