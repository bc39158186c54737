# SPDX-License-Identifier: AGPL-3.0-or-later
"""One toolpath from its first line to its end; and how a machine that moves is brought to a stand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.tasks import cancelled
from shop_agent.machines import Standing
from shop_agent.machines.grbl.feeding import Feed, bare_lines
from shop_agent.machines.grbl.link import HOLD, RESET, Link
from shop_agent.machines.grbl.reports import MOVING, Status, trouble_of
from shop_agent.machines.grbl.serial_line import PortAway
from shop_agent.machines.kept import Memory

LOOK_EVERY_SECONDS = 0.2
"""Grbl asks not to be asked more often than five times a second while it moves."""
QUIET_SECONDS = 5.0
"""Idle for so long with lines unanswered, beyond the dwells among them: an answer was lost on the line."""
STAND_SECONDS = 5.0
WRITE_AGAIN_SECONDS = 5.0

log = logging.getLogger("shop_agent.grbl")


class Run:
    """Feeds a toolpath and finds out how it ends. `moved`: whether the machine was seen moving; `seconds`: for how long."""

    def __init__(self, link: Link, memory: Memory, clock: Clock, name: str, file: Path) -> None:
        brought = memory.brought(name)
        self._link, self._memory, self._clock = link, memory, clock
        self._content = file.open("rb")
        self.feed = Feed(name, bare_lines(self._content), brought.characters if brought else 1)
        self.moved = False
        self.seconds = 0.0
        self._resets = link.resets
        self._most_blocks = 0
        self._idle_since: float | None = None
        self._watching: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Send the first lines. The memory must say so already."""
        self._link.answers = self._answered
        self._link.send(self.feed.due())
        self._watching = asyncio.create_task(self._watch())

    @property
    def live(self) -> bool:
        """Whether it is still fed and watched. What is not, and was not ended in the memory, was left in the middle."""
        return self._watching is not None and not self._watching.done()

    async def cut(self) -> None:
        """Send not one line more, and watch no longer."""
        self.feed.ended = True
        self._link.answers = None
        if self._watching is not None:
            await cancelled(self._watching)
        self._content.close()

    def _answered(self, answer: str) -> None:
        self.feed.answered(answer)
        self._link.send(self.feed.due())

    async def _watch(self) -> None:
        noted, idle = False, 0
        last = self._clock.monotonic()
        while self._link.alive:
            await self._clock.sleep(LOOK_EVERY_SECONDS)
            try:
                status = await self._link.look()
            except PortAway:
                continue  # it may answer again; no line is sent meanwhile, because none is acknowledged
            now = self._clock.monotonic()
            self._see(status, now, now - last)
            last = now
            if self._link.resets > self._resets or status.state == "Alarm":
                why = trouble_of(status, self._link.alarm) if status.state == "Alarm" else "the controller was reset in the middle"
                return await self._end(Standing.FAILED, why)
            if self.feed.trouble:
                return await self._give_up()
            if self.feed.all_parsed and not noted:
                noted = self._noted()
            idle = idle + 1 if self.feed.all_parsed and status.state == "Idle" else 0
            if idle == 2:
                return await self._end(Standing.DONE, "")
        self._link.answers = None

    def _see(self, status: Status, now: float, seconds: float) -> None:
        if status.state in MOVING:
            self.moved = True
            self.seconds += seconds
        self._most_blocks = max(self._most_blocks, status.free_blocks)
        if status.free_blocks >= 0:
            self.feed.planner_holds(self._most_blocks - status.free_blocks)
        if status.state != "Idle" or self.feed.all_parsed:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now
        elif now - self._idle_since > QUIET_SECONDS + self.feed.dwells_seconds:
            self.feed.trouble = self.feed.trouble or "an answer was lost on the serial line"

    def _noted(self) -> bool:
        try:
            self._memory.note_parsed()
        except OSError as error:
            log.warning("%s: %s", self.feed.name, error)
        return True

    async def _give_up(self) -> None:
        self.feed.ended = True
        self._link.answers = None
        while self._link.alive:
            try:
                await halt(self._link, self._clock, self.feed.name)
                break
            except (Refused, PortAway) as error:
                log.error("%s: %s; it is told to stop again", self.feed.name, error)
        else:
            return
        await self._end(Standing.FAILED, self.feed.trouble)

    async def _end(self, standing: Standing, why: str) -> None:
        """A full disk must not turn what was made into what nobody knows: it is tried until it is written."""
        self.feed.ended = True
        self._link.answers = None
        while True:
            try:
                self._memory.end(self.feed.name, standing, self.seconds, why)
                break
            except OSError as error:
                log.warning("%s is %s, which could not be written: %s", self.feed.name, standing.value, error)
                await self._clock.sleep(WRITE_AGAIN_SECONDS)
        self._content.close()
        if why:
            log.warning("%s: %s", self.feed.name, why)


async def halt(link: Link, clock: Clock, subject: str) -> None:
    """Hold, and once it stands, reset: nothing of its buffers is left. It is read back that it does not move.

    Held first, because a reset in motion loses the position. Errors: `Refused` (`machine.not_stopped`); `PortAway`.
    """
    if (await link.look()).state == "Alarm":
        return  # it has stopped by itself, and a person must see to it
    link.send(HOLD)
    await seen(link, clock, lambda status: status.held or status.state not in {*MOVING, "Hold"})
    resets = link.resets
    link.send(RESET)
    if not await seen(link, clock, lambda status: link.resets > resets and status.state not in {*MOVING, "Hold"}):
        if not link.alive:
            raise PortAway(link.ended)
        raise Refused("machine.not_stopped", subject)


async def seen(link: Link, clock: Clock, wanted: Callable[[Status], bool], seconds: float = STAND_SECONDS) -> bool:
    """Whether the controller comes to say what is wanted within `seconds`."""
    until = clock.monotonic() + seconds
    while link.alive and clock.monotonic() < until:
        try:
            if wanted(await link.look()):
                return True
        except PortAway:
            continue
        await clock.sleep(LOOK_EVERY_SECONDS / 4)
    return False
