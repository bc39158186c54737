# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import numpy as np
from drawing_aids import binary_stl, box, moved


def draw(folder: Path) -> None:
    block = box(40, 30, 20)
    twisted = block.copy()
    twisted[2] = twisted[2, ::-1]
    flat = box(40, 30, 0)[2:4]
    meshes = {
        "open": block[1:],
        "inside-out": block[:, ::-1],
        "shared-edge": np.concatenate([block, moved(block, 40, 30, 0)]),
        "twisted": twisted,
        "flat": flat,
    }
    for name, mesh in meshes.items():
        (folder / f"{name}.stl").write_bytes(binary_stl(mesh))
