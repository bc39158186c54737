# SPDX-License-Identifier: AGPL-3.0-or-later
"""The material vocabulary: families and grades, as a tree. Narrower satisfies broader; unknown terms satisfy only themselves.

A term names a substance and not a form: `abs` is a filament on a printer and a sheet on a router, as `Requirement.stock` says. How people
spell the terms stands in `commonfab/material_names.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from commonfab.material_names import ALIASES, FORMS, SPELLINGS, key, title_of

_NARROWER: Mapping[str, str] = MappingProxyType(
    {
        "": "plastic wood paper textile leather rubber foam metal composite stone glass",
        "plastic": "thermoplastic resin",
        "thermoplastic": "pla petg abs asa tpu nylon polycarbonate polystyrene polyethylene pp pva acrylic pvc pom pet peek "
        "pei fluoropolymer",
        "polystyrene": "hips",
        "polyethylene": "hdpe ldpe",
        "fluoropolymer": "ptfe pvdf",
        "resin": "standard_resin tough_resin flexible_resin castable_resin high_temperature_resin",
        "wood": "plywood mdf hardboard chipboard osb hardwood softwood cork bamboo",
        "hardwood": "oak beech birch walnut maple ash balsa",
        "softwood": "pine spruce fir larch",
        "paper": "cardboard",
        "textile": "cotton wool felt polyester_fabric",
        "leather": "vegetable_tanned_leather chrome_tanned_leather",
        "rubber": "natural_rubber silicone_rubber laser_rubber neoprene nitrile_rubber epdm",
        "foam": "eva_foam polyurethane_foam polystyrene_foam polyethylene_foam polypropylene_foam",
        "metal": "steel galvanised_steel aluminium copper brass bronze titanium zinc magnesium",
        "steel": "mild_steel stainless_steel tool_steel spring_steel",
        "stainless_steel": "aisi_304 aisi_316 aisi_430 aisi_630",
        "aluminium": "aluminium_1050 aluminium_2017 aluminium_5083 aluminium_5754 aluminium_6061 aluminium_6082 aluminium_7075 "
        "aluminium_alsi10mg aluminium_alsi12",
        "titanium": "titanium_grade_2 titanium_grade_5",
        "composite": "aluminium_composite glass_fibre_laminate carbon_fibre_laminate hpl",
        "glass_fibre_laminate": "fr4",
        "stone": "granite marble slate ceramic",
        "glass": "float_glass tempered_glass mirror_glass",
    }
)

# Galvanised steel stands beside steel and not under it: its fumes are poisonous, so nobody gets it who only asked for steel.

BROADER: Mapping[str, str] = MappingProxyType({term: broad for broad, terms in _NARROWER.items() for term in terms.split()})
"""Each term with the term above it; an empty text at the top."""

FILAMENTS = ("pla", "petg", "abs", "asa", "tpu", "nylon", "polycarbonate", "hips", "pp", "pva")
"""The polymers that are commonly sold as filament."""

DENSITY_G_PER_CM3: Mapping[str, float] = MappingProxyType(
    {
        "pla": 1.24,
        "petg": 1.27,
        "abs": 1.04,
        "asa": 1.07,
        "tpu": 1.21,
        "nylon": 1.14,
        "polycarbonate": 1.20,
        "polystyrene": 1.05,
        "hips": 1.04,
        "polyethylene": 0.95,
        "hdpe": 0.95,
        "ldpe": 0.92,
        "pp": 0.90,
        "pva": 1.23,
        "acrylic": 1.19,
        "pvc": 1.40,
        "pom": 1.41,
        "pet": 1.38,
        "peek": 1.31,
        "pei": 1.27,
        "ptfe": 2.18,
        "pvdf": 1.78,
        "resin": 1.15,
        "wood": 0.65,
        "plywood": 0.68,
        "mdf": 0.75,
        "hardboard": 0.95,
        "chipboard": 0.65,
        "osb": 0.62,
        "hardwood": 0.70,
        "oak": 0.71,
        "beech": 0.72,
        "birch": 0.65,
        "walnut": 0.64,
        "maple": 0.66,
        "ash": 0.69,
        "balsa": 0.15,
        "softwood": 0.50,
        "pine": 0.51,
        "spruce": 0.46,
        "cork": 0.20,
        "bamboo": 0.70,
        "paper": 0.80,
        "cardboard": 0.70,
        "textile": 0.30,
        "felt": 0.25,
        "leather": 0.86,
        "rubber": 1.20,
        "silicone_rubber": 1.15,
        "neoprene": 1.23,
        "foam": 0.05,
        "eva_foam": 0.10,
        "steel": 7.85,
        "galvanised_steel": 7.85,
        "stainless_steel": 7.93,
        "aisi_316": 7.98,
        "aisi_430": 7.70,
        "aluminium": 2.70,
        "aluminium_5083": 2.66,
        "aluminium_5754": 2.67,
        "aluminium_7075": 2.81,
        "copper": 8.94,
        "brass": 8.47,
        "bronze": 8.80,
        "titanium": 4.51,
        "titanium_grade_5": 4.43,
        "zinc": 7.14,
        "magnesium": 1.74,
        "aluminium_composite": 1.50,
        "glass_fibre_laminate": 1.85,
        "carbon_fibre_laminate": 1.55,
        "hpl": 1.40,
        "stone": 2.70,
        "granite": 2.70,
        "marble": 2.70,
        "slate": 2.80,
        "ceramic": 2.40,
        "glass": 2.50,
    }
)
"""g/cm³; a grade that is not listed has that of the term above it.

