# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the neighbourhood cannot make, gathered by what is missing."""

from __future__ import annotations

import random
import time
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from router_street import CELL, Garage, printer, way

from commonfab import v1
from commonfab.envelope import too_small
from commonfab.place import coarse_place, distance_km
from commonfab.reasons import reason
from commonfab.units import mm
from router.matching import Match, Unable, Wanted, match
from router.needs import NEAR_KM, WaitingJob, needs
from router.neighbourhoods import neighbourhoods
from router.rooms import MOST_ROOMS, boxes_of, few_rooms
from router.shop_on_board import ShopOnBoard

NOWHERE = Match((), ())
BERLIN, POTSDAM, HAMBURG = coarse_place(52.52, 13.40), coarse_place(52.42, 13.25), coarse_place(53.55, 9.99)


def waiting(
    name: str, *against: v1.Reason, place: v1.Place = BERLIN, pieces: int = 1, match: Match = NOWHERE, requester: str = "", **needs: object
) -> WaitingJob:
    """A job for which one machine comes near; `against` is what it fails by."""
    made = way(**needs)  # type: ignore[arg-type]
    found = Match((), (Unable(v1.Shop(id="lena"), printer(), against, made),)) if against else match
    return WaitingJob(name, Wanted([made], place, 0, {}, requester), pieces, found)


def told(*jobs: WaitingJob) -> list[str]:
    return [need.what.message for need in needs(jobs)]


def test_eleven_jobs_wait_for_a_larger_bed() -> None:
    large = [waiting(f"job-{n:02d}", x=300 - n, y=250 + n, z=100, place=POTSDAM if n < 3 else BERLIN, pieces=2) for n in range(11)]
    (first, *_) = needs(large)
    away = distance_km(BERLIN, POTSDAM)
    assert away is not None and away < NEAR_KM
    assert first.what.message == f"11 jobs wait for fdm with room for 300 × 300 × 100 mm within {int(away) + 1} km"
    assert (first.kind, first.process, first.jobs, first.pieces) == (v1.NEED_KIND_MACHINE, "fdm", 11, 22)
    assert first.room_mm == v1.Size(x=300, y=300, z=100)
    assert first.place == BERLIN


def test_a_single_huge_part_does_not_hide_what_the_many_others_need() -> None:
    many = [waiting(f"job-{n:02d}", x=290, y=200, z=100) for n in range(10)]
    assert told(*many, waiting("plank", x=1950, y=90, z=20), waiting("hull", x=1950, y=800, z=400)) == [
        "12 jobs wait for fdm with room for 2000 × 800 × 400 mm within 1 km",
        "10 jobs wait for fdm with room for 300 × 200 × 100 mm within 1 km",
        "1 job waits for fdm with room for 2000 × 100 × 50 mm within 1 km",
    ]


def test_a_part_may_be_turned_and_may_stand_on_another_face() -> None:
    standing = waiting("job-1", x=100, y=100, z=400)
    standing.wanted.ways[0].requirement.placements.extend(
        [v1.Placement(size_mm=v1.Size(x=100, y=100, z=400)), v1.Placement(size_mm=v1.Size(x=100, y=400, z=100))]
    )
    assert told(standing, waiting("job-2", x=400, y=100, z=100))[0] == "2 jobs wait for fdm with room for 400 × 100 × 100 mm within 1 km"


def test_a_bar_in_a_lathe_is_not_turned() -> None:
    bars = [waiting(f"job-{n}", process="turning", x=x, y=y, z=40) for n, (x, y) in enumerate([(300, 40), (40, 300)])]
    for bar in bars:
        bar.wanted.ways[0].requirement.keep_direction = True
    assert [need.jobs for need in needs(bars)] == [1, 1]


def test_a_sheets_thickness_is_no_matter_of_the_bed() -> None:
    sheet = waiting("job-1", process="laser_cutting", x=590, y=380, z=6)
    sheet.wanted.ways[0].requirement.stock = "sheet"
    assert told(sheet) == ["1 job waits for laser_cutting with room for 600 × 400 mm within 1 km"]


def test_a_narrower_machine_serves_what_asks_for_a_broader_process() -> None:
    jobs = [waiting("job-1", process="co2_laser_cutting"), waiting("job-2", process="laser_cutting")]
    by_process = {need.process: need.jobs for need in needs(jobs)}
    assert by_process == {"co2_laser_cutting": 2, "laser_cutting": 1}


