# SPDX-License-Identifier: AGPL-3.0-or-later
"""Does what `steps.next_step` says: the journal first where that matters, then the machine."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from commonfab import v1
from commonfab.errors import Refused
from commonfab.reasons import reason
from shop_agent.bench import steps, telling
from shop_agent.bench.checking_again import NoLongerPasses, check_again
from shop_agent.bench.falling import Falling
from shop_agent.bench.halting import Halting
from shop_agent.bench.laid import Laid
from shop_agent.bench.obeying import obey
from shop_agent.bench.preparation import Preparation
from shop_agent.bench.service import out_of_service
from shop_agent.bench.waiting import Bell, Leases, Starts
from shop_agent.bench.warmth import Warmth, in_words
from shop_agent.bench.watching import Watching
from shop_agent.journal import attempt_steps, words
from shop_agent.journal.book import Journal
from shop_agent.journal.records import AttemptRecord, PieceRecord, PieceState, Toolpath
from shop_agent.live import LiveMachine
from shop_agent.machines import Look, Machine, Standing, StartUncertain
from shop_agent.people.shouting import Shout
from shop_agent.people.stock_left import StockLeft
from shop_agent.shop_toml.machine_section import MachineSection

IDLE_LOOK_SECONDS = 5.0
WORKING_LOOK_SECONDS = 1.0
VIRTUAL_LOOK_SECONDS = 0.1
MOST_STEPS_AT_ONCE = 50

NOT_LOOKED = Look(Standing.NOT_HERE, reachable=False, note="not looked at yet")

log = logging.getLogger("shop_agent.bench")


@dataclass(frozen=True)
class Shopfloor:
    """What every bench of a shop shares. `prepare` and `report` make a toolpath and a signed report for an
    attempt; `hurry` asks for a call to the router before the next one is due; `hours` says what the clock has against a start now; `starts`
    keeps machines from starting all at once; `sensors` lets a machine's sensors say what they see.
    """

    journal: Journal
    leases: Leases
    prepare: Callable[[AttemptRecord], Awaitable[Toolpath]]
    report: Callable[[AttemptRecord], v1.SignedWork]
    scrap_allowed: int
    hurry: Callable[[], None]
    hours: Callable[[MachineSection, float], str]
    starts: Starts
    sensors: Callable[[MachineSection], Awaitable[None]]


class Bench:
    """One machine and the attempts that were accepted for it.

    `waits`: what each attempt waits for, in words, by its key; `person`: that of them which only a person can do. `_said`, `_said_of`: what
    was logged last, about the machine and of each attempt. `_laid`: what of ours lies on the machine. `_begun`: the name of our piece
    that is, or may be, on the machine, for when the journal cannot be asked. `_telling`: what a router would be told at the last look.
    """

    def __init__(self, machine: Machine, floor: Shopfloor) -> None:
        self.machine = machine
        self.facts = machine.facts
        self.floor = floor
        self.journal = floor.journal
        self.bell = Bell(floor.journal.clock)
        self.look = NOT_LOOKED
        self._noted: str | None = None
        self._reconciling = False
        self.waits: dict[str, str] = {}
        self.person: dict[str, str] = {}
        self._preparation = Preparation(self.journal, floor.prepare, self._give_back, self._say_prepared, self.bell.ring)
        self._said: dict[str, str] = {}
        self._said_of: dict[str, str] = {}
        self._laid = Laid(floor.journal, machine)
        self._falling = Falling(floor.journal, machine, self._say)
        self._warmth = Warmth()
        self._begun = ""
        self._telling: tuple[tuple[v1.MachineState.ValueType, str], frozenset[str]] | None = None
        self._halting = Halting(floor.journal, machine, self._say)
        self._stock = StockLeft(floor.journal, machine.facts)
        self._watching = Watching(floor.journal, machine, self._say)

    def hear(self, said: Shout) -> None:
        """Stop or pause, past a journal that cannot be written."""
        self._halting.hear(said)
        self.bell.ring()

    async def tend(self) -> None:
        """Work until cancelled."""
        while True:
            await self.bell.wait(self._pause(await self.work_safely()))

    async def work_safely(self) -> bool:
        """`work`, where an error of one look or step is logged, and the next look begins afresh from the journal."""
        try:
            working = await self.work()
            self._said.pop("trouble", None)
            return working
        except Refused as refused:
            self._say("", f"{self.facts.id}: {refused}", logging.WARNING)
        except Exception as error:  # one machine's trouble must not close the shop; nothing was decided on a half-seen state
            # Once: it may last for days, with a look each second, and the log lies on the disk that may be full.
            if self._said.get("trouble") != (trouble := repr(error)):
                self._said["trouble"] = trouble
                log.exception("%s: something went wrong; looking again", self.facts.id)
        return True

    async def close(self) -> None:
        """Stop preparing and let go of the machine, which goes on with what it does."""
        await self._preparation.close()
        await self.machine.close()

    async def work(self) -> bool:
        """Do every step that can be done now, on every attempt of this machine. Answers whether any attempt is on the bench."""
        if self._halting.waiting:
            await self._halting.carry_out(self._begun)
            self.look = await self.machine.state(self._begun)
            self._halting.write_down()  # before that nothing else is done here, and so nothing begins
        line = self.line()
        self._begun = next((one.file_name(one.current_number) for one in line if one.piece_begun), "")
        keys = {attempt.key for attempt in line}
        for told in (self.waits, self.person, self._said_of):  # an agent runs for years
            for key in told.keys() - keys:
                del told[key]
        self._falling.mind_turn(line)
        self._preparation.forget_all_but({attempt.row for attempt in line})
        if not self.look.reachable:
            self._falling.mind_absence()
        await obey(self.journal, self.machine, line, self._say, self._warmth)
        if not line:
            await self._look("")
        await self.floor.sensors(self.facts)
        for place, attempt in enumerate(line):
            await self._work_on(attempt, first_in_line=place == 0)
        self._falling.mind_turn(self.line())
        await self._laid.tidy(keys, self.look.reachable)
        if (telling_now := (telling.state_of(self._sight()), frozenset(self.person))) != self._telling:
            self._telling = telling_now
            self.floor.hurry()  # nothing in the journal changed, so nobody else would tell the router until its next call
        return bool(line)

    def line(self) -> list[AttemptRecord]:
        """What lies on this bench: first what was left behind, then what is on the machine, then what has leave to start, then in the order
        of acceptance; but what waits for a toolpath to be brought holds nothing up, and what waits for a router no walk-in.
        """
        mine = [a for a in self.journal.attempts() if a.machine_id == self.facts.id and not a.ended]
        return [*self.journal.left_behind(self.facts.id), *sorted(mine, key=self._place_in_line)]

    def _place_in_line(self, attempt: AttemptRecord) -> tuple[bool, bool, bool, bool, int]:
        stalled = not attempt.walk_in and not self.floor.leases.holds(attempt.ref)
        lacks = attempt.toolpath is None and bool(self._preparation.lacks(attempt))
        return not attempt.piece_begun, not attempt.leave, lacks, stalled and not attempt.leave, attempt.row

    async def reconcile(self) -> None:
        """Find out what became of pieces that were begun before this run. Starts nothing: no lease of this run holds yet, and a walk-in,
        which needs none, waits until the shop is open."""
        line = self.line()
        self._falling.mind_agent()
        self._laid.recall_earlier_runs()
        self._reconciling = True
        try:
            self.look = await self.machine.reconcile(line[0].file_name(line[0].current_number) if line else "")
        except Refused as refused:
            self._say("", f"{self.facts.id}: {refused}", logging.WARNING)
        try:
            await self.work_safely()
        finally:
            self._reconciling = False

    def describe(self) -> v1.Machine:
        """The machine as the router is told of it."""
        return telling.machine_of(self._sight(), self._stock.now())

    def progress(self, attempt: AttemptRecord) -> tuple[float, float]:
        """How far the piece at work is (0 to 1) and how many seconds the rest of the attempt will take."""
        return telling.progress_of(attempt, self.look, self.facts)

    def live(self) -> LiveMachine:
        """How the machine stands at this moment, for whoever looks on."""
        return telling.live_of(self._sight())

    def _sight(self) -> telling.Sight:
        return telling.Sight(self.journal, self.facts, self.look, self.line(), self.waits, self.person)

    async def _work_on(self, attempt: AttemptRecord, first_in_line: bool) -> None:
        for _ in range(MOST_STEPS_AT_ONCE):
            if first_in_line or attempt.leave:
                await self._look(attempt.file_name(attempt.current_number))
            attempt = self.journal.attempt(attempt.row)  # it may have changed while the machine was looked at
            if attempt.ended and not attempt.piece_begun:
                return
            against = in_words(await self._warmth.against_resuming(attempt, self.look)) if attempt.piece_begun else ""
            step = steps.next_step(attempt, self._scene(attempt, first_in_line, against))
            self.person.pop(attempt.key, None)
            self.waits.pop(attempt.key, None)
            if isinstance(step, steps.Wait):
                self.waits[attempt.key] = step.why
                if step.person:
                    self.person[attempt.key] = step.why
                self._say_of(attempt, f"{self.facts.id}: {attempt.key} waits for {step.why}")
                if step.call:
                    self.floor.hurry()
                return
            if not await self._do(attempt, step):
                return
            attempt = self.journal.attempt(attempt.row)

    async def _look(self, name: str) -> None:
        await self._note(await self.machine.state(name))

    async def _look_meanwhile(self) -> None:
        """A look while a toolpath is brought. A small computer that has its hands full with that may not answer: it is not away."""
        look = await self.machine.state("")
        if look.reachable:
            await self._note(look)

    async def _note(self, look: Look) -> None:
        self.look = look
        self._falling.mind(look)
        if self.look.busy_with != self._noted:
            self._noted = self.look.busy_with
            self.journal.note_busy(self.facts.id, self.look.busy_with)
        await self._watching.note(self.look)

    def _scene(self, attempt: AttemptRecord, first_in_line: bool, against: str) -> steps.Scene:
        held_back = self.floor.hours(self.facts, telling.seconds_of(attempt)) or self.floor.starts.held_back(self.facts.id)
        if self._reconciling:
            held_back = "the shop to be open: what was begun before is looked for first"
        return steps.Scene(
            look=self._look_at(attempt) if first_in_line or attempt.leave else NOT_LOOKED,
            facts=self.facts,
            start_is_certain=self.machine.start_is_certain,
            ready=self.journal.ready(self.facts.id),
            bed_in_doubt=self.journal.bed_in_doubt(self.facts.id),
            first_in_line=first_in_line,
            lease_holds=self.floor.leases.holds(attempt.ref),
            scrap_allowed=self.floor.scrap_allowed,
            recall=self.journal.recall_of(attempt.offer.revision_digest),
            out_of_service=out_of_service(self.journal, self.facts)[1],
            held_back=held_back,
            person_tells=self.machine.person_tells,
            told_good=self._told_good(),
            against_resuming=against,
        )

    def _look_at(self, attempt: AttemptRecord) -> Look:
        """The last look. What lies on the machine counts only where this run of the agent put it there: it may be another toolpath of the
        same name, from before this one was brought or made anew, or what was put in its place."""
        name, toolpath = attempt.file_name(attempt.current_number), attempt.toolpath
        if attempt.piece_begun or toolpath is None or self.look.standing is not Standing.HERE:
            return self.look
        if self._laid.is_there(attempt, name, toolpath):
            return self.look
        return replace(self.look, standing=Standing.NOT_HERE)

    def _told_good(self) -> int:
        """Pieces that a person told to be good and that are not counted yet."""
        if not self.machine.person_tells:
            return 0
        return sum(word.amount for word in words.unheard(self.journal, self.facts.id) if word.kind is words.Kind.GOOD)

    async def _do(self, attempt: AttemptRecord, step: steps.Step) -> bool:
        """Carry out one step. False where nothing more can be done for this attempt now."""
        match step:
            case steps.Prepare():
                self._prepare(attempt)
                return False
            case steps.StartPiece():
                return await self._start(attempt, step.piece)
            case steps.StopMachine():
                await self.machine.stop(attempt.file_name(step.piece))
                return False
            case steps.PutOnMachine():
                assert attempt.toolpath is not None
                return await self._put_on_machine(attempt, attempt.toolpath, step.piece)
            case steps.CountPiece():
                await self._count(attempt, step)
            case _:
                self._write(attempt, step)
        return True

    def _write(self, attempt: AttemptRecord, step: steps.Step) -> None:
        """The steps that happen in the journal only."""
        match step:
            case steps.NoteGo():
                attempt_steps.note_go(self.journal, attempt, step.who)
                self._say_of(attempt, f"{self.facts.id}: {step.who} says go for {attempt.key}")
            case steps.GrantLeave():
                attempt_steps.grant_leave(self.journal, attempt)
            case steps.AskToStart():
                attempt_steps.ask_to_start(self.journal, attempt)
            case steps.TakeBackPiece():
                attempt_steps.take_back_piece(self.journal, attempt, step.piece)
                self._say_of(attempt, f"{self.facts.id}: piece {step.piece} of {attempt.key} was not started before the interruption")
            case steps.AdoptPiece():
                attempt_steps.begin_piece(self.journal, attempt)
                self._say_of(attempt, f"{self.facts.id}: knows piece {step.piece} of {attempt.key} from before", logging.WARNING)
            case steps.Complete():
                attempt_steps.complete(self.journal, attempt, self.floor.report(attempt))
                self._say_of(attempt, f"{self.facts.id}: {attempt.key} is complete, {attempt.good} good and {attempt.scrap} scrap; signed")
            case steps.Fail():
                attempt_steps.fail(self.journal, attempt, self.floor.report(attempt), step.reasons)
                self._say_of(attempt, f"{self.facts.id}: {attempt.key} ends with {attempt.good} good: {_told(step.reasons)}")
            case steps.GiveBack():
                self._give_back(attempt, step.reasons)
            case steps.Drop():
                attempt_steps.drop(self.journal, attempt)
                self._say_of(
                    attempt, f"{self.facts.id}: {attempt.key} owns nothing any more and leaves the bench: {attempt.wish_reason.message}"
                )

    async def _start(self, attempt: AttemptRecord, piece: int) -> bool:
        if self._halting.waiting or any(word.kind in words.HALTS for word in words.unheard(self.journal, self.facts.id)):
            return False  # it is heard first
        if not attempt_steps.begin_piece(self.journal, attempt):
            return True  # something was faster; decide again
        self._begun = attempt.file_name(piece)
        self._laid.note_begun(attempt)
        self.floor.starts.note(self.facts.id)
        try:
            await self.machine.start(attempt.file_name(piece))
        except Refused as refused:
            attempt_steps.take_back_piece(self.journal, attempt, piece)
            self._say_of(attempt, f"{self.facts.id}: piece {piece} of {attempt.key} was not started: {refused}", logging.WARNING)
            return False
        except StartUncertain as doubt:
            self._say_of(attempt, f"{self.facts.id}: piece {piece} of {attempt.key} may have started ({doubt})", logging.WARNING)
            return False
        self._say_of(attempt, f"{self.facts.id}: starts piece {piece} of {attempt.key} ({attempt.good} of {attempt.offer.quantity} made)")
        return True

    async def _count(self, attempt: AttemptRecord, step: steps.CountPiece) -> None:
        piece, state = step.piece, step.state
        grams = attempt.toolpath.grams if attempt.toolpath else 0.0
        whole = telling.seconds_of(attempt)
        seconds = 0.0 if state is PieceState.VOID else self.look.seconds
        if state is PieceState.SCRAP and not self.look.judged:
            grams *= min(seconds / whole, 1.0) if whole else 0.0  # a spoiled piece used as much as it had got to
        made = PieceRecord(piece, state, seconds, 0.0 if state is PieceState.VOID else grams)
        attempt_steps.finish_piece(self.journal, attempt, made, step.by_person)
        self._say_of(attempt, f"{self.facts.id}: piece {piece} of {attempt.key} is {_WORDS[state]}")
        if piece > 1:  # the last one stays: somebody may want to look at it
            await self.machine.forget(attempt.file_name(piece - 1))

    async def _put_on_machine(self, attempt: AttemptRecord, toolpath: Toolpath, piece: int) -> bool:
        try:
            await self._watching.during(self._bring(attempt, toolpath, piece), self._look_meanwhile)
        except (Refused, FileNotFoundError, NoLongerPasses) as trouble:
            changed = not isinstance(trouble, Refused) or trouble.code == "toolpath.changed"
            if not changed or (attempt.start_asked and not attempt.leave):
                raise
            if attempt.leave:
                # Pieces may have been made of the bytes that were checked; others were not asked leave for.
                why = trouble.reasons if isinstance(trouble, NoLongerPasses) else (reason("toolpath.changed", toolpath.file),)
                attempt_steps.fail(self.journal, attempt, self.floor.report(attempt), why)
                self._say_of(attempt, f"{self.facts.id}: {attempt.key} ends with {attempt.good} good: {_told(why)}", logging.WARNING)
            else:
                # Nothing was promised on these bytes yet: make them again, through the gate.
                attempt_steps.forget_toolpath(self.journal, attempt)
                self._say_of(attempt, f"{self.facts.id}: {attempt.key} is prepared again: {trouble}", logging.WARNING)
        else:  # that may have taken minutes: what was said and what sensors see is looked for before anything moves
            await obey(self.journal, self.machine, self.line(), self._say, self._warmth)
            await self.floor.sensors(self.facts)
        return True

    async def _bring(self, attempt: AttemptRecord, toolpath: Toolpath, piece: int) -> None:
        if not self._laid.was_brought(attempt, toolpath) and not self._preparation.made(attempt):
            await check_again(toolpath, self.facts)
        await self.machine.prepare(toolpath, attempt.file_name(piece))
        self._laid.note(attempt, attempt.file_name(piece), toolpath)

    def _prepare(self, attempt: AttemptRecord) -> None:
        if lack := self._preparation.lacks(attempt):
            self.waits[attempt.key] = self.person[attempt.key] = lack
            self._say_of(attempt, f"{self.facts.id}: {attempt.key} waits for {lack}")
        else:
            self._preparation.begin(attempt)

    def _give_back(self, attempt: AttemptRecord, reasons: Sequence[v1.Reason]) -> None:
        attempt_steps.release(self.journal, attempt, reasons)
        self._say_of(attempt, f"{self.facts.id}: {attempt.key} is given back: {_told(reasons)}")

    def _pause(self, working: bool) -> float:
        if not working:
            return IDLE_LOOK_SECONDS
        return VIRTUAL_LOOK_SECONDS if self.facts.control == "virtual" else WORKING_LOOK_SECONDS

    def _say_prepared(self, attempt: AttemptRecord, line: str, level: int) -> None:
        self._say_of(attempt, f"{self.facts.id}: {attempt.key} {line}", level)

    def _say_of(self, attempt: AttemptRecord, line: str, level: int = logging.INFO) -> None:
        """Log a line of an attempt, unless it is what was said of it last."""
        _log_new(self._said_of, attempt.key, line, level)

    def _say(self, about: str, line: str, level: int = logging.INFO) -> None:
        """Log a line of the machine, unless it is what was said last about the same thing."""
        _log_new(self._said, about, line, level)


def _log_new(said: dict[str, str], about: str, line: str, level: int) -> None:
    if said.get(about) != line:
        said[about] = line
        log.log(level, line)


_WORDS = {
    PieceState.GOOD: "good",
    PieceState.MADE: "made, and somebody must say whether it is good",
    PieceState.SCRAP: "scrap",
    PieceState.VOID: "not there",
}


def _told(reasons: Sequence[v1.Reason]) -> str:
    return "; ".join(reason.message for reason in reasons)
