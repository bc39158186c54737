# SPDX-License-Identifier: AGPL-3.0-or-later
"""May a part be cut by an air plasma torch, and what would it take? Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from commonfab import v1
from registry.makeability.cutting import Cutter, judge_cut
from registry.makeability.cutting_rules import Rule, RuledMaterial, interpolated

# Rated output of torches of 45, 65, 85, 105 and 125 A, and the thickness that each pierces under a machine.
_STEEL_LIMITS = ((6500.0, 12.0), (9000.0, 16.0), (12200.0, 20.0), (16800.0, 22.0), (21900.0, 25.0))
_BRIGHT_LIMITS = ((6500.0, 10.0), (9000.0, 12.0), (12200.0, 16.0), (16800.0, 20.0), (21900.0, 25.0))

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "steel": Rule(_STEEL_LIMITS, pace=1.0),
        "stainless_steel": Rule(_BRIGHT_LIMITS, pace=0.9),
        "aluminium": Rule(_BRIGHT_LIMITS, pace=1.1),
        "copper": Rule(((6500.0, 6.0), (12200.0, 10.0), (21900.0, 16.0)), pace=0.6),
        "brass": Rule(((6500.0, 6.0), (12200.0, 10.0), (21900.0, 16.0)), pace=0.7),
        "bronze": Rule(((6500.0, 6.0), (12200.0, 10.0), (21900.0, 16.0)), pace=0.7),
        "galvanised_steel": Rule(
            _STEEL_LIMITS, pace=1.0, doubt="galvanised steel gives off zinc fumes, which cause fever; does the shop draw them off?"
        ),
        "zinc": Rule(((6500.0, 6.0),), pace=1.0, doubt="zinc gives off fumes that cause fever; does the shop draw them off?"),
        "titanium": Rule(_BRIGHT_LIMITS, pace=0.9, doubt="titanium burns in air and its dust ignites; does the shop cut it?"),
        "magnesium": Rule(unsafe="magnesium catches fire under a torch and cannot be put out with water"),
        "aluminium_composite": Rule(unsafe="aluminium composite has a core of polyethylene, which burns between its skins"),
        "carbon_fibre_laminate": Rule(unsafe="carbon-fibre laminate burns under a torch, with toxic epoxy fumes and conducting dust"),
    }
)
"""`limits`: what Hypertherm states for the Powermax45 XP, 65, 85, 105 and 125 (piercing mild steel); stainless steel, aluminium and copper
alloys less, our own choice. Zinc fumes: NIOSH pocket guide, zinc oxide. `pace`: how many times faster than mild steel; our own choice."""

M_PER_MIN = ((1.0, 8.0), (3.0, 3.5), (6.0, 1.8), (10.0, 1.4), (12.0, 1.3), (16.0, 1.1), (20.0, 1.0), (25.0, 0.75))
"""Mild steel under the weakest torch that pierces it: thickness mm, speed m/min, rounded from makers' cut charts of 45 to 125 A."""

KERF_MM = 1.5


def judge(report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Makeability]:
    """The judgement of a part for plasma, which cuts what conducts: metal."""
    return [judge_cut(PLASMA, report, demands)]


def least_hole(thickness: float) -> float:
    """The width of the smallest hole, mm: the thickness, and never less than the kerf. The rule of makers of torches for holes that a bolt
    fits: below, the arc lags behind so far that the hole is a cone."""
    return max(KERF_MM, thickness)


def least_web(thickness: float) -> float:
    """The narrowest strip that stays, mm: 3 mm, or the thickness; thinner ones melt or warp. Job shops ask for 1 to 1.5 times it."""
    return max(3.0, thickness)


def _speed(material: RuledMaterial, thickness: float) -> float:
    pace = max((rule.pace for rule in material.rules), default=0.0)
    return interpolated(M_PER_MIN, thickness) * 1000 / 60 * pace


PLASMA = Cutter(
    process="plasma_cutting",
    rules=RULES,
    least_hole=least_hole,
    least_web=least_web,
    # Range 3 of ISO 9013 for perpendicularity at 6 mm, twice; holes and outlines add the machine's own play.
    best_tolerance_mm=0.5,
    speed=_speed,
    pierce_s=lambda thickness: 0.3 + 0.07 * thickness,
    method="the weakest air plasma torch that pierces it, after makers' cut charts",
)
