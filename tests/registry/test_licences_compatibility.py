# SPDX-License-Identifier: AGPL-3.0-or-later
"""What may be made of what: a verdict with the rule that applies, and a question where the licences' texts leave it open."""

from __future__ import annotations

import pytest
from license_expression import get_spdx_licensing

from registry.licences import Outcome, bill_verdict, fork_verdict
from registry.licences.expressions import MOST_CHOICES, branches
from registry.licences.obligations import TABLE, Reciprocity, terms_of

ALLOWED, ASK, REFUSED = Outcome.ALLOWED, Outcome.ASK, Outcome.REFUSED


@pytest.mark.parametrize(
    ("parent", "child", "outcome", "rule"),
    [
        # CC BY-SA: the same elements, the same or a later version, and CC's list of compatible licences.
        ("CC-BY-SA-4.0", "CC-BY-SA-4.0", ALLOWED, "licence.kept"),
        ("CC-BY-SA-3.0", "CC-BY-SA-4.0", ALLOWED, "licence.compatible"),
        ("CC-BY-SA-3.0", "CC-BY-SA-3.0-DE", ALLOWED, "licence.compatible"),
        ("CC-BY-SA-4.0", "CC-BY-SA-3.0", REFUSED, "licence.share_alike"),
        ("CC-BY-SA-1.0", "CC-BY-SA-4.0", REFUSED, "licence.share_alike"),
        ("CC-BY-SA-4.0", "CC-BY-4.0", REFUSED, "licence.share_alike"),
        ("CC-BY-SA-4.0", "GPL-3.0-only", ALLOWED, "licence.compatible"),
        ("CC-BY-SA-4.0", "GPL-3.0-or-later", ASK, "licence.conditional"),
        ("CC-BY-SA-3.0", "GPL-3.0-only", REFUSED, "licence.share_alike"),
        ("GPL-3.0-only", "CC-BY-SA-4.0", REFUSED, "licence.share_alike"),
        ("LAL-1.3", "CC-BY-SA-4.0", ALLOWED, "licence.compatible"),
        # No money, no changes.
        ("CC-BY-NC-4.0", "CC-BY-4.0", REFUSED, "licence.non_commercial"),
        ("CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", ALLOWED, "licence.attribution"),
        ("CC-BY-NC-SA-4.0", "CC-BY-SA-4.0", REFUSED, "licence.non_commercial"),
        ("CC-BY-ND-4.0", "CC-BY-ND-4.0", REFUSED, "licence.no_derivatives"),
        # Hardware.
        ("CERN-OHL-S-2.0", "CERN-OHL-S-2.0", ALLOWED, "licence.kept"),
        ("CERN-OHL-S-2.0", "CERN-OHL-W-2.0", REFUSED, "licence.share_alike"),
        ("CERN-OHL-W-2.0", "CERN-OHL-S-2.0", ASK, "licence.conditional"),
        ("CERN-OHL-P-2.0", "CERN-OHL-S-2.0", ALLOWED, "licence.attribution"),
        ("CERN-OHL-1.1", "CERN-OHL-1.2", ALLOWED, "licence.compatible"),
        ("CERN-OHL-1.2", "CERN-OHL-S-2.0", ASK, "licence.conditional"),
        ("TAPR-OHL-1.0", "CC-BY-SA-4.0", REFUSED, "licence.share_alike"),
        ("Apache-2.0 WITH SHL-2.1", "CERN-OHL-P-2.0", ALLOWED, "licence.attribution"),
        # Those that ask for little, and those that drop it.
        ("CC0-1.0", "CERN-OHL-S-2.0", ALLOWED, "licence.free"),
        ("MIT", "GPL-3.0-only", ALLOWED, "licence.attribution"),
        ("CC-BY-4.0", "CC0-1.0", ASK, "licence.dropped"),
        ("CC-BY-4.0", "CC-BY-4.0 AND CC0-1.0", ALLOWED, "licence.kept"),
        # GPL versions and exceptions.
        ("GPL-2.0-only", "GPL-3.0-only", REFUSED, "licence.share_alike"),
        ("GPL-2.0-or-later", "GPL-3.0-only", ALLOWED, "licence.compatible"),
        ("LGPL-2.1-only", "GPL-3.0-or-later", ALLOWED, "licence.compatible"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only", ALLOWED, "licence.kept"),
        ("GPL-2.0-only", "GPL-2.0-only WITH Classpath-exception-2.0", ASK, "licence.exception_added"),
        # A choice of the parent's is the fork's to take; a choice that the fork offers must be its to offer.
        ("MIT OR CC-BY-SA-4.0", "CERN-OHL-S-2.0", ALLOWED, "licence.attribution"),
        ("CC-BY-SA-4.0", "MIT OR CC-BY-SA-4.0", REFUSED, "licence.share_alike"),
        ("CC-BY-SA-4.0 AND CC-BY-NC-4.0", "CC-BY-SA-4.0", REFUSED, "licence.non_commercial"),
        # What nobody knows is asked.
        ("all mine", "MIT", ASK, "licence.terms_unknown"),
        ("CC-BY-4.0", "LicenseRef-mine", ASK, "licence.terms_unknown"),
        ("MIT,", "MIT", ASK, "licence.terms_unknown"),
    ],
)
def test_a_fork_may_be_published_as_its_parents_licence_says(parent: str, child: str, outcome: Outcome, rule: str) -> None:
    verdict = fork_verdict(parent, child)
    assert (verdict.outcome, verdict.rule.code) == (outcome, rule)
    assert verdict.rules[0] == verdict.rule


def test_a_refusal_names_the_clause() -> None:
    assert "3(b)(1)" in fork_verdict("CC-BY-SA-4.0", "MIT").rule.message
    assert "3.3(d)" in fork_verdict("CERN-OHL-S-2.0", "MIT").rule.message


@pytest.mark.parametrize(
    ("own", "lines", "outcome", "rule"),
    [
        # Side by side and unchanged, what shares alike asks nothing of the others.
        ("CERN-OHL-W-2.0", [("gear", "CC-BY-SA-4.0", "make"), ("knob", "GPL-3.0-only", "make")], ALLOWED, "licence.bill_aggregate"),
        ("CERN-OHL-W-2.0", [("screw", "", "buy")], ALLOWED, "licence.bill_bought"),
        ("CERN-OHL-W-2.0", [("gear", "CC-BY-NC-4.0", "make")], ASK, "licence.bill_non_commercial"),
        ("CC-BY-NC-SA-4.0", [("gear", "CC-BY-NC-4.0", "make")], ALLOWED, "licence.bill_aggregate"),
        ("MIT", [("gear", "CC-BY-NC-4.0", "buy")], ALLOWED, "licence.bill_bought"),
        ("MIT", [("gear", "CC-BY-ND-4.0", "make")], ALLOWED, "licence.bill_no_derivatives"),
        ("MIT", [("gear", "all mine", "make")], ASK, "licence.bill_unknown"),
        ("MIT", [("gear", "GPL-3.0-only OR LicenseRef-paid", "make")], ALLOWED, "licence.bill_aggregate"),
        # CERN-OHL-S asks for the complete source of the product (section 4).
        ("MIT", [("frame", "CERN-OHL-S-2.0", "make"), ("knob", "MIT", "make")], ALLOWED, "licence.bill_complete_source"),
        ("MIT", [("frame", "CERN-OHL-S-2.0", "make"), ("knob", "CERN-OHL-1.2", "make")], ALLOWED, "licence.bill_complete_source"),
        ("MIT", [("frame", "CERN-OHL-S-2.0", "make"), ("knob", "CC-BY-SA-4.0", "make")], ASK, "licence.bill_source_closed"),
        ("MIT", [("frame", "CERN-OHL-S-2.0 OR MIT", "make"), ("knob", "CC-BY-SA-4.0", "make")], ALLOWED, "licence.bill_aggregate"),
        ("CC-BY-SA-4.0", [("frame", "CERN-OHL-S-2.0", "make")], ASK, "licence.bill_source_closed"),
        ("MIT", [], ALLOWED, "licence.bill_empty"),
    ],
)
def test_the_parts_of_a_product_go_together_or_a_person_is_asked(
    own: str, lines: list[tuple[str, str, str]], outcome: Outcome, rule: str
) -> None:
    verdict = bill_verdict(own, lines)  # type: ignore[arg-type]
    assert verdict.outcome is outcome
    assert verdict.rule.code == rule or (outcome is ALLOWED and rule in {told.code for told in verdict.rules})


def test_every_part_of_a_bill_is_told_with_its_rule_and_the_deciding_one_first() -> None:
    verdict = bill_verdict("MIT", [("gear", "MIT", "make"), ("lid", "CC-BY-NC-4.0", "make"), ("screw", "", "buy")])
    assert verdict.rule.subject.startswith("lid (") and verdict.rules[0] == verdict.rule
    assert {told.code for told in verdict.rules} == {"licence.bill_non_commercial", "licence.bill_aggregate", "licence.bill_bought"}


def test_everything_in_the_table_of_obligations_is_a_licence_of_spdx_with_its_clause() -> None:
    known = get_spdx_licensing().known_symbols
    assert not [name for name in TABLE if name not in known]
    others = [other for terms in TABLE.values() for other in terms.becomes | terms.under_condition]
    assert not [other for other in others if other not in known or terms_of(other) is None]
    assert all(terms.clause for terms in TABLE.values())
    for name in (name for name in known if name.startswith("CC-BY-")):
        terms = terms_of(name)
        assert terms is not None
        elements = name[: len(name) - len(name.lstrip("-BCDNSAY"))]
        assert all(other.startswith(elements) or other in ("LAL-1.3", "GPL-3.0-only") for other in terms.becomes), name
        assert (terms.reciprocity is Reciprocity.STRONG) == ("-SA-" in name)
        assert terms.commercial == ("-NC-" not in name) and terms.derivatives == ("-ND-" not in name)


def test_a_licence_is_always_kept_by_itself_unless_it_forbids_derivatives() -> None:
    for name in TABLE:
        assert fork_verdict(name, name).allowed, name


def test_an_expression_with_endless_choices_is_asked_and_not_counted_out() -> None:
    endless = " AND ".join(f"(A{n} OR B{n})" for n in range(30))
    assert branches(endless) == ()
    assert fork_verdict(endless, "MIT").outcome is ASK
    assert len(branches(" OR ".join(f"A{n}" for n in range(MOST_CHOICES)))) == MOST_CHOICES