@pytest.mark.parametrize(
    ("against", "kind", "message"),
    [
        (reason("material.missing", "petg"), v1.NEED_KIND_MATERIAL, "1 job waits for petg within 1 km, on a machine that is there"),
        (
            reason("stock.thickness", "acrylic", needs=mm(3), has=mm(5)),
            v1.NEED_KIND_MATERIAL,
            "1 job waits for acrylic of 3 mm within 1 km, on a machine that is there",
        ),
        (
            reason("op.tapping", "tap"),
            v1.NEED_KIND_SKILL,
            "1 job waits for somebody within 1 km who does this beside a machine that is there: tap",
        ),
        (
            reason("shop.silent", ago=900),
            v1.NEED_KIND_PEOPLE,
            "1 job waits for people within 1 km: a machine that could is there, but its shop is closed, silent or has said no",
        ),
        (
            reason("shop.distance", distance=30, allowed=10),
            v1.NEED_KIND_PEOPLE,
            "1 job waits within 1 km though a machine further away than they allow could do it",
        ),
    ],
)
def test_what_a_machine_that_is_there_lacks_comes_before_another_machine(
    against: v1.Reason, kind: v1.NeedKind.ValueType, message: str
) -> None:
    (need,) = needs([waiting("job-1", against)])
    assert (need.kind, need.what.message) == (kind, message)


def test_a_machine_is_named_too_where_it_unlocks_more_than_the_smaller_change() -> None:
    petg = [waiting(f"job-{n}", reason("material.missing", "petg"), material="petg") for n in range(3)]
    assert told(*petg, waiting("job-9", x=290, y=290)) == [
        "4 jobs wait for fdm with room for 300 × 300 × 50 mm within 1 km",
        "3 jobs wait for petg within 1 km, on a machine that is there",
    ]


def test_of_several_materials_that_are_allowed_each_would_do() -> None:
    jobs = [waiting("job-1", reason("material.missing", "pla, petg")), waiting("job-2", reason("material.missing", "petg"))]
    assert [(need.term, need.jobs) for need in needs(jobs)][:2] == [("petg", 2), ("pla", 1)]


def test_a_finer_and_longer_cutter_serves_what_a_coarser_one_does() -> None:
    def job(name: str, wide: float, deep: float) -> WaitingJob:
        milled = way(process="milling")
        milled.requirement.smallest_tool_mm, milled.requirement.tool_reach_mm = wide, deep
        against = (reason("tool.diameter", needs=mm(wide), has=mm(8)),)
        near = Unable(v1.Shop(id="lena"), printer(), against, milled)
        return WaitingJob(name, Wanted([milled], BERLIN, 0, {}), 1, Match((), (near,)))

    terms = {need.term: need.jobs for need in needs([job("a", 3, 12), job("b", 6, 10), job("c", 2, 30), job("d", 1, 5)]) if need.term}
    assert terms == {"end_mill of at most 2 mm that reaches 30 mm": 3, "end_mill of at most 1 mm that reaches 5 mm": 1}


def test_what_fails_by_two_things_is_unlocked_by_neither_alone() -> None:
    job = waiting("job-1", reason("material.missing", "petg"), reason("op.tapping", "tap"))
    assert [need.kind for need in needs([job])] == [v1.NEED_KIND_MACHINE]


def test_owners_who_only_need_to_be_asked_are_told_first() -> None:
    lab = Match((), (), ask=(Unable(v1.Shop(id="lab"), printer(), (reason("place.unknown"),)),))
    (need,) = needs([waiting("job-1", match=lab)])
    assert need.what.code == "need.ask"


def test_far_places_are_counted_apart_and_no_place_by_itself() -> None:
    found = needs(
        [waiting("a", place=BERLIN), waiting("b", place=POTSDAM), waiting("c", place=HAMBURG), waiting("d", place=v1.Place(), pieces=9)]
    )
    assert [(need.jobs, need.place.cell) for need in found] == [(2, min(BERLIN.cell, POTSDAM.cell)), (1, ""), (1, HAMBURG.cell)]
    assert found[1].what.message == "1 job waits for fdm with room for 50 × 50 × 50 mm"
    assert not found[1].HasField("place")


