# SPDX-License-Identifier: AGPL-3.0-or-later
"""May a part be cut by a laser, CO2 or fibre, and what would it take? Pure."""

from __future__ import annotations

from commonfab import v1
from registry.makeability.cutting import Cutter, judge_cut
from registry.makeability.cutting_rules import RuledMaterial, interpolated
from registry.makeability.laser_rules import CO2_RULES, FIBRE_RULES

CO2_WATTS = 60.0
CO2_FASTEST_MM_PER_S = 50.0
"""The machine of the estimate: paces are for its power, and its gantry cuts curves no faster. Our own choice."""

FIBRE_WATTS = 3000.0
FIBRE_FASTEST_MM_PER_S = 500.0

FIBRE_M_PER_MIN = (
    (1.0, 30.0),
    (2.0, 5.0),
    (3.0, 3.6),
    (4.0, 3.2),
    (5.0, 2.8),
    (6.0, 2.5),
    (8.0, 2.0),
    (10.0, 1.4),
    (12.0, 1.1),
    (16.0, 0.8),
    (22.0, 0.5),
)
"""Mild steel under 3 kW with oxygen (1 mm: nitrogen): thickness mm, speed m/min, the lower half of each range of MachineMFG's chart."""


def judge(report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Makeability]:
    """The judgements of a part for a CO2 laser, which cuts what is no metal, and for a fibre laser, which cuts metal."""
    return [judge_cut(CO2, report, demands), judge_cut(FIBRE, report, demands)]


def _co2_hole(thickness: float) -> float:
    """0.5 mm, or a fifth of the thickness: the beam is 0.2 mm wide in its focus and widens to either side. Our own choice."""
    return max(0.5, 0.2 * thickness)


def _co2_web(thickness: float) -> float:
    """1 mm, or a third of the thickness: narrower strips char through or break on the grid. Our own choice."""
    return max(1.0, thickness / 3)


def _fibre_hole(thickness: float) -> float:
    """0.5 mm, or half the thickness: below, the pierce is as large as the hole. The usual rule of job shops for cutting with oxygen."""
    return max(0.5, 0.5 * thickness)


def _fibre_web(thickness: float) -> float:
    """0.8 mm, or half the thickness: job shops advise the whole thickness and cut half of it when asked."""
    return max(0.8, 0.5 * thickness)


def _co2_speed(material: RuledMaterial, thickness: float) -> float:
    pace = max((rule.pace for rule in material.rules), default=0.0)
    watts = max(CO2_WATTS, material.least_power_w(thickness))
    return min(CO2_FASTEST_MM_PER_S, pace * watts / CO2_WATTS / thickness)


def _fibre_speed(material: RuledMaterial, thickness: float) -> float:
    pace = max((rule.pace for rule in material.rules), default=0.0)
    # Above 6 mm all metals are about as slow as mild steel.
    faster = pace if thickness <= 6 else min(pace, 1.0)
    watts = max(FIBRE_WATTS, material.least_power_w(thickness))
    return min(FIBRE_FASTEST_MM_PER_S, interpolated(FIBRE_M_PER_MIN, thickness) * 1000 / 60 * faster * watts / FIBRE_WATTS)


CO2 = Cutter(
    process="co2_laser_cutting",
    rules=CO2_RULES,
    least_hole=_co2_hole,
    least_web=_co2_web,
    best_tolerance_mm=0.1,
    speed=_co2_speed,
    pierce_s=lambda thickness: 0.2 + 0.1 * thickness,
    method="CO2 laser of 60 W, or of the least power that cuts it, after a published table",
)

FIBRE = Cutter(
    process="fibre_laser_cutting",
    rules=FIBRE_RULES,
    least_hole=_fibre_hole,
    least_web=_fibre_web,
    best_tolerance_mm=0.05,
    speed=_fibre_speed,
    pierce_s=lambda thickness: 0.1 + 0.02 * thickness**2,
    method="fibre laser of 3 kW, or of the least power that cuts it, after a published chart",
)
"""Tolerances: the narrowest bands of job shops' offers, twice ±0.05 and ±0.025 mm; piercing times our own choice."""
