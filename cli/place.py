# SPDX-License-Identifier: AGPL-3.0-or-later
"""A place as the command line takes it."""

from __future__ import annotations

from commonfab import v1
from commonfab.errors import Refused
from commonfab.place import coarse_place, is_coarse


def place_of(latitude: float | None, longitude: float | None, cell: str) -> v1.Place:
    """The coarse place that the options name; empty where they name none. Exact coordinates go no further than here.

    Errors: `Refused` (`command.place`, `request.malformed`).
    """
    if (latitude is None) != (longitude is None) or (latitude is not None and cell):
        raise Refused("command.place")
    if latitude is not None and longitude is not None:
        return coarse_place(latitude, longitude)
    place = v1.Place(cell=cell)
    if not is_coarse(place):
        raise Refused("request.malformed", f"{cell} is not an H3 cell of resolution 7 or coarser")
    return place
