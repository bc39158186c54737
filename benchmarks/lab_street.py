# SPDX-License-Identifier: AGPL-3.0-or-later
"""Streets of any length, made from real labs: what stands in them, where they are, and which models there are of each sort.

Each shop is one of the labs drawn at random: its machines are that lab's, so that sorts of machine and the size of shops are distributed
as they are there (425 labs with 2,248 machines: about 5.3 a shop). It stands within some kilometres to some tens of them of that lab.
Three of five shops have an agent: what the directory does not say of a machine, its owner does, with a model drawn from the catalogue and
with stock, state and queue. The others are left as the directory has them: most of their machines have no envelope and no materials.

The labs and catalogues are in `okw/` of the folder that `COMMONFAB_SHARED` names (CC BY-SA 4.0, Internet of Production Alliance). Without
it, a table of the same proportions stands in, and `source` says so.
"""

from __future__ import annotations

import csv
import json
import math
import os
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from google.protobuf.duration_pb2 import Duration

from commonfab import v1
from commonfab.place import coarse_place
from router.shop_on_board import ShopOnBoard

AGENTS = 0.6
"""The share of shops with an agent: our own choice, as are the shares of states and queues below."""

STATES = (
    (v1.MACHINE_STATE_READY, 0.66),
    (v1.MACHINE_STATE_NEEDS_PERSON, 0.14),
    (v1.MACHINE_STATE_BUSY, 0.12),
    (v1.MACHINE_STATE_OFFLINE, 0.04),
    (v1.MACHINE_STATE_OUT_OF_ORDER, 0.03),
    (v1.MACHINE_STATE_MAINTENANCE, 0.01),
)
SILENT, CLOSED, WITH_POLICY, QUEUED, STOCK_LISTED = 0.07, 0.02, 0.15, 0.2, 0.5

PROCESSES: Mapping[str, str] = MappingProxyType(
    {
        "three_d_printer": "fdm",
        "cnc_milling": "cnc_routing",
        "precision_milling": "milling",
        "laser": "co2_laser_cutting",
        "vinyl_cutting": "knife_cutting",
        "scanner": "3d_scanning",
        "circuit_production": "circuit_production",
        "other": "other",
    }
)
PRINTING: Mapping[str, str] = MappingProxyType({"FDM": "fdm", "LPD": "fdm", "SLA": "sla", "DUP": "sla", "DLP": "sla", "SLS": "additive"})

PROPORTIONS: Mapping[str, int] = MappingProxyType(
    {"three_d_printer": 887, "cnc_milling": 271, "other": 256, "laser": 249, "precision_milling": 202, "vinyl_cutting": 199, "scanner": 183}
)
"""How many machines of each sort the 425 labs have."""

FILAMENTS = ("pla", "petg", "abs", "tpu", "nylon", "asa", "hips", "pva", "polycarbonate")
RESINS = ("standard_resin", "tough_resin", "castable_resin", "flexible_resin")
SHEETS = ("plywood", "acrylic", "mdf", "cardboard", "leather", "felt", "polystyrene_foam")
BLOCKS = ("aluminium_6082", "brass", "pom", "mild_steel", "hardwood", "hdpe")
THICKNESSES_MM = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
USUAL_ROOMS: Mapping[str, tuple[tuple[float, float, float], ...]] = MappingProxyType(
    {
        "fdm": ((220, 220, 250), (223, 223, 205), (250, 210, 210), (300, 300, 400), (120, 120, 115), (285, 153, 155), (256, 256, 256)),
        "sla": ((145, 145, 175), (130, 80, 150), (192, 120, 245), (335, 200, 300)),
        "co2_laser_cutting": ((610, 305, 100), (1016, 610, 200), (600, 400, 120), (1300, 900, 200), (380, 300, 60)),
        "cnc_routing": ((2440, 1220, 150), (1220, 610, 100), (600, 900, 80), (3000, 1500, 200)),
        "milling": ((203, 152, 60), (305, 305, 105), (400, 200, 300), (762, 406, 508), (140, 110, 35)),
        "knife_cutting": ((584, 25000, 1), (305, 3000, 2)),
    }
)


@dataclass(frozen=True)
class Lab:
    """A place in degrees, and its machines as the directory has them."""

    latitude: float
    longitude: float
    machines: tuple[v1.Machine, ...]


@dataclass(frozen=True)
class Labs:
    """What streets are made from; `source` says where it comes from."""

    labs: tuple[Lab, ...]
    rooms: Mapping[str, Sequence[tuple[float, float, float]]]
    source: str


