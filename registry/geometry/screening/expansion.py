# SPDX-License-Identifier: AGPL-3.0-or-later
"""How much a file of objects within objects unfolds to, reckoned without unfolding it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from registry.geometry.faults import Unmeasurable
from registry.geometry.screening.zips import shown

MOST_TRIANGLES = 10_000_000
"""Our own choice: 500 MB of STL, more than any slicer of these machines takes."""
MOST_DEPTH = 32
"""Our own choice: an assembly of real parts nests five or six levels."""

Name = TypeVar("Name", bound=Hashable)


@dataclass
class Thing(Generic[Name]):
    """An object: its own triangles, and the objects placed in it, each as often as it is placed."""

    triangles: int = 0
    placed: list[Name] = field(default_factory=list)


def check_expansion(things: Mapping[Name, Thing[Name]], built: list[Name]) -> None:
    """Refuse what unfolds to more than can be drawn. A thing that is not there counts as nothing: to miss it is the reader's affair.

    Parameters: `built`, what stands in the file by itself.
    Errors: `Unmeasurable` (`file.component_expansion`, `file.component_depth`, `file.component_cycle`).
    """
    counts: dict[Name, int] = {}
    heights: dict[Name, int] = {}
    for name in things:
        _count(name, things, counts, heights)
    total = 0
    for name in built:
        total += counts.get(name, 0)
        _check_total(total)


def _count(start: Name, things: Mapping[Name, Thing[Name]], counts: dict[Name, int], heights: dict[Name, int]) -> None:
    """Fill in `counts` and `heights` from `start` downwards. A stack and no recursion: depth is what an evil file has most of."""
    above: dict[Name, None] = {}
    stack = [start]
    while stack:
        name = stack[-1]
        if name in counts:
            stack.pop()
            above.pop(name, None)
        elif name in above:  # everything placed in it has been counted
            counts[name], heights[name] = _reckoned(things[name], counts, heights)
        else:
            above[name] = None
            waiting = [inner for inner in dict.fromkeys(things[name].placed) if inner in things and inner not in counts]
            for inner in waiting:
                if inner in above:
                    raise Unmeasurable("file.component_cycle", shown(f"object {inner}"))
            stack += waiting


def _reckoned(thing: Thing[Name], counts: dict[Name, int], heights: dict[Name, int]) -> tuple[int, int]:
    # An empty thing counts as one triangle: to place nothing a thousand million times takes as long as to place something.
    count = max(1, thing.triangles + sum(counts.get(inner, 0) for inner in thing.placed))
    height = 1 + max((heights.get(inner, 0) for inner in thing.placed), default=0)
    if height > MOST_DEPTH:
        raise Unmeasurable("file.component_depth", limit=MOST_DEPTH)
    return count, height


def _check_total(triangles: int) -> None:
    if triangles > MOST_TRIANGLES:
        raise Unmeasurable("file.component_expansion", triangles=triangles, limit=MOST_TRIANGLES)
