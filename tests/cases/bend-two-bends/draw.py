# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    for width in (60, 1250, 1260):
        export(_bent(width, inner=2), folder / f"wide-{width}.step")
    export(_bent(60, inner=0.3), folder / "tight.step")


def _bent(width: float, inner: float, across: float = 80, high: float = 120, thick: float = 2) -> cadquery.Workplane:
    """A U: two upright sides and a floor, every bend with the same radii."""
    outer = inner + thick
    half = cadquery.Workplane("XZ").moveTo(0, high).lineTo(0, outer).radiusArc((outer, 0), -outer).lineTo(across - outer, 0)
    half = half.radiusArc((across, outer), -outer).lineTo(across, high).lineTo(across - thick, high).lineTo(across - thick, outer)
    half = half.radiusArc((across - outer, thick), inner).lineTo(outer, thick).radiusArc((thick, outer), inner).lineTo(thick, high)
    return half.close().extrude(width)
