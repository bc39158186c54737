# SPDX-License-Identifier: AGPL-3.0-or-later
"""Carries out what people said to one machine: pause, resume, stop, home, unlock, and of work by hand that a piece is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from commonfab.errors import Refused
from shop_agent.journal import words
from shop_agent.journal.book import Journal
from shop_agent.journal.records import AttemptRecord
from shop_agent.journal.words import Kind, Word
from shop_agent.machines import Care, Machine

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


async def obey(journal: Journal, machine: Machine, line: Sequence[AttemptRecord], say: Callable[[str, str], None]) -> None:
    """Carry out every word that was not heard: stop before all others, else the oldest first. A machine that is away keeps its words.

    Errors: `Refused` (`machine.*`); the word is then tried again.
    """
    begun = next((attempt for attempt in line if attempt.piece_begun), None)
    for word in sorted(words.unheard(journal, machine.facts.id), key=lambda word: word.kind is not Kind.STOP):
        if words.too_late(journal, word):
            say("words", f"{word.machine_id}: {word.who} said {word.kind} too long ago; nothing was done")
            words.heard(journal, word)
            continue
        if word.kind in (Kind.GOOD, Kind.SCRAP):
            if await _count(journal, machine, line, word, say):
                return  # one piece at a time: the bench counts it, and begins the next
            continue
        if word.kind in CARES:
            if not await _see_to(journal, machine, begun, word, say):
                return
            continue
        if begun is not None:
            await _carry_out(machine, begun, word)
        say("words", f"{word.machine_id}: {word.who} says {word.kind}")
        words.heard(journal, word)


async def _carry_out(machine: Machine, begun: AttemptRecord, word: Word) -> None:
    name = begun.file_name(begun.current_number)
    if word.kind is Kind.PAUSE:
        await machine.pause(name)
    elif word.kind is Kind.RESUME:
        await machine.resume(name)
    else:
        await machine.stop(name)


async def _see_to(journal: Journal, machine: Machine, begun: AttemptRecord | None, word: Word, say: Callable[[str, str], None]) -> bool:
    """Home or unlock a machine where nothing of ours is begun and that is not at work. False where it is away, which keeps the word.

    The word is gone before the machine is told: whatever comes of it, nothing moves a second time because somebody said it once.
    """
    look = await machine.state("")
    if not look.reachable:
        return False
    words.heard(journal, word)
    if begun is not None or look.busy_with:
        say("words", f"{word.machine_id}: {word.who} said {word.kind}, and it is at work; nothing was done")
        return True
    say("words", f"{word.machine_id}: {word.who} says {word.kind}")
    try:
        await machine.see_to(CARES[word.kind])
    except Refused as refused:
        say("words", f"{word.machine_id}: {refused}")
    else:
        say("words", f"{word.machine_id}: {word.kind} is done")
    return True


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
