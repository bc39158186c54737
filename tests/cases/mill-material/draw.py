# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    clamp = cadquery.Workplane().box(60, 40, 25).faces(">Z").workplane().slot2D(40, 14).cutBlind(-12)
    export(clamp, folder / "clamp.step")
