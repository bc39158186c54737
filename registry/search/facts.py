# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a design is found by: from all that is known of its newest revision to plain texts and numbers. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from commonfab import __version__, materials, processes, v1
from registry.demands import effective
from registry.evidence.maturity import ways
from registry.licences.expressions import branches
from registry.search.words import name_of, stored

if TYPE_CHECKING:
    from registry.known import Known  # which calls us

RULES = f"{__version__}/1"
"""By which rules designs are entered: another version of the program may judge otherwise. The second number counts what changes in between,
here and in `words.py`."""


@dataclass(frozen=True)
class Facts:
    """What a design is found by; each as its column in `tables.SEARCH_DESIGNS`."""

    created_at: float
    words: str
    ways: str
    materials: str
    licences: str
    kind: int
    maturity: int
    recalled: bool
    keeper: str
    items: str
    short_mm: float | None
    middle_mm: float | None
    long_mm: float | None

    def values(self) -> dict[str, object]:
        """By column."""
        return asdict(self)


def facts_of(known: Known) -> Facts:
    """What a design is found by, of which this is the newest revision."""
    design, manifest = known.design, known.revision.manifest
    said = design.description
    items = [*said.fits, *said.replaces]
    belongs = (text for item in items for text in (item.maker, item.model, item.part_number))
    names = [(name_of(item.maker), name_of(item.model), name_of(item.part_number)) for item in items]
    short, middle, long = _sides(known.parts)
    return Facts(
        created_at=design.created_at.ToNanoseconds() / 1e9,
        words=stored(design.title, design.summary, [*design.tags, *said.authors, *(part.name for part in manifest.parts), *belongs]),
        ways=json.dumps(_ways(known.parts)),
        materials=json.dumps(sorted({effective(part.part.demands, part.report).material for part in known.parts})),
        licences=json.dumps(_licences(manifest.licence)),
        kind=said.kind,
        maturity=known.revision.maturity,
        recalled=known.revision.HasField("recall"),
        keeper=design.keeper,
        items=json.dumps([name for name in dict.fromkeys(names) if any(name)]),
        short_mm=short,
        middle_mm=middle,
        long_mm=long,
    )


def _ways(parts: Sequence[v1.InspectedPart]) -> list[list[str]]:
    """For each part the processes by which it can be made, as far as that decides: who can make all of these can make the rest too."""
    each = {frozenset(processes.canonical(process) for process in ways(part)) for part in parts}
    return sorted(sorted(some) for some in each if not any(other < some for other in each))


def _licences(expression: str) -> list[str]:
    """The whole expression first, then each alternative: "A OR (B AND C)" has "A" and "B AND C"."""
    alternatives = (" AND ".join(map(str, branch)) for branch in branches(expression)) if expression.strip() else ()
    return list(dict.fromkeys((expression.strip(), *alternatives)))


def _sides(parts: Sequence[v1.InspectedPart]) -> tuple[float | None, float | None, float | None]:
    """The room that all parts need: what has these three sides, or longer ones, has room for each, turned as it may be.

    Sides are compared in the order of their lengths, which is exact for a box along the axes of the machine. It errs on either side of what
    the router says in the end: a part that would fit only askew is not found, and one is found that would have to lie on a side on which
    its process does not let it lie.
    """
    if not parts or not all(map(_size_known, parts)):
        return None, None, None
    each = [sorted((part.report.size_mm.x, part.report.size_mm.y, part.report.size_mm.z)) for part in parts]
    short, middle, long = (max(sides) for sides in zip(*each, strict=True))
    return short, middle, long


def _size_known(part: v1.InspectedPart) -> bool:
    report = part.report
    done = part.state == v1.INSPECTION_STATE_DONE and report.HasField("size_mm") and not report.faults
    return done and report.unit_certainty != v1.UNIT_CERTAINTY_SUSPECT  # what could as well be in inches fits nowhere for sure


def process_names(raw: str) -> tuple[tuple[frozenset[str], ...], tuple[str, ...]]:
    """From `Facts.ways`: for each part the processes that it can be made by, with broader ones; and those that all parts have."""
    parts = tuple(with_broader(processes.broader_terms, some) for some in json.loads(raw))
    return parts, tuple(sorted(frozenset.intersection(*parts))) if parts else ()


def material_names(raw: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """From `Facts.materials`: the materials that some part demands, with broader ones, and "" where one demands none; and without that."""
    demanded = json.loads(raw)
    names = with_broader(materials.broader_terms, (name for name in demanded if name))
    return names | ({""} if "" in demanded else set()), tuple(sorted(names))


def with_broader(broader: Callable[[str], tuple[str, ...]], terms: Iterable[str]) -> frozenset[str]:
    """Terms of a vocabulary with every broader one."""
    return frozenset(name for term in terms for name in broader(term))
