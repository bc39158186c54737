# SPDX-License-Identifier: AGPL-3.0-or-later
"""The index finds what trying every machine finds, the nearest first, and holds what it was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import h3
import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import given, settings
from hypothesis import strategies as st
from router_street import CELL, Garage, printer, way

from commonfab import v1
from commonfab.place import distance_km
from router.capability_index import CapabilityIndex
from router.index.rings import RINGS_KM, UNKNOWN_PLACE_KM
from router.matching import Able, Match, Wanted, match
from router.shop_on_board import ShopOnBoard

NOW_MS, PRESENT = 1_000_000_000, 120.0
ALL = 1_000_000
FAR_CELL = "871f1d4d8ffffff"
NEIGHBOURS = sorted(h3.grid_disk(CELL, 2))
CELLS = ["", CELL, *NEIGHBOURS[:4], FAR_CELL, h3.latlng_to_cell(-33.9, 18.4, 7), h3.latlng_to_cell(52.5, 13.4, 5)]

PROCESSES = ["fdm", "sla", "additive", "milling", "cnc_routing", "laser_cutting", "co2_laser_cutting", "basket_weaving", "knitting"]
SPELLINGS = ["FFF", "3D printing", "Basket Weaving", "fused deposition modeling", ""]
MATERIALS = ["pla", "PLA+", "petg", "resin", "plywood", "Sperrholz", "acrylic", "steel", "aisi_304", "unobtainium", ""]
OPERATIONS = ["tap", "drill", "knurl", "sheet_bending"]
SIDES = st.sampled_from([0.0, 40.0, 100.0, 100.005, 100.0101, 99.99, 250.0, 600.0]) | st.floats(1, 700)
THICKNESSES = st.sampled_from([0.0, 0.0, 1.0, 3.0, 3.2, 6.0, 200.0])
LITTLE = st.sampled_from([0.0, 0.0, 0.05, 0.1, 0.4, 3.0, 6.0])


def some(of: Sequence[str], most: int = 3) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(of), max_size=most)


def mostly(usual: Any, other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.just(usual), st.just(usual), other)


SIZES = st.builds(v1.Size, x=SIDES, y=SIDES, z=SIDES)
JUST = st.sampled_from([100.0, 99.9901, 100.0099, 110.0])
ROOMS = st.builds(v1.Size, x=JUST, y=JUST, z=JUST)
TOOLS = st.builds(v1.Tool, kind=st.sampled_from(["end_mill", "drill", "tap"]), diameter_mm=LITTLE, reach_mm=LITTLE)
STOCK = st.builds(
    v1.Stock,
    material=st.sampled_from(MATERIALS),
    thickness_mm=THICKNESSES,
    size_mm=st.none() | SIZES,
    grams=st.sampled_from([0.0, 5.0, 50.0]),
    pieces=st.integers(0, 2),
)
LIMITS = st.builds(v1.ThicknessLimit, material=st.sampled_from(MATERIALS), thickness_mm=THICKNESSES)
HOURS = st.builds(v1.WeeklyHours, from_minute=st.integers(0, 5000), until_minute=st.integers(5000, 10079))
MACHINES = st.builds(
    v1.Machine,
    name=st.sampled_from(["Prusa", "Ender"]),
    process=mostly("fdm", st.sampled_from(PROCESSES + SPELLINGS)),
    envelope_mm=mostly(v1.Size(x=300, y=200, z=250), st.none() | SIZES | ROOMS),
    materials=mostly(["pla", "steel"], some(MATERIALS)),
    state=mostly(v1.MACHINE_STATE_READY, st.integers(0, 6)),
    free_in=st.none() | st.builds(Duration, seconds=st.integers(0, 9000)),
    control=mostly("octoprint", st.just("")),
    axes=mostly(0, st.integers(0, 5)),
    tools=mostly([], st.lists(TOOLS, max_size=2)),
    operations=some(OPERATIONS, 2),
    enclosed=st.booleans(),
    power_w=st.sampled_from([0.0, 5.0, 60.0]),
    max_thickness=mostly([], st.lists(LIMITS, max_size=2)),
    stock=mostly([], st.lists(STOCK, max_size=2)),
    tolerance_mm=mostly(0.0, LITTLE),
    smallest_feature_mm=mostly(0.0, LITTLE),
    loaded=st.sampled_from(MATERIALS),
    may_run=mostly([], st.lists(HOURS, max_size=1)),
)
POLICIES = st.builds(
    v1.ShopPolicy,
    requesters=mostly([], some(["anna", "ben"])),
    materials=mostly([], some(MATERIALS)),
    within_km=mostly(0.0, st.floats(0.1, 20)),
    most_pieces=st.integers(0, 3),
    most_minutes=st.integers(0, 100),
    hours=mostly([], st.lists(HOURS, max_size=1)),
)
SHOPS = st.builds(
    v1.Shop,
    name=st.sampled_from(["Garage", "Shed"]),
    place=st.none() | st.builds(v1.Place, cell=st.sampled_from(CELLS)),
    machines=st.lists(MACHINES, max_size=4),
    public_key=st.binary(min_size=32, max_size=32),
    operations=some(OPERATIONS, 2),
    skills=some(["tig_welding"], 1),
    policy=mostly(None, POLICIES),
    closed=mostly("", st.just("on holiday")),
)
WISHED: dict[str, st.SearchStrategy[Any]] = {
    "process": mostly("fdm", st.sampled_from(PROCESSES + SPELLINGS)),
    "size_mm": mostly(v1.Size(x=100, y=100, z=100), ROOMS | SIZES),
}
ALSO: dict[str, st.SearchStrategy[Any]] = {
    "material": st.sampled_from(MATERIALS),
    "placements": st.lists(st.builds(v1.Placement, size_mm=SIZES), max_size=3),
    "materials_allowed": some(MATERIALS),
    "axes": st.integers(3, 5),
    "thickness_mm": THICKNESSES,
    "smallest_tool_mm": LITTLE,
    "tool_reach_mm": LITTLE,
    "operations": some(OPERATIONS, 1),
    "enclosed": st.booleans(),
    "tolerance_mm": LITTLE,
    "smallest_feature_mm": LITTLE,
    "keep_direction": st.booleans(),
    "least_power_w": st.sampled_from([0.0, 20.0]),
    "smallest_drill_mm": LITTLE,
    "skills": some(["tig_welding"], 1),
    "grams": st.sampled_from([4.0, 20.0]),
    "minutes": st.floats(1, 3000),
}
STEPS = st.builds(v1.Requirement, process=st.sampled_from(["sheet_bending", *PROCESSES]))
ALSO["then"] = st.lists(STEPS, max_size=1)


@st.composite
def ways(draw: st.DrawFn) -> v1.Makeability:
    """A need of few things: one of many is met by nobody."""
    asked = draw(st.lists(st.sampled_from(sorted(ALSO)), max_size=2, unique=True))
    needs = {name: draw(strategy) for name, strategy in WISHED.items()} | {name: draw(ALSO[name]) for name in asked}
    return v1.Makeability(process="fdm", requirement=v1.Requirement(**needs))


WISHES = st.builds(
    Wanted,
    ways=st.lists(ways(), min_size=1, max_size=2),
    place=st.builds(v1.Place, cell=st.sampled_from(CELLS)),
    within_km=mostly(0.0, st.sampled_from([1.0, 4.0, 12.0])),
    passed=mostly({}, st.dictionaries(st.sampled_from(["shop-0", "shop-1"]), st.sampled_from(["declined", "tried", "unanswered"]))),
    requester=st.sampled_from(["anna", "carl"]),
    quantity=st.integers(1, 5),
    minute_of_week=st.none() | st.floats(0, 10079),
    first_shop=st.sampled_from(["", "shop-0"]),
)


@st.composite
def streets(draw: st.DrawFn) -> list[ShopOnBoard]:
    shops = draw(st.lists(SHOPS, max_size=6))
    return [known_shop(draw, shop, place) for place, shop in enumerate(shops)]


def known_shop(draw: st.DrawFn, shop: v1.Shop, place: int) -> ShopOnBoard:
    shop.id = f"shop-{place}"
    for number, machine in enumerate(shop.machines):
        machine.id = f"m{number}"
    queued = {machine.id: minutes for machine in shop.machines if (minutes := draw(mostly(0.0, st.floats(1, 500))))}
    heard_ago = draw(mostly(1.0, st.sampled_from([119.999, 120.0, 120.001, 500.0])))
    proven = draw(mostly({}, st.just({"fdm": 3})))
    return ShopOnBoard(shop, heard_ago, queued, draw(mostly({}, st.just({"m0": 1.5}))), draw(mostly(0.0, st.just(7.25))), proven, place)


def indexed(street: Sequence[ShopOnBoard]) -> CapabilityIndex:
    index = CapabilityIndex()
    for known in street:
        index.put(known, heard_at(known))
    return index


def heard_at(known: ShopOnBoard) -> int:
    return NOW_MS - round(known.heard_ago * 1000)


def by_machine(able: Sequence[Able]) -> list[Able]:
    return sorted(able, key=lambda one: (one.shop.id, one.machine.id))


def names(able: Sequence[Able]) -> list[tuple[str, str]]:
    return [(one.shop.id, one.machine.id) for one in by_machine(able)]


@settings(max_examples=100, deadline=None)
@given(streets(), WISHES)
def test_what_is_found_is_what_trying_every_machine_finds(street: list[ShopOnBoard], wanted: Wanted) -> None:
    found = indexed(street).find(wanted, NOW_MS, PRESENT, enough=ALL)
    assert by_machine(found) == by_machine(match(wanted, street, PRESENT).able)


@settings(max_examples=40, deadline=None)
@given(streets(), WISHES)
def test_ring_by_ring_finds_the_same(street: list[ShopOnBoard], wanted: Wanted) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("router.index.search.FEW_MACHINES", 0)
        found = indexed(street).find(wanted, NOW_MS, PRESENT, enough=ALL)
    assert by_machine(found) == by_machine(match(wanted, street, PRESENT).able)


@settings(max_examples=30, deadline=None)
@given(streets(), streets(), st.lists(st.integers(0, 5), max_size=4), WISHES)
def test_an_index_that_was_changed_in_place_equals_a_fresh_one(
    before: list[ShopOnBoard], after: list[ShopOnBoard], dropped: list[int], wanted: Wanted
) -> None:
    index = indexed(before)
    for place in dropped:
        index.drop(f"shop-{place}")
    for known in after:
        index.put(replace(known, heard_ago=0), 0)
        index.heard(known.shop.id, heard_at(known))
    left = {known.shop.id: known for known in before if int(known.shop.id[-1]) not in dropped} | {known.shop.id: known for known in after}
    street = [left[shop_id] for shop_id in sorted(left)]
    fresh = indexed(street)
    assert list(index.shops(NOW_MS)) == street
    assert len(index) == len(fresh) == sum(len(known.shop.machines) for known in street)
    assert by_machine(index.find(wanted, NOW_MS, PRESENT, ALL)) == by_machine(fresh.find(wanted, NOW_MS, PRESENT, ALL))
    for known in street:
        index.drop(known.shop.id)
    assert len(index) == 0
    assert index.find(wanted, NOW_MS, PRESENT) == []


def test_a_dropped_street_leaves_its_memory_to_the_next() -> None:
    index = CapabilityIndex()
    sizes = []
    for _ in range(3):
        for place in range(200):
            shop = Garage(f"shop-{place}", machines=[printer(x=100 + place)]).shop
            index.put(ShopOnBoard(shop, 0), NOW_MS)
        sizes.append(index.machine_bytes())
        for place in range(200):
            index.drop(f"shop-{place}")
    assert sizes[1] == pytest.approx(sizes[0], rel=0.02) and sizes[2] == sizes[1]


@settings(max_examples=30, deadline=None)
@given(streets(), WISHES, st.randoms(use_true_random=False))
def test_other_ids_for_the_shops_change_nothing(street: list[ShopOnBoard], wanted: Wanted, random: Any) -> None:
    wanted = replace(wanted, passed={}, first_shop="")
    renamed = [replace(known, shop=v1.Shop.FromString(known.shop.SerializeToString())) for known in street]
    ids = [known.shop.id for known in street]
    random.shuffle(ids)
    for known, shop_id in zip(renamed, ids, strict=True):
        known.shop.id = shop_id
    random.shuffle(renamed)
    one = indexed(street).find(wanted, NOW_MS, PRESENT, enough=2)
    other = indexed(renamed).find(wanted, NOW_MS, PRESENT, enough=2)
    assert [(able.shop.public_key, able.machine.id) for able in one] == [(able.shop.public_key, able.machine.id) for able in other]


@settings(max_examples=30, deadline=None)
@given(streets())
def test_a_shop_comes_back_as_it_was_put(street: list[ShopOnBoard]) -> None:
    index = indexed(street)
    assert [index.shop(known.shop.id, NOW_MS) for known in street] == street
    assert list(index.shops(NOW_MS)) == street
    assert index.shop("nobody", NOW_MS) is None


def ask(cell: str = CELL, **more: Any) -> Wanted:
    return Wanted([way()], v1.Place(cell=cell), more.pop("within_km", 0), more.pop("passed", {}), **more)


def along_a_road(shops: int) -> list[ShopOnBoard]:
    """Shops ever farther to the east, about 3 km apart, the farthest with the lowest id."""
    latitude, longitude = h3.cell_to_latlng(CELL)
    cells = [h3.latlng_to_cell(latitude, longitude + 0.045 * step, 7) for step in range(shops)]
    return [ShopOnBoard(Garage(f"shop-{shops - step:03d}", cell=cell).shop, 1) for step, cell in enumerate(cells)]


@pytest.mark.parametrize("few", [0, 4000])
def test_the_nearest_rings_are_looked_at_first_and_only_until_enough_are_found(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.index.search.FEW_MACHINES", few)
    index = indexed(along_a_road(60))
    found = index.find(ask(), NOW_MS, PRESENT, enough=7)
    away = [one.distance_km or 0.0 for one in found]
    assert len(found) == 7
    assert away == sorted(away)
    everybody = sorted(one.distance_km or 0.0 for one in index.find(ask(), NOW_MS, PRESENT, enough=ALL))
    assert away == everybody[:7]


def test_a_busy_shop_in_a_nearer_ring_comes_before_an_idle_one_farther_out() -> None:
    near, far = along_a_road(10)[0], along_a_road(10)[9]
    busy = replace(near, queued_minutes={"mk3": 5000.0})
    assert names(indexed([busy, far]).find(ask(), NOW_MS, PRESENT, enough=1)) == [(near.shop.id, "mk3")]


def test_inside_a_ring_the_one_that_is_free_soonest_is_tried_first() -> None:
    shops = [ShopOnBoard(Garage(f"s{queue}").shop, 1, {"mk3": float(queue)}) for queue in (50, 10, 30)]
    assert names(indexed(shops).find(ask(), NOW_MS, PRESENT, enough=1)) == [("s10", "mk3")]
    assert names(indexed(shops).find(ask(cell=""), NOW_MS, PRESENT, enough=1)) == [("s10", "mk3")]


def test_shops_that_left_an_offer_unanswered_do_not_count_towards_enough() -> None:
    road = along_a_road(3)
    passed = {road[0].shop.id: "unanswered"}
    found = indexed(road).find(ask(passed=passed), NOW_MS, PRESENT, enough=1)
    assert [one.unanswered for one in found] == [True, False]


def test_the_shop_that_made_the_first_article_is_found_however_far_it_is() -> None:
    road = along_a_road(60)
    found = indexed(road).find(ask(first_shop=road[-1].shop.id), NOW_MS, PRESENT, enough=2)
    assert [one.shop.id for one in found if one.made_first] == [road[-1].shop.id]


@pytest.mark.parametrize("few", [0, 4000])
def test_a_shop_that_gave_no_place_comes_between_those_of_the_nearest_ring_and_the_next(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.index.search.FEW_MACHINES", few)
    road = along_a_road(20)
    unplaced = replace(road[0], shop=Garage("unplaced", cell="").shop, queued_minutes={"mk3": 2000.0})
    index = indexed([*road, unplaced])
    assert RINGS_KM[0] == UNKNOWN_PLACE_KM
    within = [known.shop.id for known in road if (distance_km(known.shop.place, road[0].shop.place) or 0.0) <= RINGS_KM[0]]
    found = index.find(ask(cell=road[0].shop.place.cell), NOW_MS, PRESENT, enough=len(within) + 2)
    assert [one.shop.id for one in found[: len(within) + 1]] == [*within, "unplaced"]
    assert (found[-1].distance_km or 0.0) > RINGS_KM[0]
    assert not any(one.shop.id == "unplaced" for one in index.find(ask(within_km=100), NOW_MS, PRESENT, enough=ALL))


def test_a_shop_that_was_not_heard_for_too_long_says_nothing_of_equal_machines_in_other_shops() -> None:
    street = [ShopOnBoard(Garage(f"shop-{place}").shop, heard_ago=120.0005 if place % 2 else 1.0) for place in range(8)]
    index = CapabilityIndex()
    for known in street:
        index.put(known, NOW_MS - 120_001 if known.heard_ago > 2 else NOW_MS)
    assert len(index.find(ask(), NOW_MS, PRESENT, ALL)) == 4


@pytest.mark.parametrize("spelled", ["FFF", "3D printing", "fused deposition modeling"])
def test_a_machine_whose_process_is_spelled_otherwise_is_found(spelled: str) -> None:
    known = ShopOnBoard(Garage("spelled").shop, 1)
    known.shop.machines[0].process = spelled
    wanted = Wanted([way()], v1.Place(cell=CELL), 0, {})
    wanted.ways[0].requirement.process = "additive"
    assert names(indexed([known]).find(wanted, NOW_MS, PRESENT)) == [("spelled", "mk3")] == names(match(wanted, [known], PRESENT).able)


def test_only_the_idle_are_asked_first_by_those_who_do_not_say_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.index.search.FEW_MACHINES", 0)
    monkeypatch.setattr("router.index.search.FIRST_SHOPS", 3)
    street = [replace(known, queued_minutes={"mk3": float(step % 5)}) for step, known in enumerate(along_a_road(60))]
    index = indexed(street)
    for enough in (3, 12, 30, ALL):
        found = [one.free_in_minutes for one in index.find(ask(cell=""), NOW_MS, PRESENT, enough)]
        assert found == sorted(known.queued_minutes["mk3"] for known in street)[:enough]
    index.drop(street[0].shop.id)
    index.put(ShopOnBoard(Garage("late").shop, 1), NOW_MS)
    able = names(index.find(ask(cell=""), NOW_MS, PRESENT, enough=12))
    assert ("late", "mk3") in able and (street[0].shop.id, "mk3") not in able


def test_a_job_of_many_pieces_is_given_more_machines_to_choose_from() -> None:
    index = indexed(along_a_road(90))
    assert [len(index.find(ask(quantity=pieces), NOW_MS, PRESENT)) for pieces in (1, 5, 40, 500)] == [16, 16, 40, 64]


def test_only_the_named_shops_are_tried() -> None:
    index = indexed(along_a_road(5))
    assert names(index.find(ask(), NOW_MS, PRESENT, only={"shop-002", "nobody"})) == [("shop-002", "mk3")]


def test_many_shops_that_moved_are_found_where_they_are_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.index.search.FEW_MACHINES", 0)
    monkeypatch.setattr("router.index.rings.MOVED_AT_LEAST", 10)
    road = along_a_road(40)
    index = indexed(road)
    index.find(ask(), NOW_MS, PRESENT)
    for turn in range(1, 40):
        moved = [replace(known, shop=v1.Shop.FromString(known.shop.SerializeToString())) for known in road[:turn]]
        for known in moved:
            known.shop.place.cell = road[-1].shop.place.cell
            index.put(known, NOW_MS)
        found = index.find(ask(cell=road[-1].shop.place.cell, within_km=1), NOW_MS, PRESENT, enough=ALL)
        assert len(found) == turn + 1


def test_a_place_that_is_no_cell_changes_nothing() -> None:
    index = indexed(along_a_road(2))
    for shop_id in ("shop-001", "new"):
        with pytest.raises(ValueError):
            index.put(ShopOnBoard(Garage(shop_id, cell="nowhere").shop, 1), NOW_MS)
    assert [known.shop.place.cell for known in index.shops(NOW_MS)] == [known.shop.place.cell for known in reversed(along_a_road(2))]
    index.put(ShopOnBoard(Garage("new").shop, 1), NOW_MS)
    assert len(index) == 3


def street_of(shops: int) -> list[ShopOnBoard]:
    """Printers of several sizes, some silent, some out of order; laser cutters; and some that stand in a directory only."""
    garages = []
    for place in range(shops):
        laser = printer("laser")
        laser.process = "laser_cutting"
        broken, listed = printer("broken", x=400), printer("listed", x=0, y=0)
        broken.state, listed.control = v1.MACHINE_STATE_OUT_OF_ORDER, ""
        machines = [printer(x=150 + place % 100), laser, broken, listed]
        garages.append(
            ShopOnBoard(Garage(f"shop-{place:04d}", machines=machines, cell=CELLS[place % 9]).shop, 500 if place % 5 == 0 else 1)
        )
    return garages


def test_over_a_large_street_counts_are_those_of_trying_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    street = street_of(600)
    wanted = Wanted([way(x=240, y=230, z=60)], v1.Place(cell=CELL), 0, {})
    exact: Match = match(wanted, street, PRESENT)
    told = indexed(street).match(wanted, NOW_MS, PRESENT, shown=20)
    assert (told.machines, len(exact.unable)) == (2400, 2400 - len(exact.able) - len(exact.ask))
    assert names(told.able) == names(exact.able)[: len(told.able)] or len(told.able) >= 20
    assert len(told.unable) == len(told.ask) == 20
    refusals = {(one.shop.id, one.machine.id): one.reasons for one in (*exact.unable, *exact.ask)}
    assert all(refusals[one.shop.id, one.machine.id] == one.reasons for one in (*told.unable, *told.ask))
    assert {len(one.reasons) for one in told.unable} == {1}
    groups = {group.nearest.code: group for group in told.groups}
    for group in exact.groups:
        assert groups[group.nearest.code].machines == pytest.approx(group.machines, rel=0.15)
        assert groups[group.nearest.code].only_this == pytest.approx(group.only_this, rel=0.25, abs=5)
    by_columns = {"process.other", "shop.silent", "machine.out_of_order"}
    assert {code: groups[code].machines for code in by_columns} == {
        group.nearest.code: group.machines for group in exact.groups if group.nearest.code in by_columns
    }


def test_a_small_street_is_told_exactly() -> None:
    street, wanted = street_of(40), Wanted([way(x=240, y=230, z=60)], v1.Place(cell=CELL), 0, {})
    assert indexed(street).match(wanted, NOW_MS, PRESENT) == match(wanted, street, PRESENT)


def test_equal_machines_are_told_apart_by_what_their_shops_can_do() -> None:
    street = [ShopOnBoard(Garage(name).shop, 1) for name in ("none", "taps", "neither")]
    street[1].shop.operations.append("tap")
    tapped = way()
    tapped.requirement.operations.append("tap")
    wanted = Wanted([tapped], v1.Place(cell=CELL), 0, {})
    assert names(indexed(street).find(wanted, NOW_MS, PRESENT, ALL)) == [("taps", "mk3")] == names(match(wanted, street, PRESENT).able)
