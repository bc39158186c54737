# SPDX-License-Identifier: AGPL-3.0-or-later
"""A picture of a drawing: outlines black, cut-outs blue, open lines and their ends red, what is not cut grey."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import numpy as np
import shapely

from registry.geometry.drawings.lines import Points

PICTURE = "preview.svg"
"""The picture's name in the scratch folder."""

WIDE = 1000.0
"""The longer side of the picture, in its own units."""

FINE = 0.4
"""Points that leave a line nearer than this to its place are left out; the picture stays small."""

MOST_POINTS = 100_000
"""Points in a picture, all lines together: about a megabyte. Of drawings with more, the first lines are shown."""

COLOURS = MappingProxyType({"outer": "#000", "inner": "#06c", "open": "#c00", "aside": "#999"})
"""How each kind of line is drawn."""


def draw(path: Path, rows: dict[str, list[Points]], ends: Points) -> None:
    """Write a picture as SVG to `path`.

    Parameters: `rows`, lines by their kind, a key of `COLOURS`, each of shape (n, 2), y upwards; `ends`, shape (n, 2), marked with dots.
    """
    everything = np.concatenate([points for kind in rows.values() for points in kind])
    low, high = everything.min(axis=0), everything.max(axis=0)
    scale = WIDE / max(float((high - low).max()), 1e-12)
    width, height = (high - low) * scale
    margin = WIDE * 0.03
    view = f"{-margin:.1f} {-margin:.1f} {width + 2 * margin:.1f} {height + 2 * margin:.1f}"
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}" fill="none" stroke-width="2" stroke-linejoin="round">']
    left = MOST_POINTS
    for kind in ("aside", "inner", "outer", "open"):
        data, left = _data([(points - low) * scale * (1, -1) + (0, height) for points in rows.get(kind, [])], left)
        if data:
            out.append(f'<path stroke="{COLOURS[kind]}" d="{data}"/>')
    dots = [f'<circle cx="{x:.1f}" cy="{height - y:.1f}" r="6"/>' for x, y in (ends[:100] - low) * scale]
    if dots:
        out.append(f'<g fill="{COLOURS["open"]}">{"".join(dots)}</g>')
    path.write_text("\n".join([*out, "</svg>", ""]), encoding="utf-8")


def _data(rows: list[Points], left: int) -> tuple[str, int]:
    """Path data of `rows`, and how many points may still be written."""
    pieces: list[str] = []
    for points in rows:
        simple = shapely.get_coordinates(shapely.simplify(shapely.LineString(points), FINE, preserve_topology=False))
        left -= len(simple)
        if left < 0:
            break
        closed = len(simple) > 2 and bool(np.abs(simple[0] - simple[-1]).max() < 0.05)
        places = [f"{x:.1f} {y:.1f}" for x, y in (simple[:-1] if closed else simple)]
        pieces.append(f"M{places[0]}L{' '.join(places[1:])}{'Z' if closed else ''}")
    return "".join(pieces), left
