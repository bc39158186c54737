# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a shop takes, from whom, from how far."""

from __future__ import annotations

import pytest

from commonfab import v1
from router.willingness import takes, unattended, unwilling

NIGHT = [v1.WeeklyHours(from_minute=day * 1440 + 1320, until_minute=day * 1440 + 1440) for day in range(7)]
WORKDAY = [v1.WeeklyHours(from_minute=day * 1440 + 480, until_minute=day * 1440 + 1020) for day in range(5)]


def shop(closed: str = "", **policy: object) -> v1.Shop:
    return v1.Shop(id="shed", policy=v1.ShopPolicy(**policy), closed=closed)  # type: ignore[arg-type]


def codes(of: v1.Shop, requester: str = "anna", away: float | None = 3.0, **need: object) -> list[str]:
    return [one.code for one in unwilling(v1.Requirement(**need), of, requester, away)]  # type: ignore[arg-type]


def test_a_shop_that_says_nothing_takes_everything() -> None:
    assert codes(v1.Shop(), requester="", away=None, material="pla", minutes=9999) == []


def test_work_is_taken_from_those_who_are_named_and_the_refusal_names_nobody() -> None:
    friends = shop(requesters=["anna", "ben"])
    assert codes(friends, "ben") == []
    (against,) = unwilling(v1.Requirement(), friends, "carl", None)
    assert against.code == "policy.requester"
    assert not any(name in str(against) for name in ("anna", "ben", "carl"))
    assert codes(friends, "") == ["policy.requester"]


@pytest.mark.parametrize(("away", "told"), [(15.0, []), (15.1, ["policy.distance"]), (None, ["place.unknown"])])
def test_a_shop_that_works_for_its_neighbourhood_must_know_how_far_it_is(away: float | None, told: list[str]) -> None:
    assert codes(shop(within_km=15), away=away) == told


@pytest.mark.parametrize(
    ("wanted", "told"), [("pla", []), ("", []), ("thermoplastic", []), ("petg", ["policy.material"]), ("steel", ["policy.material"])]
)
def test_a_material_that_the_policy_leaves_out_is_not_asked_for(wanted: str, told: list[str]) -> None:
    assert codes(shop(materials=["pla", "wood"]), material=wanted) == told


def test_of_what_is_on_hand_only_what_the_policy_names_is_used() -> None:
    assert takes(shop(materials=["wood"]), "plywood") and not takes(shop(materials=["wood"]), "pla")
    assert takes(shop(), "pla")


def test_one_piece_may_be_longer_than_an_evening_but_not_than_the_policy_allows() -> None:
    assert codes(shop(most_minutes=240), minutes=240) == []
    (against,) = unwilling(v1.Requirement(minutes=241), shop(most_minutes=240), "anna", None)
    assert (against.code, against.message) == (
        "policy.minutes",
        "it takes 241 min, the shop's policy takes work of up to 240 min at a time",
    )


def test_a_limit_on_pieces_refuses_no_job_because_one_piece_may_always_be_made() -> None:
    assert codes(shop(most_pieces=1)) == []


def test_a_closed_shop_says_why_in_its_own_words() -> None:
    (against,) = unwilling(v1.Requirement(), shop(closed="back on the 12th"), "anna", None)
    assert (against.code, against.message) == ("shop.closed", "the shop takes no new work: back on the 12th")


def test_a_laser_that_may_run_only_when_nobody_is_there_runs_never_and_a_printer_may() -> None:
    watched = v1.Machine(process="co2_laser_cutting", may_run=NIGHT)
    alone = v1.Machine(process="fdm", may_run=NIGHT)
    need = v1.Requirement(minutes=60)
    assert [one.code for one in unattended(need, shop(hours=WORKDAY), watched)] == ["machine.unattended"]
    assert unattended(need, shop(hours=WORKDAY), alone) == []
    assert unattended(need, shop(), watched) == [] == unattended(need, shop(hours=NIGHT), watched)
