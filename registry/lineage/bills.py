# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bills of materials multiplied out: from one product to all that is made, bought and salvaged for many. Pure.

A revision that many bills name is multiplied once, after all of them: first how many of it are needed in all, then what that takes. So a
product whose bills branch and meet thirty times costs thirty steps, not a thousand million. Quantities are fractions until the end: a
tenth of a metre, thirty times, is three metres.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from commonfab import v1
from commonfab.reasons import reason

MOST_PIECES = 2**32 - 1
"""What the contract can count."""


@dataclass(frozen=True)
class Total:
    """All that some products take.

    `make`: pieces by revision and part, revisions in the order of their use; `buy` and `salvage`: lines with the revisions that name them;
    `missing`: what is named and not there; `products`: how many of each revision are put together.
    """

    make: Mapping[tuple[str, str], int]
    buy: Sequence[v1.LineToGet]
    salvage: Sequence[v1.LineToGet]
    missing: Sequence[v1.MissingLine]
    products: Mapping[str, int]


@dataclass
class _Sum:
    """What is being added up."""

    make: dict[tuple[str, str], int] = field(default_factory=dict)
    got: dict[tuple[str, ...], tuple[v1.BillLine, Fraction, dict[str, None]]] = field(default_factory=dict)
    missing: list[v1.MissingLine] = field(default_factory=list)


def multiplied(begin: str, quantity: int, manifests: Mapping[str, v1.Manifest]) -> Total:
    """All that `quantity` products of the revision `begin` take.

    Parameters: `manifests`, by digest, every revision that is here and that its bills lead to.
    """
    order, circles = _users_first(begin, manifests)
    total = _Sum(missing=circles)
    products: dict[str, int] = {begin: quantity}
    broken = {(one.named_by, one.line.name) for one in circles}
    for digest in order:
        count = products.get(digest, 0)
        if not count:
            continue
        for part in manifests[digest].parts:
            _add_pieces(total, digest, part.name, part.quantity_per_product * count)
        for line in manifests[digest].bill:
            if (digest, line.name) not in broken:
                _add_line(total, products, digest, line, count, manifests)
    lines = [(_with_quantity(line, amount), by) for line, amount, by in total.got.values()]
    to_get = [v1.LineToGet(line=line, revisions=by) for line, by in sorted(lines, key=lambda entry: entry[0].name.casefold())]
    return Total(
        make=total.make,
        buy=[one for one in to_get if one.line.HasField("buy")],
        salvage=[one for one in to_get if one.line.HasField("salvage")],
        missing=total.missing,
        products={digest: products[digest] for digest in order if products.get(digest)},
    )


def made_whole(manifest: v1.Manifest) -> list[str]:
    """The revisions that a bill makes whole products of, each once, in order."""
    return list(dict.fromkeys(line.make.revision for line in manifest.bill if line.HasField("make") and not line.make.part))


def _add_pieces(total: _Sum, digest: str, part: str, pieces: int) -> None:
    total.make[digest, part] = total.make.get((digest, part), 0) + pieces


def _add_line(
    total: _Sum, products: dict[str, int], digest: str, line: v1.BillLine, count: int, manifests: Mapping[str, v1.Manifest]
) -> None:
    """Parameters: `digest`, the revision whose bill it is; `count`, how many of that are put together."""
    amount = _exact(line.quantity) * count
    if not line.HasField("make"):
        _add_bought(total, digest, line, amount)
        return
    named, part = line.make.revision, line.make.part
    if named not in manifests:
        _add_missing(total, digest, line, amount, reason("closure.not_here", named))
    elif not part:
        products[named] = products.get(named, 0) + int(amount)
    elif part in {one.name for one in manifests[named].parts}:
        _add_pieces(total, named, part, int(amount))
    else:
        _add_missing(total, digest, line, amount, reason("closure.part", f"{named} has no part {part!r}"))


def _add_bought(total: _Sum, digest: str, line: v1.BillLine, amount: Fraction) -> None:
    key = _same_thing(line)
    first, before, by = total.got.get(key, (line, Fraction(0), {}))
    total.got[key] = (first, before + amount, {**by, digest: None})


def _add_missing(total: _Sum, digest: str, line: v1.BillLine, amount: Fraction, why: v1.Reason) -> None:
    total.missing.append(v1.MissingLine(named_by=digest, line=_with_quantity(line, amount), reason=why))


def _same_thing(line: v1.BillLine) -> tuple[str, ...]:
    """What makes two lines one: the standard and the item where they are said, else the name; always the unit."""
    if line.HasField("salvage"):
        return ("salvage", _folded(line.salvage.source), _folded(line.name), line.unit)
    item = line.buy.item
    said = (_folded(line.buy.standard), _folded(item.maker), _folded(item.model), _folded(item.part_number))
    return ("buy", *said, line.unit) if any(said) else ("any", _folded(line.name), line.unit)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _exact(quantity: float) -> Fraction:
    """The decimal number that somebody wrote: 0.1 is a tenth, and not the nearest binary fraction."""
    return Fraction(repr(quantity))


def _with_quantity(line: v1.BillLine, amount: Fraction) -> v1.BillLine:
    counted = v1.BillLine()
    counted.CopyFrom(line)
    counted.quantity = float(amount)
    return counted


def _users_first(begin: str, manifests: Mapping[str, v1.Manifest]) -> tuple[list[str], list[v1.MissingLine]]:
    """The revisions in an order in which each stands behind all that use it; and the lines that close a circle, which are left out."""
    finished: list[str] = []
    circles: list[v1.MissingLine] = []
    done, path = set[str](), {begin: None} if begin in manifests else dict[str, None]()
    stack = [(digest, iter(_lines_onward(manifests[digest], manifests))) for digest in path]
    while stack:
        digest, lines = stack[-1]
        line = next(lines, None)
        if line is None:
            stack.pop()
            path.popitem()
            done.add(digest)
            finished.append(digest)
        elif line.make.revision in path:
            circles.append(_circle(list(path), digest, line))
        elif line.make.revision not in done:
            path[line.make.revision] = None
            stack.append((line.make.revision, iter(_lines_onward(manifests[line.make.revision], manifests))))
    return finished[::-1], circles


def _lines_onward(manifest: v1.Manifest, manifests: Mapping[str, v1.Manifest]) -> Iterable[v1.BillLine]:
    return [line for line in manifest.bill if line.HasField("make") and not line.make.part and line.make.revision in manifests]


def _circle(path: Sequence[str], digest: str, line: v1.BillLine) -> v1.MissingLine:
    round_trip = [*path[path.index(line.make.revision) :], line.make.revision]
    return v1.MissingLine(named_by=digest, line=line, reason=reason("closure.circle", " → ".join(round_trip)))
