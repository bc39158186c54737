# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who is asked for how many, and how the answer is explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from router_street import CELL, Garage, printer, way

from commonfab import v1
from router.explain import explain
from router.matching import Able, Match, Wanted, match
from router.planning import LARGEST_LOT, plan
from router.ranking import RankingPolicy, load_policy, minutes_per_piece, rank, travel_minutes
from router.shop_on_board import ShopOnBoard

POLICY = load_policy()
WITHOUT_LEEWAY = replace(POLICY, may_end_later=0.0)
FAR_CELL = "871f1d4d8ffffff"


def split(pieces: int, able: Sequence[Able], policy: RankingPolicy) -> list[tuple[Able, int]]:
    """Which machine makes how many where there is no deadline, best placed machine first."""
    return [(lot.able, lot.quantity) for lot in plan(Wanted((), v1.Place(), 0, {}, quantity=pieces), able, policy).lots]


def known(name: str, *, heard_ago: float = 1, queue: float = 0, **garage: object) -> ShopOnBoard:
    shop = Garage(name, **garage).shop  # type: ignore[arg-type]
    return ShopOnBoard(shop, heard_ago, {machine.id: queue for machine in shop.machines})


def matched(*shops: ShopOnBoard, within_km: float = 0, passed: dict[str, str] | None = None, **needs: object) -> Match:
    return match(Wanted([way(**needs)], v1.Place(cell=CELL), within_km, passed or {}), shops, present_seconds=120)  # type: ignore[arg-type]


def pieces_by_shop(pieces: int, found: Match) -> dict[str, int]:
    return {able.shop.id: lot for able, lot in split(pieces, found.able, POLICY)}


def test_a_quantity_is_split_over_two_shops_that_are_placed_alike() -> None:
    assert sorted(pieces_by_shop(5, matched(known("lena"), known("shed"))).values()) == [2, 3]


def test_a_shop_with_a_long_queue_gets_less() -> None:
    assert pieces_by_shop(10, matched(known("lena", queue=120), known("shed"))) == {"lena": 3, "shed": 7}


def test_one_piece_goes_to_the_nearer_shop() -> None:
    assert pieces_by_shop(1, matched(known("far", cell=FAR_CELL), known("near"))) == {"near": 1}


def test_nobody_able_means_no_lots() -> None:
    assert split(5, matched(known("lena"), z=1000).able, POLICY) == []


def test_a_shop_that_left_an_offer_unanswered_is_asked_only_where_nobody_else_can_be() -> None:
    found = matched(known("lena"), known("shed"), passed={"lena": "unanswered"})
    assert pieces_by_shop(5, found) == {"shed": 5}
    assert pieces_by_shop(5, matched(known("lena"), passed={"lena": "unanswered"})) == {"lena": 5}


def test_other_names_for_the_shops_change_nothing() -> None:
    one, other = Garage("aaa"), Garage("zzz", cell=FAR_CELL)
    before = pieces_by_shop(7, matched(ShopOnBoard(one.shop, 1), ShopOnBoard(other.shop, 1)))
    one.id, other.id = "zzz", "aaa"
    after = pieces_by_shop(7, matched(ShopOnBoard(other.shop, 1), ShopOnBoard(one.shop, 1)))
    assert before == {"aaa": after["zzz"], "zzz": after["aaa"]}


@given(st.integers(1, 300), st.lists(st.integers(0, 600), min_size=1, max_size=6))
def test_every_piece_is_planned_once_and_without_leeway_no_split_ends_earlier(pieces: int, queues: list[int]) -> None:
    found = matched(*(known(f"shop-{place}", queue=queue) for place, queue in enumerate(queues)))
    lots = split(pieces, found.able, WITHOUT_LEEWAY)
    assert sum(lot for _, lot in lots) == pieces

    def ready(able: Able) -> float:
        return able.free_in_minutes + POLICY.changeover_minutes + travel_minutes(able, POLICY)

    last = max(ready(able) + lot * minutes_per_piece(able) for able, lot in lots)
    made_before = sum(max(0, int((last - 0.001 - ready(able)) / minutes_per_piece(able))) for able in found.able)
    assert made_before < pieces


def test_no_lot_is_larger_than_the_street_can_bear() -> None:
    assert pieces_by_shop(3 * LARGEST_LOT, matched(known("lena"))) == {"lena": LARGEST_LOT}


def test_a_silent_shop_is_not_asked_and_the_answer_says_since_when() -> None:
    found = matched(known("lena", heard_ago=500))
    assert not found.able
    assert found.unable[0].reasons[0].message == "the shop was last heard 500 s ago"


def test_a_shop_beyond_the_distance_is_not_asked() -> None:
    found = matched(known("far", cell=FAR_CELL), known("near"), within_km=2)
    assert [able.shop.id for able in found.able] == ["near"]
    assert found.unable[0].reasons[0].code == "shop.distance"


def test_a_shop_without_a_place_is_not_asked_where_the_distance_matters() -> None:
    assert matched(known("lena", cell=""), within_km=2).unable[0].reasons[0].code == "place.unknown"
    assert len(matched(known("lena", cell="")).able) == 1


def test_the_explanation_leads_with_the_nearest_miss() -> None:
    laser = printer("laser")
    laser.process = "laser_cutting"
    answer = explain(
        matched(
            known("laser-shop", machines=[laser]),
            known("tiny", machines=[printer(x=80, y=80, z=80)]),
            known("nearly", machines=[printer(x=255, y=200)]),
            known("big", machines=[printer(x=300, y=300)]),
            x=260,
            y=40,
            z=60,
        ),
        Wanted([way(x=260, y=40, z=60)], v1.Place(cell=CELL), 0, {}),
        POLICY,
        [],
    )
    assert [one.shop_id for one in answer.able] == ["big"]
    assert [one.shop_id for one in answer.refused] == ["nearly", "tiny", "laser-shop"]
    assert answer.refused[0].reasons[0].message == "size.x needs 260 mm has 255 mm"
    assert [why.code for why in answer.able[0].why] == ["place.near", "queue.free_now"]


def test_a_declined_shop_is_ranked_as_ever_for_other_jobs() -> None:
    shops = [known("lena"), known("shed", cell=FAR_CELL)]
    assert [able.shop.id for able in rank(matched(*shops).able, POLICY)] == ["lena", "shed"]
    assert [able.shop.id for able in matched(*shops, passed={"lena": "declined"}).able] == ["shed"]
