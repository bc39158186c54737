# SPDX-License-Identifier: AGPL-3.0-or-later
"""Accepted work is prepared beside whatever the machine does: once, in the background, until it is done or refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence, Set

from commonfab import v1
from commonfab.errors import Refused
from commonfab.tasks import cancelled
from shop_agent.journal import attempt_steps
from shop_agent.journal.book import Journal
from shop_agent.journal.records import AttemptRecord, Toolpath
from shop_agent.people.bringing import NeedsPerson

AGAIN_AT_MOST_SECONDS = 30.0


class Preparation:
    """What is being prepared for one machine.

    Parameters: `prepare`, makes and checks the toolpath of an attempt; `give_back`, is told of what can never be made here; `say`, a line
    about an attempt for the log; `ring`, called when somebody must do something first.
    """

    def __init__(
        self,
        journal: Journal,
        prepare: Callable[[AttemptRecord], Awaitable[Toolpath]],
        give_back: Callable[[AttemptRecord, Sequence[v1.Reason]], None],
        say: Callable[[AttemptRecord, str, int], None],
        ring: Callable[[], None],
    ) -> None:
        self._journal = journal
        self._prepare, self._give_back, self._say, self._ring = prepare, give_back, say, ring
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._lacks: dict[int, str] = {}
        self._made: dict[int, str] = {}

    def lacks(self, attempt: AttemptRecord) -> str:
        """What a person must bring first; empty where nothing is lacking."""
        return self._lacks.get(attempt.row, "")

    def made(self, attempt: AttemptRecord) -> bool:
        """Whether the toolpath that it has was made, and checked, by this run of the agent."""
        return attempt.toolpath is not None and self._made.get(attempt.row) == attempt.toolpath.sha256

    def begin(self, attempt: AttemptRecord) -> None:
        """Prepare it, unless that is under way."""
        task = self._tasks.get(attempt.row)
        if task is None or task.done():
            self._tasks[attempt.row] = asyncio.create_task(self._until_done(attempt))

    def forget_all_but(self, rows: Set[int]) -> None:
        """These attempts lie on the bench; what was prepared for others is over."""
        for row in [row for row, task in self._tasks.items() if task.done() and row not in rows]:
            del self._tasks[row]
            self._lacks.pop(row, None)
            self._made.pop(row, None)

    async def settled(self) -> None:
        """Return once nothing is being prepared."""
        await asyncio.gather(*self._tasks.values())

    async def close(self) -> None:
        """Stop preparing."""
        await cancelled(*self._tasks.values())

    def _is_settled(self, attempt: AttemptRecord) -> bool:
        """Whether nothing is to be prepared any more: it ended, or somebody has brought its toolpath, which no other takes the place of."""
        now = self._journal.attempt(attempt.row)
        return bool(now.ended) or now.toolpath is not None

    def _refuse(self, attempt: AttemptRecord, reasons: Sequence[v1.Reason]) -> None:
        if not self._is_settled(attempt):
            self._give_back(attempt, reasons)

    async def _until_done(self, attempt: AttemptRecord) -> None:
        """A refusal is final and gives the attempt back; a broken connection is tried again for as long as the attempt is ours."""
        from shop_agent.gcode import ToolpathRefused  # the gate takes memory, and an idle agent does without

        pause = 1.0
        while not self._is_settled(attempt):
            try:
                toolpath = await self._prepare(attempt)
            except NeedsPerson as lack:
                self._lacks[attempt.row] = lack.why
                self._ring()
                return
            except Refused as refused:
                self._refuse(attempt, [refused.reason])
            except ToolpathRefused as refused:
                self._refuse(attempt, refused.reasons)
            except Exception as error:  # whatever a network, a disk or a slicer can throw: say it, and try again
                self._say(attempt, f"could not be prepared: {error}; again soon", logging.WARNING)
                await self._journal.clock.sleep(pause)
                pause = min(pause * 2, AGAIN_AT_MOST_SECONDS)
            else:
                if self._is_settled(attempt):
                    return
                self._made[attempt.row] = toolpath.sha256
                attempt_steps.note_toolpath(self._journal, attempt, toolpath)
                about = f"{toolpath.seconds / 60:.0f} min and {toolpath.grams:.1f} g a piece"
                self._say(attempt, f"is prepared, {about}, toolpath {toolpath.sha256[:12] or 'none'}", logging.INFO)
