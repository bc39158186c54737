# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who can and why, who cannot, what comes nearest, and what a job waits for."""

from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import given
from hypothesis import strategies as st
from router_street import CELL, Garage, printer, way

from commonfab import v1
from commonfab.envelope import too_small
from commonfab.reasons import reason
from commonfab.units import km, mm
from router.board_reading import JobOnBoard
from router.explain import MOST_TOLD, explain, settled, waiting_for
from router.matching import Match, Unable, Wanted, match
from router.nearest import MOST_CUTS, nearest_misses
from router.ranking import load_policy, rank
from router.shop_on_board import ShopOnBoard

POLICY = load_policy()
FAR_CELL = "871f1d4d8ffffff"
SIDES = st.floats(10, 900)


def known(name: str, *machines: v1.Machine, heard_ago: float = 1, queue: float = 0, cell: str = CELL) -> ShopOnBoard:
    shop = Garage(name, list(machines) or [printer()], cell=cell).shop
    return ShopOnBoard(shop, heard_ago, {machine.id: queue for machine in shop.machines})


def wish(within_km: float = 0, passed: dict[str, str] | None = None, cell: str = CELL, **needs: object) -> Wanted:
    return Wanted([way(**needs)], v1.Place(cell=cell), within_km, passed or {})  # type: ignore[arg-type]


def explained(wanted: Wanted, *shops: ShopOnBoard, lots: dict[tuple[str, str], int] | None = None) -> v1.ExplainJobResponse:
    return explain(match(wanted, shops, present_seconds=120), wanted, POLICY, [], lots or {})


def near(wanted: Wanted, *shops: ShopOnBoard) -> list[tuple[str, str]]:
    return [(miss.change.message, miss.machine.shop_id) for miss in explained(wanted, *shops).nearest]


def test_the_terms_of_a_candidate_add_up_to_its_place_in_the_order() -> None:
    shops = [known("lena", queue=90), known("shed", cell=FAR_CELL), known("attic")]
    found = match(wish(), shops, 120)
    answer = explain(found, wish(), POLICY, [])
    assert [one.shop_id for one in answer.able] == [one.shop.id for one in rank(found.able, POLICY)]
    sums = [sum(term.minutes for term in one.terms) for one in answer.able]
    assert sums == sorted(sums)
    lena = next(one for one in answer.able if one.shop_id == "lena")
    assert {term.name: term.minutes for term in lena.terms if term.name in ("waiting", "making")} == {"waiting": 90, "making": 30}
    assert all(term.minutes for one in answer.able for term in one.terms)


def test_a_candidate_says_how_of_what_and_how_many_it_would_make() -> None:
    (told,) = explained(wish(material=""), known("lena", printer(materials=("petg", "pla"))), lots={("lena", "mk3"): 4}).able
    assert (told.process, told.material, told.lot) == ("fdm", "petg", 4)
    assert explained(wish(), known("lena")).able[0].lot == 0


def test_those_that_cannot_are_grouped_and_counted_with_the_nearest_figures() -> None:
    shops = [
        known("a", printer(x=250)),
        known("b", printer(x=100, y=60, materials=("petg",))),
        known("c", printer(x=100, y=60), heard_ago=500),
    ]
    answer = explained(wish(x=260, y=40), *shops)
    assert [(group.nearest.message, group.machines, group.only_this) for group in answer.groups] == [
        ("size.x needs 260 mm has 250 mm", 3, 1),
        ("pla is not on hand", 1, 0),
        ("the shop was last heard 500 s ago", 1, 0),
    ]
    assert answer.machines == 3


def test_a_long_list_is_cut_and_the_groups_still_count_everybody() -> None:
    shops = [known(f"shop-{number:03d}", printer(x=100 + number, y=60)) for number in range(MOST_TOLD + 20)]
    answer = explained(wish(x=260, y=40), *shops)
    assert len(answer.refused) == MOST_TOLD
    assert answer.refused[0].shop_id == f"shop-{MOST_TOLD + 19:03d}"
    assert answer.groups[0].machines == answer.machines == MOST_TOLD + 20


def test_machines_of_which_only_the_owner_can_say_are_told_apart() -> None:
    lab = v1.Shop(id="lab", name="Lab")
    found = Match((), (), ask=(Unable(lab, printer(), (reason("place.unknown"),)),))
    answer = explain(found, wish(), POLICY, [])
    assert [one.shop_id for one in answer.ask] == ["lab"]
    assert not answer.refused
    assert answer.machines == 1


def test_the_nearest_miss_is_a_printer_a_little_wider_or_two_pieces() -> None:
    shops = (known("nearly", printer(x=255, y=200)), known("tiny", printer(x=140, y=80, z=80)))
    assert near(wish(x=260, y=40, z=60), *shops) == [
        ("a machine for fdm with 5 mm more across would do", "nearly"),
        ("in 2 pieces it would fit", "nearly"),
    ]


