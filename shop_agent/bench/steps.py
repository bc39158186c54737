# SPDX-License-Identifier: AGPL-3.0-or-later
"""One machine's life. `next_step` looks at what is and says what to do next; it is pure, and it is the only place where that is decided.

These rules stand above all others. Nothing moves without leave, a lease that still holds, and a machine that somebody (or a declared
sensor) called ready. What cuts, burns or welds starts when a person says so, every time. Of a revision that was recalled no piece begins;
one that runs is stopped when the router wishes so. A start is written down before it is sent. Whatever may have been started is looked for
before anything else is.
"""

from __future__ import annotations

from dataclasses import dataclass

from commonfab import v1
from commonfab.reasons import reason
from commonfab.recalled import recall_reason
from shop_agent.journal.records import AttemptRecord, PieceRecord, PieceState, ReadyRecord
from shop_agent.machines import Look, Standing
from shop_agent.shop_toml.machine_section import GO, MachineSection


@dataclass(frozen=True)
class Scene:
    """What is, beside the attempt itself.

    `out_of_service`: why nothing is started on the machine; empty where it is in service. `held_back`: what the clock says against a start
    now: quiet hours, or another machine that has just started. `look`: the machine, and the attempt's current piece on it. `ready`: what
    was said of the machine and is not used up. `bed_in_doubt`: the last piece on this machine was spoiled, or its owner has
    worked on it since. `first_in_line`: no earlier attempt lies on this machine.
    `person_tells`: a person works the machine, so only a person can stop it. `lease_holds`: by our own clock,
    counted from a call of this very run. `recall`: that of the attempt's revision, where there is one. `told_good`: so many good pieces a
    person told that are still to be counted. `against_resuming`: why the piece that is held cannot go on as the machine is now.
    """

    look: Look
    facts: MachineSection
    start_is_certain: bool
    ready: ReadyRecord | None
    bed_in_doubt: bool
    first_in_line: bool
    lease_holds: bool
    scrap_allowed: int
    recall: v1.Recall | None = None
    out_of_service: str = ""
    held_back: str = ""
    person_tells: bool = False
    told_good: int = 0
    against_resuming: str = ""

    @property
    def missing(self) -> frozenset[str]:
        """What must still be said before a piece may start."""
        return self.facts.still_to_say(self.ready.confirms if self.ready else frozenset(), self.bed_in_doubt)

    @property
    def person_looked(self) -> bool:
        """Whether a person, and not only a sensor, has said since its last start how its bed is. Who only loaded it has not looked."""
        if self.ready is None or not self.ready.by_person:
            return False
        return "bed" in self.ready.confirms or "bed" not in self.facts.confirms


@dataclass(frozen=True)
class Prepare:
    """Fetch, slice, check."""


@dataclass(frozen=True)
class PutOnMachine:
    """Bring the toolpath onto the machine under the piece's name. Moves nothing."""

    piece: int


@dataclass(frozen=True)
class NoteGo:
    """A person said that this attempt may start."""

    who: str


@dataclass(frozen=True)
class GrantLeave:
    """Leave for somebody who walked in is the owner's own."""


@dataclass(frozen=True)
class AskToStart:
    """Ask the router for leave."""


@dataclass(frozen=True)
class StartPiece:
    """Write it down, then set the machine in motion."""

    piece: int


@dataclass(frozen=True)
class AdoptPiece:
    """The machine knows a piece that the journal does not: write it down as begun, start nothing."""

    piece: int


@dataclass(frozen=True)
class StopMachine:
    """Stop our piece."""

    piece: int


@dataclass(frozen=True)
class CountPiece:
    """A begun piece is good, scrap, or not there. `by_person`: a person who looked at the bed settled it, and not the machine."""

    piece: int
    state: PieceState
    by_person: bool = False


@dataclass(frozen=True)
class TakeBackPiece:
    """It is certain that a piece which was written down as begun was never started."""

    piece: int


@dataclass(frozen=True)
class Complete:
    """Report all pieces made."""


@dataclass(frozen=True)
class Fail:
    """Report what was made, and why it is not all."""

    reasons: tuple[v1.Reason, ...]


@dataclass(frozen=True)
class GiveBack:
    """Nothing moved; others may have it."""

    reasons: tuple[v1.Reason, ...]


@dataclass(frozen=True)
class Drop:
    """The attempt owns nothing any more."""


@dataclass(frozen=True)
class Wait:
    """Nothing to do until something changes. `person`: a person must do what `why` says; `call`: the router must be heard first."""

    why: str
    person: bool = False
    call: bool = False


