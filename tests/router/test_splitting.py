# SPDX-License-Identifier: AGPL-3.0-or-later
"""A quantity over several shops: the last piece in hand earliest, few errands, nothing dropped in silence, and somebody who stands by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from candidates import candidate, streets, wish
from hypothesis import given, settings
from hypothesis import strategies as st

from router.matching import Able
from router.planning import LARGEST_LOT, Plan, PlannedLot, plan
from router.ranking import OF_THE_CLOCK, load_policy, rank, terms

POLICY = load_policy()
few = settings(max_examples=40, deadline=None)  # the machines of a whole suite are busy
EXACT = replace(POLICY, least_saving_minutes=0.0, least_saving_share=0.0, may_end_later=0.0)


def lots(planned: Plan) -> dict[str, int]:
    return {f"{lot.able.shop.id}/{lot.able.machine.id}": lot.quantity for lot in planned.lots}


def in_hand(able: Able, pieces: int) -> float:
    """When so many pieces of that machine are in the requester's hands, by the clock; 0 for none."""
    counted = {term.name: term.minutes for term in terms(able, POLICY) if term.name in OF_THE_CLOCK}
    return sum(counted.values()) + (pieces - 1) * counted["making"] if pieces else 0.0


def best_end(street: Sequence[Able], pieces: int) -> float:
    """The earliest that the last piece can be in hand: every split is looked at."""
    best = [0.0] + [float("inf")] * pieces
    for one in street:
        most = pieces if one.most_pieces is None else min(one.most_pieces, pieces)
        best = [min(max(best[some - lot], in_hand(one, lot)) for lot in range(min(most, some) + 1)) for some in range(pieces + 1)]
    return best[pieces]


def fewest_shops(street: Sequence[Able], pieces: int, by: float) -> int:
    """How few shops can have all pieces in hand by then."""
    room: dict[str, int] = {}
    for one in street:
        most = pieces if one.most_pieces is None else one.most_pieces
        room[one.shop.id] = room.get(one.shop.id, 0) + max(lot for lot in range(min(most, pieces) + 1) if in_hand(one, lot) <= by)
    shops, left = 0, pieces
    for has in sorted(room.values(), reverse=True):
        if left > 0:
            shops, left = shops + 1, left - has
    return shops


def capacity(street: Sequence[Able]) -> int:
    return sum(LARGEST_LOT if one.most_pieces is None else one.most_pieces for one in street)


@few
@given(streets(), st.integers(2, 40))
def test_no_split_of_all_there_are_ends_earlier_by_more_than_the_leeway_or_takes_fewer_shops(street: list[Able], pieces: int) -> None:
    planned = plan(wish(pieces), street, POLICY)
    made = min(pieces, capacity(street))
    earliest = best_end(street, made)
    assert sum(lot.quantity for lot in planned.lots) == made
    assert planned.finishes_in_minutes == pytest.approx(max(in_hand(lot.able, lot.quantity) for lot in planned.lots))
    assert earliest - 1e-6 <= planned.finishes_in_minutes <= earliest * (1 + POLICY.may_end_later) + 1e-6
    leeway = min(POLICY.may_end_later * earliest, max(POLICY.least_saving_minutes, POLICY.least_saving_share * earliest))
    if made > 1:
        assert len({lot.able.shop.id for lot in planned.lots}) <= fewest_shops(street, made, earliest + leeway - 1e-6)


@few
@given(streets(), st.integers(2, 40))
def test_without_leeway_the_split_is_the_best_there_is(street: list[Able], pieces: int) -> None:
    planned = plan(wish(pieces), street, EXACT)
    made = min(pieces, capacity(street))
    if made > 1:
        assert planned.finishes_in_minutes == pytest.approx(best_end(street, made))


@few
@given(streets(), st.integers(1, 40), st.sampled_from((0.0, 40.0, 300.0, 2000.0)))
def test_as_few_pieces_are_late_as_can_be(street: list[Able], pieces: int, deadline: float) -> None:
    planned = plan(wish(pieces, deadline), street, POLICY)
    made = sum(lot.quantity for lot in planned.lots)
    most = [pieces if one.most_pieces is None else min(one.most_pieces, pieces) for one in street]
    in_time = sum(max(lot for lot in range(limit + 1) if in_hand(one, lot) <= deadline) for one, limit in zip(street, most, strict=True))
    assert made == min(pieces, capacity(street))
    assert planned.late_pieces == max(0, made - in_time)
    assert ("plan.late" in [one.code for one in planned.reasons]) == (planned.late_pieces > 0)


