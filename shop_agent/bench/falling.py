# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which words fall, and when. What somebody said was said of one order, of a machine that was there, and of a controller that knew where it
stood; of another they are said anew. So nothing moves because a machine or the agent is back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shop_agent.journal.book import Journal
from shop_agent.journal.records import AttemptRecord
from shop_agent.machines import Look, Machine
from shop_agent.people.taking_back import take_back, take_back_go, take_back_moves, take_back_setting_up


class Falling:
    """The words that were said of one machine.

    `_turn`: whose turn it was at the last look, 0 for nobody's. `_came_up`: how often its controller had come up by then.
    """

    def __init__(self, journal: Journal, machine: Machine, say: Callable[[str, str], None]) -> None:
        self._journal, self._machine, self._say = journal, machine, say
        self._id = machine.facts.id
        self._turn: int | None = None
        self._came_up = 0

    def mind_agent(self) -> None:
        """The agent begins."""
        if self._machine.facts.out_of_service:  # somebody works on it, and what was said before says nothing of how it stands afterwards
            take_back(self._journal, self._id)
        self._go("the agent was away")
        self.mind_absence()

    def mind_turn(self, line: Sequence[AttemptRecord]) -> None:
        """Whoever says "go" means the order whose turn it is, with its stock and its tool."""
        turn = line[0].row if line else 0
        if self._turn not in (None, turn):
            self._go("another order is the next one now")
        self._turn = turn

    def mind_absence(self) -> None:
        """The machine, or the agent, is not there or was not. Where a person does the work nothing moves by itself."""
        if self._machine.person_tells:
            return
        for word in take_back_moves(self._journal, self._id):
            self._say("words", f"{self._id}: {word.who} said {word.kind}, and nobody could be told; say it again")

    def mind(self, look: Look) -> None:
        """Somebody has just looked."""
        if not look.reachable or look.fault:  # it may have lost its place, and who stood there is gone
            self._go(look.fault or "it was away")
        if not look.reachable:
            self.mind_absence()
        elif look.came_up != self._came_up:
            if take_back_setting_up(self._journal, self._id):
                self._say("zero", f"{self._id}: its controller came up anew, and its zero may be lost: say anew that it is ready")
            self._came_up = look.came_up

    def _go(self, why: str) -> None:
        if take_back_go(self._journal, self._id):
            self._say("go", f"{self._id}: {why}: that it may start is to be said anew")
