# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which machine may make which part, and by how much it misses."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from router_street import printer, requirement

from commonfab import v1
from router.fitness import judge

SIDES = st.floats(min_value=1, max_value=500)


def misfits(need: v1.Requirement, machine: v1.Machine) -> list[v1.Reason]:
    return list(judge(need, machine).misfits)


def codes(reasons: Iterable[v1.Reason]) -> list[str]:
    return [reason.code for reason in reasons]


def test_a_part_too_high_is_refused_with_both_figures() -> None:
    (reason,) = misfits(requirement(z=150), printer(z=120))
    assert reason.message == "size.z needs 150 mm has 120 mm"
    assert {figure.name: figure.value for figure in reason.figures} == {"needs": 150, "has": 120}


def test_a_metre_cube_does_not_fit_a_small_printer_though_both_say_fdm() -> None:
    assert codes(misfits(requirement(1000, 1000, 1000), printer(x=200, y=200, z=200))) == ["size.x", "size.y", "size.z"]


def test_a_long_part_may_lie_a_quarter_turned() -> None:
    assert misfits(requirement(x=200, y=280), printer(x=300, y=210)) == []


def test_the_reason_names_the_side_that_misses_in_the_better_of_both_lies() -> None:
    (reason,) = misfits(requirement(x=260, y=40), printer(x=220, y=220))
    assert reason.code == "size.x"
    assert {figure.name: figure.value for figure in reason.figures} == {"needs": 260, "has": 220}


@pytest.mark.parametrize("process", ["sla", "laser_cutting", "milling", "knitting"])
def test_a_sibling_process_never_stands_in(process: str) -> None:
    machine = printer()
    machine.process = process
    assert codes(misfits(requirement(), machine)) == ["process.other"]


def test_a_narrower_process_satisfies_a_broader_wish_and_the_other_way_only_the_owner_can_say() -> None:
    machine = printer()
    assert judge(requirement(process="additive"), machine).verdict == "yes"
    machine.process = "additive"
    fit = judge(requirement(process="fdm"), machine)
    assert (fit.verdict, codes(fit.questions), codes(fit.misfits)) == ("ask", ["process.broad"], [])
    assert judge(requirement(process="fdm", z=999), machine).verdict == "no"


def test_an_owner_who_says_printing_is_not_asked_about_a_sibling_of_it() -> None:
    machine = printer()
    machine.process = "additive"
    assert codes(judge(requirement(process="milling"), machine).misfits) == ["process.other"]


def test_an_unknown_process_still_matches_itself() -> None:
    machine = printer()
    machine.process = "basket_weaving"
    assert misfits(requirement(process="basket_weaving"), machine) == []


def test_a_material_that_is_not_on_hand_is_named() -> None:
    (reason,) = misfits(requirement(material="petg"), printer(materials=("pla", "tpu")))
    assert (reason.code, reason.subject) == ("material.missing", "petg")


def test_any_material_will_do_where_none_is_asked_for() -> None:
    assert misfits(requirement(material=""), printer(materials=("tpu",))) == []


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (v1.MACHINE_STATE_OUT_OF_ORDER, "machine.out_of_order"),
        (v1.MACHINE_STATE_OFFLINE, "machine.offline"),
        (v1.MACHINE_STATE_MAINTENANCE, "machine.maintenance"),
    ],
)
def test_a_machine_out_of_service_is_not_asked(state: v1.MachineState.ValueType, code: str) -> None:
    machine = printer()
    machine.state = state
    assert codes(misfits(requirement(), machine)) == [code]


@pytest.mark.parametrize("state", [v1.MACHINE_STATE_BUSY, v1.MACHINE_STATE_NEEDS_PERSON])
def test_a_machine_that_is_busy_or_waits_for_a_person_can_still_be_asked(state: v1.MachineState.ValueType) -> None:
    machine = printer()
    machine.state = state
    assert misfits(requirement(), machine) == []


@given(SIDES, SIDES, SIDES, SIDES, SIDES, SIDES)
def test_what_fits_a_machine_fits_a_larger_one(x: float, y: float, z: float, room_x: float, room_y: float, room_z: float) -> None:
    if misfits(requirement(x, y, z), printer(x=room_x, y=room_y, z=room_z)) == []:
        assert misfits(requirement(x, y, z), printer(x=room_x + 1, y=room_y + 1, z=room_z + 1)) == []


@given(SIDES, SIDES, SIDES, SIDES, SIDES, SIDES)
def test_a_part_turned_a_quarter_misses_by_as_much(x: float, y: float, z: float, room_x: float, room_y: float, room_z: float) -> None:
    def missing(reasons: list[v1.Reason]) -> float:
        return sum(figure.value if figure.name == "needs" else -figure.value for reason in reasons for figure in reason.figures)

    machine = printer(x=room_x, y=room_y, z=room_z)
    as_drawn, turned = misfits(requirement(x, y, z), machine), misfits(requirement(y, x, z), machine)
    assert missing(as_drawn) == pytest.approx(missing(turned))