def read_labs() -> Labs:
    """The real labs where they are at hand, else the built-in table."""
    folder = Path(os.environ.get("COMMONFAB_SHARED", "")) / "okw"
    if not os.environ.get("COMMONFAB_SHARED") or not (folder / "okw_labs_joined.json").is_file():
        return Labs(_built_in_labs(), USUAL_ROOMS, "a built-in table of the real labs' proportions (COMMONFAB_SHARED is not set)")
    read = json.loads((folder / "okw_labs_joined.json").read_text(encoding="utf-8"))
    labs = [_lab(facility) for facility in read["facilities"] if facility["location"].get("gps_coordinates")]
    machines = sum(len(lab.machines) for lab in labs)
    rooms = {**USUAL_ROOMS, **_catalogue(folder)}
    models = len(rooms["fdm"]) + len(rooms["sla"]) + len(rooms["co2_laser_cutting"])
    return Labs(
        tuple(labs), rooms, f"{len(labs)} real labs that have a place, with {machines} machines, and {models} models of two catalogues"
    )


def street(labs: Labs, machines: int, seed: int = 1) -> Iterator[ShopOnBoard]:
    """Shops with that many machines in all. The same seed gives the same street."""
    rng, left, number = random.Random(seed), machines, 0
    while left > 0:
        lab = rng.choice(labs.labs)
        if lab.machines:
            known = _shop(rng, labs, lab, number, left)
            left -= len(known.shop.machines)
            number += 1
            yield known


def somewhere(labs: Labs, rng: random.Random) -> v1.Place:
    """Where somebody lives who needs something: where the labs are."""
    return _near(rng, rng.choice(labs.labs))


def _shop(rng: random.Random, labs: Labs, lab: Lab, number: int, most: int) -> ShopOnBoard:
    agent = rng.random() < AGENTS
    shop = v1.Shop(id=f"shop-{number:07d}", name=f"Workshop {number}", place=_near(rng, lab))
    queued = {}
    for place, listed in enumerate(lab.machines[:most]):
        machine = shop.machines.add()
        machine.CopyFrom(listed)
        machine.id = f"m{place}"
        if agent:
            _run(rng, labs, machine)
            if rng.random() < QUEUED:
                queued[machine.id] = float(rng.randrange(5, 900))
    if agent:
        shop.public_key, shop.agent_version = rng.randbytes(32), "0.3.0"
        _house(rng, shop)
    return ShopOnBoard(shop, 600.0 if rng.random() < SILENT else rng.uniform(0, 60), queued, sequence=number)


def _run(rng: random.Random, labs: Labs, machine: v1.Machine) -> None:
    """What an agent says of a machine beyond what a directory does."""
    machine.control = "octoprint" if machine.process in ("fdm", "sla") else "by_hand"
    machine.state = rng.choices([state for state, _ in STATES], [share for _, share in STATES])[0]
    if machine.state == v1.MACHINE_STATE_BUSY:
        machine.free_in.CopyFrom(Duration(seconds=rng.randrange(60, 8 * 3600)))
    rooms = labs.rooms.get(machine.process)
    if rooms and not min(machine.envelope_mm.x, machine.envelope_mm.y, machine.envelope_mm.z) > 0:
        x, y, z = rng.choice(rooms)
        machine.envelope_mm.CopyFrom(v1.Size(x=x, y=y, z=z))
    _EQUIP.get(machine.process, _leave)(rng, machine)


def _print(rng: random.Random, machine: v1.Machine) -> None:
    known = RESINS if machine.process == "sla" else FILAMENTS
    del machine.materials[:]
    machine.materials.extend({known[0], *rng.choices(known, weights=range(len(known), 0, -1), k=rng.randrange(1, 4))})
    machine.materials.sort()
    machine.loaded, machine.enclosed = rng.choice(machine.materials), rng.random() < 0.25
    machine.smallest_feature_mm = 0.05 if machine.process == "sla" else rng.choice((0.4, 0.4, 0.4, 0.6, 0.25))
    if rng.random() < STOCK_LISTED:
        machine.stock.extend(v1.Stock(material=material, grams=50 * rng.randrange(1, 40)) for material in machine.materials)


def _cut(rng: random.Random, machine: v1.Machine) -> None:
    del machine.materials[:]
    machine.materials.extend(sorted(rng.sample(SHEETS, rng.randrange(2, 6))))
    machine.power_w = rng.choice((40, 60, 80, 100, 130))
    if rng.random() < STOCK_LISTED:
        for material in machine.materials:
            sheet = v1.Size(x=rng.choice((300, 600, 800, 1000)), y=rng.choice((200, 400, 600)))
            machine.stock.add(material=material, thickness_mm=rng.choice(THICKNESSES_MM), size_mm=sheet, pieces=rng.randrange(1, 12))


def _mill(rng: random.Random, machine: v1.Machine) -> None:
    known = SHEETS[:3] if machine.process == "cnc_routing" else BLOCKS
    del machine.materials[:]
    machine.materials.extend(sorted(rng.sample(known, rng.randrange(1, 4))))
    machine.axes = rng.choices((3, 4, 5), (85, 10, 5))[0]
    machine.tolerance_mm = rng.choice((0.0, 0.0, 0.05, 0.1, 0.2))
    if rng.random() < 0.6:
        for width in sorted(rng.sample((1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0), rng.randrange(1, 5))):
            machine.tools.add(kind="end_mill", diameter_mm=width, reach_mm=4 * width)
    machine.operations.extend(sorted(rng.sample(("tap", "drill", "countersink"), rng.randrange(0, 3))))


