# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who is asked first, and that nothing counts but what the policy file says."""

from __future__ import annotations

import tomllib
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path

import pytest
from candidates import candidate, streets, way
from hypothesis import given, settings
from hypothesis import strategies as st

from commonfab import v1
from commonfab.envelope import best_room
from commonfab.errors import Refused
from commonfab.settings import NodeSettings
from router import ranking
from router.matching import Able
from router.opening import policy_of
from router.ranking import ALONE, TERMS, Among, RankingPolicy, among, load_policy, minutes_per_piece, rank, terms, why

POLICY = load_policy()
few = settings(max_examples=40, deadline=None)  # the machines of a whole suite are busy
ROOT = Path(__file__).parents[2]
POLICY_FILE = ROOT / "router" / "ranking_policy.toml"
PAGE = (ROOT / "docs" / "ranking.md").read_text(encoding="utf-8")


def counted(able: Able, beside: Among = ALONE) -> dict[str, float]:
    """The terms that are not 0."""
    return {term.name: term.minutes for term in terms(able, POLICY, beside) if term.minutes}


def first(*able: Able, pieces: int = 1) -> str:
    return rank(able, POLICY, pieces)[0].shop.id


def codes(able: Able, beside: Among = ALONE) -> list[str]:
    return [one.code for one in why(able, POLICY, beside)]


def test_a_free_machine_next_door_with_the_right_material_loaded_costs_only_the_making() -> None:
    assert counted(candidate()) == {"making": 30}


def test_waiting_and_fetching_are_minutes() -> None:
    assert counted(candidate(free_in_minutes=12.0, distance_km=2.0)) == {"waiting": 12, "making": 30, "fetching": 16}
    assert counted(candidate(distance_km=None))["fetching"] == 40


def test_a_machine_that_really_took_twice_the_estimate_is_expected_to_take_twice_as_long() -> None:
    slow = candidate(pace=2.0)
    assert minutes_per_piece(slow) == counted(slow)["making"] == 60
    assert "work on this machine really took 2 times the estimate" in [one.message for one in why(slow)]
    assert first(slow, candidate("shed", free_in_minutes=20.0)) == "shed"


def test_a_pace_that_cannot_be_true_is_not_believed() -> None:
    assert minutes_per_piece(candidate(pace=0.0)) == 3
    assert minutes_per_piece(candidate(pace=1e9)) == 300


def test_a_machine_that_has_the_material_loaded_comes_before_one_that_must_be_changed() -> None:
    assert counted(candidate(loaded="petg"))["changeover"] == counted(candidate(loaded=""))["changeover"] == POLICY.changeover_minutes
    assert first(candidate("lena", loaded="petg"), candidate("shed", loaded="pla")) == "shed"
    assert "rank.loaded" in codes(candidate()) and "rank.loaded" not in codes(candidate(loaded="petg"))


def test_a_narrower_material_in_the_machine_needs_no_change() -> None:
    assert "changeover" not in counted(candidate(loaded="pla", material="thermoplastic"))


def test_a_part_that_only_just_fits_costs_the_more_the_less_is_to_spare() -> None:
    exact, snug = candidate(room=v1.Size(x=20, y=30, z=30)), candidate(room=v1.Size(x=22.5, y=30, z=30))
    assert counted(exact)["tightness"] == POLICY.tight_minutes
    assert counted(snug)["tightness"] == POLICY.tight_minutes / 2
    assert "tightness" not in counted(candidate(room=v1.Size(x=25, y=30, z=30)))
    assert "the part only just fits, with 2.5 mm to spare" in [one.message for one in why(snug, POLICY)]
    assert first(candidate("lena", room=v1.Size(x=20, y=30, z=30)), candidate("shed")) == "shed"


@few
@given(st.tuples(*[st.sampled_from((5.0, 18.0, 22.0, 40.0))] * 3), st.tuples(*[st.sampled_from((20.0, 24.0, 45.0))] * 3), st.booleans())
def test_room_to_spare_is_what_the_envelope_says(part: tuple[float, ...], room: tuple[float, ...], lying: bool) -> None:
    """A quick look decides that most parts have room to spare; it must never say other than the long one."""
    able = candidate(room=v1.Size(x=room[0], y=room[1], z=room[2]))
    need = v1.Requirement(process="fdm", size_mm=v1.Size(x=part[0], y=part[1], z=part[2]))
    if lying:
        need.placements.add(size_mm=v1.Size(x=part[2], y=part[1], z=part[0]))
        need.placements.add(size_mm=need.size_mm)
    able = replace(able, way=v1.Makeability(requirement=need))
    margin = max(0.0, best_room(need, able.machine.envelope_mm).margin_mm)
    expected = POLICY.tight_minutes * max(0.0, 1 - margin / POLICY.tight_below_mm)
    assert counted(able).get("tightness", 0.0) == pytest.approx(expected)


