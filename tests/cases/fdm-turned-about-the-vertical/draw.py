# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

from drawing_aids import binary_stl, box


def draw(folder: Path) -> None:
    (folder / "rail.stl").write_bytes(binary_stl(box(205, 240, 205)))
    (folder / "gate.stl").write_bytes(binary_stl(box(212, 255, 205)))
