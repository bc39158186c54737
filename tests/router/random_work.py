# SPDX-License-Identifier: AGPL-3.0-or-later
"""Random jobs and machines of which about a third go together, and of which every rule keeps some apart all by itself.

Figures are drawn from few values with neighbours a hair below and above each other, so that limits are met exactly as often as missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from commonfab import v1
from commonfab.place import coarse_place

T = TypeVar("T")

PLACES = tuple(coarse_place(latitude, longitude) for latitude, longitude in ((48.14, 11.58), (48.40, 11.75), (52.52, 13.40), (45.46, 9.19)))
REQUESTERS = ("anna", "bo", "chidi")
MINUTES = (20.0, 60.0, 300.0, 480.0, 1000.0)
OPERATIONS = ("tap", "countersink", "drill", "bend", "polish")
SKILLS = ("tig_welding", "forklift")


@dataclass(frozen=True)
class Trade:
    """A kind of work: the processes and materials that its machines have and its jobs ask for, the likeliest first."""

    has: Sequence[str]
    asks: Sequence[str]
    materials: Sequence[str]
    asked_materials: Sequence[str]
    sheet: bool = False


TRADES = (
    Trade(
        has=(*("fdm",) * 9, "sla", "additive"),
        asks=(*("fdm",) * 5, *("material_extrusion", "additive") * 3, "sla"),
        materials=(*("pla",) * 6, "petg", "petg", "abs", "unobtainium"),
        asked_materials=(*("pla",) * 5, "petg", *("thermoplastic", "plastic") * 2, "unobtainium", "unobtainium"),
    ),
    Trade(
        has=(*("milling",) * 8, "cnc_routing", "machining"),
        asks=(*("milling", "machining") * 5, "cnc_routing"),
        materials=(*("aluminium_6082",) * 5, "aluminium", "mild_steel", "mild_steel", "pom"),
        asked_materials=(*("aluminium", "metal") * 3, "steel", "aluminium_6082"),
    ),
    Trade(
        has=(*("co2_laser_cutting",) * 7, "laser_cutting", "fibre_laser_cutting", "vinyl_cutting"),
        asks=(*("laser_cutting",) * 6, "co2_laser_cutting", "cutting", "cutting"),
        materials=(*("plywood",) * 6, "acrylic", "acrylic", "unobtainium"),
        asked_materials=(*("plywood", "wood") * 4, "acrylic", "unobtainium"),
        sheet=True,
    ),
    Trade(
        has=(*("turning",) * 8, "milling", "hydroforming"),
        asks=(*("turning", "machining") * 5, "hydroforming"),
        materials=(*("mild_steel",) * 5, "aisi_304", "brass", "oak"),
        asked_materials=(*("steel", "metal", "mild_steel") * 3, "brass"),
    ),
)


@dataclass(frozen=True)
class Job:
    """A requirement with whose it is and where they are."""

    need: v1.Requirement
    requester: str
    place: v1.Place


def random_job(random: Random, trade: Trade) -> Job:
    """A job of a trade."""
    return Job(_need(random, trade), random.choice(REQUESTERS), random.choice(PLACES))


def _need(random: Random, trade: Trade) -> v1.Requirement:
    need = v1.Requirement(process=random.choice(trade.asks), size_mm=_box(random), keep_direction=random.random() < 0.2)
    if random.random() < 0.3:
        need.placements.extend(v1.Placement(size_mm=_box(random)) for _ in range(random.randint(1, 3)))
    if random.random() < 0.6:
        need.material = random.choice(trade.asked_materials)
    if random.random() < 0.3:
        need.materials_allowed.extend({random.choice(trade.asked_materials) for _ in range(random.randint(1, 3))})
    if trade.sheet or random.random() < 0.1:
        need.thickness_mm = random.choice((3.0, 3.0, 3.0, 4.0, 6.0))
    need.axes = _seldom(random, 0.08, (3, 4, 5), 0)
    need.enclosed = random.random() < 0.05
    need.least_power_w = _seldom(random, 0.15, (30.0, 60.0), 0.0)
    need.smallest_feature_mm = _seldom(random, 0.12, (0.2, 0.4, 0.8), 0.0)
    need.tolerance_mm = _seldom(random, 0.15, (0.05, 0.1, 0.2, 0.4, 0.5, 1.0), 0.0)
    need.smallest_tool_mm = _seldom(random, 0.15, (1.0, 2.99, 3.0, 6.0), 0.0)
    need.tool_reach_mm = _seldom(random, 0.8, (12.0, 20.0, 20.02, 30.02), 0.0)
    need.smallest_drill_mm = _seldom(random, 0.1, (1.0, 2.5, 6.0), 0.0)
    need.drill_reach_mm = _seldom(random, 0.5, (12.0, 20.0), 0.0)
    need.operations.extend(_some(random, 0.03, OPERATIONS))
    need.skills.extend(_some(random, 0.03, SKILLS))
    need.minutes = _seldom(random, 0.6, MINUTES, 0.0)
    need.grams = _seldom(random, 0.6, (5.0, 50.0, 100.0), 0.0)
    return need


def random_shop(random: Random, trade: Trade) -> v1.Shop:
    """A shop with one machine, of a trade."""
    policy = v1.ShopPolicy(
        requesters=random.sample(REQUESTERS, 2) if random.random() < 0.06 else [],
        materials={random.choice(trade.materials) for _ in range(2)} if random.random() < 0.06 else [],
        within_km=_seldom(random, 0.12, (40.0, 600.0), 0.0),
        most_minutes=_seldom(random, 0.08, (60, 480), 0),
    )
    return v1.Shop(
        id="shop",
        place=random.choice(PLACES) if random.random() < 0.94 else None,
        machines=[_machine(random, trade)],
        operations=_some(random, 0.5, OPERATIONS),
        skills=_some(random, 0.6, SKILLS),
        policy=policy,
        closed="holidays" if random.random() < 0.03 else "",
    )


def _machine(random: Random, trade: Trade) -> v1.Machine:
    machine = v1.Machine(
        id="machine",
        process=random.choice(trade.has),
        envelope_mm=_room(random) if random.random() < 0.98 else None,
        materials=list(dict.fromkeys(random.choice(trade.materials) for _ in range(random.choice((0, *(3,) * 10, *(2,) * 4, 1, 1, 1))))),
        state=_seldom(random, 0.08, (*range(7),), v1.MACHINE_STATE_READY),
        control="octoprint" if random.random() < 0.9 else "",
        axes=_seldom(random, 0.5, (3, 4, 5), 0),
        enclosed=random.random() < 0.5,
        power_w=_seldom(random, 0.5, (20.0, 30.0, 60.0, 100.0), 0.0),
        tolerance_mm=_seldom(random, 0.4, (0.05, 0.1, 0.1, 0.2, 0.5), 0.0),
        smallest_feature_mm=_seldom(random, 0.5, (0.1, 0.2, 0.21, 0.4, 0.42), 0.0),
        operations=_some(random, 0.5, OPERATIONS),
    )
    if random.random() < 0.4:
        machine.tools.extend(_tool(random) for _ in range(random.randint(1, 2)))
    if random.random() < 0.3:
        machine.max_thickness.extend(_limits(random, trade))
    if machine.materials and random.random() < 0.5:
        machine.stock.extend(_piece(random, machine.materials) for _ in range(random.randint(1, 2)))
    if random.random() < 0.1:
        start = random.choice((0, 480, 3000))
        machine.may_run.append(v1.WeeklyHours(from_minute=start, until_minute=start + random.choice((60, 300, 600))))
    return machine


def _limits(random: Random, trade: Trade) -> list[v1.ThicknessLimit]:
    terms = {random.choice((*trade.materials, "wood", "metal", "steel", "plastic")) for _ in range(3)}
    return [v1.ThicknessLimit(material=term, thickness_mm=random.choice((2.0, 3.0, 4.0, 12.0))) for term in sorted(terms)]


def _piece(random: Random, materials: Sequence[str]) -> v1.Stock:
    piece = v1.Stock(
        material=random.choice(materials),
        thickness_mm=_seldom(random, 0.8, (3.0, 3.0, 3.0, 3.2, 4.4, 6.0), 0.0),
        grams=_seldom(random, 0.5, (20.0, 50.0, 1000.0), 0.0),
        pieces=_seldom(random, 0.4, (1, 5), 0),
    )
    if random.random() < 0.6:
        piece.size_mm.CopyFrom(v1.Size(x=random.choice((80.0, 100.0, 300.0)), y=random.choice((80.0, 100.0, 300.0))))
    return piece


def _tool(random: Random) -> v1.Tool:
    kind = random.choice(("end_mill", "end_mill", "ball_mill", "drill", "v_bit"))
    return v1.Tool(kind=kind, diameter_mm=random.choice((1.0, 1.0, 2.5, 3.0, 6.0)), reach_mm=random.choice((0.0, 12.0, 12.0, 20.0, 30.0)))


def _box(random: Random) -> v1.Size:
    sides = (20.0, 50.0, 80.0, 90.0, 100.0, 100.0, 200.0, 200.005, 200.02)
    return v1.Size(x=random.choice(sides), y=random.choice(sides), z=random.choice((2.0, 10.0, 50.0, 200.0, 200.02)))


def _room(random: Random) -> v1.Size:
    sides = (100.0, 200.0, 200.0, 250.0, 300.0, 300.0, 300.0, 600.0)
    return v1.Size(x=random.choice(sides), y=random.choice(sides), z=random.choice((50.0, *(200.0,) * 8, *(300.0,) * 10, 0.0)))


def _seldom(random: Random, chance: float, values: Sequence[T], otherwise: T) -> T:
    return random.choice(values) if random.random() < chance else otherwise


def _some(random: Random, chance: float, values: Sequence[str]) -> list[str]:
    return [value for value in values if random.random() < chance]
