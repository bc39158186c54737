# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether a machine was watched all the time. While it was not, its owner may have made something on it, which may lie there still.

After an absence (the agent was not running, or its line to the machine was gone) what people said of the machine holds on only where its
server proves that nothing has run since. What starts only at a person's word "go" is spared where the server merely cannot tell: whoever
says it stands there and looks.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from commonfab.errors import Refused
from commonfab.tasks import cancelled
from shop_agent.journal import absences
from shop_agent.journal.book import Journal
from shop_agent.machines import MARKED, Look, Machine

WATCHED_SECONDS = 60.0
"""Looks that were answered and lie further apart are an absence: the computer slept, or the line was gone. No print is shorter."""

LOOK_AGAIN_SECONDS = 5.0


class Watching:
    """The watch over one machine. It begins with an absence: who knows what was made before the agent started."""

    def __init__(self, journal: Journal, machine: Machine, say: Callable[[str, str], None]) -> None:
        self._journal, self._machine, self._say = journal, machine, say
        self._id = machine.facts.id
        self._seen_at: tuple[float, float] | None = None
        self._worked_at = ""
        self._lost = False
        self._ran = absences.last_ran(journal, self._id)

    async def note(self, look: Look) -> None:
        """Somebody has just looked. Errors: `Refused` (`machine.away`, `machine.key`); the absence then goes on."""
        if not look.reachable:
            self._lost = True
            return
        unseen = self._was_absent() or self._is_news(look.ran)
        if unseen and not look.busy_with and not self._machine.person_tells:
            await self._judge(look)
        self._seen_at, self._lost = self._moment(), False
        self._worked_at = look.busy_with or self._worked_at
        if look.ran not in ("", self._ran):
            self._ran = look.ran
            absences.note_ran(self._journal, self._id, look.ran)

    def _moment(self) -> tuple[float, float]:
        return self._journal.clock.monotonic(), self._journal.clock.now()

    def _was_absent(self) -> bool:
        """By either clock: one that was set back hides nothing, and the other stands still in a virtual machine that was held."""
        return self._seen_at is None or any(now - then > WATCHED_SECONDS for now, then in zip(self._moment(), self._seen_at, strict=True))

    def _is_news(self, ran: str) -> bool:
        """Whether something ran that nobody saw at work, however short the time was. Of what was seen at work a server may go on to count
        for a moment, so only its name matters, unless the line was gone."""
        if ran in ("", self._ran):
            return False
        return self._lost or _name(ran) not in (_name(self._ran), self._worked_at)

    async def during(self, bringing: Awaitable[None], look: Callable[[], Awaitable[None]]) -> None:
        """Wait for what takes long and moves nothing, and go on looking meanwhile: an upload to a small computer may take minutes.

        Errors: those of `bringing`.
        """
        task = asyncio.ensure_future(bringing)
        try:
            while not task.done():
                pause = asyncio.ensure_future(self._journal.clock.sleep(LOOK_AGAIN_SECONDS))
                try:
                    await asyncio.wait((task, pause), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    await cancelled(pause)
                if not task.done():
                    with contextlib.suppress(Refused):  # it is looked at again; an absence then goes on
                        await look()
        finally:
            await cancelled(task)
        return task.result()

    async def _judge(self, look: Look) -> None:
        """The first look after an absence, at a machine that rests: what was said of one that works has fallen anyhow."""
        if await self._machine.nothing_ran_since(self._ran):
            return
        shown = look.ran if look.ran != self._ran else ""  # the mark of before does not name what has run since
        certain = bool(self._ran and shown)
        if (certain or not self._machine.facts.attended) and absences.doubt_bed(self._journal, self._id, shown):
            what = f"{_name(shown)} ran" if certain else "something may have run"
            self._say("bed", f"{self._id}: {what} there while nobody watched: what was said of its bed no longer holds")


def _name(ran: str) -> str:
    """The file that a mark is of."""
    return ran.split(MARKED)[0]
