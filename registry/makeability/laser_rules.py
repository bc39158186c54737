# SPDX-License-Identifier: AGPL-3.0-or-later
"""What CO2 and fibre lasers do to materials: how thick they cut them, and what must never lie under the beam.

What is dangerous stands in the lists that shops and makers publish, which agree: ATX Hackerspace "Laser Cutter Materials", Epilog and
Trotec material guides, University of Texas SOA "Prohibited Laser Cutter Materials" (which names the gases), BOFA fume notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from registry.makeability.cutting_rules import Rule

_WOOD_LIMITS = ((30.0, 2.0), (60.0, 6.0), (100.0, 10.0), (130.0, 15.0))
_ACRYLIC_LIMITS = ((30.0, 4.0), (60.0, 6.0), (100.0, 12.0), (130.0, 18.0), (150.0, 25.0))
_SOFT_LIMITS = ((30.0, 3.0), (60.0, 6.0), (100.0, 10.0))
_MELTS = "melts and catches fire under a CO2 laser instead of being cut"

CO2_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "acrylic": Rule(_ACRYLIC_LIMITS, pace=38.0),
        "plywood": Rule(((30.0, 2.0), (60.0, 8.0), (100.0, 10.0), (130.0, 15.0)), pace=42.0),
        "mdf": Rule(_WOOD_LIMITS, pace=48.0),
        "wood": Rule(_WOOD_LIMITS, pace=38.0),
        "cork": Rule(_SOFT_LIMITS, pace=60.0),
        "paper": Rule(_SOFT_LIMITS, pace=60.0),
        "cotton": Rule(_SOFT_LIMITS, pace=35.0),
        "felt": Rule(_SOFT_LIMITS, pace=35.0),
        "wool": Rule(_SOFT_LIMITS, pace=35.0),
        "polyester_fabric": Rule(_SOFT_LIMITS, pace=35.0),
        "vegetable_tanned_leather": Rule(((30.0, 3.0), (60.0, 4.0), (100.0, 6.0), (130.0, 10.0)), pace=35.0),
        "laser_rubber": Rule(_SOFT_LIMITS, pace=15.0),
        "petg": Rule(((60.0, 2.0), (100.0, 3.0)), pace=25.0),
        "pet": Rule(((60.0, 1.0), (100.0, 2.0)), pace=25.0),
        "pom": Rule(
            ((60.0, 5.0), (100.0, 8.0)), pace=25.0, doubt="pom gives off formaldehyde when it is cut by a laser; is the air cleaned?"
        ),
        "pp": Rule(((60.0, 3.0), (100.0, 5.0)), pace=25.0, doubt="pp melts and burns easily under a laser; does the shop cut it?"),
        "nylon": Rule(((60.0, 2.0), (100.0, 3.0)), pace=20.0, doubt="nylon gives off hydrogen cyanide when it burns; is the air cleaned?"),
        "pla": Rule(((60.0, 3.0), (100.0, 5.0)), pace=25.0, doubt="pla melts more than it is cut; does the shop cut it?"),
        "silicone_rubber": Rule(_SOFT_LIMITS, pace=15.0, doubt="silicone leaves fine dust of silica; is the air cleaned?"),
        "eva_foam": Rule(((30.0, 6.0), (60.0, 12.0)), pace=120.0, doubt="eva foam burns easily; does the shop cut it?"),
        "hpl": Rule(((100.0, 2.0),), pace=10.0, doubt="hpl is bound with phenolic resin, whose fumes are toxic; does the shop cut it?"),
        "pvc": Rule(unsafe="pvc gives off hydrogen chloride under a laser, which harms lungs and eats the machine"),
        "polycarbonate": Rule(unsafe="polycarbonate catches fire and chars under a CO2 laser and gives off toxic fumes"),
        "abs": Rule(unsafe="abs melts under a laser and gives off hydrogen cyanide"),
        "asa": Rule(unsafe="asa melts under a laser and gives off hydrogen cyanide"),
        "polystyrene": Rule(unsafe=f"polystyrene {_MELTS}"),
        "polyethylene": Rule(unsafe=f"polyethylene {_MELTS}"),
        "tpu": Rule(unsafe="polyurethane gives off hydrogen cyanide and isocyanates under a laser"),
        "fluoropolymer": Rule(unsafe="fluoropolymers such as ptfe give off hydrogen fluoride under a laser"),
        "resin": Rule(unsafe="epoxy and other cured resins give off toxic fumes under a laser"),
        "glass_fibre_laminate": Rule(unsafe="glass-fibre laminate such as fr4 gives off toxic epoxy fumes and glass dust under a laser"),
        "carbon_fibre_laminate": Rule(unsafe="carbon-fibre laminate gives off toxic epoxy fumes and conducting dust under a laser"),
        "aluminium_composite": Rule(unsafe="aluminium composite has a core of polyethylene, which burns between its skins"),
        "leather": Rule(unsafe="leather that is not known to be tanned with plants may hold chromium, which turns toxic under a laser"),
        "neoprene": Rule(unsafe="neoprene holds chlorine and gives off hydrogen chloride under a laser"),
        "nitrile_rubber": Rule(unsafe="nitrile rubber gives off hydrogen cyanide under a laser"),
        "polystyrene_foam": Rule(unsafe=f"polystyrene foam {_MELTS}: no material sets more lasers on fire"),
        "polyethylene_foam": Rule(unsafe=f"polyethylene foam {_MELTS}"),
        "polypropylene_foam": Rule(unsafe=f"polypropylene foam {_MELTS}, and its burning drops go on burning"),
        "polyurethane_foam": Rule(unsafe="polyurethane foam gives off hydrogen cyanide and isocyanates under a laser"),
    }
)
"""`limits`: acrylic, plywood, MDF and leather as Prytec's table of 30, 60, 100 and 130 W gives them, 25 mm acrylic at 150 W after makers of
such machines; the others are our own, cautious choice. `pace`: speed times thickness at 60 W in mm²/s, from a table for a 60 W laser
(acrylic 3 mm at 10–15 mm/s and 6 mm at 5–8, birch plywood 3 mm at 12–18, MDF 3 mm at 15–20, cardboard 2 mm at 25–35, leather 2 mm at
15–20 mm/s); the others our own choice."""

_STAINLESS = ((1000.0, 4.0), (1500.0, 6.0), (2000.0, 8.0), (3000.0, 10.0), (4000.0, 12.0), (6000.0, 16.0), (12000.0, 30.0), (20000.0, 50.0))
_BRASS = ((1000.0, 3.0), (1500.0, 4.0), (2000.0, 5.0), (3000.0, 8.0), (4000.0, 10.0), (6000.0, 12.0), (12000.0, 16.0))
_ALUMINIUM = ((1000.0, 3.0), (1500.0, 4.0), (2000.0, 6.0), (3000.0, 8.0), (4000.0, 10.0), (6000.0, 16.0), (12000.0, 25.0), (20000.0, 40.0))
_COPPER = ((1000.0, 2.0), (1500.0, 3.0), (2000.0, 4.0), (3000.0, 6.0), (6000.0, 8.0), (12000.0, 12.0))
_MILD_STEEL = (
    (500.0, 6.0),
    (1000.0, 12.0),
    (1500.0, 14.0),
    (2000.0, 18.0),
    (3000.0, 22.0),
    (6000.0, 25.0),
    (12000.0, 35.0),
    (20000.0, 50.0),
)

FIBRE_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "steel": Rule(_MILD_STEEL, pace=1.0),
        "stainless_steel": Rule(_STAINLESS, pace=2.0),
        "aluminium": Rule(_ALUMINIUM, pace=2.0),
        "brass": Rule(_BRASS, pace=1.5),
        "bronze": Rule(_BRASS, pace=1.5),
        "copper": Rule(_COPPER, pace=1.0),
        "titanium": Rule(_STAINLESS, pace=2.0, doubt="titanium burns in air and its dust ignites; does the shop cut it, under argon?"),
        "zinc": Rule(_BRASS, pace=1.5, doubt="zinc gives off fumes that cause fever; does the shop draw them off?"),
        "galvanised_steel": Rule(
            _STAINLESS[:5], pace=1.0, doubt="galvanised steel gives off zinc fumes, which cause fever; does the shop draw them off?"
        ),
        "magnesium": Rule(unsafe="magnesium catches fire under a beam and cannot be put out with water"),
        "aluminium_composite": Rule(unsafe="aluminium composite has a core of polyethylene, which burns between its skins"),
        "carbon_fibre_laminate": Rule(unsafe="carbon-fibre laminate gives off toxic epoxy fumes and conducting dust under a laser"),
        "glass_fibre_laminate": Rule(unsafe="glass-fibre laminate such as fr4 gives off toxic epoxy fumes and glass dust under a laser"),
        "pvc": Rule(unsafe="pvc gives off hydrogen chloride under a laser, which harms lungs and eats the machine"),
    }
)
"""`limits`: mild steel to 6 kW from MachineMFG's laser cutting chart (500 W to 12 kW); the other metals rounded from makers' charts, which
differ by about a fifth; above 6 kW our own, cautious choice. Zinc fumes: NIOSH pocket guide, zinc oxide; magnesium and titanium: NFPA
484. `pace`: how many times faster than mild steel of the same thickness under 3 kW; our own choice: nitrogen blows the melt out faster than
oxygen burns it, as those charts show below 6 mm."""
