# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every machine against one job: who can, of what, how many, and when; whose owner must be asked; who cannot and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from google.protobuf.duration_pb2 import Duration

from commonfab import v1
from router.matching import Able, Match, Unable, Wanted, grouped, match, tried
from router.shop_on_board import ShopOnBoard

CELL, FAR_CELL = "871f1d48bffffff", "871f1d4d8ffffff"
MONDAY_NOON = 12 * 60


def way(minutes: float = 30, grams: float = 5, process: str = "fdm", side: float = 20, **needs: object) -> v1.Makeability:
    need = v1.Requirement(process=process, size_mm=v1.Size(x=side, y=side, z=side), **needs)  # type: ignore[arg-type]
    estimate = v1.Estimate(machine_time=Duration(seconds=int(minutes * 60)), grams=grams)
    return v1.Makeability(process=process, verdict=v1.VERDICT_FEASIBLE, requirement=need, estimate=estimate)


def wish(*ways: v1.Makeability, **more: object) -> Wanted:
    told: dict[str, object] = {"place": v1.Place(cell=CELL), "within_km": 0.0, "passed": {}, "minute_of_week": MONDAY_NOON, **more}
    return Wanted(ways=ways or (way(),), **told)  # type: ignore[arg-type]


def machine(name: str = "mk3", side: float = 200, **more: object) -> v1.Machine:
    told: dict[str, object] = {"process": "fdm", "materials": ["pla"], "control": "virtual", "state": v1.MACHINE_STATE_READY, **more}
    return v1.Machine(id=name, envelope_mm=v1.Size(x=side, y=side, z=side), **told)  # type: ignore[arg-type]


def known(
    *machines: v1.Machine, name: str = "shed", heard: float = 0, shop: dict[str, object] | None = None, **board: object
) -> ShopOnBoard:
    told: dict[str, object] = {"place": v1.Place(cell=CELL), **(shop or {})}
    described = v1.Shop(id=name, name=name, machines=machines or (machine(),), **told)  # type: ignore[arg-type]
    return ShopOnBoard(described, heard, **board)  # type: ignore[arg-type]


def found(wanted: Wanted, *shops: ShopOnBoard) -> Match:
    return match(wanted, shops, present_seconds=60)


def able(wanted: Wanted, shop: ShopOnBoard) -> Able:
    (one,) = found(wanted, shop).able
    return one


def against(wanted: Wanted, shop: ShopOnBoard) -> list[str]:
    (one,) = found(wanted, shop).unable
    return [why.code for why in one.reasons]


def hours(*stretches: tuple[int, int]) -> list[v1.WeeklyHours]:
    return [v1.WeeklyHours(from_minute=start, until_minute=until) for start, until in stretches]


def test_what_the_board_noticed_of_a_shop_is_told_of_its_machines() -> None:
    noticed = known(pace={"mk3": 1.5}, had_minutes=90, proven={"fdm": 7, "sla": 4, "additive": 2}, sequence=12)
    one = able(wish(first_shop="shed"), noticed)
    assert (one.pace, one.had_minutes, one.proven, one.made_first, one.sequence) == (1.5, 90, 7, True, 12)
    assert able(wish(way(process="additive")), noticed).proven == 13
    assert not able(wish(first_shop="loft"), noticed).made_first and not able(wish(), noticed).made_first


def test_work_that_lies_with_a_machine_is_at_its_own_pace_already() -> None:
    noticed = known(machine(free_in=Duration(seconds=600)), pace={"mk3": 2.0}, queued_minutes={"mk3": 45})
    assert able(wish(), noticed).free_in_minutes == 45
    assert able(wish(), replace(noticed, queued_minutes={})).free_in_minutes == 10


def test_what_one_piece_takes_is_read_off_the_estimate_unless_the_requirement_says_it() -> None:
    (told,) = wish(way(minutes=30, grams=5)).ways
    assert (told.requirement.minutes, told.requirement.grams) == (30, 5)
    asked = way(minutes=30, grams=5)
    asked.requirement.grams = 8
    (kept,) = wish(asked).ways
    assert (kept.requirement.minutes, kept.requirement.grams) == (30, 8)
    assert not asked.requirement.minutes, "the job's own judgement is not changed"