@few
@given(streets(), st.integers(1, 60))
def test_a_lot_is_never_more_than_the_machine_takes_and_what_is_left_is_told(street: list[Able], pieces: int) -> None:
    planned = plan(wish(pieces), street, POLICY)
    assert all(lot.able.most_pieces is None or 1 <= lot.quantity <= lot.able.most_pieces for lot in planned.lots)
    keys = [(lot.able.shop.id, lot.able.machine.id) for lot in planned.lots]
    assert len(set(keys)) == len(keys)
    rest = [figure.value for one in planned.reasons if one.code == "plan.rest_waits" for figure in one.figures if figure.name == "rest"]
    assert sum(rest) == pieces - sum(lot.quantity for lot in planned.lots)


@few
@given(streets())
def test_one_piece_goes_to_the_machine_that_is_ranked_first(street: list[Able]) -> None:
    (lot,) = plan(wish(40), street, POLICY, pieces=1).lots
    best = rank(street, POLICY)[0]
    assert (lot.able.shop.id, lot.able.machine.id, lot.quantity) == (best.shop.id, best.machine.id, 1)


@few
@given(streets(), st.integers(1, 40), st.integers(1, 3))
def test_somebody_stands_by_wherever_somebody_is_left(street: list[Able], pieces: int, offer_to: int) -> None:
    planned = plan(wish(pieces), street, replace(POLICY, offer_to=offer_to))
    for lot in planned.lots:
        asked = [lot.able, *lot.others]
        assert len(asked) <= offer_to and len({one.shop.id for one in asked}) == len(asked)
        others = [one for one in street if one not in asked]
        assert (lot.standby is None) == (not others)
        if any(one.shop.id != lot.able.shop.id for one in others) and not lot.others:
            assert lot.standby is not None and lot.standby.shop.id != lot.able.shop.id
        assert lot.standby not in asked


@few
@given(streets(), st.integers(1, 40), st.randoms(use_true_random=False))
def test_the_order_in_which_machines_are_known_changes_nothing(street: list[Able], pieces: int, random: object) -> None:
    before = lots(plan(wish(pieces), street, POLICY))
    random.shuffle(street)  # type: ignore[attr-defined]
    assert lots(plan(wish(pieces), street, POLICY)) == before


def test_lots_are_unequal_where_shops_are() -> None:
    street = [candidate("slow", minutes=60), candidate("quick", minutes=20), candidate("busy", minutes=20, free_in_minutes=120.0)]
    assert lots(plan(wish(19), street, POLICY)) == {"quick/mk3": 11, "busy/mk3": 5, "slow/mk3": 3}


def test_a_part_that_really_takes_longer_there_gets_a_smaller_lot() -> None:
    assert lots(plan(wish(9), [candidate("lena", pace=2.0), candidate("shed")], POLICY)) == {"shed/mk3": 6, "lena/mk3": 3}


def test_a_small_shop_gets_an_evenings_work_and_the_rest_goes_elsewhere() -> None:
    assert lots(plan(wish(20), [candidate("evening", most_pieces=3), candidate("shed")], POLICY)) == {"shed/mk3": 17, "evening/mk3": 3}


def test_what_no_machine_takes_now_waits_and_is_told() -> None:
    planned = plan(wish(20), [candidate("evening", most_pieces=3), candidate("other", most_pieces=4)], POLICY)
    assert sorted(lots(planned).values()) == [3, 4]
    assert [one.message for one in planned.reasons] == ["13 of 20 pieces wait until a machine has made its first lot"]


def test_two_machines_of_one_shop_are_one_errand() -> None:
    """Two shops with one machine each are a little nearer, but one shop with two machines saves a way."""
    known = {"distance_km": 10.0, "most_pieces": 2}
    single = [candidate(name, distance_km=9.9, most_pieces=2) for name in ("one", "other")]
    street = [*single, candidate("two", "a", **known), candidate("two", "b", **known)]
    assert set(lots(plan(wish(4), street, EXACT)).values()) == {1}
    assert lots(plan(wish(4), street, replace(POLICY, least_saving_share=0.3, may_end_later=0.3))) == {"two/a": 2, "two/b": 2}


