# SPDX-License-Identifier: AGPL-3.0-or-later
"""The process vocabulary: what machines do to matter, as a tree.

Narrower satisfies broader; a sibling never does: FDM is additive manufacturing, but it is not SLA. A term that is not in the tree is kept
and satisfies only itself. The grouping follows DIN 8580 (shaping, separating, joining) and ISO/ASTM 52900 (additive).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

BROADER: Mapping[str, str] = MappingProxyType(
    {
        "additive": "",
        "material_extrusion": "additive",
        "fdm": "material_extrusion",
        "vat_photopolymerization": "additive",
        "sla": "vat_photopolymerization",
        "machining": "",
        "milling": "machining",
        # A router takes light cuts in board and soft stock, so that what needs a mill is not offered to it.
        "cnc_routing": "machining",
        "turning": "machining",
        "drilling": "machining",
        "sawing": "machining",
        "cutting": "",
        "laser_cutting": "cutting",
        "co2_laser_cutting": "laser_cutting",
        "diode_laser_cutting": "laser_cutting",
        "fibre_laser_cutting": "laser_cutting",
        "plasma_cutting": "cutting",
        "waterjet_cutting": "cutting",
        "knife_cutting": "cutting",
        "forming": "",
        "bending": "forming",
        "sheet_bending": "bending",
        "joining": "",
        "welding": "joining",
        "assembly": "joining",
    }
)
"""Each term with the term above it; an empty text at the top."""


def satisfies(has: str, needs: str) -> bool:
    """Whether a machine whose process is `has` can do work that needs `needs`."""
    return needs in broader_terms(has)


def broader_terms(term: str) -> Iterator[str]:
    """The term itself and every broader one, the narrowest first."""
    while term:
        yield term
        term = BROADER.get(term, "")