def test_a_spool_ends_a_lot_and_so_does_the_policy() -> None:
    spool = machine(stock=[v1.Stock(material="pla", grams=52)])
    assert able(wish(), known(machine())).most_pieces is None
    assert able(wish(), known(spool)).most_pieces == 10
    assert able(wish(), known(spool, shop={"policy": v1.ShopPolicy(most_pieces=4)})).most_pieces == 4
    evening = known(spool, shop={"policy": v1.ShopPolicy(most_minutes=200)})
    assert able(wish(), evening).most_pieces == 6
    assert able(wish(), replace(evening, pace={"mk3": 2.0})).most_pieces == 3
    assert able(wish(), replace(evening, pace={"mk3": 0.5})).most_pieces == 6, "the owner counts by the estimate"
    assert able(wish(way(minutes=150)), replace(evening, pace={"mk3": 2.0})).most_pieces == 1
    assert against(wish(way(minutes=201)), evening) == ["policy.minutes"]


def test_the_material_is_the_one_that_suffices_for_all_and_that_the_shop_lets_go() -> None:
    short = [v1.Stock(material="pla", grams=52), v1.Stock(material="petg", grams=500)]
    both = machine(materials=["pla", "petg"], stock=short)
    assert [able(wish(quantity=n), known(both)).material for n in (10, 11, 1000)] == ["pla", "petg", "petg"]
    only = {"policy": v1.ShopPolicy(materials=["petg"])}
    assert able(wish(), known(both, shop=only)).material == "petg"
    assert against(wish(), known(machine(), shop=only)) == ["policy.material"]
    assert against(wish(way(material="pla")), known(both, shop=only)) == ["policy.material"]


def test_a_printer_that_may_not_run_at_night_begins_in_the_morning_what_would_not_be_done_by_then() -> None:
    day = machine(may_run=hours(*((d * 1440 + 480, d * 1440 + 1200) for d in range(7))))
    assert able(wish(), known(day)).free_in_minutes == 0
    assert able(wish(), known(day, queued_minutes={"mk3": 440})).free_in_minutes == 440
    assert able(wish(), known(day, queued_minutes={"mk3": 460})).free_in_minutes == 1200
    assert able(wish(), known(day, queued_minutes={"mk3": 440}, pace={"mk3": 2.0})).free_in_minutes == 1200
    assert able(wish(minute_of_week=None), known(day, queued_minutes={"mk3": 460})).free_in_minutes == 460
    assert able(wish(way(minutes=700)), known(day, pace={"mk3": 2.0})).free_in_minutes == 1200, "slower than thought: a whole day then"
    assert against(wish(way(minutes=721)), known(day)) == ["machine.hours"]


def test_what_needs_a_person_waits_for_people_and_what_runs_alone_does_not() -> None:
    people = {"policy": v1.ShopPolicy(hours=hours((1080, 1320)))}
    cold = machine(state=v1.MACHINE_STATE_NEEDS_PERSON)
    mill = machine(process="milling", materials=["pla"])
    assert able(wish(), known(machine(), shop=people)).free_in_minutes == 0
    assert able(wish(), known(cold, shop=people)).free_in_minutes == 360
    assert able(wish(way(process="milling")), known(mill, shop=people)).free_in_minutes == 360
    late = machine(state=v1.MACHINE_STATE_NEEDS_PERSON, may_run=hours((1400, 1500)))
    assert able(wish(), known(late, shop=people)).free_in_minutes == 680, "somebody clears it in the evening, and it runs by night"
    never = machine(process="milling", materials=["pla"], may_run=hours((1400, 1500)))
    assert against(wish(way(process="milling")), known(never, shop=people)) == ["machine.unattended"]


