# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the owner's policy says to an offer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_shop import offer, shop, write_shop

from commonfab import v1
from commonfab.reasons import reason
from shop_agent.config import load_config
from shop_agent.journal.records import OfferRecord, Toolpath
from shop_agent.people.service_modes import Mode, OutOfService
from shop_agent.policy import Answer, Decision, decide


def decided(folder: Path, wanted: v1.Offer, tried: bool = False, **what: Any) -> Decision:
    return decide(OfferRecord(wanted, True, "", "", (), tried, 0.0), shop(folder, **what))


def codes(decision: Decision) -> list[str]:
    return [reason.code for reason in decision.reasons]


def test_an_owner_who_always_says_yes_accepts(tmp_path: Path) -> None:
    assert decided(tmp_path, offer()) == Decision(Answer.ACCEPT)


def test_an_owner_who_wants_to_be_asked_is_asked(tmp_path: Path) -> None:
    decision = decided(tmp_path, offer(), accept="ask")
    assert decision.answer is Answer.ASK and codes(decision) == ["policy.ask"]


@pytest.mark.parametrize(
    ("policy", "wanted", "code"),
    [
        ("max_pieces = 3", offer(quantity=4), "policy.pieces"),
        ("max_km = 1.5", offer(), "policy.distance"),
        ('materials = ["petg"]', offer(), "policy.material"),
        ("most_minutes = 39", offer(quantity=4), "policy.minutes"),
    ],
)
def test_what_the_owner_would_not_take_is_declined_with_figures(tmp_path: Path, policy: str, wanted: v1.Offer, code: str) -> None:
    decision = decided(tmp_path, wanted, policy=policy)
    assert decision.answer is Answer.DECLINE and codes(decision) == [code] and decision.note


def test_a_lot_of_exactly_an_evening_is_taken(tmp_path: Path) -> None:
    assert decided(tmp_path, offer(quantity=4), policy="most_minutes = 40").answer is Answer.ACCEPT


def test_a_closed_shop_declines_in_its_own_words(tmp_path: Path) -> None:
    file = write_shop(tmp_path)
    file.write_text(file.read_text(encoding="utf-8").replace("[router]", 'closed = "holidays"\n[router]', 1), encoding="utf-8")
    decision = decide(OfferRecord(offer(), True, "", "", (), False, 0.0), load_config(file))
    assert (decision.answer, decision.note) == (Answer.DECLINE, "the shop takes no new work: holidays")


def test_a_shop_with_a_limit_on_distance_is_asked_where_the_distance_is_not_known(tmp_path: Path) -> None:
    wanted = offer()
    wanted.ClearField("distance_km")
    decision = decided(tmp_path, wanted, policy="max_km = 1.5")
    assert decision.answer is Answer.ASK and codes(decision) == ["place.unknown"]


def test_an_offer_for_a_machine_that_was_sold_is_declined(tmp_path: Path) -> None:
    assert codes(decided(tmp_path, offer(machine_id="old"))) == ["machine.gone"]


def test_nothing_is_accepted_for_a_machine_that_is_being_looked_after(tmp_path: Path) -> None:
    assert codes(decided(tmp_path, offer(), maintenance="being oiled")) == ["machine.maintenance"]


def test_what_the_machine_cannot_do_is_declined_with_every_reason(tmp_path: Path) -> None:
    wanted = offer(size=(130, 20, 101))
    wanted.requirement.material, wanted.requirement.process = "abs", "sla"
    decision = decided(tmp_path, wanted, out_of_order="belt torn")
    assert codes(decision) == ["machine.out_of_order", "process.other", "material.missing", "size.x", "size.z"]


def test_a_part_that_fits_when_turned_is_taken(tmp_path: Path) -> None:
    assert decided(tmp_path, offer(size=(110, 50, 10)), envelope_mm=[60, 120, 100]).answer is Answer.ACCEPT


def test_work_that_was_given_back_before_is_not_taken_again_without_the_owner(tmp_path: Path) -> None:
    assert codes(decided(tmp_path, offer(), tried=True)) == ["policy.tried"]


def quoted(folder: Path, minutes: float = 10, grams: float = 5, note: str = "", quantity: int = 1, **what: Any) -> Decision:
    """What policy says of an offer of 10 minutes that was measured to take so much."""
    toolpath = Toolpath("" if note else "made.gcode", "" if note else "a" * 64, minutes * 60, grams, note)
    record = OfferRecord(offer(quantity=quantity), True, "", "", (), False, 0.0, measured=True, toolpath=toolpath)
    return decide(record, shop(folder, **what))