def test_nobody_is_sent_far_away_for_one_piece_that_saves_a_few_minutes() -> None:
    near, far = candidate("near", minutes=10), candidate("far", minutes=10, distance_km=24.0)
    assert lots(plan(wish(20), [near, far], EXACT)) == {"near/mk3": 20}
    far = replace(far, distance_km=23.0)
    assert lots(plan(wish(20), [near, far], EXACT)) == {"near/mk3": 19, "far/mk3": 1}
    assert lots(plan(wish(20), [near, far], POLICY)) == {"near/mk3": 20}


def test_a_short_job_is_not_made_much_longer_to_spare_a_way() -> None:
    street = [candidate("near", minutes=10), candidate("far", minutes=10, distance_km=2.5)]
    assert lots(plan(wish(4), street, POLICY)) == {"near/mk3": 3, "far/mk3": 1}


def test_leeway_ends_with_the_deadline() -> None:
    near, far = candidate("near", minutes=10), candidate("far", minutes=10, distance_km=23.0)
    assert lots(plan(wish(20, needed_in=195), [near, far], POLICY)) == {"near/mk3": 19, "far/mk3": 1}
    assert lots(plan(wish(20, needed_in=200), [near, far], POLICY)) == {"near/mk3": 20}


def test_of_shops_that_end_alike_those_that_had_less_are_chosen() -> None:
    street = [candidate(f"shop-{place}", had_minutes=(3 - place) * 60.0) for place in range(4)]
    assert lots(plan(wish(2), street, POLICY)) == {"shop-3/mk3": 1, "shop-2/mk3": 1}
    two = [candidate("aaa", had_minutes=600.0), candidate("zzz")]
    assert lots(plan(wish(3), two, POLICY)) == {"zzz/mk3": 2, "aaa/mk3": 1}


def test_late_pieces_are_offered_all_the_same_and_told_with_figures() -> None:
    planned = plan(wish(10, needed_in=95), [candidate("lena"), candidate("shed")], POLICY)
    assert (sum(lots(planned).values()), planned.late_pieces) == (10, 4)
    assert planned.reasons[0].message == "4 of 10 pieces would come after the deadline: the last in 2 h 30 min, needed in 1 h 35 min"


def test_who_left_an_offer_unanswered_gets_only_what_nobody_else_takes() -> None:
    silent, answering = candidate("silent", unanswered=True), candidate("shed", most_pieces=4)
    assert lots(plan(wish(4), [silent, answering], POLICY)) == {"shed/mk3": 4}
    assert lots(plan(wish(6), [silent, answering], POLICY)) == {"shed/mk3": 4, "silent/mk3": 2}
    assert plan(wish(4), [silent, answering], POLICY).lots[0].standby == silent
    assert plan(wish(4), [silent, answering, candidate("third")], replace(POLICY, offer_to=2)).lots[0].others == ()


def test_a_lot_is_offered_to_several_side_by_side_where_the_policy_says_so() -> None:
    street = [candidate("a"), candidate("b", "1"), candidate("b", "2"), candidate("c", most_pieces=1), candidate("d"), candidate("e")]
    far = [replace(one, distance_km=10.0 + place) for place, one in enumerate(street[1:])]
    (lot,) = plan(wish(3), [street[0], *far], replace(POLICY, offer_to=3)).lots
    assert [(one.shop.id, one.machine.id) for one in (lot.able, *lot.others)] == [("a", "mk3"), ("b", "1"), ("d", "mk3")]
    assert lot.standby is not None and lot.standby.shop.id == "e"


def test_with_one_other_shop_that_one_stands_by() -> None:
    (lot,) = plan(wish(1), [candidate("a"), candidate("b", distance_km=3.0)], replace(POLICY, offer_to=4)).lots
    assert lot == PlannedLot(lot.able, 1, (), lot.standby) and lot.standby is not None and lot.standby.shop.id == "b"


@pytest.mark.parametrize("pieces", [0, 5])
def test_nothing_to_make_or_nobody_to_make_it_is_an_empty_plan(pieces: int) -> None:
    assert plan(wish(pieces), [] if pieces else [candidate()], POLICY) == Plan()
    assert plan(wish(5), [candidate(most_pieces=0)], POLICY) == Plan()


def test_a_very_large_quantity_is_cut_at_the_largest_lot() -> None:
    planned = plan(wish(100_000), [candidate(f"shop-{place}", minutes=1 + place % 7) for place in range(120)], POLICY)
    assert sum(lots(planned).values()) == 100_000 and max(lots(planned).values()) == LARGEST_LOT