Filaments up to TPU as PrusaSlicer's profiles of 2022 for the generic materials give them; other plastics the middle of ISO 1183 values in
makers' data sheets; metals EN 10088-1 (stainless), EN 573 and EN 485 data sheets (aluminium), CRC Handbook (elements, brass CuZn37,
bronze CuSn8); wood at 12–15 % moisture after DIN 68364; boards EN 622 and EN 636 data sheets; aluminium composite 4 mm with 2 × 0.3 mm
skins; glass EN 572-1. Foam, textile, leather and cardboard differ by a factor of two between products: our own choice of a usual one.
"""


def satisfies(has: str, needs: str) -> bool:
    """Whether stock `has` can be used where `needs` is asked for; an empty `needs` is satisfied by anything. Any spelling will do."""
    return not needs or canonical(needs) in broader_terms(has)


def broader_terms(term: str) -> tuple[str, ...]:
    """The term itself, in its canonical spelling, and every broader one, the narrowest first."""
    known = _LINES.get(term)
    return _line(_respelled(term)) if known is None else known


def canonical(term: str) -> str:
    """The vocabulary's own spelling of a term: "Plexiglas" is `acrylic`, "1.4301" is `aisi_304`. An unknown term stays as it is written."""
    known = _LINES.get(term)
    return _respelled(term) if known is None else known[0]


def form_of(term: str) -> str:
    """The form of stock that a spelling names besides the substance, as `Requirement.stock` says it; empty where it names none.

    "PLA filament" is `filament`, "aluminium rod" is `bar`, "standard resin" is `resin`; "PLA" alone names no form.
    """
    spelled = key(title_of(term))
    form = next((form for suffix, form in FORMS.items() if spelled.endswith(suffix)), "")
    return form or ("resin" if "resin" in broader_terms(term) else "")


def density_of(term: str) -> float:
    """Density of a material or of the nearest broader term that has one, g/cm³; 0 where none has."""
    return next((DENSITY_G_PER_CM3[broad] for broad in broader_terms(term) if broad in DENSITY_G_PER_CM3), 0.0)


def _respelled(term: str) -> str:
    spelled = key(title_of(term))
    for form in ("", *FORMS):
        if spelled.endswith(form):
            bare = spelled.removesuffix(form) if form else spelled
            found = bare if bare in BROADER else ALIASES.get(bare, "")
            if found:
                return found
    return term.strip()


def _line(term: str) -> tuple[str, ...]:
    return (term, *_line(BROADER.get(term, ""))) if term else ()


# A router compares terms some hundred times for each job; telling a spelling takes longer than all else of the comparison.
_LINES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **{name: _line(_respelled(name)) for name in (*SPELLINGS, *map(str.capitalize, BROADER), *map(str.upper, BROADER))},
        **{term: _line(term) for term in BROADER},
    }
)
"""The usual spellings as they are written, each with what `broader_terms` answers."""
