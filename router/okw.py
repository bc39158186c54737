# SPDX-License-Identifier: AGPL-3.0-or-later
"""Labs described after Open Know-Where 1.0, read as shops.

The specification (https://standards.internetofproduction.org/pub/okw) names properties and no file format; read here is JSON with a list
`facilities`, each with its `equipment`, the properties in snake case. Nobody speaks for a machine in a directory: its `control` is empty,
and what the record does not say stays unsaid. Pure.

Besides the properties of the specification it reads what `okw_writing` adds: a machine's `id`, a facility's `h3_cell` and `closed`, and
`operations` of both.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from commonfab import materials, processes, v1
from commonfab.errors import Refused
from commonfab.place import coarse_place, is_coarse
from commonfab.units import MILLIMETRES_PER

UNITS: Mapping[str, float] = MappingProxyType(
    {**MILLIMETRES_PER, "": 1.0, "in": MILLIMETRES_PER["inch"], '"': MILLIMETRES_PER["inch"], "″": MILLIMETRES_PER["inch"]}
)
"""Units of travel, mm. Open Know-Where's travels are millimetres where no unit stands beside them."""

NOT_SAID = ("", "none", "null", "n/a", "na", "unknown", "-")
"""What directories write where there is nothing to write."""

TECHNOLOGY: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("laser_cutting", "co2"): "co2_laser_cutting",
        ("laser_cutting", "co₂"): "co2_laser_cutting",
        ("laser_cutting", "fiber"): "fibre_laser_cutting",
        ("laser_cutting", "fibre"): "fibre_laser_cutting",
        ("laser_cutting", "diode"): "diode_laser_cutting",
    }
)
"""Technologies that mean a process only together with the process they are said of."""

_NAMED_OTHERWISE = (
    ("milling", re.compile(r"\b(router|routeur|routing|shopbot)\b"), "cnc_routing"),
    ("milling", re.compile(r"\b(lathe|turning)\b"), "turning"),
    ("milling", re.compile(r"\bhot ?wire\b"), "hot_wire_cutting"),
    ("laser_cutting", re.compile(r"\b(scan|scanner)\b"), "scanning_3d"),
)
"""Directories list routers and lathes as mills; where its own name says that a machine is something else, the name is right."""

_ABSENT = object()
_MORE = re.compile(r"\s+and \+\d+ materials$", re.IGNORECASE)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_LENGTH = re.compile(r"^(\d+(?:[.,]\d+)?)\s*([a-z\"″]*)$", re.IGNORECASE)
MOST_ALIKE = 100
"""Machines that one record may stand for by its `quantity`."""


@dataclass(frozen=True)
class Labs:
    """What was read: the shops, what of the records could not be used or had to be converted, one sentence each, and whose list it is."""

    shops: tuple[v1.Shop, ...]
    notes: tuple[str, ...]
    licence: str = ""
    attribution: str = ""


def read_labs(text: str) -> Labs:
    """The labs of a directory.

    Machines without a process are left out with a note, as are travels, coordinates and records that cannot be understood.

    Errors: `okw.unreadable` where it is no JSON with a list `facilities`.
    """
    notes: list[str] = []
    shops: dict[str, v1.Shop] = {}
    directory = _directory(text)
    for number, record in enumerate(directory["facilities"], 1):
        if not isinstance(record, dict):
            notes.append(f"facility {number}: is no record, left out")
            continue
        shop_id = _unique(_id_of(record, f"lab-{number}"), shops)
        shops[shop_id] = _shop(shop_id, record, notes)
    return Labs(tuple(shops.values()), tuple(notes), _text(directory, "license"), _text(directory, "attribution"))


def _directory(text: str) -> dict[str, Any]:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused("okw.unreadable", str(error)) from error
    if not isinstance(read, dict) or not isinstance(read.get("facilities"), list):
        raise Refused("okw.unreadable", "there is no list 'facilities'")
    return read


def _shop(shop_id: str, record: dict[str, Any], notes: list[str]) -> v1.Shop:
    name = _text(record, "name") or shop_id
    status = _text(record, "facility_status")
    return v1.Shop(
        id=shop_id,
        name=name,
        place=_place(record, name, notes),
        machines=_machines(record, name, notes),
        operations=_texts(record, "operations"),
        closed=_text(record, "closed") or ("" if status.casefold() in ("", "active") else status),
    )


def _place(record: dict[str, Any], name: str, notes: list[str]) -> v1.Place | None:
    location = record.get("location")
    cell = v1.Place(cell=_text(location, "h3_cell")) if isinstance(location, dict) else v1.Place()
    if cell.cell and is_coarse(cell):
        return cell
    written = _text(location, "gps_coordinates") if isinstance(location, dict) else ""
    try:
        latitude, longitude = (float(number) for number in written.split(","))
    except ValueError:
        latitude = longitude = math.nan
    if abs(latitude) <= 90 and abs(longitude) <= 180:
        return coarse_place(latitude, longitude)
    wrong = f"gps_coordinates '{written}' are no latitude and longitude" if written else "no gps_coordinates"
    notes.append(f"{name}: {wrong}, so its place is not known")
    return None