def test_too_little_material_for_the_lot_counts_in_proportion_and_an_unsaid_amount_not_at_all() -> None:
    able, unsaid = candidate("lena"), candidate("shed")
    able.machine.stock.add(material="pla", grams=15)
    unsaid.machine.stock.add(material="pla", thickness_mm=3)
    six = Among(pieces=6)
    assert counted(able, six)["stock"] == POLICY.short_stock_minutes / 2
    assert "stock" not in counted(able, Among(pieces=3)) and "stock" not in counted(unsaid, six)
    assert "there is pla for 3 of 6 pieces" in [one.message for one in why(able, POLICY, six)]
    assert first(able, unsaid, pieces=6) == "shed"


def test_of_two_shops_the_one_that_was_given_less_comes_first() -> None:
    busy, idle = candidate("lena", had_minutes=300.0), candidate("shed", had_minutes=60.0)
    beside = among([busy, idle])
    assert first(busy, idle) == "shed"
    assert counted(busy, beside)["fairness"] == 4 * POLICY.fairness_minutes_per_hour and "fairness" not in counted(idle, beside)
    assert "rank.had_less" in codes(idle, beside) and "rank.had_less" not in codes(busy, beside)


def test_fairness_looks_at_differences_and_never_sends_work_far_away() -> None:
    everybody = [candidate("lena", had_minutes=9000.0), candidate("shed", had_minutes=9060.0)]
    assert counted(everybody[1], among(everybody))["fairness"] == POLICY.fairness_minutes_per_hour
    assert first(candidate("near", had_minutes=1e6), candidate("far", distance_km=POLICY.fairness_most_minutes / 8 + 0.1)) == "near"


def test_proven_work_is_a_small_credit_that_soon_stops_growing() -> None:
    credits = [-counted(candidate(proven=good)).get("proven", 0.0) for good in (0, 1, 3, 7, 100_000)]
    step = POLICY.proven_minutes_per_doubling
    assert credits == [0, step, 2 * step, 3 * step, POLICY.proven_most_minutes]
    assert first(candidate("lena"), candidate("shed", proven=5)) == "shed"
    assert "5 good pieces by fdm were reported from here" in [one.message for one in why(candidate(proven=5))]


def test_the_shop_that_made_the_first_article_is_preferred_for_the_rest() -> None:
    assert first(candidate("lena"), candidate("shed", made_first=True, free_in_minutes=10.0)) == "shed"
    assert "rank.made_first" in codes(candidate(made_first=True))


@few
@given(streets(), st.integers(1, 50))
def test_the_terms_are_the_rank(street: list[Able], pieces: int) -> None:
    beside = among(street, pieces)
    sums = [sum(term.minutes for term in terms(one, POLICY, beside)) for one in rank(street, POLICY, pieces)]
    assert all(one <= other + 1e-6 for one, other in pairwise(sums))
    assert [term.name for term in terms(street[0], POLICY)] == [name for name, _ in TERMS]


@few
@given(streets(), st.randoms(use_true_random=False))
def test_other_names_and_another_order_change_nothing(street: list[Able], random: object) -> None:
    names = {one.shop.id for one in street}
    others = dict(zip(sorted(names), random.sample(sorted(names), len(names)), strict=True))  # type: ignore[attr-defined]
    renamed = []
    for one in street:
        shop = v1.Shop()
        shop.CopyFrom(one.shop)
        shop.id = others[one.shop.id]
        renamed.append(replace(one, shop=shop))
    random.shuffle(renamed)  # type: ignore[attr-defined]
    before, after = rank(street, POLICY), rank(renamed, POLICY)
    assert [(one.shop.public_key, one.machine.id) for one in before] == [(one.shop.public_key, one.machine.id) for one in after]


