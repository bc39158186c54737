# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether a machine has the material, in the thickness, size and amount that is needed, and can cut it that thick. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from commonfab import materials, v1
from commonfab.envelope import TOLERANCE_MM, has_room, too_small
from commonfab.reasons import reason
from commonfab.units import grams, mm

THICKNESS_SLACK = 0.1
LEAST_SLACK_MM = 0.15
"""A sheet counts as of a thickness where it differs by at most a tenth, or 0.15 mm: "6 mm" acrylic or plywood is sold with such limits
(ISO 7823-1 allows cast acrylic ±(0.4 + 0.1 t))."""

APART_MM = 2.0
"""How far apart parts lie on a sheet or bar, mm: the kerf and a web that holds the sheet together, or the parting blade. Our own choice; a
laser needs less, a 3 mm cutter a little more."""

ROUNDING = 1e-6

Told = Callable[[], v1.Reason]
"""A reason that is put into words only where somebody reads it."""


def usable(need: v1.Requirement, machine: v1.Machine) -> tuple[str, ...]:
    """The machine's materials of which the part can be made: what is loaded first, then in its own order."""
    suiting = _suiting(need, machine)
    if suiting and (need.thickness_mm or (need.grams and machine.stock)):
        suiting = [has for has in suiting if next(_against(has, need, machine), None) is None]
    if len(suiting) > 1 and machine.loaded:
        loaded = materials.canonical(machine.loaded)
        suiting.sort(key=lambda has: materials.canonical(has) != loaded)
    return tuple(suiting)


def most_pieces(has: str, need: v1.Requirement, machine: v1.Machine) -> int | None:
    """How many such parts the stock of one material suffices for; None where that was not said of all of it.

    What is weighed suffices for its grams over those of one part, each entry of the list by itself: nobody welds two spools together.
    Of sheets and bars that are counted, each yields at least so many parts as a plain grid of their bounding boxes, all turned alike, does.
    """
    pieces = _of_thickness(need, _entries(has, machine))
    yields = [_yield(need, piece) for piece in pieces]
    return sum(many for many in yields if many is not None) if yields and None not in yields else None


def misfits(need: v1.Requirement, machine: v1.Machine) -> list[v1.Reason]:
    """Why no material on hand will do, empty where one does: `material.missing`, `material.thickness`, `stock.thickness`, `stock.size`,
    `stock.amount`.

    Of several materials that fail, the reasons are those of the one that fails by the fewest rules.
    """
    suiting = _suiting(need, machine)
    if not suiting:
        return [reason("material.missing", need.material or ", ".join(need.materials_allowed) or "any material")]
    return min(([told() for told in _against(has, need, machine)] for has in suiting), key=len)


def knows_its_limit(need: v1.Requirement, machine: v1.Machine) -> bool:
    """Whether the owner says how thick the machine cuts every material that suits: that is nearer to the truth than a table of powers."""
    suiting = _suiting(need, machine)
    return bool(suiting) and all(_limit(has, machine) for has in suiting)


def _suiting(need: v1.Requirement, machine: v1.Machine) -> list[str]:
    suiting = list(machine.materials)
    if need.material:
        wish = materials.canonical(need.material)
        suiting = [has for has in suiting if wish in materials.broader_terms(has)]
    allowed = need.materials_allowed
    if not allowed or "" in allowed:  # an empty wish is met by anything
        return suiting
    wishes = set(map(materials.canonical, allowed))
    return [has for has in suiting if not wishes.isdisjoint(materials.broader_terms(has)) or _only_broad(has, need)]


def _only_broad(has: str, need: v1.Requirement) -> bool:
    """A term that the vocabulary does not know, where the maker demands just that: the shop has it and knows what it is."""
    return bool(need.material) and materials.canonical(has) not in materials.BROADER


