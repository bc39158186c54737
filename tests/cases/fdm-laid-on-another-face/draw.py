# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

from drawing_aids import binary_stl, box


def draw(folder: Path) -> None:
    (folder / "column.stl").write_bytes(binary_stl(box(100, 80, 230)))
    (folder / "slab.stl").write_bytes(binary_stl(box(230, 230, 120)))
