# SPDX-License-Identifier: AGPL-3.0-or-later
"""How far a revision has come follows from what was inspected and really made, and from nothing that anybody claims."""

from __future__ import annotations

from evidence_store import key_of
from hypothesis import given, settings
from hypothesis import strategies as st

from commonfab import v1
from registry.evidence.maturity import PRODUCTION_PIECES, PRODUCTION_REPORTS, PRODUCTION_SHOPS, maturity_of

DONE, QUEUED = v1.INSPECTION_STATE_DONE, v1.INSPECTION_STATE_QUEUED
KEYS = {name: key_of(name).public_key().public_bytes_raw() for name in ("lena", "otto", "mira")}


def part(name: str, *verdicts: v1.Verdict.ValueType, state: v1.InspectionState.ValueType = DONE, fault: bool = False) -> v1.InspectedPart:
    ways = [v1.Makeability(process="fdm", verdict=verdict) for verdict in verdicts]
    faults = [v1.Reason(code="mesh.open")] if fault else []
    return v1.InspectedPart(part=v1.Part(name=name), state=state, makeability=ways, report=v1.GeometryReport(faults=faults))


def made(name: str = "", good: int = 1, shop: str = "lena", key: str = "", number: int = 0, **more: object) -> v1.KeptBuildReport:
    carried = bool(more.pop("carried", False))
    said = v1.BuildReport(part_name=name, pieces_good=good, shop_id=shop, **more)  # type: ignore[arg-type]
    evidence = v1.SignedBuildReport(signature=v1.Signature(public_key=KEYS[key or shop]))
    return v1.KeptBuildReport(id=f"{number}", report=said, signed_report=evidence, carried=carried)


GEAR, PIN = part("gear", v1.VERDICT_FEASIBLE), part("pin", v1.VERDICT_INFEASIBLE, v1.VERDICT_ASK)


def test_a_revision_is_a_draft_until_every_part_was_inspected_and_can_be_made() -> None:
    assert maturity_of([], []) == v1.MATURITY_DRAFT
    assert maturity_of([GEAR, part("pin", state=QUEUED)], []) == v1.MATURITY_DRAFT
    assert maturity_of([GEAR, part("pin", v1.VERDICT_INFEASIBLE)], []) == v1.MATURITY_DRAFT
    assert maturity_of([GEAR, part("pin", v1.VERDICT_FEASIBLE, fault=True)], []) == v1.MATURITY_DRAFT
    assert maturity_of([GEAR, PIN], []) == v1.MATURITY_CHECKED


def test_it_is_built_when_every_part_was_made() -> None:
    assert maturity_of([GEAR, PIN], [made("gear")]) == v1.MATURITY_CHECKED
    assert maturity_of([GEAR, PIN], [made("gear"), made("pin")]) == v1.MATURITY_BUILT


def test_a_report_of_the_whole_speaks_for_every_part() -> None:
    assert maturity_of([GEAR, PIN], [made("")]) == v1.MATURITY_BUILT
    assert maturity_of([], [made("")]) == v1.MATURITY_BUILT


def test_what_was_really_made_counts_more_than_what_inspection_thinks() -> None:
    doubted = part("pin", v1.VERDICT_INFEASIBLE)
    assert maturity_of([GEAR, doubted], [made("pin")]) == v1.MATURITY_CHECKED
    assert maturity_of([GEAR, doubted], [made("pin"), made("gear")]) == v1.MATURITY_BUILT


def test_virtual_machines_scrap_and_what_was_carried_here_prove_nothing() -> None:
    for proof in (made("gear", control="virtual"), made("gear", good=0, pieces_scrap=4), made("gear", carried=True)):
        assert maturity_of([GEAR], [proof]) == v1.MATURITY_CHECKED


def series(*shops: str, good: int = 4, **more: object) -> list[v1.KeptBuildReport]:
    return [made("gear", good, shop, number=number, **more) for number, shop in enumerate(shops)]


def test_production_takes_several_shops_several_reports_and_a_series() -> None:
    assert (PRODUCTION_SHOPS, PRODUCTION_REPORTS, PRODUCTION_PIECES) == (2, 3, 10), "docs/maker.md says so"
    assert maturity_of([GEAR], series("lena", "otto", "lena")) == v1.MATURITY_IN_PRODUCTION
    assert maturity_of([GEAR], series("lena", "lena", "lena")) == v1.MATURITY_BUILT, "one shop"
    assert maturity_of([GEAR], series("lena", "otto", good=50)) == v1.MATURITY_BUILT, "two reports"
    assert maturity_of([GEAR], series("lena", "otto", "lena", good=3)) == v1.MATURITY_BUILT, "nine pieces"
    assert maturity_of([GEAR, PIN], series("lena", "otto", "lena")) == v1.MATURITY_CHECKED, "one part of two"


def test_one_shop_under_two_names_is_one_shop() -> None:
    assert maturity_of([GEAR], series("lena", "otto", "lena", key="lena")) == v1.MATURITY_BUILT


def test_one_work_order_that_is_told_twice_counts_once() -> None:
    twice = [*series("lena", "lena", work_order_id="wo-1"), made("gear", 4, "otto", number=7)]
    assert maturity_of([GEAR], twice) == v1.MATURITY_BUILT
    assert maturity_of([GEAR], [*twice, made("gear", 2, "otto", number=8)]) == v1.MATURITY_IN_PRODUCTION


reports = st.builds(
    made,
    st.sampled_from(["gear", "pin", ""]),
    st.integers(0, 8),
    st.sampled_from(sorted(KEYS)),
    st.sampled_from(["", *KEYS]),
    st.integers(0, 1000),
    control=st.sampled_from(["octoprint", "virtual", ""]),
    carried=st.booleans(),
    work_order_id=st.sampled_from(["", "", "wo-1", "wo-2"]),
)
part_lists = st.sampled_from([[], [GEAR], [GEAR, PIN], [part("gear", state=QUEUED)], [GEAR, part("pin", v1.VERDICT_INFEASIBLE)]])


@given(part_lists, st.lists(reports, max_size=12), reports, st.randoms())
@settings(max_examples=150, deadline=None)
def test_more_evidence_never_lowers_it_and_the_order_does_not_matter(parts, told, another, random) -> None:  # type: ignore[no-untyped-def]
    before = maturity_of(parts, told)
    assert maturity_of(parts, [*told, another]) >= before
    shuffled = list(told)
    random.shuffle(shuffled)
    assert maturity_of(parts, shuffled) == before
