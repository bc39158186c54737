# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether a machine was watched all the time. While it was not, its owner may have made something on it, which may lie there still.

After an absence (the agent was not running, or its line to the machine was gone) what people said of the machine holds on only where its
server proves that nothing has run since. What starts only at a person's word "go" is spared where the server merely cannot tell: whoever
says it stands there and looks.
"""

from __future__ import annotations

from collections.abc import Callable

from shop_agent.journal import absences
from shop_agent.journal.book import Journal
from shop_agent.machines import MARKED, Look, Machine

WATCHED_SECONDS = 60.0
"""Looks that lie further apart are an absence: the computer slept, or an upload took long. No print is shorter."""


class Watching:
    """The watch over one machine. It begins with an absence: who knows what was made before the agent started."""

    def __init__(self, journal: Journal, machine: Machine, say: Callable[[str, str], None]) -> None:
        self._journal, self._machine, self._say = journal, machine, say
        self._id = machine.facts.id
        self._seen_at: float | None = None
        self._ran = absences.last_ran(journal, self._id)

    async def note(self, look: Look) -> None:
        """Somebody has just looked. Errors: `Refused` (`machine.away`, `machine.key`); the absence then goes on."""
        if not look.reachable:
            self._seen_at = None
            return
        now = self._journal.clock.now()
        watched = self._seen_at is not None and abs(now - self._seen_at) <= WATCHED_SECONDS
        if not watched and not look.busy_with and not self._machine.person_tells:
            await self._judge(look)
        self._seen_at = self._journal.clock.now()
        if look.ran not in ("", self._ran):
            self._ran = look.ran
            absences.note_ran(self._journal, self._id, look.ran)

    async def _judge(self, look: Look) -> None:
        """The first look after an absence, at a machine that rests: what was said of one that works has fallen anyhow."""
        if await self._machine.nothing_ran_since(self._ran):
            return
        certain = bool(self._ran and look.ran and look.ran != self._ran)
        if (certain or not self._machine.facts.attended) and absences.doubt_bed(self._journal, self._id, look.ran):
            what = f"{look.ran.split(MARKED)[0]} ran" if certain else "something may have run"
            self._say("bed", f"{self._id}: {what} there while nobody watched: what was said of its bed no longer holds")
