# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the neighbourhood cannot make, and which one thing would unlock most of it. Pure, and blind to who asked for what."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from commonfab import processes, v1
from commonfab.reasons import reason
from commonfab.units import Quantity
from router import rooms
from router.matching import Match, Unable, Wanted
from router.nearest import kind_of, material_of, need_of
from router.neighbourhoods import neighbourhoods
from router.wording import Worded, counted, pieces

NEAR_KM = 20.0
"""Jobs within that distance of each other count as one neighbourhood: a machine there could serve them all."""

MOST_NEEDS = 100

CHANGE: Mapping[str, int] = MappingProxyType(
    {"need.ask": 0, "need.distance": 1, "need.people": 2, "need.material": 3, "need.tool": 4, "need.skill": 5, "need.machine": 6}
)
"""How large a change is, in a rough order: an answer, a longer way, time, material, a cutter, a skill, a machine."""

KINDS: Mapping[str, v1.NeedKind.ValueType] = MappingProxyType(
    {
        "need.ask": v1.NEED_KIND_PEOPLE,
        "need.distance": v1.NEED_KIND_PEOPLE,
        "need.people": v1.NEED_KIND_PEOPLE,
        "need.material": v1.NEED_KIND_MATERIAL,
        "need.tool": v1.NEED_KIND_TOOL,
        "need.skill": v1.NEED_KIND_SKILL,
        "need.machine": v1.NEED_KIND_MACHINE,
    }
)


@dataclass(frozen=True)
class WaitingJob:
    """A job with pieces that have no shop, and the street in which nobody is able to make them."""

    id: str
    wanted: Wanted
    pieces: int
    match: Match


@dataclass(frozen=True)
class Lack:
    """One thing that is missing: the code of the need, the process, the term. Of a machine also the room, mm."""

    code: str
    process: str = ""
    term: str = ""
    room_mm: rooms.Box = (0.0, 0.0, 0.0)


Near = tuple[Unable, v1.Reason, str]
"""A machine that fails by one thing only, the reason, and what kind of thing it is."""


@dataclass(frozen=True)
class Place:
    """Jobs that are needed near each other: the middle, and how far each is from there, km. An empty middle: they gave no place."""

    middle: str
    jobs: Sequence[WaitingJob]
    away_km: Sequence[float]


def needs(waiting: Sequence[WaitingJob], most: int = MOST_NEEDS) -> list[v1.Need]:
    """What would each alone let jobs go on; what unlocks most jobs first, then most pieces, then the smaller change.

    A need is left out where a smaller change unlocks all its jobs too. The order of `waiting` does not matter.
    """
    found = [need for place in _places(waiting) for need in _needs_of(place)]
    return sorted(found, key=_order)[:most]


def _order(need: v1.Need) -> tuple[object, ...]:
    size = need.room_mm
    by_size = (size.x * size.y * size.z, size.x, size.y, size.z)
    return (-need.jobs, -need.pieces, CHANGE[need.what.code], by_size, need.process, need.term, need.place.cell)


def _places(waiting: Sequence[WaitingJob]) -> Iterator[Place]:
    """The neighbourhoods of the jobs; those without a place are one of their own, because they may be anywhere."""
    by_cell: dict[str, list[WaitingJob]] = defaultdict(list)
    for job in waiting:
        by_cell[job.wanted.place.cell].append(job)
    if nowhere := by_cell.pop("", []):
        yield Place("", nowhere, [0.0] * len(nowhere))
    for near in neighbourhoods((cell for cell, jobs in by_cell.items() for _ in jobs), NEAR_KM):
        jobs = [(job, away) for cell, away in near.away_km.items() for job in by_cell[cell]]
        yield Place(near.middle, [job for job, _ in jobs], [away for _, away in jobs])


def _needs_of(place: Place) -> list[v1.Need]:
    unlocked: dict[Lack, set[int]] = defaultdict(set)
    cutters: dict[tuple[str, str], dict[tuple[float, float], set[int]]] = defaultdict(lambda: defaultdict(set))
    for number, job in enumerate(place.jobs):
        near = list(_nearly(job.match))
        for lack in _lacks(job, near):
            unlocked[lack].add(number)
        for process, kind, size in _cutters(job, near):
            cutters[process, kind][size].add(number)
    for (process, kind), sizes in cutters.items():
        unlocked.update(_few_cutters(process, kind, sizes))
    unlocked.update(_machines(place.jobs))
    return [_told(lack, jobs, place) for lack, jobs in unlocked.items() if jobs and not _smaller_change(lack, jobs, unlocked)]


def _smaller_change(lack: Lack, jobs: set[int], unlocked: Mapping[Lack, set[int]]) -> bool:
    return any(CHANGE[other.code] < CHANGE[lack.code] and jobs <= others for other, others in unlocked.items())


