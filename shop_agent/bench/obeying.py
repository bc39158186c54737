# SPDX-License-Identifier: AGPL-3.0-or-later
"""Carries out what people said to one machine: pause, resume, stop, home, unlock, and of work by hand that a piece is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from commonfab.errors import Refused
from shop_agent.bench.warmth import Warmth, in_words
from shop_agent.journal import words
from shop_agent.journal.book import Journal
from shop_agent.journal.records import AttemptRecord
from shop_agent.journal.words import HALTS, Kind, Word
from shop_agent.machines import Care, Look, Machine, Standing
from shop_agent.people.taking_back import take_back

CARES: Mapping[Kind, Care] = MappingProxyType({Kind.HOME: Care.HOME, Kind.UNLOCK: Care.UNLOCK})

CARES_OF: Mapping[str, tuple[Care, ...]] = MappingProxyType(
    {
        "octoprint": (Care.HOME,),
        "moonraker": (Care.HOME,),
        "prusalink": (Care.HOME,),
        "cncjs": (Care.HOME, Care.UNLOCK),
        "grbl": (Care.HOME, Care.UNLOCK),
    }
)
"""What can be said to a machine, by its control, so that whoever says anything else is told at once; the driver has the last word."""


async def obey(journal: Journal, machine: Machine, line: Sequence[AttemptRecord], say: Callable[[str, str], None], warmth: Warmth) -> None:
    """Carry out every word that was not heard: stop before all others, else the oldest first. For a machine that is away stop and pause are
    kept; what would set it in motion falls, or it would move by itself when it is back. Stop and pause take back what was said before them.
    `warmth`: what has looked at the toolpath before.

    Errors: `Refused` (`machine.*`); the word is then tried again.
    """
    begun = next((attempt for attempt in line if attempt.piece_begun), None)
    unheard = words.unheard(journal, machine.facts.id)
    halted = max((word.sequence for word in unheard if word.kind in HALTS), default=0)
    for word in sorted(unheard, key=lambda word: word.kind is not Kind.STOP):
        if words.too_late(journal, word):
            say("words", f"{word.machine_id}: {word.who} said {word.kind} too long ago; nothing was done")
            words.heard(journal, word)
            continue
        if word.kind in words.SETS_IN_MOTION and word.sequence < halted:
            say("words", f"{word.machine_id}: {word.who} said {word.kind}, and it was taken back before it was heard; nothing was done")
            words.heard(journal, word)
            continue
        if word.kind in (Kind.GOOD, Kind.SCRAP):
            if await _count(journal, machine, line, word, say):
                return  # one piece at a time: the bench counts it, and begins the next
            continue
        if word.kind in CARES:
            await _see_to(journal, machine, begun, word, say)
            continue
        say("words", f"{word.machine_id}: {word.who} says {word.kind}")
        if begun is not None:
            await _carry_out(journal, machine, begun, word, say, warmth)
            continue
        if word.kind in HALTS:  # before anything began: nothing does, until somebody says anew that it may
            take_back(journal, machine.facts.id)
        words.heard(journal, word)


async def _carry_out(
    journal: Journal, machine: Machine, begun: AttemptRecord, word: Word, say: Callable[[str, str], None], warmth: Warmth
) -> None:
    """Pause, resume or stop our piece. Stop is heard once it is seen that the piece does not run; resume before the machine is told, so
    that it goes on once for one word."""
    name = begun.file_name(begun.current_number)
    look = await machine.state(name)
    if not machine.person_tells and not look.reachable:
        if word.kind is Kind.RESUME:
            _let_fall(journal, word, say)
        return  # whatever is told it now is lost, so stop and pause are kept
    if word.kind is Kind.RESUME:
        words.heard(journal, word)
        if against := await warmth.against_resuming(begun, look):
            return say("words", f"{word.machine_id}: {word.who} said resume, and nothing was done: {in_words(against)}")
        try:
            await machine.resume(name)
        except Refused as refused:
            say("words", f"{word.machine_id}: {refused}")
        return
    look = await halt(machine, name, word.kind)
    if word.kind is Kind.STOP and not stands(machine, look):
        return
    if look.standing is not Standing.RUNNING:  # it ended, perhaps by itself at that very moment: the next piece waits for somebody too
        take_back(journal, machine.facts.id)
    words.heard(journal, word)


async def halt(machine: Machine, name: str, kind: Kind) -> Look:
    """Pause or stop a piece of ours, and look what came of it. Errors: `Refused` (`machine.*`)."""
    if kind is Kind.PAUSE:
        await machine.pause(name)
    else:
        await machine.stop(name)
    return await machine.state(name)


def stands(machine: Machine, look: Look) -> bool:
    """Whether it is seen that a piece does not run any more."""
    return look.standing is not Standing.RUNNING and (look.reachable or machine.person_tells)


async def _see_to(journal: Journal, machine: Machine, begun: AttemptRecord | None, word: Word, say: Callable[[str, str], None]) -> None:
    """Home or unlock a machine where nothing of ours is begun, and that is there and not at work.

    The word is gone before the machine is told: whatever comes of it, nothing moves a second time because somebody said it once.
    """
    look = await machine.state("")
    if not look.reachable:
        return _let_fall(journal, word, say)
    words.heard(journal, word)
    if begun is not None or look.busy_with:
        say("words", f"{word.machine_id}: {word.who} said {word.kind}, and it is at work; nothing was done")
        return None
    say("words", f"{word.machine_id}: {word.who} says {word.kind}")
    try:
        await machine.see_to(CARES[word.kind])
    except Refused as refused:
        say("words", f"{word.machine_id}: {refused}")
    else:
        say("words", f"{word.machine_id}: {word.kind} is done")
    return None


def _let_fall(journal: Journal, word: Word, say: Callable[[str, str], None]) -> None:
    words.heard(journal, word)
    say("words", f"{word.machine_id}: {word.who} said {word.kind}, and it is away; nothing was done: say it again when it is back")


async def _count(journal: Journal, machine: Machine, line: Sequence[AttemptRecord], word: Word, say: Callable[[str, str], None]) -> bool:
    """Whether a piece was told to be done.

    What was said of more pieces than there are is let go, so that it is not counted for the order that comes next: that one has no
    leave yet when this looks.
    """
    if not machine.person_tells:
        say("words", f"{word.machine_id} knows by itself when a piece is done: commonfab shop judge says whether it is good")
        words.heard(journal, word)
        return False
    begun = next((attempt for attempt in line if attempt.piece_begun), None)
    if begun is None:
        if not any(attempt.leave and not attempt.ended for attempt in line):
            say("words", f"{word.machine_id}: nothing is begun there, so {word.amount} {word.kind} of {word.who} are not counted")
            words.heard(journal, word)
        return False  # the next piece is about to begin, or the router must be heard first
    await machine.told(begun.file_name(begun.current_number), word.kind is Kind.GOOD)
    words.heard(journal, word, left=word.amount - 1)
    return True
