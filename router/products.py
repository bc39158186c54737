# SPDX-License-Identifier: AGPL-3.0-or-later
"""A product as jobs: how many of each part, and how long it takes to put them together. Pure."""

from __future__ import annotations

from collections.abc import Sequence

MINUTES_TO_PREPARE = 5.0
MINUTES_PER_PIECE = 0.5
"""By hand, for one product. The same figures as `registry/makeability/assembly.py`, which says where they come from; rooms do not import
each other, and a test holds them equal."""


def product_pieces(parts: Sequence[tuple[str, int]], products: int) -> dict[str, int]:
    """How many of each part so many products need, in the order given.

    Parameters: `parts`, by name, how many one product needs; a name that stands twice is added up, a part that no product needs is left
    out. Errors: `ValueError` for a negative number.
    """
    if products < 0 or any(needed < 0 for _, needed in parts):
        raise ValueError("a product cannot need less than no piece")
    needed: dict[str, int] = {}
    for name, per_product in parts:
        needed[name] = needed.get(name, 0) + per_product * products
    return {name: pieces for name, pieces in needed.items() if pieces}


def assembly_minutes(parts: Sequence[tuple[str, int]]) -> float:
    """Minutes by hand to put one product together."""
    return MINUTES_TO_PREPARE + MINUTES_PER_PIECE * sum(per_product for _, per_product in parts)
