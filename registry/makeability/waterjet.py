# SPDX-License-Identifier: AGPL-3.0-or-later
"""May a part be cut by an abrasive water jet, and what would it take? Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from commonfab import v1
from registry.makeability.cutting import Cutter, judge_cut
from registry.makeability.cutting_rules import Rule, RuledMaterial

THICKEST_MM = 150.0
"""What ordinary machines are sold for; jets of special machines go through 300 mm (Hashish, MSEC2016-8775). Our own choice."""

# Water needs no least power: a weaker pump is slower.
_ANY = ((0.0, THICKEST_MM),)
_SWELLS = "swells and frays in water; does the shop cut it, and dry it?"

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "steel": Rule(_ANY, pace=87.6),
        "stainless_steel": Rule(_ANY, pace=81.9),
        "aluminium": Rule(_ANY, pace=213.0),
        "copper": Rule(_ANY, pace=110.0),
        "brass": Rule(_ANY, pace=110.0),
        "bronze": Rule(_ANY, pace=110.0),
        "titanium": Rule(_ANY, pace=115.0),
        "zinc": Rule(_ANY, pace=136.0),
        "granite": Rule(_ANY, pace=322.0),
        "marble": Rule(_ANY, pace=535.0),
        "slate": Rule(_ANY, pace=535.0),
        "ceramic": Rule(_ANY, pace=200.0),
        "float_glass": Rule(_ANY, pace=596.0),
        "mirror_glass": Rule(_ANY, pace=596.0),
        "thermoplastic": Rule(_ANY, pace=690.0),
        "nylon": Rule(_ANY, pace=538.0),
        "pp": Rule(_ANY, pace=985.0),
        "rubber": Rule(_ANY, pace=985.0),
        "foam": Rule(_ANY, pace=985.0),
        "aluminium_composite": Rule(_ANY, pace=213.0),
        "hpl": Rule(_ANY, pace=690.0),
        "glass_fibre_laminate": Rule(
            _ANY, pace=400.0, doubt="glass-fibre laminate splits where the jet pierces it; does the shop drill first?"
        ),
        "carbon_fibre_laminate": Rule(
            _ANY, pace=400.0, doubt="carbon-fibre laminate splits where the jet pierces it; does the shop drill first?"
        ),
        "wood": Rule(_ANY, pace=985.0, doubt=f"wood {_SWELLS}"),
        "leather": Rule(_ANY, pace=985.0, doubt=f"leather {_SWELLS}"),
        "textile": Rule(_ANY, pace=985.0, doubt=f"textile {_SWELLS}"),
        "magnesium": Rule(_ANY, pace=213.0, doubt="fine magnesium gives off hydrogen in water; does the shop cut it?"),
        "tempered_glass": Rule(unsafe="tempered glass bursts into pieces when it is cut; it is cut first and tempered afterwards"),
    }
)
"""`pace`: the machinability number of the Zeng and Kim equation, for metals, granite, marble, glass, acrylic, nylon and polypropylene as
they are published with it; the others that of the nearest of these: our own choice. Paper is missing: it falls apart in water."""

PRESSURE_KSI, ORIFICE_IN, TUBE_IN, GARNET_LB_PER_MIN, QUALITY = 50.0, 0.014, 0.042, 0.8, 3.0
"""A common machine: 3,450 bar, a jewel of 0.36 mm, a mixing tube of 1.07 mm, 0.36 kg of garnet a minute, and a clean edge (3 of 1 to 5)."""

FASTEST_MM_PER_S = 100.0


def judge(report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Makeability]:
    """The judgement of a part for an abrasive water jet, which cuts nearly everything and heats nothing."""
    return [judge_cut(WATERJET, report, demands)]


def least_hole(thickness: float) -> float:
    """The width of the smallest hole, mm: 1.5 mm, the jet of 1 mm and room to turn; a tenth of the thickness where that is more, as the jet
    widens. Our own choice."""
    return max(1.5, 0.1 * thickness)


def least_web(thickness: float) -> float:
    """The narrowest strip that stays, mm: 1 mm, or a quarter of the thickness; thinner ones shake in the jet. Our own choice."""
    return max(1.0, 0.25 * thickness)


def cutting_speed(machinability: float, thickness: float) -> float:
    """Speed of an abrasive jet, mm/s, for a machinability number and a thickness in mm.

    v = (N · P^1.594 · d^1.374 · M^0.343 / (163 · q · h · D^0.618))^1.15 inches a minute, with pressure P in ksi, orifice d, tube D and
    thickness h in inches, and garnet M in pounds a minute: J. Zeng and T. Kim, Parameter prediction and cost analysis in abrasive waterjet
    cutting operations, 7th American Water Jet Conference, 1993.
    """
    inches = thickness / 25.4
    power = machinability * PRESSURE_KSI**1.594 * ORIFICE_IN**1.374 * GARNET_LB_PER_MIN**0.343
    per_minute: float = (power / (163 * QUALITY * inches * TUBE_IN**0.618)) ** 1.15
    return min(FASTEST_MM_PER_S, per_minute * 25.4 / 60)


def _speed(material: RuledMaterial, thickness: float) -> float:
    machinability = max((rule.pace for rule in material.rules), default=0.0)
    return cutting_speed(machinability, thickness)


WATERJET = Cutter(
    process="waterjet_cutting",
    rules=RULES,
    least_hole=least_hole,
    least_web=least_web,
    best_tolerance_mm=0.1,
    speed=_speed,
    pierce_s=lambda thickness: 2.0 + thickness,
    method="Zeng and Kim's equation for 3,450 bar and a clean edge",
)
"""Tolerance: twice the ±0.05 mm of machines that tilt the jet; piercing times our own choice."""
