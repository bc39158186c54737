# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

from drawing_aids import binary_stl, box


def draw(folder: Path) -> None:
    for length in (300, 340):
        (folder / f"lath-{length}.stl").write_bytes(binary_stl(box(length, 12, 8)))