def test_the_figures_of_the_missing_room_are_told_by_axis() -> None:
    (change, *_) = explained(wish(x=260, y=240, z=300), known("lena")).nearest
    assert change.change.subject == "fdm with 40 mm more across, 20 mm in depth and 50 mm in height"
    assert {figure.name: figure.value for figure in change.change.figures} == {"x": 40, "y": 20, "z": 50}


def test_room_is_rounded_up_so_that_the_machine_that_is_named_would_do() -> None:
    assert near(wish(x=220.04, y=10), known("lena"))[0][0] == "a machine for fdm with 0.1 mm more across would do"


@pytest.mark.parametrize(
    ("wanted", "shop", "told"),
    [
        (wish(material="petg"), known("lena"), "petg on hand would do"),
        (wish(passed={"lena": "declined"}), known("lena"), "the machine is there; it is up to its people"),
        (wish(), known("lena", heard_ago=500), "the machine is there; it is up to its people"),
        (wish(within_km=5), known("lena", cell=""), "it would do to know how far it is"),
        (
            wish(x=900, y=900, z=900),
            known("lena", heard_ago=500),
            "no machine comes near; it takes one for fdm with room for 900 × 900 × 900 mm",
        ),
        (wish(process="milling"), known("lena"), "no machine comes near; it takes one for milling with room for 20 × 20 × 10 mm"),
    ],
)
def test_each_single_thing_that_is_missing_is_named(wanted: Wanted, shop: ShopOnBoard, told: str) -> None:
    assert near(wanted, shop)[0][0] == told


def test_a_shop_that_is_only_too_far_away_is_told_with_the_distance_that_would_do() -> None:
    wanted = wish(within_km=2)
    ((told, shop),) = near(wanted, known("far", cell=FAR_CELL))
    needs = float(told.removeprefix("a distance of ").split(" ")[0])
    assert shop == "far"
    assert told == f"a distance of {km(needs)} instead of 2 km would do"
    assert explained(wish(within_km=needs), known("far", cell=FAR_CELL)).able


@pytest.mark.parametrize(
    ("against", "told"),
    [
        ([reason("op.tapping", "tap")], "somebody who does this would do: tap"),
        ([reason("skill.missing", "tig_welding")], "somebody who does this would do: tig_welding"),
        ([reason("tool.diameter", needs=mm(2), has=mm(6))], "another cutter would do"),
        ([reason("machine.not_enclosed")], "a machine for fdm without what stands against this one would do"),
        ([reason("stock.thickness", "acrylic", needs=mm(3), has=mm(5))], "acrylic of 3 mm on hand would do"),
        ([reason("shop.closed", "holiday"), reason("shop.silent", ago=900)], "the machine is there; it is up to its people"),
    ],
)
def test_what_a_machine_lacks_is_told_as_what_would_do(against: list[v1.Reason], told: str) -> None:
    found = Match((), (Unable(v1.Shop(id="lena"), printer(), tuple(against)),))
    assert [miss.change.message for miss in nearest_misses(found, wish())] == [told]


def test_a_machine_that_lacks_two_kinds_of_things_is_no_near_miss() -> None:
    assert near(wish(x=260, material="petg"), known("lena"))[0][0].startswith("no machine comes near")


def test_where_somebody_can_nothing_needs_to_come_near() -> None:
    assert near(wish(), known("lena"), known("shed", printer(materials=("petg",)))) == []


def test_at_most_as_many_changes_as_asked_for_and_one_of_each_kind() -> None:
    shops = (
        known("small", printer(x=30, y=10)),
        known("smaller", printer(x=25, y=10)),
        known("bare", printer(materials=("petg",))),
        known("silent", heard_ago=900),
    )
    wanted = wish(x=31, y=5)
    found = match(wanted, shops, 120)
    assert [miss.change.code for miss in nearest_misses(found, wanted, most=9)] == [
        "near.room",
        "near.people",
        "near.material",
        "near.pieces",
    ]
    assert len(nearest_misses(found, wanted)) == 3


@given(SIDES, SIDES, SIDES, SIDES, SIDES, SIDES)
def test_the_number_of_pieces_that_is_told_really_fits(x: float, y: float, z: float, wide: float, deep: float, high: float) -> None:
    machine = printer(x=wide, y=deep, z=high)
    cuts = [miss for miss in explained(wish(x=x, y=y, z=z), known("lena", machine)).nearest if miss.change.code == "near.pieces"]
    for miss in cuts:
        pieces = int(miss.change.figures[0].value)
        assert 2 <= pieces <= MOST_CUTS
        sides = [x, y, z]
        sides[sides.index(max(sides))] /= pieces
        piece = v1.Requirement(size_mm=v1.Size(x=sides[0], y=sides[1], z=sides[2]))
        assert not too_small(piece, machine.envelope_mm)