def _knife(rng: random.Random, machine: v1.Machine) -> None:
    del machine.materials[:]
    machine.materials.extend(sorted(rng.sample(("pvc", "paper", "cardboard", "textile"), rng.randrange(1, 4))))


def _leave(rng: random.Random, machine: v1.Machine) -> None:
    pass


_EQUIP = MappingProxyType(
    {"fdm": _print, "sla": _print, "co2_laser_cutting": _cut, "cnc_routing": _mill, "milling": _mill, "knife_cutting": _knife}
)


def _house(rng: random.Random, shop: v1.Shop) -> None:
    shop.operations.extend(sorted(rng.sample(("tap", "drill", "countersink", "bend"), rng.randrange(0, 3))))
    shop.closed = "on holiday" if rng.random() < CLOSED else ""
    if rng.random() < WITH_POLICY:
        shop.policy.within_km = rng.choice((0.0, 10.0, 30.0))
        shop.policy.most_pieces = rng.choice((0, 10, 50))
        if rng.random() < 0.1:
            shop.policy.requesters.append(f"guild-{rng.randrange(20)}")


def _near(rng: random.Random, lab: Lab) -> v1.Place:
    """Half of them in the lab's own town, the others in the country around it."""
    spread = rng.choice((0.03, 0.2))
    latitude = max(-85.0, min(85.0, rng.gauss(lab.latitude, spread)))
    longitude = rng.gauss(lab.longitude, spread / max(0.1, math.cos(math.radians(lab.latitude))))
    return coarse_place(latitude, (longitude + 180) % 360 - 180)


def _lab(facility: Mapping[str, object]) -> Lab:
    location, equipment = facility["location"], facility["equipment"]
    assert isinstance(location, dict) and isinstance(equipment, list)
    latitude, longitude = map(float, location["gps_coordinates"].split(","))
    return Lab(latitude, longitude, tuple(map(_listed, equipment)))


def _listed(told: Mapping[str, object]) -> v1.Machine:
    """A machine as the directory has it."""
    process = PROCESSES[str(told["source_class"])]
    if process == "fdm":
        process = PRINTING.get(str(told.get("technology", "FDM"))[:3], "additive")
    machine = v1.Machine(name=f"{told['make']} {told['model']}".strip(), process=process)
    if "x_travel" in told:
        x, y, z = (float(str(told.get(f"{axis}_travel", 0))) for axis in "xyz")
        machine.envelope_mm.CopyFrom(v1.Size(x=x, y=y, z=z))
    materials = told.get("materials_worked")
    if isinstance(materials, list):
        machine.materials.extend(re.sub(r" and \+\d+ materials$", "", str(material)) for material in materials)
    return machine


def _catalogue(folder: Path) -> dict[str, list[tuple[float, float, float]]]:
    """The build sizes of real models, mm, by process."""
    rooms: dict[str, list[tuple[float, float, float]]] = {"fdm": [], "sla": [], "co2_laser_cutting": []}
    with (folder / "catalog_3d_printers.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            sides = [float(side) for side in re.findall(r"\d+(?:\.\d+)?", row["Build Size"])]
            process = PRINTING.get(row["Technology"][:3])
            if process in rooms and len(sides) == 3:
                rooms[process].append((sides[0], sides[1], sides[2]))
    with (folder / "catalog_laser.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            sides = [float(side) for side in re.findall(r"\d+(?:\.\d+)?", row["Working Area"])]
            if len(sides) == 2:
                # The catalogue does not say how high a workpiece may be.
                rooms["co2_laser_cutting"].append((sides[0], sides[1], 100.0))
    return rooms


def _built_in_labs() -> tuple[Lab, ...]:
    rng = random.Random(0)
    towns = [(rng.uniform(-35, 60), rng.uniform(-120, 140)) for _ in range(400)]
    return tuple(Lab(*town, tuple(_built_in_machine(rng) for _ in range(rng.randrange(1, 10)))) for town in towns)


def _built_in_machine(rng: random.Random) -> v1.Machine:
    sort = rng.choices(list(PROPORTIONS), list(PROPORTIONS.values()))[0]
    machine = v1.Machine(name=f"{sort} {rng.randrange(40)}", process=PROCESSES[sort])
    if sort == "three_d_printer" and rng.random() < 0.55:
        machine.process = rng.choices(("fdm", "sla"), (400, 68))[0]
        x, y, z = rng.choice(USUAL_ROOMS[machine.process])
        machine.envelope_mm.CopyFrom(v1.Size(x=x, y=y, z=z))
        machine.materials.extend(("PLA", "ABS") if machine.process == "fdm" else ("Resin",))
    return machine
