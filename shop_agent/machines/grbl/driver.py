# SPDX-License-Identifier: AGPL-3.0-or-later
"""A machine that the agent itself feeds, line by line, over a serial port.

Nobody else knows what runs: so the name is on the disk before the first line is sent. When the agent ends in the middle, the controller
runs on from what it has (15 moves and 120 characters) and then stands; the piece has failed. Nothing is ever fed on or started on a new
connection; it is unlocked (`$X`) or homed (`$H`) only because a person says so.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

from commonfab.clock import Clock
from commonfab.errors import Refused
from shop_agent.machines import Care, Description, Look, Standing, StartUncertain
from shop_agent.machines.grbl.caring import home, unlock
from shop_agent.machines.grbl.link import HOLD, RESUME, Link
from shop_agent.machines.grbl.reports import MOVING, VERSION, Status, description, settings_of, trouble_of
from shop_agent.machines.grbl.run import LOOK_EVERY_SECONDS, Run, halt, seen
from shop_agent.machines.grbl.serial_line import PortAway
from shop_agent.machines.keeps import SOMETHING, Keeps
from shop_agent.machines.starting import refuse_unless_idle, refuse_unless_startable
from shop_agent.shop_toml.machine_section import MachineSection

STARTED_WITHIN_SECONDS = 10.0
MOVES_WITHIN_SECONDS = 2.0
"""A toolpath may begin with a dwell or with the spindle; so that nothing moves yet is no error."""


class Grbl(Keeps):
    """One controller."""

    kind = "grbl"

    def __init__(self, facts: MachineSection, folder: Path, clock: Clock) -> None:
        super().__init__(facts, folder, clock)
        self._link: Link | None = None
        self._run: Run | None = None
        self._came_up = 0
        self._opening = asyncio.Lock()
        self._settling = asyncio.Lock()

    async def describe(self) -> Description:
        try:
            link = await self._linked()
            status = await link.look()
            if status.state not in ("Idle", "Alarm", "Check") or link.blocked or self._memory.feeding:
                return Description(link.program or "Grbl", note="its settings can be read only while it is idle")
            version = next((found[1] for line in await link.ask("$I") if (found := VERSION.match(line))), "")
            settings = settings_of(await link.ask("$$"))
        except PortAway as away:
            raise self._away(away) from away
        program = f"Grbl {version.split('.2')[0]}" if version else link.program or "Grbl"
        return description(program, status, link.alarm, settings, burns="laser" in self._facts.process)

    async def reconcile(self, name: str) -> Look:
        return await self.state(name)

    async def state(self, name: str) -> Look:
        try:
            _ = self._memory
        except Refused as refused:
            return self._unreadable(refused)
        try:
            link = await self._linked()
            status = await self._settled(link, await link.look())
        except PortAway as away:
            return self._unreached(name, str(away))
        return replace(self._look(name, link, status), came_up=self._came_up + link.unbidden)

    async def start(self, name: str) -> None:
        async with self._commanding:
            refuse_unless_startable(await self.state(name), self._facts.id)
            run = await self._ready_to_run(name)
            run.begin()
            self._run = run
            await self._until_moving(run)

    async def pause(self, name: str) -> None:
        async with self._commanding:
            link = await self._link_of(name)
            if link is None or (await self.state(name)).paused:
                return
            link.send(HOLD)
            if not await seen(link, self._clock, lambda status: status.held or status.state in ("Door", "Alarm")):
                raise Refused("machine.not_stopped", self._facts.id)

    async def resume(self, name: str) -> None:
        async with self._commanding:
            link = await self._link_of(name)
            if link is None or not (await self.state(name)).paused:
                return
            if self._run is None or not self._run.live:
                raise Refused("machine.not_taken", self._facts.id)  # nobody has the rest of it any more
            link.send(RESUME)
            if not await seen(link, self._clock, lambda status: not status.paused):
                raise Refused("machine.not_taken", self._facts.id)  # the door is open

    async def stop(self, name: str) -> None:
        async with self._commanding:
            link = await self._link_of(name)
            if link is None:
                return
            run = self._run
            if run is not None:
                await run.cut()
            if self._memory.feeding != name:  # it ended in the meantime
                return
            try:
                await halt(link, self._clock, self._facts.id)
            except PortAway as away:
                raise self._away(away) from away
            self._memory.end(name, Standing.FAILED, run.seconds if run else 0.0, link.alarm or "stopped")

    async def see_to(self, care: Care) -> None:
        async with self._commanding:
            refuse_unless_idle(await self.state(""), self._facts.id)
            try:
                link = await self._linked()
                await (home if care is Care.HOME else unlock)(link, self._clock, self._facts.id)
            except PortAway as away:
                raise self._away(away) from away

    async def close(self) -> None:
        """Let go of the port. A toolpath that is fed cannot go on without us: it is stopped, with the tool off, rather than left to run dry
        with a turning spindle or a burning laser."""
        if self._run is not None and self._run.live:
            with contextlib.suppress(Refused):
                await self.stop(self._run.feed.name)
            await self._run.cut()
        if self._link is not None:
            self._link.close()

    async def _linked(self) -> Link:
        """The open conversation; opens the port where there is none. Errors: `PortAway`."""
        async with self._opening:
            if self._link is None or not self._link.alive:
                link = Link(self._clock)
                await link.open(self._facts.port, self._facts.baud_rate)
                if self._link is not None:  # whoever pulls the plug takes the board's power, whether or not its first words were heard
                    self._came_up += 1 + self._link.unbidden
                self._link = link
            return self._link

    async def _link_of(self, name: str) -> Link | None:
        """The conversation, if the toolpath is the one that was begun. Errors: `Refused` (`machine.away`)."""
        if not name or self._memory.feeding != name:
            return None
        try:
            link = await self._linked()
            await self._settled(link, await link.look())
        except PortAway as away:
            raise self._away(away) from away
        return link if self._memory.feeding == name else None

    async def _settled(self, link: Link, status: Status) -> Status:
        """Find out whether what an agent left in the middle still moves; once it certainly does not, that is written down.

        Idle is not enough: in a dwell Grbl says Idle with more lines in its buffer. So it is asked something that it answers in its turn.
        """
        async with self._settling:
            name = self._memory.feeding
            if not name or (self._run is not None and self._run.live):
                return status
            if status.state in ("Alarm", "Sleep"):
                self._memory.end(name, Standing.FAILED, 0.0, trouble_of(status, link.alarm))
            elif status.state == "Idle":
                modes = await link.in_step()
                await self._clock.sleep(LOOK_EVERY_SECONDS)
                status = await link.look()
                if modes is None or status.state != "Idle":
                    return status
                if not {"M3", "M4"}.isdisjoint(modes):
                    await link.ask("M5")  # what stands still must not burn
                self._memory.end(name, *self._left_behind(link))
            return status

    def _left_behind(self, link: Link) -> tuple[Standing, float, str]:
        if self._memory.parsed and not link.resets:
            return Standing.UNKNOWN, 0.0, "the connection or the agent ended during its last moves"
        return Standing.FAILED, 0.0, "the controller was reset in the middle" if link.resets else "it was not fed to its end"

    def _look(self, name: str, link: Link, status: Status) -> Look:
        memory = self._memory
        fault = trouble_of(status, link.alarm)
        busy_with = memory.feeding or (SOMETHING if status.state in MOVING or status.state == "Hold" else "")
        if not name or name != memory.feeding:
            return self._not_under_way(name, busy_with, status.paused, fault, status.reads)
        feed = self._run.feed if self._run is not None and self._run.live else None
        progress = feed.progress if feed else 0.0
        brought = memory.brought(name)
        remaining = brought.seconds * (1 - progress) if brought and feed else 0.0
        seconds = self._run.seconds if self._run and feed else 0.0
        fault = fault or (feed.trouble if feed else "")
        return Look(Standing.RUNNING, True, name, progress, remaining, seconds, "", status.paused, fault, status.reads)

    async def _ready_to_run(self, name: str) -> Run:
        """Everything that can be refused with certainty; at its end the name is on the disk as begun, and nothing has been sent."""
        file = await self._content_file(name)
        try:
            link = await self._linked()
            if await link.in_step() is None:
                raise Refused("machine.not_taken", self._facts.id)
            await self._clock.sleep(LOOK_EVERY_SECONDS)
            if (await link.look()).state != "Idle":
                raise Refused("machine.busy", self._facts.id)
            run = Run(link, self._memory, self._clock, name, file)
        except PortAway as away:
            raise self._away(away) from away
        except OSError as error:
            raise self._disk(error) from error
        self._begin(name)
        return run

    async def _until_moving(self, run: Run) -> None:
        begun = self._clock.monotonic()
        while run.live and not (run.feed.answers and run.moved):
            waited = self._clock.monotonic() - begun
            if waited >= MOVES_WITHIN_SECONDS and run.feed.answers:
                return
            if waited >= STARTED_WITHIN_SECONDS:
                raise StartUncertain("the controller did not answer the first line")
            await self._clock.sleep(LOOK_EVERY_SECONDS / 4)
        if not run.live and self._memory.feeding == run.feed.name:
            raise StartUncertain("the connection broke at the start")

    def _away(self, away: PortAway) -> Refused:
        return Refused("machine.away", f"{self._facts.id} ({away})")
