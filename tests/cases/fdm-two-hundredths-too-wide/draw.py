# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

from drawing_aids import binary_stl, box


def draw(folder: Path) -> None:
    (folder / "exact.stl").write_bytes(binary_stl(box(250, 205, 200)))
    (folder / "wider.stl").write_bytes(binary_stl(box(250.02, 205, 200)))
