# SPDX-License-Identifier: AGPL-3.0-or-later
"""Stop and pause that reached the agent past a journal which cannot be written (`shop_agent.people.shouting`): carried out from memory,
and written down once that can be done again. Until then nothing begins on the machine."""

from __future__ import annotations

from collections.abc import Callable

from shop_agent.bench.obeying import halt, stands
from shop_agent.journal import words
from shop_agent.journal.book import Journal
from shop_agent.journal.store import impatient
from shop_agent.journal.words import Kind
from shop_agent.machines import Machine, Standing
from shop_agent.people.shouting import Shout
from shop_agent.people.taking_back import take_back


class Halting:
    """What was shouted to one machine.

    `_heard`: and not carried out yet; `_fell`: carried out so that what was said of the machine before no longer holds, which is not
    written down yet.
    """

    def __init__(self, journal: Journal, machine: Machine, say: Callable[[str, str], None]) -> None:
        self._journal, self._machine, self._say = journal, machine, say
        self._heard: list[Shout] = []
        self._fell = False

    @property
    def waiting(self) -> bool:
        """Whether something is to be done or written down: nothing may begin."""
        return bool(self._heard) or self._fell

    def hear(self, said: Shout) -> None:
        """Take a word; the bench carries it out."""
        self._heard.append(said)

    async def carry_out(self, name: str) -> None:
        """Stop before all others. The journal is not asked: it may be what is out of order. A machine that is away keeps its words.

        Parameters: `name`, of our piece on the machine, empty where there is none. Errors: `Refused` (`machine.*`); what a driver raises
        that cannot write down how it ended. It is then told again.
        """
        for said in sorted(self._heard, key=lambda said: said.kind is not Kind.STOP):
            self._say("words", f"{said.machine_id}: {said.who} says {said.kind}; the journal could not be written")
            if not name:
                self._fell = True  # before anything began: nothing does, until somebody says anew that it may
            elif not await self._told(name, said.kind):
                continue
            self._heard.remove(said)

    async def _told(self, name: str, kind: Kind) -> bool:
        machine = self._machine
        if not machine.person_tells and not (await machine.state(name)).reachable:
            return False
        look = await halt(machine, name, kind)
        if kind is Kind.STOP and not stands(machine, look):
            return False
        self._fell = self._fell or look.standing is not Standing.RUNNING
        return True

    def write_down(self) -> None:
        """What was carried out takes back what was said before; what a machine that is away has not heard is kept like every word.

        Errors: `sqlite3.Error`, as long as the journal cannot be written.
        """
        with impatient(self._journal.connection):
            if self._fell:
                take_back(self._journal, self._machine.facts.id)
                self._fell = False
            for said in list(self._heard):
                words.say(self._journal, said.machine_id, said.kind, said.who)
                self._heard.remove(said)
