# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import numpy as np
from drawing_aids import binary_stl, box, moved


def draw(folder: Path) -> None:
    foot = box(60, 40, 20)
    (folder / "pair.stl").write_bytes(binary_stl(np.concatenate([foot, moved(foot, 80, 0, 0)])))
    (folder / "far.stl").write_bytes(binary_stl(np.concatenate([foot, moved(foot, 400, 0, 0)])))