def order(state: str, pieces: int = 2, shop: str = "lena", minutes: float = 0, left: float = 0, **more: object) -> v1.WorkOrder:
    made = v1.WorkOrder(shop_id=shop, quantity=pieces, state=v1.WorkOrderState.Value(f"WORK_ORDER_STATE_{state}"), **more)  # type: ignore[arg-type]
    if minutes:
        made.expected.CopyFrom(Duration(seconds=int(minutes * 60)))
    if left:
        made.expires_in.CopyFrom(Duration(seconds=int(left * 60)))
    return made


def job(*orders: v1.WorkOrder, unplaced: int = 0, state: str = "WAITING", first: str = "", parts: tuple[str, ...] = ()) -> JobOnBoard:
    made = v1.Job(id="job-1", state=v1.JobState.Value(f"JOB_STATE_{state}"), work_orders=orders, pieces_unplaced=unplaced)
    return JobOnBoard(made, 1, (reason("place.unknown"),), {}, first=first, parts=parts)


NOBODY_FITS = match(wish(x=900), [known("lena"), known("shed")], 120)
SOMEBODY = match(wish(), [known("lena")], 120)
NOBODY = Match((), ())
OWNER_KNOWS = Match((), (), ask=(Unable(v1.Shop(id="lab"), printer(), (reason("place.unknown"),)),))


@pytest.mark.parametrize(
    ("waits", "found", "told"),
    [
        (job(unplaced=3), NOBODY_FITS, ["none of 2 machines can make it"]),
        (job(unplaced=3), NOBODY, ["no shop is known here that could be asked"]),
        (job(unplaced=3), OWNER_KNOWS, ["nobody else can; only the owner can say, of 1 machine"]),
        (job(unplaced=3), SOMEBODY, ["next to be offered: 3 pieces"]),
        (
            job(order("RUNNING", minutes=125), unplaced=3),
            SOMEBODY,
            [
                "3 pieces to be offered when a lot is done: all that can make it have as much as they take",
                "under way: 2 pieces in 1 shop; the longest lot takes about 2 h 5 min of machine time",
            ],
        ),
        (
            job(order("OFFERED", left=10, asked_shop_ids=["lena", "shed"]), order("OFFERED", left=90, shop="shed", pieces=1)),
            NOBODY,
            ["answers are awaited for 3 pieces: 2 shops asked, 1 h 30 min left at most"],
        ),
        (job(order("ACCEPTED"), order("RUNNING", shop="shed", pieces_good=1)), NOBODY, ["under way: 3 pieces in 2 shops"]),
        (job(order("UNCERTAIN", reasons=[reason("attempt.silent")])), NOBODY, [reason("attempt.silent").message]),
        (job(parts=("job-2", "job-3")), NOBODY, ["the jobs of its 2 parts must be done first"]),
        (job(unplaced=1, parts=("job-2", "job-3")), NOBODY_FITS, ["none of 2 machines can make it"]),
        (job(unplaced=5, first="made"), NOBODY, ["the first piece is made; somebody must look at it"]),
        (
            job(order("RUNNING", pieces=1), unplaced=4, first="wanted"),
            NOBODY,
            ["one piece is made first, and the others wait until it was looked at", "under way: 1 piece in 1 shop"],
        ),
        (
            job(unplaced=5, first="wanted"),
            NOBODY_FITS,
            ["one piece is made first, and the others wait until it was looked at", "none of 2 machines can make it"],
        ),
        (job(unplaced=4, first="approved"), SOMEBODY, ["next to be offered: 4 pieces"]),
        (job(unplaced=4, state="HELD"), NOBODY_FITS, [reason("place.unknown").message]),
        (job(unplaced=4, state="CANCELLED"), NOBODY_FITS, []),
        (job(state="DONE", parts=("job-2",)), NOBODY, []),
    ],
)
def test_what_a_job_waits_for_is_always_said(waits: JobOnBoard, found: Match, told: list[str]) -> None:
    assert [one.message for one in waiting_for(waits, found)] == told


def test_the_remedy_for_a_first_article_names_the_command() -> None:
    (told,) = waiting_for(job(unplaced=5, first="made"), NOBODY)
    assert told.subject == "job-1"


def test_a_product_is_settled_only_when_it_has_ended() -> None:
    assert not settled(job(parts=("job-2",)))
    assert settled(job(parts=("job-2",), state="DONE"))
    assert settled(job())
    assert not settled(job(order("RUNNING")))
