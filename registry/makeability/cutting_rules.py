# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a way of cutting does to a material: up to which thickness it cuts it, where a person must agree, what must never be cut so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from commonfab import materials, v1
from commonfab.reasons import reason

NOISE_MM = 0.01
"""A measured width or thickness is no nearer to the truth than this: a hole of 5 mm in a mesh measures 4.9999998 mm."""


@dataclass(frozen=True)
class Rule:
    """What happens to a material and to all that is narrower, unless that has a rule of its own.

    Attributes: `limits`, pairs of power in W and the thickest that this power cuts in mm, the weakest first; `unsafe`, a sentence why it
    must never be cut so; `doubt`, a sentence why a person must agree; `pace`, how fast it is cut, in the unit that the process states.
    """

    limits: tuple[tuple[float, float], ...] = ()
    unsafe: str = ""
    doubt: str = ""
    pace: float = 0.0


@dataclass(frozen=True)
class RuledMaterial:
    """A demanded material under the rules of one process.

    Attributes: `name`, the term, or empty where none is demanded; `rules`, those that may apply: one, or those of the
    narrower terms where the demand is broad; `allowed`, terms that a shop may use.
    """

    name: str
    rules: tuple[Rule, ...]
    allowed: tuple[str, ...]
    against: tuple[v1.Reason, ...] = ()
    questions: tuple[v1.Reason, ...] = ()

    @property
    def thickest_mm(self) -> float:
        """The thickest that any machine of the process cuts of it, mm; 0 where no rule says."""
        return max((rule.limits[-1][1] for rule in self.rules if rule.limits), default=0.0)

    @property
    def bending(self) -> str:
        """How it is bent: "press_brake" (also what nobody knows), "by_hand" (a thermoplastic over a hot wire), or empty."""
        names = [self.name] if self.name else list(self.allowed)
        unknown = bool(self.name) and self.name not in materials.BROADER
        if unknown or any(materials.satisfies(name, "metal") for name in names):
            return "press_brake"
        return "by_hand" if any(materials.satisfies(name, "thermoplastic") for name in names) else ""

    def least_power_w(self, thickness: float) -> float:
        """The least power that cuts it this thick, W; 0 where the thickness is not known or no power is told."""
        enough = [watts for rule in self.rules for watts, thickest in _strong_enough(rule, thickness)]
        return min(enough, default=0.0) if thickness else 0.0


def _strong_enough(rule: Rule, thickness: float) -> list[tuple[float, float]]:
    return [limit for limit in rule.limits if thickness <= limit[1] + NOISE_MM]


def rule_over(rules: Mapping[str, Rule], material: str) -> RuledMaterial:
    """What `rules` say of a demanded material in its canonical spelling: the rule of the narrowest term that covers it counts.

    Codes: `material.unsafe`, `material.not_for_process` against it; `material.unnamed`, `material.unknown`, `material.too_broad`,
    `material.doubt` as questions.
    """
    allowed = _free(rules, tuple(rules))
    if not material:
        return RuledMaterial("", _cuttable(rules, allowed), allowed, questions=(reason("material.unnamed", ", ".join(allowed)),))
    if material not in materials.BROADER:
        return RuledMaterial(material, (), (), questions=(reason("material.unknown", material),))
    return _rule_over_known(rules, material)


def _rule_over_known(rules: Mapping[str, Rule], material: str) -> RuledMaterial:
    covering = next((term for term in materials.broader_terms(material) if term in rules), "")
    narrower = tuple(term for term in rules if term != covering and materials.satisfies(term, material))
    safe = tuple(term for term in narrower if not rules[term].unsafe)
    rule = rules.get(covering, Rule())
    if rule.unsafe:
        return RuledMaterial(material, (rule,), (), against=(reason("material.unsafe", rule.unsafe),))
    if not covering and not safe:
        return RuledMaterial(material, (), (), against=(reason("material.not_for_process", material),))
    dangerous = len(safe) < len(narrower)
    usable = _free(rules, safe) or safe
    doubts = [rule.doubt] if covering else [rules[term].doubt for term in usable]
    questions = tuple(reason("material.doubt", doubt) for doubt in doubts if doubt)
    if dangerous:
        questions += (reason("material.too_broad", material),)
    if not covering:
        return RuledMaterial(material, _cuttable(rules, usable), usable, questions=questions)
    # A broad term that has a rule stands for itself, unless it also covers something dangerous.
    return RuledMaterial(material, (rule,), usable if dangerous else (material,), questions=questions)


def _free(rules: Mapping[str, Rule], terms: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `terms` that are cut without a question."""
    return tuple(term for term in terms if not rules[term].unsafe and not rules[term].doubt)


def _cuttable(rules: Mapping[str, Rule], terms: tuple[str, ...]) -> tuple[Rule, ...]:
    return tuple(rules[term] for term in terms)


def interpolated(rows: tuple[tuple[float, float], ...], thickness: float) -> float:
    """A figure from a table of (thickness mm, figure), on a straight line between rows; below the first the first, beyond the last
    falling with the square of the thickness, as the last rows of makers' charts do."""
    if thickness <= rows[0][0]:
        return rows[0][1]
    for (thin, first), (thick, second) in pairwise(rows):
        if thickness <= thick:
            return first + (second - first) * (thickness - thin) / (thick - thin)
    return rows[-1][1] * (rows[-1][0] / thickness) ** 2
