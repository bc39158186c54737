# SPDX-License-Identifier: AGPL-3.0-or-later
"""A product as jobs: how many of each part, which of them first, and how long it takes to put them together. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

MINUTES_TO_PREPARE = 5.0
MINUTES_PER_PIECE = 0.5
"""By hand, for one product. The same figures as `registry/makeability/assembly.py`, which says where they come from; rooms do not import
each other, and a test holds them equal."""

NOT_KNOWN: Mapping[str, float] = MappingProxyType({})


def product_jobs(parts: Sequence[tuple[str, int]], products: int, minutes: Mapping[str, float] = NOT_KNOWN) -> list[tuple[str, int]]:
    """The parts of so many products, each with how many are needed in all.

    Parameters: `parts`, by name, how many one product needs; a name that stands twice is added up, a part that no product needs is left
    out. `minutes`, by name, machine time for one piece. The part with the most work comes first: the whole waits for the last of its
    parts, so the longest is the one that cannot wait. Parts with the same work stay in the order given.
    Errors: `ValueError` for a negative number.
    """
    if products < 0 or any(needed < 0 for _, needed in parts):
        raise ValueError("a product cannot need less than no piece")
    needed: dict[str, int] = {}
    for name, per_product in parts:
        needed[name] = needed.get(name, 0) + per_product * products
    jobs = [(name, pieces) for name, pieces in needed.items() if pieces]
    return sorted(jobs, key=lambda job: -minutes.get(job[0], 0.0) * job[1])


def assembly_minutes(parts: Sequence[tuple[str, int]]) -> float:
    """Minutes by hand to put one product together."""
    return MINUTES_TO_PREPARE + MINUTES_PER_PIECE * sum(per_product for _, per_product in parts)
