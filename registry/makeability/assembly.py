# SPDX-License-Identifier: AGPL-3.0-or-later
"""Is the file an assembly, and of what? Its parts are listed, never split silently. Pure: from a report and the maker's demands alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from commonfab import v1
from commonfab.reasons import reason
from registry.makeability.common import against_any, questions_of, verdict
from registry.makeability.machining import duration

PROCESS = "assembly"

MOST_NAMED = 12
"""Our own choice: a sentence that lists more is not read; the report has them all."""

MINUTES_TO_PREPARE = 5.0
MINUTES_PER_PIECE = 0.5
"""Our own choice: Boothroyd and Dewhurst give 4 to 20 s for a piece that is grasped and put in by hand; screws take the longest."""


@dataclass(frozen=True)
class Piece:
    """A part of an assembly: its name, how many there are in all, and as what it is bought, if so."""

    name: str
    quantity: int
    bought_as: str


def judge(report: v1.GeometryReport, demands: v1.Demands) -> list[v1.Makeability]:
    """The judgement of an assembly; none at all for a file of one part.

    A question until the maker says that it shall be put together (by demanding this process) or every piece is bought, because each part
    that is made wants its own file and its own judgement. A file that refers to others is always a question.
    """
    pieces = parts_of(report.solid.product)
    if report.faults or sum(piece.quantity for piece in pieces) < 2:
        return []
    bought = [piece for piece in pieces if piece.bought_as]
    parts = _listed("assembly.parts", pieces, parts=len(pieces))
    notes = [_listed("assembly.bought", bought)] if bought else []
    wanted = any(process == PROCESS for process in demands.processes) or len(bought) == len(pieces)
    questions = [*questions_of(report), *_missing(report), *([] if wanted else [parts])]
    need = v1.Requirement(process=PROCESS, size_mm=report.size_mm, operations=demands.operations)
    judged = verdict(
        PROCESS, against_any(PROCESS, report, demands), questions, need, estimate(pieces), [*([parts] if wanted else []), *notes]
    )
    return [judged]


def parts_of(product: v1.ProductNode) -> list[Piece]:
    """Every part of a product tree that is made of no others, each name once, with its number in the whole."""
    counted: dict[tuple[str, str], int] = {}
    for name, quantity, bought_as in _leaves(product, 1):
        counted[name, bought_as] = counted.get((name, bought_as), 0) + quantity
    return [Piece(name, quantity, bought_as) for (name, bought_as), quantity in counted.items()]


def _leaves(node: v1.ProductNode, times: int) -> Iterator[tuple[str, int, str]]:
    # A loop and not a recursion: a file may nest deeper than Python does.
    waiting = [(node, times)]
    while waiting:
        now, many = waiting.pop()
        if now.children and not now.bought_as:
            waiting.extend((child, many * max(child.quantity, 1)) for child in reversed(now.children))
        elif now.name or now.volume_mm3:
            yield now.name or "a nameless part", many, now.bought_as


def estimate(pieces: list[Piece]) -> v1.Estimate:
    """Minutes by hand to put one product together. The parts themselves are estimated each in its own process."""
    total = MINUTES_TO_PREPARE + MINUTES_PER_PIECE * sum(piece.quantity for piece in pieces)
    return v1.Estimate(
        machine_time=duration(total),
        method=f"{MINUTES_TO_PREPARE:g} min to prepare and {MINUTES_PER_PIECE:g} min a piece by hand; making the parts is not counted",
    )


def _missing(report: v1.GeometryReport) -> list[v1.Reason]:
    """Files that are referred to, where the report does not already warn of them."""
    warned = any(warning.code == "brep.missing_reference" for warning in report.warnings)
    references = [] if warned else report.solid.external_references
    return [reason("brep.missing_reference", ", ".join(references[:MOST_NAMED]), files=len(references))] if references else []


def _listed(code: str, pieces: list[Piece], **figures: float) -> v1.Reason:
    # What is bought is marked only among other things.
    mark = " (bought)" if code == "assembly.parts" else ""
    named = [f"{piece.quantity} × {piece.name}{mark if piece.bought_as else ''}" for piece in pieces[:MOST_NAMED]]
    more = [f"and {len(pieces) - MOST_NAMED} more"] if len(pieces) > MOST_NAMED else []
    return reason(code, ", ".join([*named, *more]), pieces=sum(piece.quantity for piece in pieces), **figures)