def test_machines_that_are_placed_alike_come_in_the_order_of_their_shops_keys() -> None:
    assert first(candidate("aaa", key=b"2"), candidate("zzz", key=b"1")) == "zzz"


@few
@given(streets(), st.integers(1, 9))
def test_how_many_machines_a_shop_has_changes_nothing_for_one_of_them(street: list[Able], more: int) -> None:
    of_one_shop = [replace(street[0], machine=v1.Machine(id=f"zz{place}", process="fdm")) for place in range(more)]
    beside = among([*street, *of_one_shop])
    for one in street:
        assert terms(one, POLICY, beside) == terms(one, POLICY, among(street))


def test_what_a_shop_asks_declines_or_is_has_no_place_in_the_policy() -> None:
    words = {word for field in fields(RankingPolicy) for word in field.name.split("_")} | {name for name, _ in TERMS}
    assert not words & {"price", "cost", "money", "declined", "declines", "size", "machines", "rating", "stars"}
    # Whatever else is known of a shop: two that differ only in it are placed alike.
    plain, other = candidate("same"), candidate("same")
    other.shop.policy.most_pieces, other.shop.policy.within_km, other.shop.name = 3, 4, "Large & Sons"
    other.shop.machines.add(id="another")
    assert terms(plain, POLICY) == terms(replace(other, unanswered=True, most_pieces=3, sequence=9), POLICY)


def test_every_weight_of_the_policy_is_explained() -> None:
    weights = tomllib.loads(POLICY_FILE.read_text(encoding="utf-8"))
    assert list(weights) == [field.name for field in fields(RankingPolicy)]
    assert [name for name in (*weights, *(term for term, _ in TERMS)) if f"`{name}`" not in PAGE] == []
    lines = POLICY_FILE.read_text(encoding="utf-8").splitlines()
    for place, line in enumerate(lines):
        assert "=" not in line or line.startswith("#") or lines[place - 1].startswith("#"), f"{line} has no comment"


def test_the_page_says_the_weights_that_are_in_the_file() -> None:
    for name, value in tomllib.loads(POLICY_FILE.read_text(encoding="utf-8")).items():
        assert f"| `{name}` | {value:g} |" in PAGE


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("offer_to = 1", "offer_to = 0"), "offer_to"),
        (("offer_to = 1", "offer_to = 1.5"), "offer_to"),
        (("minutes_per_km = 8.0", "minutes_per_km = -8.0"), "minutes_per_km"),
        (("minutes_per_km = 8.0", 'minutes_per_km = "8"'), "minutes_per_km"),
        (("minutes_per_km = 8.0", "minutes_per_mile = 8.0"), "minutes_per_km, minutes_per_mile"),
    ],
)
def test_a_policy_file_that_makes_no_sense_is_refused_by_name(tmp_path: Path, change: tuple[str, str], named: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(POLICY_FILE.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(ValueError, match=named):
        load_policy(path)


def test_a_neighbourhood_may_have_a_policy_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(POLICY_FILE.read_text(encoding="utf-8").replace("minutes_per_km = 8.0", "minutes_per_km = 3.0"), encoding="utf-8")
    assert load_policy(path) == replace(POLICY, minutes_per_km=3.0)


def test_the_estimate_of_a_part_may_be_missing() -> None:
    able = replace(candidate(), way=v1.Makeability(requirement=way().requirement))
    assert minutes_per_piece(able) == pytest.approx(1 / 60)
    assert ranking.pieces_on_hand(able) is None


def test_a_neighbourhood_may_have_a_policy_of_its_own_and_a_bad_one_is_refused_by_the_name_of_its_weight(tmp_path: Path) -> None:
    shipped = POLICY_FILE.read_text(encoding="utf-8")
    own = tmp_path / "policy.toml"
    own.write_text(shipped.replace("offer_to = 1", "offer_to = 3"), encoding="utf-8")
    assert policy_of(NodeSettings(ranking_policy=own)).offer_to == 3
    assert policy_of(NodeSettings()).offer_to == 1
    own.write_text(shipped.replace("offer_to = 1", "offers_to = 3"), encoding="utf-8")
    with pytest.raises(Refused) as refused:
        policy_of(NodeSettings(ranking_policy=own))
    assert refused.value.code == "node.settings" and "offers_to" in str(refused.value)
    with pytest.raises(Refused):
        policy_of(NodeSettings(ranking_policy=tmp_path / "nowhere.toml"))
