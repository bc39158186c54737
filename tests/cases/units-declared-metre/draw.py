# SPDX-License-Identifier: AGPL-3.0-or-later
from pathlib import Path

import lib3mf
from drawing_aids import box, write_3mf


def draw(folder: Path) -> None:
    write_3mf(folder / "knob.3mf", box(40, 40, 25), lib3mf.ModelUnit.Meter)
    write_3mf(folder / "sound.3mf", box(40, 40, 25))
