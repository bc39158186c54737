# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import cadquery
from drawing_aids import binary_stl, export, mesh_of, new_dxf

CORNERS = [(0, 0), (90, 0), (0, 60)]


def draw(folder: Path) -> None:
    gusset = cadquery.Workplane().polyline(CORNERS).close().extrude(4).faces(">Z").workplane(origin=(20, 20, 0)).hole(10)
    export(gusset, folder / "gusset.step")
    export(gusset, folder / "other.step")
    (folder / "gusset.stl").write_bytes(binary_stl(mesh_of(gusset) / 25.4))
    (folder / "other.stl").write_bytes(binary_stl(mesh_of(cadquery.Workplane().box(90, 60, 20))))
    drawing, space = new_dxf()
    drawing.header["$INSUNITS"] = 0
    space.add_lwpolyline(CORNERS, close=True)
    space.add_circle((20, 20), 5)
    drawing.saveas(folder / "gusset.dxf")
