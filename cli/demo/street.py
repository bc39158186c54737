# SPDX-License-Identifier: AGPL-3.0-or-later
"""The demo's street: who lives there, and each shop's `shop.toml`. The places are made up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from commonfab.identity import write_private

Degrees = tuple[float, float]

COMMUNITY = "repair-cafe"
COMMUNITY_PLACE: Degrees = (48.137, 11.575)
MAKER = "ada"

SPEED_FACTOR = 600.0
"""A virtual machine plays ten minutes of a toolpath in a second."""


@dataclass(frozen=True)
class DemoShop:
    """A shop with one virtual machine. Lengths in mm."""

    id: str
    name: str
    machine_id: str
    machine_name: str
    process: str
    envelope_mm: tuple[int, int, int]
    materials: tuple[str, ...]
    place: Degrees


LENA = DemoShop("lenas-garage", "Lena's garage", "small", "the small printer", "fdm", (220, 220, 250), ("pla",), (48.145, 11.585))
SHED = DemoShop("makers-shed", "Makers' shed", "large", "the large printer", "fdm", (300, 300, 400), ("pla", "petg"), (48.128, 11.565))
LOFT = DemoShop("laser-loft", "Laser loft", "laser", "the laser cutter", "laser_cutting", (600, 400, 8), ("plywood",), (48.141, 11.562))

STREET = (LENA, SHED, LOFT)


def write_shop(shop: DemoShop, folder: Path, node: str, secret: str) -> Path:
    """Write a shop's files to `folder`. Returns its `shop.toml`. Errors: `OSError`."""
    folder.mkdir(parents=True)
    write_private(folder / "token", f"{secret}\n".encode())
    file = folder / "shop.toml"
    file.write_text(_toml(shop, node), encoding="utf-8")
    return file


def _toml(shop: DemoShop, node: str) -> str:
    sections: dict[str, Mapping[str, object]] = {
        "[shop]": {"id": shop.id, "name": shop.name, "latitude": shop.place[0], "longitude": shop.place[1], "data_dir": "data"},
        "[router]": {"node": node, "token_file": "token"},
        "[policy]": {"accept": "always"},
        "[[machine]]": {
            "id": shop.machine_id,
            "name": shop.machine_name,
            "process": shop.process,
            "envelope_mm": list(shop.envelope_mm),
            "materials": list(shop.materials),
            "control": "virtual",
            "starts_itself": True,
            "clears_itself": True,
            "speed_factor": SPEED_FACTOR,
        },
    }
    return "\n".join(_section(head, keys) for head, keys in sections.items())


def _section(head: str, keys: Mapping[str, object]) -> str:
    """TOML writes texts, numbers, truth and lists of them as JSON does."""
    return f"{head}\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