def test_a_machine_of_which_only_the_owner_can_say_is_neither_able_nor_unable() -> None:
    vague = machine("vague", process="additive")
    closed = known(machine("vague", process="additive"), name="loft", shop={"closed": "holidays"})
    match_ = found(wish(), known(vague), closed)
    assert match_.able == () and match_.machines == 2
    (asked,) = match_.ask
    assert (asked.shop.id, [why.code for why in asked.reasons], asked.asks) == ("shed", ["process.broad"], True)
    (unable,) = match_.unable
    assert [why.code for why in unable.reasons] == ["shop.closed"], "what is not known is not asked where it would not help"


def test_the_first_way_that_can_be_gone_is_gone_and_one_that_can_before_one_that_may() -> None:
    vague = machine(process="additive")
    broad, narrow = way(process="fdm"), way(process="additive")
    assert able(wish(broad, narrow), known(vague)).way.process == "additive"
    assert able(wish(way(process="sla"), broad, narrow), known(machine())).way.process == "fdm"
    (unable,) = found(wish(way(process="sla"), way(side=300)), known(machine())).unable
    assert unable.way is not None and unable.way.process == "fdm", "another process is no near miss"


@pytest.mark.parametrize(
    ("asked", "shop", "told"),
    [
        ({}, known(heard=61), ["shop.silent"]),
        ({"within_km": 5.0}, known(shop={"place": v1.Place(cell=FAR_CELL)}), ["shop.distance"]),
        ({"within_km": 5.0, "place": v1.Place()}, known(), ["place.unknown"]),
        ({"passed": {"shed": "declined"}}, known(), ["shop.declined"]),
        ({"passed": {"shed": "tried"}}, known(), ["shop.tried"]),
        ({"requester": "carl"}, known(shop={"policy": v1.ShopPolicy(requesters=["anna"])}), ["policy.requester"]),
        ({"within_km": 5.0, "place": v1.Place()}, known(shop={"policy": v1.ShopPolicy(within_km=9)}), ["place.unknown"]),
    ],
)
def test_a_shop_that_may_not_be_asked_is_told_with_its_reason(asked: dict[str, object], shop: ShopOnBoard, told: list[str]) -> None:
    assert against(wish(**asked), shop) == told


def test_the_age_of_a_measurement_counts_where_today_is_known() -> None:
    old = machine(process="milling", materials=["pla"], tolerance_mm=0.04, tolerance_measured_on="2019-01-01")
    tight = way(process="milling", tolerance_mm=0.05)
    assert able(wish(tight), known(old))
    (asked,) = found(wish(tight, today=date(2026, 1, 1)), known(old)).ask
    assert asked.reasons[0].code == "tolerance.old"


def test_refusals_are_gathered_by_rule_with_the_nearest_miss_of_each() -> None:
    shops = (known(machine("a", 100), name="a"), known(machine("b", 195, materials=["tpu"]), name="b"), known(machine("c", 150), name="c"))
    groups = {one.nearest.code: one for one in found(wish(way(side=200, material="pla")), *shops).groups}
    assert list(groups) == ["size.x", "size.y", "size.z", "material.missing"]
    assert (groups["size.x"].nearest.message, groups["size.x"].machines, groups["size.x"].only_this) == (
        "size.x needs 200 mm has 195 mm",
        3,
        0,
    )
    assert (groups["material.missing"].machines, groups["material.missing"].only_this) == (1, 0)
    (one,) = grouped([Unable(v1.Shop(), v1.Machine(), found(wish(), known(heard=61)).unable[0].reasons)])
    assert (one.nearest.code, one.machines, one.only_this) == ("shop.silent", 1, 1)


def test_one_machine_tried_alone_is_answered_as_among_all() -> None:
    shops = [known(machine("a"), machine("b", 10), machine("c", process="additive"))]
    every = found(wish(), *shops)
    alone = [tried(wish(), shop, one, 60) for shop in shops for one in shop.shop.machines]
    assert [type(one) for one in alone] == [Able, Unable, Unable]
    assert (alone[0], alone[1], alone[2]) == (every.able[0], every.unable[0], every.ask[0])