def test_every_cell_is_in_the_neighbourhood_whose_middle_is_near() -> None:
    rng = random.Random(7)
    cells = [coarse_place(52 + rng.random(), 13 + rng.random()).cell for _ in range(200)]
    found = neighbourhoods(cells, NEAR_KM)
    assert sorted(cell for near in found for cell in near.away_km) == sorted(set(cells))
    for near in found:
        for cell, away in near.away_km.items():
            really = distance_km(v1.Place(cell=near.middle), v1.Place(cell=cell))
            assert away == pytest.approx(really, abs=0.001)
            assert away <= NEAR_KM


def test_the_order_of_the_jobs_does_not_matter() -> None:
    jobs = [
        waiting("a", reason("material.missing", "petg"), x=100),
        waiting("b", reason("op.tapping", "tap"), x=280, place=POTSDAM),
        waiting("c", x=280, y=50, z=300),
        waiting("d", x=50, y=280, z=50, place=HAMBURG, pieces=4),
        waiting("e", reason("shop.silent", ago=400), process="sla"),
    ]
    answers = {tuple(need.SerializeToString(deterministic=True) for need in needs(order)) for order in permutations(jobs)}
    assert len(answers) == 1


def test_who_asked_never_shows() -> None:
    job = waiting("job-1", reason("material.missing", "petg"), requester="anna")
    job.wanted.passed["lena"] = "declined"  # type: ignore[index]
    assert not any("anna" in str(need) or "lena" in str(need) or "job-1" in str(need) for need in needs([job]))


SIDES = st.tuples(*[st.sampled_from([8, 49.99, 50, 120, 333, 500, 501, 790])] * 3)


@given(st.lists(st.tuples(st.lists(SIDES, min_size=1, max_size=3), st.booleans()), min_size=1, max_size=12))
def test_the_jobs_that_a_room_unlocks_are_those_that_fit_it(parts: list[tuple[list[tuple[float, float, float]], bool]]) -> None:
    wanted = [
        v1.Requirement(keep_direction=keeps, placements=[v1.Placement(size_mm=v1.Size(x=x, y=y, z=z)) for x, y, z in boxes])
        for boxes, keeps in parts
    ]
    found = few_rooms([boxes_of(need) for need in wanted])
    assert 1 <= len(found) <= MOST_ROOMS
    for (x, y, z), unlocked in found:
        assert unlocked == {n for n, need in enumerate(wanted) if not too_small(need, v1.Size(x=x, y=y, z=z))}
    if len(found) < MOST_ROOMS:
        assert set.union(*(unlocked for _, unlocked in found)) == set(range(len(parts)))


def test_the_needs_come_out_of_a_real_match() -> None:
    street = [ShopOnBoard(Garage("lena").shop, 1), ShopOnBoard(Garage("shed", [printer(materials=("petg",))]).shop, 1)]

    def tried(name: str, **needs: object) -> WaitingJob:
        wanted = Wanted([way(**needs)], v1.Place(cell=CELL), 0, {})  # type: ignore[arg-type]
        found = match(wanted, street, 120)
        assert not found.able
        return WaitingJob(name, wanted, 1, found)

    jobs = [tried("a", material="asa"), tried("b", material="asa", x=100), tried("c", x=290, material="petg"), tried("d", process="sla")]
    assert told(*jobs) == [
        "3 jobs wait for fdm with room for 300 × 50 × 50 mm within 1 km",
        "2 jobs wait for asa within 1 km, on a machine that is there",
        "1 job waits for sla with room for 50 × 50 × 50 mm within 1 km",
    ]


def test_five_thousand_waiting_jobs_are_gathered_in_about_a_second() -> None:
    rng = random.Random(3)
    places = [coarse_place(rng.uniform(51, 54), rng.uniform(10, 14)) for _ in range(500)]
    against = [reason("material.missing", "petg"), reason("op.tapping", "tap"), reason("shop.silent", ago=900)]
    made = way()
    near = [Match((), tuple(Unable(v1.Shop(id=f"s-{n}"), printer(), (rng.choice(against),), made) for n in range(20))) for _ in range(50)]
    jobs = [
        waiting(f"j-{n}", place=rng.choice(places), match=rng.choice(near), **{side: rng.uniform(5, 900) for side in "xyz"})
        for n in range(5000)
    ]
    begun = time.process_time()
    found = needs(jobs)
    assert time.process_time() - begun < 3  # about 1 s on a quiet machine
    assert len(found) == 100