def _machines(record: dict[str, Any], lab: str, notes: list[str]) -> list[v1.Machine]:
    machines: dict[str, v1.Machine] = {}
    equipment = record.get("equipment")
    for number, item in enumerate(equipment if isinstance(equipment, list) else [], 1):
        known = item if isinstance(item, dict) else {}
        name = " ".join(part for part in (_text(known, "make"), _text(known, "model")) if part) or f"equipment {number}"
        process = _process(known, name)
        if not process:
            notes.append(f"{lab}: {name} has no manufacturing_process, left out")
            continue
        machine = _machine(known, name, process, f"{lab}: {name}", notes)
        for _ in range(_quantity(known)):
            machine_id = _unique(_id_of(known, _slug(name) or f"machine-{number}", by_name=False), machines)
            machines[machine_id] = v1.Machine(id=machine_id)
            machines[machine_id].MergeFrom(machine)
    return list(machines.values())


def _machine(known: dict[str, Any], name: str, process: str, about: str, notes: list[str]) -> v1.Machine:
    """What one record says of a machine, all but its id."""
    return v1.Machine(
        name=name,
        process=process,
        envelope_mm=_envelope(known, about, notes),
        materials=_materials(known),
        axes=int(_number(known, "axes")) if 3 <= _number(known, "axes") <= 9 else 0,
        # What a laser draws from the mains says nothing of what it cuts.
        power_w=_number(known, "laser_power" if processes.satisfies(process, "laser_cutting") else "power_rating"),
        smallest_feature_mm=_number(known, "nozzle_size"),
        operations=_texts(known, "operations"),
    )


def _quantity(known: dict[str, Any]) -> int:
    return min(MOST_ALIKE, max(1, int(_number(known, "quantity"))))


def _number(known: dict[str, Any], field: str) -> float:
    """A number above 0, also where it is written as a text; 0 where there is none."""
    value = known.get(field)
    try:
        read = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else 0.0
    except (ValueError, OverflowError):
        return 0.0
    return read if 0 < read < 1e9 else 0.0


def _texts(record: dict[str, Any], field: str) -> list[str]:
    said = record.get(field)
    return [term.strip() for term in said if isinstance(term, str) and term.strip()] if isinstance(said, list) else []


def _process(item: dict[str, Any], name: str) -> str:
    """The narrowest process that the record names; the class that a directory gave it counts where it names none."""
    said = (_text(item, field) for field in ("manufacturing_process", "equipment_type"))
    process = next((processes.canonical(term) for term in said if term), "") or _of_class(item)
    technology = _text(item, "technology")
    refined = TECHNOLOGY.get((process, technology.casefold())) or processes.canonical(technology)
    if refined and processes.satisfies(refined, process):
        return refined
    return next((other for broad, words, other in _NAMED_OTHERWISE if broad == process and words.search(name.casefold())), process)


def _of_class(item: dict[str, Any]) -> str:
    term = processes.canonical(_text(item, "source_class"))
    return term if term in processes.BROADER else ""


def _envelope(item: dict[str, Any], about: str, notes: list[str]) -> v1.Size | None:
    """The travels as a box. A side that is not given is 0, which is asked about; where none is given, there is no box."""
    sides = {axis: _travel(item.get(f"{axis}_travel", _ABSENT), f"{about}: {axis}_travel", notes) for axis in "xyz"}
    missing = [f"{axis}_travel" for axis, side in sides.items() if not side]
    if len(missing) == len(sides):
        return None
    if missing:
        notes.append(f"{about}: no {' and '.join(missing)}, so only its owner can say whether a part fits")
    return v1.Size(**sides)


def _travel(value: Any, about: str, notes: list[str]) -> float:
    """A travel in mm; 0 where none is given or it cannot be understood. Whatever had to be converted is noted."""
    written = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    if written.casefold() in NOT_SAID:
        if value is not _ABSENT:
            notes.append(f"{about} is {value!r}, so it is not known")
        return 0.0
    length = _LENGTH.match(written)
    unit = UNITS.get(length[2].casefold()) if length else None
    millimetres = round(float(length[1].replace(",", ".")) * unit, 6) if length and unit else 0.0
    if not 0 < millimetres < math.inf:
        notes.append(f"{about} '{written}' is no length")
        return 0.0
    if isinstance(value, str):
        notes.append(f"{about} '{written}' is read as {millimetres:g} mm")
    return millimetres


def _materials(item: dict[str, Any]) -> list[str]:
    worked = item.get("materials_worked")
    said = (_MORE.sub("", term.strip()) for term in worked if isinstance(term, str)) if isinstance(worked, list) else ()
    return list(dict.fromkeys(materials.canonical(term) for term in said if term.casefold() not in NOT_SAID))


def _id_of(record: dict[str, Any], otherwise: str, *, by_name: bool = True) -> str:
    """The record's own id, so that reading a newer list of the same directory finds the same shop again."""
    said = _text(record, "id")
    return said if _ID.fullmatch(said) else _slug(said) or (_slug(_text(record, "name")) if by_name else "") or otherwise


def _unique(wanted: str, taken: Mapping[str, object]) -> str:
    return next(name for name in _numbered(wanted) if name not in taken)


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 1
    while True:
        number += 1
        yield f"{name}-{number}"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:40].strip("-")


def _text(record: dict[str, Any], field: str) -> str:
    value = record.get(field)
    return value.strip() if isinstance(value, str) and value.strip().casefold() not in NOT_SAID else ""
