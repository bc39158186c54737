# SPDX-License-Identifier: AGPL-3.0-or-later
"""The material vocabulary: families and grades, as a tree. Narrower satisfies broader; unknown terms satisfy only themselves."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

BROADER: Mapping[str, str] = MappingProxyType(
    {
        "thermoplastic": "",
        "pla": "thermoplastic",
        "petg": "thermoplastic",
        "abs": "thermoplastic",
        "asa": "thermoplastic",
        "tpu": "thermoplastic",
        "plywood": "wood",
        "wood": "",
    }
)
"""Each term with the term above it; an empty text at the top."""

DENSITY_G_PER_CM3: Mapping[str, float] = MappingProxyType({"pla": 1.24, "petg": 1.27, "abs": 1.04, "asa": 1.07, "tpu": 1.21})
"""Density of filament, g/cm³, as PrusaSlicer's profiles of 2022 for the generic materials give it."""


def satisfies(has: str, needs: str) -> bool:
    """Whether stock `has` can be used where `needs` is asked for; an empty `needs` is satisfied by anything."""
    if not needs:
        return True
    term = has
    while term:
        if term == needs:
            return True
        term = BROADER.get(term, "")
    return False