def _machines(jobs: Sequence[WaitingJob]) -> dict[Lack, set[int]]:
    """For every process a few rooms, each with the jobs that a machine with that room could make."""
    ways = [[way.requirement for way in job.wanted.ways] for job in jobs]
    found = {}
    for process in sorted({need.process for needs in ways for need in needs}):
        boxes = [[box for need in needs if processes.satisfies(process, need.process) for box in rooms.boxes_of(need)] for needs in ways]
        for room, unlocked in rooms.few_rooms(boxes):
            found[Lack("need.machine", process, room_mm=room)] = unlocked
    return found


def _lacks(job: WaitingJob, near: Sequence[Near]) -> set[Lack]:
    """What would unlock a job alone, but for machines and cutters: those come in sizes."""
    found = {Lack("need.ask", _process(job, one)) for one in job.match.ask[:1]}
    for one, why, kind in near:
        process = _process(job, one)
        if kind in ("people", "distance"):
            found.add(Lack(f"need.{kind}", process))
        elif kind == "skill":
            found.add(Lack("need.skill", process, why.subject))
        elif kind == "material":
            # Where several materials are allowed, each of them would do.
            found.update(Lack("need.material", process, term) for term in material_of(why).split(", "))
    return found


def _cutters(job: WaitingJob, near: Sequence[Near]) -> Iterator[tuple[str, str, tuple[float, float]]]:
    """The process, kind and size (largest diameter, least reach, mm) of every cutter that would unlock the job alone."""
    for one, why, kind in near:
        if kind == "tool":
            need = need_of(one, job.wanted)
            cutter, size = _cutter(need, why)
            if size[0]:
                yield need.process, cutter, size


def telling(match: Match) -> Match:
    """What of a match says what is missing. All machines of many jobs at once would be a great deal to hold."""
    return Match(able=(), unable=tuple(one for one, _, _ in _nearly(match)), ask=match.ask[:1])


def _nearly(match: Match) -> Iterator[Near]:
    """The machines that fail by one thing only, with a reason and the kind of thing; of those that fail alike, one."""
    told = set()
    for one in match.unable:
        why = one.reasons[0]
        alike = (why.code, why.subject, one.machine.process, len(one.reasons))
        if alike in told:
            continue
        kind = kind_of(why.code)
        if len(one.reasons) == 1 or (kind in ("people", "distance") and all(kind_of(more.code) == kind for more in one.reasons)):
            told.add(alike)
            yield one, why, kind


def _process(job: WaitingJob, one: Unable) -> str:
    """The process by which a machine would make the part."""
    return need_of(one, job.wanted).process


def _cutter(need: v1.Requirement, why: v1.Reason) -> tuple[str, tuple[float, float]]:
    figure = next((figure.value for figure in why.figures if figure.name == "needs"), 0.0)
    if figure in (need.smallest_tool_mm, need.tool_reach_mm):
        return "end_mill", (need.smallest_tool_mm, need.tool_reach_mm)
    return "drill", (need.smallest_drill_mm, need.drill_reach_mm)


def _few_cutters(process: str, kind: str, sizes: Mapping[tuple[float, float], set[int]]) -> dict[Lack, set[int]]:
    """Each size with all jobs that it unlocks, but for those of which a size that unlocks the same and more is there."""
    unlocked = {
        (wide, deep): {job for (other, reach), jobs in sizes.items() if wide <= other and deep >= reach for job in jobs}
        for wide, deep in sizes
    }
    largest = [size for size, jobs in unlocked.items() if not any(jobs < others for others in unlocked.values())]
    return {Lack("need.tool", process, _cutter_text(kind, size)): unlocked[size] for size in largest}


def _cutter_text(kind: str, size: tuple[float, float]) -> str:
    reach = f" that reaches {Quantity(size[1], 'mm')}" if size[1] else ""
    return f"{kind} of at most {Quantity(size[0], 'mm')}{reach}"


def _told(lack: Lack, jobs: set[int], place: Place) -> v1.Need:
    many = sum(place.jobs[job].pieces for job in jobs)
    around = max(1, math.ceil(max(place.away_km[job] for job in jobs))) if place.middle else 0
    within = Worded(around, "km", words=f" within {around} km" if around else "")
    x, y, z = lack.room_mm
    need = v1.Need(
        kind=KINDS[lack.code],
        what=reason(
            lack.code,
            rooms.with_room(lack.process, lack.room_mm) if lack.code == "need.machine" else lack.term,
            jobs=counted(len(jobs), "job waits", "jobs wait"),
            pieces=pieces(many),
            within=within,
        ),
        process=lack.process,
        term=lack.term,
        jobs=len(jobs),
        pieces=many,
        within_km=around,
    )
    if any(lack.room_mm):
        need.room_mm.CopyFrom(v1.Size(x=x, y=y, z=z))
    if place.middle:
        need.place.cell = place.middle
    return need
