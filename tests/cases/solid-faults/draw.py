# SPDX-License-Identifier: AGPL-3.0-or-later
import re
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    block = cadquery.Workplane().box(60, 40, 20, centered=False)
    shell = cadquery.Shell.makeShell(block.faces().vals()[:5])
    export(cadquery.Workplane(obj=shell), folder / "open.step")
    export(cadquery.Workplane(obj=cadquery.Compound.makeCompound(block.faces().vals())), folder / "loose.brep")
    export(cadquery.Workplane(obj=cadquery.Edge.makeCircle(20)), folder / "curve.step")
    export(block, folder / "corner.brep")
    text = (folder / "corner.brep").read_text(encoding="utf-8")
    (folder / "corner.brep").write_text(re.sub(r"(?m)^60 40 20\b", "60 40 25", text), encoding="utf-8")