Step = (
    Prepare
    | PutOnMachine
    | NoteGo
    | GrantLeave
    | AskToStart
    | StartPiece
    | AdoptPiece
    | StopMachine
    | CountPiece
    | TakeBackPiece
    | Complete
    | Fail
    | GiveBack
    | Drop
    | Wait
)


def next_step(attempt: AttemptRecord, scene: Scene) -> Step:
    """What to do next for an attempt that has not ended, or that was dropped and left a piece on the machine."""
    if attempt.ended:
        begun = attempt.piece_begun
        return _piece_begun(attempt, begun, scene) if begun else Wait("nothing")
    if attempt.wish == v1.WISH_DROP:
        return Drop()  # what may be running is the shop's own affair: it is neither stopped nor followed by another piece
    if not attempt.leave:
        return _before_leave(attempt, scene)
    begun = attempt.piece_begun
    return _piece_begun(attempt, begun, scene) if begun else _between_pieces(attempt, scene)


def _before_leave(attempt: AttemptRecord, scene: Scene) -> Step:
    if attempt.start_asked:
        # Leave may have been granted and not heard of, so it can no longer be given back as if it had not.
        return Wait("leave to start", call=True)
    if not _wanted(attempt) or scene.recall:
        return GiveBack(_why_ended(attempt, scene))
    if attempt.toolpath is None:
        return Prepare()
    if not scene.first_in_line:
        return Wait("its turn: an earlier order comes first")
    if (machine := _machine_step(attempt, scene)) is not None:
        return machine
    if (attempt.toolpath.brought or not scene.facts.starts_itself) and not attempt.go_by:
        if scene.ready is not None and scene.ready.sequence > attempt.go_after:  # of a person: sensors have no sequence
            return NoteGo(scene.ready.who)
        return Wait(f"somebody to look at {scene.facts.id} and say go: commonfab shop ready {scene.facts.id}", person=True)
    # "Go" itself is said last, when leave is there: whoever says it sees the machine start.
    if (said := _ready_step(scene, scene.missing - {GO})) is not None:
        return said
    if scene.held_back:
        return Wait(scene.held_back)  # leave that is asked for now would be used in the morning, and the router would take it for started
    return GrantLeave() if attempt.walk_in else AskToStart()


def _piece_begun(attempt: AttemptRecord, begun: PieceRecord, scene: Scene) -> Step:
    """A start was, or may have been, sent."""
    standing = scene.look.standing
    if standing is Standing.RUNNING:
        return _running(attempt, begun, scene)
    if standing is Standing.DONE:
        to_be_judged = scene.facts.judged_by == "person" and not scene.look.judged
        return CountPiece(begun.number, PieceState.MADE if to_be_judged else PieceState.GOOD)
    if standing is Standing.FAILED:
        return CountPiece(begun.number, PieceState.SCRAP)
    if standing is Standing.HERE and scene.start_is_certain:
        return TakeBackPiece(begun.number)  # one that is not even there was begun on another machine, or what this one keeps is lost
    # The machine cannot say what became of it, so only a person can. A word of readiness from before the start was used up by it.
    if scene.person_looked or (attempt.withdrawn and _may_be_left(scene)):
        return CountPiece(begun.number, PieceState.SCRAP if standing is Standing.UNKNOWN else PieceState.VOID, by_person=True)
    says = f"{scene.facts.id} cannot say what became of piece {begun.number} ({scene.look.note or standing.value})"
    return Wait(f"somebody to look: {says}; once its bed is clear: commonfab shop ready {scene.facts.id}", person=True)


def _may_be_left(scene: Scene) -> bool:
    """Whether work that its owner withdrew may end unseen. A printer that is away may print on, and is stopped when it is back."""
    return scene.look.reachable or scene.facts.attended


def _running(attempt: AttemptRecord, begun: PieceRecord, scene: Scene) -> Step:
    machine = scene.facts.id
    if not _wanted(attempt):
        if scene.person_tells and not attempt.withdrawn:  # the agent cannot stop it; whoever withdrew it here has
            says = f"{attempt.wish_reason.message or 'it is not wanted any more'}: commonfab shop stop {machine}"
            return Wait(f"somebody to stop work on piece {begun.number} at {machine} and say so ({says})", person=True)
        return StopMachine(begun.number)
    if scene.person_tells:
        return Wait(
            f"somebody at {machine} to say that piece {begun.number} is made: commonfab shop made {attempt.ref.work_order_id} --good 1"
        )
    if scene.against_resuming:
        return Wait(f"somebody to see to {machine}: {scene.against_resuming}", person=True)
    return Wait(f"piece {begun.number} to be made")


