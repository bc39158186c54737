# SPDX-License-Identifier: AGPL-3.0-or-later
"""Jobs and machines as HTCondor ClassAds, written as a matchmaker's user would write them and not by asking our rules.

Both sides have a say: the job's `Requirements` ask for the machine and its material, the machine's for the shop's policy. What is not known
of a machine is left out of its ad, so that whoever asks for it gets "undefined", which is no match: as with us, where it is a question.

Lists of records cannot be searched in a ClassAd, so that materials, pieces of stock and cutters are numbered: `M0`, `S0`, `T0`. Left out
are the steps that follow, which need a third ad, and people's hours, which depend on the moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import asin, cos, radians, sin, sqrt
from types import MappingProxyType

import h3

from commonfab import v1
from commonfab.materials import BROADER as MATERIALS
from commonfab.processes import BROADER as PROCESSES

MATERIALS_AT_MOST, PIECES_AT_MOST, CUTTERS_AT_MOST = 3, 2, 2
SLACK_MM = 0.01
EARTH_KM = 6371.007180918475  # H3's mean radius

USUALLY_KEEPS_MM: Mapping[str, float] = MappingProxyType(
    {"additive": 0.5, "cutting": 0.5, "cnc_routing": 0.4, "milling": 0.2, "turning": 0.1, "forming": 1.0}
)

STATES: Mapping[int, str] = MappingProxyType(
    {
        v1.MACHINE_STATE_UNSPECIFIED: "unsaid",
        v1.MACHINE_STATE_READY: "ready",
        v1.MACHINE_STATE_NEEDS_PERSON: "needs_person",
        v1.MACHINE_STATE_BUSY: "busy",
        v1.MACHINE_STATE_OFFLINE: "offline",
        v1.MACHINE_STATE_OUT_OF_ORDER: "out_of_order",
        v1.MACHINE_STATE_MAINTENANCE: "maintenance",
    }
)


def lineage(term: str, tree: Mapping[str, str]) -> list[str]:
    """A term and all that lie above it."""
    return [term, *lineage(tree[term], tree)] if tree.get(term) else [term]


def machine_ad(machine: v1.Machine, shop: v1.Shop, requesters_at: Iterable[v1.Place]) -> str:
    """A machine with what its shop wants."""
    told = bool(machine.control)
    ways = lineage(machine.process, PROCESSES)
    keeps = machine.tolerance_mm or next((USUALLY_KEEPS_MM[way] for way in ways if way in USUALLY_KEEPS_MM), 0.0)
    operations = {*machine.operations, *shop.operations}
    if {"milling", "turning"} & set(ways):
        operations |= {"drill", "countersink", "counterbore"}
    facts = {
        "Processes": listed(ways),
        "X": number(machine.envelope_mm.x),
        "Y": number(machine.envelope_mm.y),
        "Z": number(machine.envelope_mm.z),
        "Axes": number(machine.axes or 3 * told),
        "Enclosed": "true" if machine.enclosed else "false" if told else "",
        "PowerW": number(machine.power_w),
        "FeatureMm": repr(machine.smallest_feature_mm) if told or machine.smallest_feature_mm else "",
        "KeepsMm": repr(keeps),
        "ListsCutters": "true" if machine.tools else "false" if told else "",
        "Operations": listed(sorted(operations)),
        "Skills": listed(shop.skills),
        "RunsMinutes": number(max((one.until_minute - one.from_minute for one in machine.may_run), default=0)),
        "State": text(STATES[machine.state]),
        "ThicknessSaid": "true" if told or machine.max_thickness or machine.stock else "",
        **_materials(machine, shop.policy),
        **_pieces(machine),
        **_cutters(machine),
        **_policy(shop, requesters_at),
    }
    return _ad(facts)


def _materials(machine: v1.Machine, policy: v1.ShopPolicy) -> dict[str, str]:
    limits = {limit.material: limit.thickness_mm for limit in machine.max_thickness}
    facts: dict[str, str] = {}
    for place, name in enumerate(machine.materials):
        terms = lineage(name, MATERIALS)
        facts[f"M{place}"] = text(name)
        facts[f"M{place}Terms"] = listed(terms)
        facts[f"M{place}Known"] = "true" if name in MATERIALS else "false"
        facts[f"M{place}Cuts"] = number(next((limits[term] for term in terms if term in limits), 0.0))
        facts[f"M{place}Taken"] = "false" if policy.materials and not set(policy.materials) & set(terms) else "true"
    return facts


def _pieces(machine: v1.Machine) -> dict[str, str]:
    facts: dict[str, str] = {}
    for place, piece in enumerate(machine.stock):
        facts[f"S{place}"] = text(piece.material)
        facts[f"S{place}Thick"] = number(piece.thickness_mm)
        facts[f"S{place}X"] = number(piece.size_mm.x)
        facts[f"S{place}Y"] = number(piece.size_mm.y)
        facts[f"S{place}Grams"] = number(piece.grams)
        facts[f"S{place}Pieces"] = str(piece.pieces)
    return facts


def _cutters(machine: v1.Machine) -> dict[str, str]:
    facts: dict[str, str] = {}
    for place, tool in enumerate(machine.tools):
        facts |= {f"T{place}Kind": text(tool.kind), f"T{place}D": repr(tool.diameter_mm), f"T{place}Reach": repr(tool.reach_mm)}
    return facts


def _policy(shop: v1.Shop, requesters_at: Iterable[v1.Place]) -> dict[str, str]:
    policy = shop.policy
    wants = ["Open"]
    if policy.requesters:
        wants.append(f"member(TARGET.Requester, {listed(policy.requesters)})")
    if policy.most_minutes:
        wants.append(f"TARGET.Minutes <= {policy.most_minutes}")
    if policy.within_km:
        wants.append(f"KmTo[TARGET.Cell] <= {policy.within_km!r}")
    away = "; ".join(f"c{place.cell} = {_km(shop.place, place)!r}" for place in requesters_at if shop.place.cell)
    return {"Open": "false" if shop.closed else "true", "KmTo": f"[{away}]", "Requirements": " && ".join(wants)}


def _km(one: v1.Place, other: v1.Place) -> float:
    """Haversine between the middles of two cells."""
    (lat, lon), (lat2, lon2) = ([radians(degrees) for degrees in h3.cell_to_latlng(place.cell)] for place in (one, other))
    half = sin((lat2 - lat) / 2) ** 2 + cos(lat) * cos(lat2) * sin((lon2 - lon) / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(half))


def job_ad(need: v1.Requirement, requester: str, place: v1.Place) -> str:
    """A job: what its part needs, and of whom it is."""
    facts = {
        "Requester": text(requester),
        "Cell": text(f"c{place.cell}"),
        "Minutes": repr(need.minutes),
        **{f"Fits{piece}": _lies_on(need, f"S{piece}X", f"S{piece}Y") for piece in range(PIECES_AT_MOST)},
        **{f"Right{piece}": _right(need, piece) for piece in range(PIECES_AT_MOST)},
        **{f"Spent{piece}": _spent(need, piece) for piece in range(PIECES_AT_MOST)},
        **{f"Suits{one}": _suits(need, one) for one in range(MATERIALS_AT_MOST)},
        "Requirements": every(_demands(need)),
    }
    return _ad(facts)


def _demands(need: v1.Requirement) -> Iterator[str]:
    yield f"member({text(need.process)}, TARGET.Processes)"
    yield '!member(TARGET.State, {"out_of_order", "maintenance", "offline"})'
    yield _room(need)
    if need.axes > 3:
        yield f"TARGET.Axes >= {need.axes}"
    if need.enclosed:
        yield "TARGET.Enclosed"
    if need.smallest_feature_mm:
        yield f"TARGET.FeatureMm <= {need.smallest_feature_mm!r} + {SLACK_MM}"
    if need.tolerance_mm:
        yield f"TARGET.KeepsMm <= {need.tolerance_mm!r}"
    if need.minutes:
        yield f"(TARGET.RunsMinutes =?= undefined || TARGET.RunsMinutes >= {need.minutes!r})"
    if need.smallest_tool_mm:
        yield _cutter(need.smallest_tool_mm, need.tool_reach_mm, '{"end_mill", "ball_mill"}')
    if need.smallest_drill_mm:
        yield _cutter(need.smallest_drill_mm, need.drill_reach_mm, '{"end_mill", "ball_mill", "drill"}')
    yield from (f"member({text(operation)}, TARGET.Operations)" for operation in need.operations)
    yield from (f"member({text(skill)}, TARGET.Skills)" for skill in need.skills)
    if need.least_power_w:
        limited = every(f"(!Suits{one} || TARGET.M{one}Cuts =!= undefined)" for one in range(MATERIALS_AT_MOST))
        yield f"(TARGET.PowerW =?= undefined || TARGET.PowerW >= {need.least_power_w!r} || {limited})"
    if need.thickness_mm:
        yield "TARGET.ThicknessSaid"
    yield some(_made_of(need, one) for one in range(MATERIALS_AT_MOST))


def _boxes(need: v1.Requirement) -> list[v1.Size]:
    """Every box that the part may take, each also a quarter turned where it may be."""
    boxes = [placement.size_mm for placement in need.placements] or [need.size_mm]
    return boxes if need.keep_direction else [*boxes, *(v1.Size(x=box.y, y=box.x, z=box.z) for box in boxes)]


def _room(need: v1.Requirement) -> str:
    return some(
        f"({box.x!r} <= TARGET.X + {SLACK_MM} && {box.y!r} <= TARGET.Y + {SLACK_MM} && {box.z!r} <= TARGET.Z + {SLACK_MM})"
        for box in _boxes(need)
    )


def _lies_on(need: v1.Requirement, wide: str, deep: str) -> str:
    return some(f"({box.x!r} <= TARGET.{wide} + {SLACK_MM} && {box.y!r} <= TARGET.{deep} + {SLACK_MM})" for box in _boxes(need))


def _cutter(width: float, deep: float, kinds: str) -> str:
    """One of the cutters is small enough and reaches; a reach that was not said is long enough."""
    able = []
    for one in range(CUTTERS_AT_MOST):
        small = f"member(TARGET.T{one}Kind, {kinds}) && TARGET.T{one}D <= {width!r} + {SLACK_MM}"
        reaches = f"(TARGET.T{one}Reach == 0 || TARGET.T{one}Reach >= {deep!r} - {SLACK_MM})" if deep else "true"
        able.append(f"({small} && {reaches})")
    return f"(TARGET.ListsCutters == false || {some(able)})"


def _suits(need: v1.Requirement, one: int) -> str:
    """The material is what is demanded, and one of those that are allowed; a name that nobody knows is taken at its word."""
    asked = [f"TARGET.M{one} =!= undefined"]
    if need.material:
        asked.append(f"member({text(need.material)}, TARGET.M{one}Terms)")
    if need.materials_allowed:
        allowed = [f"member({text(term)}, TARGET.M{one}Terms)" for term in need.materials_allowed]
        asked.append(some([*allowed, f"TARGET.M{one}Known == false"] if need.material else allowed))
    return every(asked)


def _right(need: v1.Requirement, piece: int) -> str:
    """The piece of stock is as thick as is needed: to a tenth, or 0.15 mm."""
    if not need.thickness_mm:
        return "true"
    off = max(0.15, 0.1 * need.thickness_mm)
    thick = f"TARGET.S{piece}Thick"
    return f"({thick} =!= undefined && {thick} - {need.thickness_mm!r} <= {off!r} && {need.thickness_mm!r} - {thick} <= {off!r})"


def _spent(need: v1.Requirement, piece: int) -> str:
    """What there is of it does not suffice for one part."""
    light = f"(TARGET.S{piece}Grams =!= undefined && TARGET.S{piece}Grams / {need.grams!r} + 1e-6 < 1)" if need.grams else "false"
    if not need.thickness_mm:
        return light
    sized = f"TARGET.S{piece}X =!= undefined"
    return f"(({sized} && !Fits{piece}) || (!({sized} && TARGET.S{piece}Pieces > 0) && {light}))"


def _made_of(need: v1.Requirement, one: int) -> str:
    """It can be made of this material: the shop takes it, the machine cuts it that thick, and there is a piece that is large enough."""
    asked = [f"Suits{one}", f"TARGET.M{one}Taken"]
    pieces = range(PIECES_AT_MOST)
    if need.thickness_mm:
        cuts = f"TARGET.M{one}Cuts"
        asked.append(f"({cuts} =?= undefined || {need.thickness_mm!r} <= {cuts} + {SLACK_MM})")
        listed_thick = some(f"({_of(piece, one)} && TARGET.S{piece}Thick =!= undefined)" for piece in pieces)
        large = some(f"({_of(piece, one)} && Right{piece} && (TARGET.S{piece}X =?= undefined || Fits{piece}))" for piece in pieces)
        asked.append(f"(!{listed_thick} || {large})")
    if need.grams:
        there = some(f"({_of(piece, one)} && Right{piece})" for piece in pieces)
        left = some(f"({_of(piece, one)} && Right{piece} && !Spent{piece})" for piece in pieces)
        asked.append(f"(!{there} || {left})")
    return every(asked)


def _of(piece: int, one: int) -> str:
    """The piece is of this material; false, and not undefined, where there is no such piece."""
    return f"(TARGET.S{piece} =!= undefined && TARGET.S{piece} =?= TARGET.M{one})"


def number(value: float) -> str:
    """A figure; nothing where it is 0, which is how a message says that it was not said."""
    return repr(value) if value else ""


def text(value: str) -> str:
    """A text in quotation marks. Terms have no character that would need an escape."""
    return f'"{value}"'


def listed(terms: Iterable[str]) -> str:
    """A list of texts."""
    return "{" + ", ".join(text(term) for term in terms) + "}"


def every(conditions: Iterable[str]) -> str:
    """All of them; true where there is none."""
    return "(" + (" && ".join(conditions) or "true") + ")"


def some(conditions: Iterable[str]) -> str:
    """At least one of them."""
    return "(" + (" || ".join(conditions) or "false") + ")"


def _ad(facts: Mapping[str, str]) -> str:
    """The ad; a fact without a value is left out."""
    return "[" + "; ".join(f"{name} = {value}" for name, value in facts.items() if value) + "]"
