# SPDX-License-Identifier: AGPL-3.0-or-later
"""How many pieces each machine makes so that the last is in hand earliest, with as few errands as that allows. Numbers only; pure."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Minutes = NDArray[np.float64]
Counts = NDArray[np.int64]
Chosen = NDArray[np.bool_]

ALMOST = 1e-9
"""A piece that is ready at a moment counts as ready by then, whatever the last bit of a sum says."""

FEW_PIECES = 32
"""So many are given out one by one; before that a search over the time is quicker."""

LEVEL_STEP = 1e-4
"""How exactly a search over the time ends, as a share of it. The choice among what it leaves open is made by the rank."""


@dataclass(frozen=True)
class Machines:
    """Machines as columns, best placed first.

    `ready`, minutes after which a lot of no piece would be in hand: waiting, loading, fetching; `each`, minutes a piece; `worth`, minutes
    that speak for or against the machine and do not pass; `most`, pieces in its largest lot; `shop`, a number that its machines share,
    counted from 0 in the order of the rank.
    """

    ready: Minutes
    each: Minutes
    worth: Minutes
    most: Counts
    shop: Counts


@dataclass(frozen=True)
class Leeway:
    """How much later than the earliest the last piece may be in hand, so that an errand is spared or the rank is kept: the longer of
    `minutes` and `share` of the whole time, but at most `most_share` of it. `deadline`, minutes, or None; only what keeps it may be later.
    """

    minutes: float
    share: float
    most_share: float
    deadline: float | None = None


def divide(machines: Machines, pieces: int, leeway: Leeway) -> Counts:
    """How many each machine makes; together all `pieces`, or as many as all may make in one lot each.

    The earliest end of all is found first. Then, among the splits that end within the leeway after it, one with the fewest shops is taken;
    of those the one whose last piece comes earliest with its `worth` counted; of those the one with the fewest machines; of those the
    best placed. A single piece goes to the best placed at any time before the deadline. Where the deadline is missed, nothing but the time
    counts, so that as few pieces as can be are late.
    """
    total = int(min(pieces, machines.most.sum()))
    soonest = earliest(machines.ready, machines.each, machines.most, total)
    if not total:
        return soonest
    ends = float((machines.ready + soonest * machines.each)[soonest > 0].max())
    if leeway.deadline is not None and ends > leeway.deadline:
        return soonest
    room = rooms(machines, np.inf, _latest(ends, total, leeway), total)
    errands = _fewest(_by_shop(machines, room), total)
    room = rooms(machines, _level(machines, room, errands, total), _latest(ends, total, leeway), total)
    room = np.where(_best_placed(_by_shop(machines, room), total)[machines.shop], room, 0)
    room = np.where(_best_placed(room, total), room, 0)
    return earliest(machines.ready + machines.worth, machines.each, room, total)


def earliest(ready: Minutes, each: Minutes, most: Counts, pieces: int) -> Counts:
    """The split whose last piece comes earliest: each piece goes to the machine that would bring it first, given what it has already.

    For machines that work side by side at a steady pace no other split ends earlier, and none has more pieces in hand at any moment before.
    All at once up to a moment by which a few are still missing, the rest one by one.
    """
    most = np.minimum(most, pieces)
    low, high = float(ready.min(initial=0.0)) - 1, float((ready + each * most).max(initial=0.0))
    given = np.zeros_like(most)
    while pieces - int(given.sum()) > FEW_PIECES and high - low > ALMOST * max(1.0, abs(high)):
        middle = (low + high) / 2
        tried = _done_by(middle, ready, each, most)
        if tried.sum() <= pieces:
            low, given = middle, tried
        else:
            high = middle
    return _one_by_one(ready, each, most, given, pieces - int(given.sum()))


def rooms(machines: Machines, level: float, latest: float, pieces: int) -> Counts:
    """How many each machine could have in hand by `latest` by the clock, and by `level` with its worth counted; at most `pieces`."""
    until = np.minimum(latest, level - machines.worth)
    return _done_by(until, machines.ready, machines.each, np.minimum(machines.most, pieces))


def _done_by(moment: float | Minutes, ready: Minutes, each: Minutes, most: Counts) -> Counts:
    done = np.floor((moment - ready) / each + ALMOST)
    return np.clip(done, 0, most).astype(np.int64)


def _one_by_one(ready: Minutes, each: Minutes, most: Counts, given: Counts, pieces: int) -> Counts:
    starts, paces, limits, counts = ready.tolist(), each.tolist(), most.tolist(), given.tolist()
    heap = [(starts[at] + (counts[at] + 1) * paces[at], at) for at in range(len(starts)) if counts[at] < limits[at]]
    heapq.heapify(heap)
    while pieces and heap:
        _, at = heap[0]
        counts[at] += 1
        pieces -= 1
        if counts[at] < limits[at]:
            heapq.heapreplace(heap, (starts[at] + (counts[at] + 1) * paces[at], at))
        else:
            heapq.heappop(heap)
    return np.array(counts, dtype=np.int64)


def _latest(ends: float, pieces: int, leeway: Leeway) -> float:
    """By when the last piece must be in hand."""
    deadline = np.inf if leeway.deadline is None else leeway.deadline
    if pieces == 1:
        return float(deadline)
    # The least of a second keeps the earliest split itself within.
    spare = min(leeway.most_share * ends, max(leeway.minutes, leeway.share * ends))
    return float(min(ends + max(spare, ALMOST * ends), max(deadline, ends + ALMOST * ends)))


def _by_shop(machines: Machines, room: Counts) -> Counts:
    return np.bincount(machines.shop, weights=room).astype(np.int64)


def _fewest(capacity: Counts, pieces: int) -> int:
    """How many it takes at least."""
    return int(np.searchsorted(np.cumsum(np.sort(capacity)[::-1]), pieces)) + 1


def _level(machines: Machines, latest_room: Counts, errands: int, pieces: int) -> float:
    """By when, with their worth counted, the best `errands` shops have all pieces in hand, and none of them more than `latest_room`."""
    worth = machines.ready + machines.worth
    low, high = float(worth.min()), float((worth + machines.each * latest_room).max()) + ALMOST
    limited = Machines(machines.ready, machines.each, machines.worth, latest_room, machines.shop)
    while high - low > LEVEL_STEP * max(1.0, abs(high)):
        middle = (low + high) / 2
        capacity = np.sort(_by_shop(machines, rooms(limited, middle, np.inf, pieces)))
        if capacity[-errands:].sum() >= pieces:
            high = middle
        else:
            low = middle
    return high


def _best_placed(capacity: Counts, pieces: int) -> Chosen:
    """The fewest that have room for all pieces; of those the first ones. Nobody is left out for a later one where both would do.

    Begins with the largest. Going through all in order, one that is not among the chosen takes the place of the smallest that does not
    come before it, wherever room for all remains.
    """
    largest = np.argsort(-capacity, kind="stable")[: _fewest(capacity, pieces)]
    chosen = np.zeros(len(capacity), dtype=np.bool_)
    chosen[largest] = True
    spare = int(capacity[largest].sum()) - pieces
    going = [int(at) for at in largest]  # the smallest at the end; those that are settled are skipped
    for at, has in enumerate(capacity.tolist()):
        if chosen[at]:
            continue
        while going and going[-1] < at:
            going.pop()
        if not going:
            break
        smallest = int(capacity[going[-1]])
        if smallest - has <= spare:
            chosen[going.pop()], chosen[at] = False, True
            spare -= smallest - has
    return chosen