def _against(has: str, need: v1.Requirement, machine: v1.Machine) -> Iterator[Told]:
    """What one material has against it."""
    none = True
    if need.thickness_mm:
        limit = _limit(has, machine) if machine.max_thickness else 0.0
        if limit and need.thickness_mm > limit + TOLERANCE_MM:
            none = False
            yield lambda: reason("material.thickness", has, needs=mm(need.thickness_mm), has=mm(limit))
        for told in _sheets(has, need, machine) if machine.stock else ():
            none = False
            yield told
    if none and machine.stock and need.grams and most_pieces(has, need, machine) == 0:
        most = max(piece.grams for piece in _entries(has, machine) if piece.grams < need.grams)
        yield lambda: reason("stock.amount", has, needs=grams(need.grams), has=grams(most))


def _limit(has: str, machine: v1.Machine) -> float:
    """The thickest that the machine cuts of a material: the limit of the narrowest term that covers it; 0 where none is given."""
    limits = {materials.canonical(limit.material): limit.thickness_mm for limit in machine.max_thickness}
    return next((limits[term] for term in materials.broader_terms(has) if term in limits), 0.0)


def _entries(has: str, machine: v1.Machine) -> list[v1.Stock]:
    """What the shop lists of a material."""
    name = materials.canonical(has)
    return [piece for piece in machine.stock if materials.canonical(piece.material) == name]


def _of_thickness(need: v1.Requirement, pieces: Sequence[v1.Stock]) -> list[v1.Stock]:
    """Those of the thickness that is needed, as far as any is."""
    if not need.thickness_mm:
        return list(pieces)
    slack = max(LEAST_SLACK_MM, THICKNESS_SLACK * need.thickness_mm)
    return [piece for piece in pieces if piece.thickness_mm and abs(piece.thickness_mm - need.thickness_mm) <= slack]


def _sheets(has: str, need: v1.Requirement, machine: v1.Machine) -> Iterator[Told]:
    """Whether there is a piece thick and large enough. A shop that lists no pieces of the material is not held to them."""
    pieces = [piece for piece in _entries(has, machine) if piece.thickness_mm]
    if not pieces:
        return
    thick = _of_thickness(need, pieces)
    if not thick:
        nearest = min(pieces, key=lambda piece: abs(piece.thickness_mm - need.thickness_mm))
        yield lambda: reason("stock.thickness", has, needs=mm(need.thickness_mm), has=mm(nearest.thickness_mm))
    elif not any(_is_large_enough(need, piece) for piece in thick):
        yield lambda: reason("stock.size", has, missing=mm(min(_missing(need, piece) for piece in thick)))


def _yield(need: v1.Requirement, piece: v1.Stock) -> int | None:
    """How many parts one entry of the list suffices for; None where nobody said how much there is."""
    if need.thickness_mm and piece.HasField("size_mm"):
        on_one = _on_one(need, piece.size_mm)
        if piece.pieces or not on_one:
            return piece.pieces * on_one
    if need.grams and piece.grams:
        return int(piece.grams / need.grams + ROUNDING)
    return None


def _on_one(need: v1.Requirement, sheet: v1.Size) -> int:
    """How many parts lie side by side on one sheet: the best of all boxes that the part may take, each also a quarter turned."""
    boxes = [(one.size_mm.x, one.size_mm.y) for one in need.placements or (need,)]
    if not need.keep_direction:
        boxes += [(deep, wide) for wide, deep in boxes]
    return max(_along(sheet.x, wide) * _along(sheet.y, deep) for wide, deep in boxes)


def _along(length: float, side: float) -> int:
    return int((length + TOLERANCE_MM + APART_MM) / (max(side, ROUNDING) + APART_MM))


def _is_large_enough(need: v1.Requirement, piece: v1.Stock) -> bool:
    """A piece of which no size is told is not held against the shop."""
    return not piece.HasField("size_mm") or has_room(need, piece.size_mm.x, piece.size_mm.y, float("inf"))


def _missing(need: v1.Requirement, piece: v1.Stock) -> float:
    """By how much a sheet misses, summed over its two sides."""
    gaps = ({figure.name: figure.value for figure in one.figures} for one in _too_small(need, piece))
    return sum(gap["needs"] - gap["has"] for gap in gaps)


def _too_small(need: v1.Requirement, piece: v1.Stock) -> list[v1.Reason]:
    sheet = v1.Size(x=piece.size_mm.x, y=piece.size_mm.y, z=float("inf"))
    return too_small(need, sheet)
