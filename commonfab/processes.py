# SPDX-License-Identifier: AGPL-3.0-or-later
"""The process vocabulary: what machines do to matter, as a tree.

Narrower satisfies broader; a sibling never does: FDM is additive manufacturing, but it is not SLA. A term that is not in the tree is kept
as it is written and satisfies only itself. The grouping follows DIN 8580 (shaping, forming, separating, joining, coating) and ISO/ASTM
52900 (additive). How people and directories spell the terms stands in `commonfab/process_names.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from commonfab.process_names import ALIASES, SPELLINGS, bare_name, folded

_NARROWER: Mapping[str, str] = MappingProxyType(
    {
        "": "additive machining cutting forming shaping joining electronics textile finishing measuring",
        "additive": "material_extrusion vat_photopolymerization powder_bed_fusion material_jetting binder_jetting "
        "directed_energy_deposition sheet_lamination",
        "material_extrusion": "fdm paste_extrusion pellet_extrusion",
        "vat_photopolymerization": "sla continuous_liquid_interface_production",
        # A projector or a masked lamp in place of the laser: stereolithography all the same, with the same rules for the part.
        "sla": "dlp msla",
        "powder_bed_fusion": "sls mjf slm ebm",
        "material_jetting": "polyjet multijet_printing smooth_curvature_printing",
        "binder_jetting": "colorjet_printing",
        "directed_energy_deposition": "wire_arc_additive",
        # A router takes light cuts in board and soft stock, so that what needs a mill is not offered to it.
        "machining": "milling cnc_routing turning drilling sawing grinding edm planing",
        "edm": "wire_edm sinker_edm",
        "cutting": "laser_cutting plasma_cutting waterjet_cutting oxyfuel_cutting knife_cutting hot_wire_cutting shearing punching "
        "die_cutting",
        "laser_cutting": "co2_laser_cutting diode_laser_cutting fibre_laser_cutting",
        # A vinyl cutter has a knife for film; a knife table cuts board and foam besides.
        "knife_cutting": "vinyl_cutting",
        "forming": "bending thermoforming forging rolling deep_drawing",
        "bending": "sheet_bending tube_bending",
        "thermoforming": "vacuum_forming",
        "shaping": "casting moulding composite_layup",
        "casting": "sand_casting investment_casting die_casting resin_casting",
        "moulding": "injection_moulding compression_moulding blow_moulding rotational_moulding",
        "joining": "welding soldering brazing adhesive_bonding riveting assembly",
        "welding": "mig_welding tig_welding stick_welding spot_welding laser_welding oxyfuel_welding plastic_welding",
        # Fitting parts on a board stands beside making the board, and under neither assembly nor soldering: it takes other machines.
        "electronics": "pcb_fabrication pcb_assembly",
        # Milling the isolation is a way to make a board; the little mill that does it is not offered milling in metal.
        "pcb_fabrication": "pcb_milling pcb_etching",
        "textile": "sewing embroidery weaving knitting",
        "finishing": "coating polishing abrasive_blasting heat_treatment marking",
        "coating": "painting powder_coating plating anodising",
        "marking": "engraving laser_engraving screen_printing",
        "measuring": "scanning_3d coordinate_measuring",
    }
)

BROADER: Mapping[str, str] = MappingProxyType({term: broad for broad, terms in _NARROWER.items() for term in terms.split()})
"""Each term with the term above it; an empty text at the top."""


def satisfies(has: str, needs: str) -> bool:
    """Whether a machine whose process is `has` can do work that needs `needs`. Any spelling will do; an empty `needs` is no work."""
    needs = canonical(needs)
    if needs in BROADER:
        return needs in broader_terms(has)
    return bool(needs) and folded(canonical(has)) == folded(needs)


def broader_terms(term: str) -> tuple[str, ...]:
    """The term itself, in its canonical spelling, and every broader one, the narrowest first."""
    known = _LINES.get(term)
    return _line(_respelled(term)) if known is None else known


def canonical(term: str) -> str:
    """The vocabulary's own spelling of a term: "3D Printing", its address in Wikipedia and the TsDC code "3DP" are `additive`.

    An unknown term stays as it is written.
    """
    known = _LINES.get(term)
    return _respelled(term) if known is None else known[0]


def _respelled(term: str) -> str:
    name = bare_name(term)
    return name if name in BROADER else ALIASES.get(name, term.strip())


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
