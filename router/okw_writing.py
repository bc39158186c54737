# SPDX-License-Identifier: AGPL-3.0-or-later
"""Shops written after Open Know-Where 1.0 (https://standards.internetofproduction.org/pub/okw), as `okw` reads them. Pure.

Written is what the specification has a property for, and a few keys of our own: `id` of a machine, `h3_cell` and `closed` of a facility,
`operations` of both. Where a shop is stands there as coarsely as it says: the middle of its cell. States, stock, policies and keys are not
written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import h3

from commonfab import processes, v1

WIKIPEDIA = "https://en.wikipedia.org/wiki/"

ARTICLES: Mapping[str, str] = MappingProxyType(
    {
        **{"additive": "3D_printing", "milling": "Milling_(machining)", "laser_cutting": "Laser_cutting", "turning": "Turning"},
        **{"scanning_3d": "3D_scanning", "plasma_cutting": "Plasma_cutting", "welding": "Welding", "bending": "Bending_(metalworking)"},
    }
)
"""Processes with their article: the specification names a process by its article in Wikipedia. Narrower terms go under `technology`."""

STATUSES = ("Active", "Planned", "Temporary Closure", "Closed")
"""The statuses of a facility that the specification has."""


def write_labs(shops: Iterable[v1.Shop], licence: str = "", attribution: str = "") -> str:
    """The shops as JSON, in the order given; the same shops give the same text.

    Parameters: `licence` and `attribution`, of the list; left out where they are empty.
    """
    about = {"license": licence, "attribution": attribution}
    facilities = [_facility(shop) for shop in shops]
    said = {key: value for key, value in about.items() if value}
    return json.dumps({**said, "facilities": facilities}, ensure_ascii=False, indent=1) + "\n"


def _facility(shop: v1.Shop) -> dict[str, Any]:
    known = shop.closed in STATUSES and shop.closed != "Active"
    written = {
        "id": shop.id,
        "name": shop.name,
        "facility_status": shop.closed if known else "Temporary Closure" if shop.closed else "Active",
        "closed": "" if known else shop.closed,
        "location": _location(shop.place),
        "operations": list(shop.operations),
        "equipment": [_equipment(machine) for machine in shop.machines],
    }
    return {key: value for key, value in written.items() if value or key == "equipment"}


def _location(place: v1.Place) -> dict[str, str]:
    """The middle of the cell in degrees, to about 10 m, and the cell itself, which says how coarse it is."""
    if not place.cell:
        return {}
    latitude, longitude = h3.cell_to_latlng(place.cell)
    return {"gps_coordinates": f"{latitude:.4f}, {longitude:.4f}", "h3_cell": place.cell}


def _equipment(machine: v1.Machine) -> dict[str, Any]:
    process, technology = _process(machine.process)
    size = machine.envelope_mm
    written = {
        "id": machine.id,
        "equipment_type": process,
        "manufacturing_process": process,
        "technology": technology,
        "model": machine.name,
        **{f"{axis}_travel": _length(side) for axis, side in (("x", size.x), ("y", size.y), ("z", size.z))},
        "materials_worked": list(machine.materials),
        "axes": machine.axes,
        "laser_power" if processes.satisfies(machine.process, "laser_cutting") else "power_rating": _length(machine.power_w),
        "nozzle_size": _length(machine.smallest_feature_mm),
        "operations": list(machine.operations),
    }
    return {key: value for key, value in written.items() if value}


def _process(term: str) -> tuple[str, str]:
    """The article of the process, or of the nearest broader one that has one, and the process itself where that is narrower."""
    broader = next((broad for broad in processes.broader_terms(term) if broad in ARTICLES), "")
    return (WIKIPEDIA + ARTICLES[broader], term) if broader else (term, "")


def _length(value: float) -> float | int:
    return int(value) if value.is_integer() else value
