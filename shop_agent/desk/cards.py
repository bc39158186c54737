# SPDX-License-Identifier: AGPL-3.0-or-later
"""All that a desk shows, as frozen data. What is equal looks equal, so a screen is drawn anew only where something differs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PEOPLE_TELL = frozenset(("by_hand", "hot_folder"))
"""Controls that cannot know when a piece is done."""


@dataclass(frozen=True)
class OfferCard:
    """One offer. `minutes`, `grams`: of one piece; measured where its toolpath was made, else estimated. `picture`: None where there is
    none, or where it was not fetched yet. `km`: None where a place is not known. `why`: why this shop; `asks`: why its owner is asked;
    `cannot`: why no toolpath can be made of it; `against`: what speaks against it now, such as a spool that went to other
    work since; `answered`: what its requester answered.
    """

    order: str
    title: str
    part: str
    quantity: int
    machine_id: str
    machine: str
    size: str
    material: str
    minutes: float
    grams: float
    measured: bool
    km: float | None
    picture: Path | None
    licence: str
    notice: str
    purpose: str
    first_article: bool
    why: tuple[str, ...]
    asks: tuple[str, ...]
    cannot: tuple[str, ...]
    against: tuple[str, ...]
    answered: tuple[str, ...]
    answer: str
    stands: bool

    @property
    def open(self) -> bool:
        """Whether it waits for an answer."""
        return self.stands and not self.answer


@dataclass(frozen=True)
class Running:
    """What is on a machine. `piece` of `pieces`; `progress` 0 to 1; `remaining_seconds` of this piece, as the machine expects."""

    order: str
    what: str
    piece: int
    pieces: int
    progress: float
    remaining_seconds: float
    paused: bool


@dataclass(frozen=True)
class WaitingFor:
    """What one order waits for, in words; `person`: only a person can do it; `button`: which one helps: ready, start, judge, toolpath,
    made, or none."""

    order: str
    text: str
    person: bool
    button: str


@dataclass(frozen=True)
class Upkeep:
    """Something to be done to a machine now and then, and in how many hours of running; negative where it is overdue."""

    what: str
    in_hours: float
    stops: bool


@dataclass(frozen=True)
class MachineCard:
    """One machine.

    `state`: its live state in plain words; `tone`: how it looks: good, busy, person, off. `confirms`: what must be said before a start, in
    the order in which it is done; `missing`: what of that has not been said. `by_hand`: people say when a piece is done. `attended`: it
    starts only on a person's word, every time. `out_of_service`: how and why it takes no work; `said_out`: because a person said so, and
    not shop.toml. `stock`: what is left, where that is kept: material, grams, pieces. `cares`: what would help it out of its alarm: unlock,
    home. `makes_from`: what a walk-in is made from, in words; empty where it needs no file. `used_up`: materials of which nothing is left.
    """

    id: str
    name: str
    process: str
    state: str
    tone: str
    why: str
    reads: str
    fault: str
    running: Running | None
    waits: tuple[WaitingFor, ...]
    confirms: tuple[str, ...]
    missing: tuple[str, ...]
    by_hand: bool
    attended: bool
    upkeep: tuple[Upkeep, ...]
    out_of_service: str
    said_out: bool
    materials: tuple[str, ...] = ()
    stock: tuple[tuple[str, float, int], ...] = ()
    cares: tuple[str, ...] = ()
    makes_from: str = ""
    used_up: tuple[str, ...] = ()

    @property
    def needs_person(self) -> bool:
        """Whether somebody must do something at it."""
        return bool(self.fault) or any(one.person for one in self.waits)

    def waits_for(self, button: str) -> WaitingFor | None:
        """What waits for that button."""
        return next((one for one in self.waits if one.button == button), None)

    @property
    def buttons(self) -> frozenset[str]:
        """Which buttons help what waits."""
        return frozenset(one.button for one in self.waits if one.button)


@dataclass(frozen=True)
class BenchCard:
    """One order on the benches.

    `stands`: in plain words. `minutes`: of people, by task. `ended`: it only waits for the router to hear. `begun`: a piece is, or may be,
    on the machine. `brings`: a toolpath may be brought for it, and `needs_toolpath`: it waits for one. `toolpath`: where its toolpath comes
    from, in words; empty where it has none. `files`: in its work folder, by their path there. `cut_off`: pieces that count as scrap by the
    machine's own word, because they were stopped or failed; a person may know better.
    """

    order: str
    what: str
    machine_id: str
    machine: str
    quantity: int
    good: int
    scrap: int
    unjudged: int
    pieces: tuple[tuple[int, str], ...]
    stands: str
    ended: bool
    by_hand: bool
    picture: Path | None
    licence: str
    notice: str
    minutes: tuple[tuple[str, float], ...]
    sizes: tuple[tuple[str, float, float], ...]
    photographs: int
    walk_in: bool
    begun: bool = False
    brings: bool = False
    needs_toolpath: bool = False
    toolpath: str = ""
    files: tuple[str, ...] = ()
    cut_off: tuple[int, ...] = ()

    @property
    def cut_off_text(self) -> str:
        """That a machine called pieces scrap, in words; empty where it called none so."""
        named = " and ".join(map(str, self.cut_off))
        pieces = f"Piece {named} did" if len(self.cut_off) == 1 else f"Pieces {named} did"
        return f"{pieces} not end well, says {self.machine}, and so counts as scrap; say good if it is good all the same" if named else ""


@dataclass(frozen=True)
class GivenBackCard:
    """What came to nothing, or whose report the router did not take. `ended`: how, in plain words; `why`: what is wrong, each with what to
    do about it, which may be empty. `resends`: its signed report is kept and can be sent again.
    """

    order: str
    what: str
    machine: str
    ended: str
    why: tuple[tuple[str, str], ...]
    walk_in: bool
    resends: bool = False


@dataclass(frozen=True)
class OutboxCard:
    """What waits to be sent, a line each; `silent_seconds`: how long the router has not been heard, None where it never was in this run
    of the agent; `trouble`: why not, empty where it answers."""

    unsent: tuple[str, ...]
    silent_seconds: float | None
    trouble: str


@dataclass(frozen=True)
class RecallCard:
    """A recall: what, why, and what this shop made of it."""

    revision: str
    title: str
    why: str
    made: tuple[str, ...]


@dataclass(frozen=True)
class Desk:
    """All of it. `agent`: in words what is wrong with the agent or the desk itself: it does not run, or works by what shop.toml said
    before; empty where all is well."""

    shop: str
    agent: str
    offers: tuple[OfferCard, ...]
    machines: tuple[MachineCard, ...]
    benches: tuple[BenchCard, ...]
    outbox: OutboxCard
    recalls: tuple[RecallCard, ...]
    given_back: tuple[GivenBackCard, ...] = ()
    agent_runs: bool = True

    @property
    def open_offers(self) -> tuple[OfferCard, ...]:
        """Those that wait for an answer."""
        return tuple(offer for offer in self.offers if offer.open)

    def machine(self, machine_id: str) -> MachineCard | None:
        """The card of one machine."""
        return next((card for card in self.machines if card.id == machine_id), None)