def _between_pieces(attempt: AttemptRecord, scene: Scene) -> Step:
    if attempt.good >= attempt.offer.quantity:
        return Complete()
    if attempt.unjudged and (attempt.good + attempt.unjudged >= attempt.offer.quantity or not _wanted(attempt)):
        order = attempt.ref.work_order_id
        pieces = "a piece is" if attempt.unjudged == 1 else f"{attempt.unjudged} pieces are"
        return Wait(f"somebody to say whether {pieces} good: commonfab shop judge {order} --good", person=True)
    if not _wanted(attempt) or scene.recall:
        return Fail(_why_ended(attempt, scene))
    if attempt.scrap > scene.scrap_allowed and not scene.told_good:  # what is made already is counted before the order is given up
        return _spoiled(attempt, scene)
    if not scene.first_in_line:
        return Wait("its turn: an earlier order comes first")
    if (machine := _machine_step(attempt, scene)) is not None:
        return machine
    if (said := _ready_step(scene, scene.missing)) is not None:
        return said
    if scene.held_back:
        return Wait(scene.held_back)
    if not scene.lease_holds and not attempt.walk_in:
        return Wait("the router to be heard", call=True)
    return StartPiece(attempt.current_number)


def _spoiled(attempt: AttemptRecord, scene: Scene) -> Step:
    """More is scrap than is put up with. Where the last piece is so by the word of a machine beside which a person stands, she is asked
    first: it may have been as good as done when it was stopped, and a report that is signed is not taken back."""
    last = attempt.pieces[-1]
    if scene.facts.attended and not scene.person_tells and last.state is PieceState.SCRAP and not last.judged_by:
        says = f"piece {last.number} did not end well, says {scene.facts.id}"
        judge = f"commonfab shop judge {attempt.ref.work_order_id} --scrap"
        return Wait(f"somebody to say whether a piece is scrap ({says}): {judge}", person=True)
    return Fail((reason("machine.spoiled", pieces=attempt.scrap),))


def _machine_step(attempt: AttemptRecord, scene: Scene) -> Step | None:
    """What the machine needs before a piece can start, apart from its bed."""
    look = scene.look
    if look.standing in (Standing.RUNNING, Standing.DONE, Standing.FAILED):
        # The journal was lost or set back: the machine is believed.
        return AdoptPiece(attempt.current_number) if attempt.leave else Wait("a toolpath of this name has run before", person=True)
    if scene.out_of_service:
        return Wait(f"{scene.facts.id}, which is out of service: {scene.out_of_service}", person=True)
    if not look.reachable:
        return Wait(f"{scene.facts.id} to be back ({look.note})")
    if look.fault:
        return Wait(f"somebody to see to {scene.facts.id}: {look.fault}", person=True)
    if look.busy_with:
        return Wait(f"{scene.facts.id} to be done with {look.busy_with}")
    if look.standing is Standing.UNKNOWN:  # nothing of ours began, and yet something happened to it: not to be started
        return Wait(f"somebody to look at {scene.facts.id}: {look.note or 'it cannot say what became of the toolpath'}", person=True)
    return PutOnMachine(attempt.current_number) if look.standing is Standing.NOT_HERE else None


def _ready_step(scene: Scene, missing: frozenset[str]) -> Wait | None:
    """What a person, or a sensor, must say first."""
    machine = scene.facts.id
    if missing == {GO}:
        return Wait(f"somebody at {machine} to say start: commonfab shop start {machine}", person=True)
    if missing:
        todo = " and ".join(words for name, words in _TO_DO if name in missing)
        return Wait(f"somebody to {todo} {machine}: commonfab shop ready {machine}", person=True)
    return None


_TO_DO = (("bed", "clear the bed of"), ("stock", "load the stock of"), ("tool", "set the tool of"))


def _wanted(attempt: AttemptRecord) -> bool:
    return attempt.wish != v1.WISH_STOP and not attempt.withdrawn


def _why_ended(attempt: AttemptRecord, scene: Scene) -> tuple[v1.Reason, ...]:
    if scene.recall:
        return (recall_reason(scene.recall),)
    if attempt.withdrawn:
        return (reason("owner.withdrew", attempt.withdrawn),)
    return (attempt.wish_reason if attempt.wish_reason.code else reason("job.cancelled"),)
