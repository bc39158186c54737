# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether a machine has the material, in the thickness and size that is needed, and can cut it that thick. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from commonfab import materials, v1
from commonfab.envelope import TOLERANCE_MM, too_small
from commonfab.reasons import reason
from commonfab.units import mm

THICKNESS_SLACK = 0.1
LEAST_SLACK_MM = 0.15
"""A sheet counts as of a thickness where it differs by at most a tenth, or 0.15 mm: "6 mm" acrylic or plywood is sold with such limits
(ISO 7823-1 allows cast acrylic ±(0.4 + 0.1 t))."""


def usable(need: v1.Requirement, machine: v1.Machine) -> Iterator[str]:
    """The machine's materials of which the part can be made, in its own order."""
    return (has for has in _suiting(need, machine) if not _against(has, need, machine))


def misfits(need: v1.Requirement, machine: v1.Machine) -> list[v1.Reason]:
    """Why no material on hand will do: `material.missing`, `material.thickness`, `stock.thickness`, `stock.size`; empty where one does.

    Of several materials that fail, the reasons are those of the one that fails by the fewest rules.
    """
    suiting = _suiting(need, machine)
    if not suiting:
        return [reason("material.missing", need.material or ", ".join(need.materials_allowed) or "any material")]
    return min((_against(has, need, machine) for has in suiting), key=len)


def knows_its_limit(need: v1.Requirement, machine: v1.Machine) -> bool:
    """Whether the owner says how thick the machine cuts every material that suits: that is nearer to the truth than a table of powers."""
    suiting = _suiting(need, machine)
    return bool(suiting) and all(_limit(has, machine) for has in suiting)


def _suiting(need: v1.Requirement, machine: v1.Machine) -> list[str]:
    suiting = [has for has in machine.materials if materials.satisfies(has, need.material)]
    if not need.materials_allowed:
        return suiting
    return [has for has in suiting if _allowed(has, need) or _only_broad(has, need)]


def _allowed(has: str, need: v1.Requirement) -> bool:
    return any(materials.satisfies(has, term) for term in need.materials_allowed)


def _only_broad(has: str, need: v1.Requirement) -> bool:
    """A term that the vocabulary does not know, where the maker demands just that: the shop has it and knows what it is."""
    return bool(need.material) and materials.canonical(has) not in materials.BROADER


def _against(has: str, need: v1.Requirement, machine: v1.Machine) -> list[v1.Reason]:
    if not need.thickness_mm:
        return []
    found = []
    limit = _limit(has, machine)
    if limit and need.thickness_mm > limit + TOLERANCE_MM:
        found.append(reason("material.thickness", has, needs=mm(need.thickness_mm), has=mm(limit)))
    return [*found, *_sheets(has, need, machine)]


def _limit(has: str, machine: v1.Machine) -> float:
    """The thickest that the machine cuts of a material: the limit of the narrowest term that covers it; 0 where none is given."""
    limits = {materials.canonical(limit.material): limit.thickness_mm for limit in machine.max_thickness}
    return next((limits[term] for term in materials.broader_terms(has) if term in limits), 0.0)


def _sheets(has: str, need: v1.Requirement, machine: v1.Machine) -> list[v1.Reason]:
    """Whether there is a piece thick and large enough. A shop that lists no pieces of the material is not held to them."""
    name = materials.canonical(has)
    pieces = [piece for piece in machine.stock if materials.canonical(piece.material) == name and piece.thickness_mm]
    if not pieces:
        return []
    slack = max(LEAST_SLACK_MM, THICKNESS_SLACK * need.thickness_mm)
    thick = [piece for piece in pieces if abs(piece.thickness_mm - need.thickness_mm) <= slack]
    if not thick:
        nearest = min(pieces, key=lambda piece: abs(piece.thickness_mm - need.thickness_mm))
        return [reason("stock.thickness", has, needs=mm(need.thickness_mm), has=mm(nearest.thickness_mm))]
    if any(not piece.HasField("size_mm") or not _too_small(need, piece) for piece in thick):
        return []
    return [reason("stock.size", has, missing=mm(min(_missing(need, piece) for piece in thick)))]


def _missing(need: v1.Requirement, piece: v1.Stock) -> float:
    """By how much a sheet misses, summed over its two sides."""
    gaps = ({figure.name: figure.value for figure in one.figures} for one in _too_small(need, piece))
    return sum(gap["needs"] - gap["has"] for gap in gaps)


def _too_small(need: v1.Requirement, piece: v1.Stock) -> list[v1.Reason]:
    sheet = v1.Size(x=piece.size_mm.x, y=piece.size_mm.y, z=float("inf"))
    return too_small(need, sheet)
