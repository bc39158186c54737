# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

from drawing_aids import binary_stl, box


def draw(folder: Path) -> None:
    whole = binary_stl(box(30, 20, 10))
    (folder / "part.stl").write_bytes(whole)
    (folder / "short.stl").write_bytes(whole[: 84 + 7 * 50])
