# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

from drawing_aids import binary_stl, box


def draw(folder: Path) -> None:
    (folder / "benchy.stl").write_bytes(binary_stl(box(20, 20, 5)))
