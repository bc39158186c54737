# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the journal holds, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from commonfab import v1


class PieceState(StrEnum):
    """How far one piece is."""

    BEGUN = "begun"  # the start command was about to be sent; the machine may have moved
    MADE = "made"  # the machine says that it is done, and a person must still say whether it is good
    GOOD = "good"
    SCRAP = "scrap"
    VOID = "void"  # a person looked, and it is not there


class Ending(StrEnum):
    """How an attempt left the bench."""

    COMPLETE = "complete"
    FAIL = "fail"
    RELEASE = "release"
    DROP = "drop"


BROUGHT_NOTE = "its toolpath was brought, and not made by the agent"
"""Of a toolpath from outside; it then waits for a person."""


@dataclass(frozen=True)
class Toolpath:
    """What a machine will run. `file` is empty where there is none: a virtual machine plays the estimate, a person works by hand."""

    file: str
    sha256: str
    seconds: float
    grams: float
    note: str = ""

    @property
    def brought(self) -> bool:
        """Whether it comes from outside."""
        return self.note == BROUGHT_NOTE


@dataclass(frozen=True)
class PieceRecord:
    """One piece, counted from 1 in its attempt. A piece that had to be made again has a new number. `judged_by`: the person who judged it;
    empty where its state is what came of the machine."""

    number: int
    state: PieceState
    seconds: float
    grams: float
    judged_by: str = ""


@dataclass(frozen=True)
class OfferRecord:
    """An offer as last heard. `answer` is "", "accept" or "decline"; `reasons` say why it was not answered by policy.

    `measured`: it was tried to make its toolpath: `toolpath` is what came of it (None where none is needed), `refused` why none can be
    made.
    """

    offer: v1.Offer
    stands: bool
    answer: str
    note: str
    reasons: tuple[v1.Reason, ...]
    tried_before: bool
    first_seen: float
    measured: bool = False
    toolpath: Toolpath | None = None
    refused: tuple[v1.Reason, ...] = ()


@dataclass(frozen=True)
class ReadyRecord:
    """What was said of a machine since its last start, by people and by declared sensors.

    `confirms`: all of it together: "bed", "stock", "tool", "go". `sequence`: of the newest word of a person; 0 where only sensors spoke.
    `who`, `at`: of the newest word; `at` in seconds since 1970.
    """

    sequence: int
    machine_id: str
    who: str
    at: float
    confirms: frozenset[str] = frozenset(("bed", "stock", "tool"))

    @property
    def by_person(self) -> bool:
        """Whether a person was there."""
        return self.sequence > 0


@dataclass(frozen=True)
class RecallRecord:
    """A recall that concerns this shop; `heard_at`, when, by our own clock."""

    notice: v1.RecallNotice
    heard_at: float


@dataclass(frozen=True)
class AttemptRecord:
    """One attempt as the journal has it.

    `go_after`: only a word of readiness with a larger sequence counts as "go" for this attempt. `start_asked` and `leave` are the two
    halves of the leave to start. `ended` is empty while the attempt is on the bench; `settled` says that the router has heard its end.
    `walk_in`: taken by the owner for somebody who came to the door; the router knows nothing of it until it is over. `source`: the file
    that a walk-in is made from.
    """

    row: int
    ref: v1.AttemptRef
    offer: v1.Offer
    machine_id: str
    toolpath: Toolpath | None
    go_after: int
    go_by: str
    start_asked: bool
    leave: bool
    wish: int
    wish_reason: v1.Reason
    withdrawn: str
    ended: str
    settled: bool
    pieces: tuple[PieceRecord, ...]
    walk_in: bool = False
    source: str = ""

    @property
    def key(self) -> str:
        """Names the attempt in files and logs: "wo-0k3…-a1-e7"."""
        return key_of(self.ref)

    @property
    def good(self) -> int:
        """Good pieces so far."""
        return sum(piece.state is PieceState.GOOD for piece in self.pieces)

    @property
    def scrap(self) -> int:
        """Scrapped pieces so far."""
        return sum(piece.state is PieceState.SCRAP for piece in self.pieces)

    @property
    def unjudged(self) -> int:
        """Pieces that the machine has made and nobody has looked at."""
        return sum(piece.state is PieceState.MADE for piece in self.pieces)

    @property
    def piece_begun(self) -> PieceRecord | None:
        """The piece that is, or may be, on the machine."""
        return next((piece for piece in self.pieces if piece.state is PieceState.BEGUN), None)

    @property
    def current_number(self) -> int:
        """The number of the piece on the machine, else of the next one."""
        begun = self.piece_begun
        return begun.number if begun else len(self.pieces) + 1

    def file_name(self, piece: int) -> str:
        """What a piece's toolpath is called on a machine: the only key by which it is found again after a restart."""
        return f"cf-{self.key}-p{piece}.gcode"


def key_of(ref: v1.AttemptRef) -> str:
    """An attempt's name as text."""
    return f"{ref.work_order_id}-a{ref.number}-e{ref.epoch}"
