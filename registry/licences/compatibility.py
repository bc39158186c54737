# SPDX-License-Identifier: AGPL-3.0-or-later
"""May this be published under that licence, and do the parts of a product go together: a verdict with the rule that applies.

Two questions are kept apart. Whoever changes a shape makes a **derivative**: the parent's licence says what it may be published under.
Whoever lists parts side by side in a bill of materials makes an **aggregate**: each part keeps its own licence, and only a licence that
asks for the whole product's source, that forbids money, or that nobody knows has a say in the product.

The verdicts are a program's reading of the licences' texts (`obligations`), never legal advice; where the texts leave it open, it asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from commonfab import v1
from commonfab.reasons import reason
from registry.licences.expressions import Licence, branches
from registry.licences.obligations import Reciprocity, Terms, terms_of

How = Literal["make", "buy"]


class Outcome(IntEnum):
    """What a verdict comes to, the better first."""

    ALLOWED = 0
    ASK = 1
    REFUSED = 2


@dataclass(frozen=True)
class Verdict:
    """An outcome, the rule that decided it, and every rule that was applied, the deciding one first."""

    outcome: Outcome
    rule: v1.Reason
    rules: tuple[v1.Reason, ...]

    @property
    def allowed(self) -> bool:
        """Whether nothing stands in the way."""
        return self.outcome is Outcome.ALLOWED


def fork_verdict(parent_expression: str, child_expression: str) -> Verdict:
    """Whether a derivative of a work under `parent_expression` may be published under `child_expression`.

    Where the parent leaves a choice (OR), the fork takes the one that suits it; where the parent has several licences (AND), each must be
    kept by one of the fork's. A fork that leaves a choice must be allowed to offer every one of them.
    """
    parents, children = branches(parent_expression), branches(child_expression)
    subject = f"{child_expression} from {parent_expression}"
    if not parents or not children:
        return _verdict(Outcome.ASK, "licence.terms_unknown", subject)
    return min((_all(_taken(parent, child) for child in children) for parent in parents), key=_order)


def bill_verdict(own: str, lines: Sequence[tuple[str, str, How]]) -> Verdict:
    """Whether the parts of a product go together.

    Parameters: `own`, the licence of the product's own design; `lines`, for each part its name, its licence, and whether it is made from
    its design or bought as a thing.
    """
    verdicts = [_line(own, name, expression, how) for name, expression, how in lines]
    verdicts += _whole_products(own, lines)
    return _all(verdicts) if verdicts else _verdict(Outcome.ALLOWED, "licence.bill_empty", own)


def _taken(parent: Sequence[Licence], child: Sequence[Licence]) -> Verdict:
    """One choice of the parent's, and one of the fork's."""
    return _all(min((_derived(one, other) for other in child), key=_order) for one in parent)


def _derived(parent: Licence, child: Licence) -> Verdict:
    """One licence of the parent's, and one of the fork's. The order of the rules is that of what weighs most."""
    asked, offered = _terms(parent), _terms(child)
    if asked is None:
        return _verdict(Outcome.ASK, "licence.terms_unknown", f"{child} from {parent}")
    told = f"{child} from {parent} ({asked.clause})"
    if not asked.derivatives:
        return _verdict(Outcome.REFUSED, "licence.no_derivatives", f"{parent} ({asked.clause})")
    if parent == child:
        return _verdict(Outcome.ALLOWED, "licence.kept", str(parent))
    if asked.reciprocity is Reciprocity.NONE:
        return _verdict(Outcome.ALLOWED, "licence.free", told)
    if offered is None:
        return _verdict(Outcome.ASK, "licence.terms_unknown", told)
    if not asked.commercial and offered.commercial:
        return _verdict(Outcome.REFUSED, "licence.non_commercial", told)
    if asked.reciprocity is Reciprocity.NOTICE:
        return _noticed(offered, told)
    return _shared(parent, asked, child, told)


def _noticed(offered: Terms, told: str) -> Verdict:
    if offered.reciprocity is Reciprocity.NONE:
        return _verdict(Outcome.ASK, "licence.dropped", told)
    return _verdict(Outcome.ALLOWED, "licence.attribution", told)


def _shared(parent: Licence, asked: Terms, child: Licence, told: str) -> Verdict:
    if child.identifier == parent.identifier or child.identifier in asked.becomes:
        if child.exception and child.exception != parent.exception:
            return _verdict(Outcome.ASK, "licence.exception_added", told)
        code = "licence.kept" if child.identifier == parent.identifier else "licence.compatible"
        return _verdict(Outcome.ALLOWED, code, told)
    if child.identifier in asked.under_condition:
        return _verdict(Outcome.ASK, "licence.conditional", told)
    return _verdict(Outcome.REFUSED, "licence.share_alike", told)


def _line(own: str, name: str, expression: str, how: How) -> Verdict:
    """One part in the bill, by itself. Of a part that leaves a choice, the one that suits is taken."""
    if how == "buy":
        return _verdict(Outcome.ALLOWED, "licence.bill_bought", name)
    choices = branches(expression)
    if not choices:
        return _verdict(Outcome.ASK, "licence.bill_unknown", f"{name} ({expression})")
    return min((_all(_piece(own, name, licence) for licence in choice) for choice in choices), key=_order)


def _piece(own: str, name: str, licence: Licence) -> Verdict:
    asked = _terms(licence)
    if asked is None:
        return _verdict(Outcome.ASK, "licence.bill_unknown", f"{name} ({licence})")
    told = f"{name} ({licence}, {asked.clause})"
    if not asked.commercial and not _unpaid(own):
        return _verdict(Outcome.ASK, "licence.bill_non_commercial", told)
    if not asked.derivatives:
        return _verdict(Outcome.ALLOWED, "licence.bill_no_derivatives", told)
    if asked.whole_product:
        return _verdict(Outcome.ALLOWED, "licence.bill_complete_source", told)
    return _verdict(Outcome.ALLOWED, "licence.bill_aggregate", told)


def _whole_products(own: str, lines: Sequence[tuple[str, str, How]]) -> list[Verdict]:
    """For each part that asks for the source of the whole product: the other parts whose licences do not let their source go with it.

    CERN-OHL-S-2.0 section 4 makes the complete source covered source; section 1.7 leaves out components that anybody can get or has under a
    licence that may be treated as CERN-OHL-S. What is bought is such a component.
    """
    made = [("the product's own design", own), *((name, expression) for name, expression, how in lines if how == "make")]
    found = []
    for name, expression in made[1:]:
        choices = branches(expression)
        if not choices or not all(any(_reaches(licence) for licence in choice) for choice in choices):
            continue
        closed = [other for other, licence in made if other != name and not _goes_with(licence, expression)]
        if closed:
            told = f"{name} ({expression}), beside {', '.join(closed)}"
            found.append(_verdict(Outcome.ASK, "licence.bill_source_closed", told))
    return found


def _reaches(licence: Licence) -> bool:
    asked = _terms(licence)
    return asked is not None and asked.whole_product


def _goes_with(licence: str, whole: str) -> bool:
    """Whether source under `licence` may be passed on as part of a complete source under `whole`.

    Earlier versions of the CERN-OHL are compatible by its section 1.2(a), and CERN-OHL-W by its own section 8.3.
    """
    earlier = any(all(one.identifier.startswith("CERN-OHL-") for one in choice) for choice in branches(licence))
    return earlier or fork_verdict(licence, whole).outcome is not Outcome.REFUSED


def _unpaid(expression: str) -> bool:
    """Whether a design forbids money already."""
    known = [[_terms(licence) for licence in choice] for choice in branches(expression)]
    return bool(known) and all(any(asked is not None and not asked.commercial for asked in choice) for choice in known)


def _terms(licence: Licence) -> Terms | None:
    """What a licence asks. An exception behind WITH allows more than the licence, so what it asks is at most that."""
    return terms_of(licence.identifier)


def _verdict(outcome: Outcome, code: str, subject: str) -> Verdict:
    told = reason(code, subject)
    return Verdict(outcome, told, (told,))


def _all(verdicts: Iterable[Verdict]) -> Verdict:
    """All must hold: the worst decides."""
    ordered = sorted(verdicts, key=_order, reverse=True)
    rules = {(told.code, told.subject): told for verdict in ordered for told in verdict.rules}
    return Verdict(ordered[0].outcome, ordered[0].rule, tuple(rules.values()))


def _order(verdict: Verdict) -> int:
    return int(verdict.outcome)