def test_measured_minutes_count_and_not_the_estimate(tmp_path: Path) -> None:
    assert quoted(tmp_path, minutes=9, quantity=4, policy="most_minutes = 37").answer is Answer.ACCEPT
    decision = quoted(tmp_path, minutes=12, quantity=4, policy="most_minutes = 40")
    assert codes(decision) == ["policy.minutes"] and "48 min" in decision.note


def test_what_no_toolpath_can_be_made_of_is_declined_with_the_gates_reasons(tmp_path: Path) -> None:
    against = (reason("toolpath.empty"),)
    record = OfferRecord(offer(), True, "", "", (), False, 0.0, measured=True, refused=against)
    assert decide(record, shop(tmp_path)) == Decision(Answer.DECLINE, against)


def test_an_estimate_that_had_to_do_is_taken_and_the_owner_is_told(tmp_path: Path) -> None:
    decision = quoted(tmp_path, note="the node does not answer")
    assert decision.answer is Answer.ACCEPT and "not measured: the node does not answer" in decision.note
    assert codes(quoted(tmp_path, note="the node does not answer", accept="ask")) == ["policy.ask", "offer.not_measured"]


@pytest.mark.parametrize(
    ("mode", "code"),
    [(Mode.DRAIN, "machine.drains"), (Mode.MAINTENANCE, "machine.maintenance"), (Mode.OUT_OF_ORDER, "machine.out_of_order")],
)
def test_nothing_is_taken_for_a_machine_that_somebody_took_out_of_service(tmp_path: Path, mode: Mode, code: str) -> None:
    said = OutOfService(mode, "the belt slips", "Lena", 0.0)
    decision = decide(OfferRecord(offer(), True, "", "", (), False, 0.0), shop(tmp_path), said)
    assert (decision.answer, codes(decision)) == (Answer.DECLINE, [code]) and "the belt slips" in decision.note


@pytest.mark.parametrize(
    ("spools", "answer"), [((60,), Answer.ACCEPT), ((59,), Answer.DECLINE), ((30, 30), Answer.ACCEPT), ((35, 25), Answer.DECLINE)]
)
def test_the_measured_lot_must_come_out_of_the_spools_that_are_there(tmp_path: Path, spools: tuple[int, ...], answer: Answer) -> None:
    """Six pieces of 10 g: no piece is made of two spools."""
    stock = "[" + ", ".join(f'{{ material = "pla", grams = {grams} }}' for grams in spools) + "]"
    file = write_shop(tmp_path)
    file.write_text(file.read_text(encoding="utf-8") + f"stock = {stock}\n", encoding="utf-8")
    toolpath = Toolpath("made.gcode", "a" * 64, 600, 10)
    record = OfferRecord(offer(quantity=6), True, "", "", (), False, 0.0, measured=True, toolpath=toolpath)
    decision = decide(record, load_config(file))
    assert decision.answer is answer and codes(decision) == ([] if answer is Answer.ACCEPT else ["stock.short"])


def test_a_demand_that_no_slicer_can_be_told_is_the_owners_to_see_to(tmp_path: Path) -> None:
    wanted = offer()
    wanted.requirement.settings.add(key="filament_colour", value="signal red")
    decision = decided(tmp_path, wanted)
    assert decision.answer is Answer.ASK and codes(decision) == ["slicer.setting_unknown"] and "signal red" in decision.note
    assert decided(tmp_path, wanted, process="laser_cutting").note.count("signal red") == 0


@pytest.mark.parametrize(("laser", "answer"), [("", Answer.ACCEPT), ("co2", Answer.ACCEPT), ("diode", Answer.DECLINE)])
def test_a_laser_takes_what_the_router_offers_to_its_kind_of_laser(tmp_path: Path, laser: str, answer: Answer) -> None:
    wanted = offer(requirement=v1.Requirement(process="co2_laser_cutting", material="plywood", size_mm=v1.Size(x=20, y=20, z=4)))
    told = {"process": "laser_cutting", "materials": ["plywood"], "starts_itself": False, "clears_itself": False}
    assert decided(tmp_path, wanted, **told, **({"laser": laser} if laser else {})).answer is answer
