# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    for radius in (2, 1.5):
        export(_tray().cut(_hollow().edges("|Z").fillet(radius)), folder / f"radius-{radius}.step")
    export(_tray().cut(_hollow()), folder / "sharp.step")


def _tray() -> cadquery.Workplane:
    return cadquery.Workplane().box(80, 60, 20, centered=(True, True, False))


def _hollow() -> cadquery.Workplane:
    return cadquery.Workplane(origin=(0, 0, 14)).rect(50, 30).extrude(10)
