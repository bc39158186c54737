# SPDX-License-Identifier: AGPL-3.0-or-later
"""Splits a quantity over the able so that the last piece is in the requester's hands as early as possible."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence

from router.matching import Able
from router.ranking import RankingPolicy, minutes_per_piece, rank, travel_minutes

LARGEST_LOT = 1000
"""More pieces than that in one lot would keep the rest of the street from helping."""


def split(pieces: int, able: Sequence[Able], policy: RankingPolicy) -> list[tuple[Able, int]]:
    """Lots, best placed machine first: which machine makes how many.

    Each piece in turn goes to the machine that would deliver it first, given what it was given before; for machines that work side
    by side at a steady pace this is the split that ends earliest. Machines that left an offer unanswered are asked only where nobody
    else can be.
    """
    answering = [one for one in able if not one.unanswered]
    ranked = rank(answering or able, policy)
    given: Counter[int] = Counter()
    heap = [(one.free_in_minutes + minutes_per_piece(one) + travel_minutes(one, policy), place) for place, one in enumerate(ranked)]
    heapq.heapify(heap)
    for _ in range(pieces if heap else 0):
        delivered, place = heapq.heappop(heap)
        given[place] += 1
        if given[place] < LARGEST_LOT:
            heapq.heappush(heap, (delivered + minutes_per_piece(ranked[place]), place))
        if not heap:
            break
    return [(one, given[place]) for place, one in enumerate(ranked) if given[place]]
