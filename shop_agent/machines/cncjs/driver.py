# SPDX-License-Identifier: AGPL-3.0-or-later
"""A machine behind a CNCjs server (1.11), which feeds its Grbl (https://github.com/cncjs/cncjs).

CNCjs has one program loaded, in its memory only, and loading another stops what runs. So what is brought waits in our folder, and is loaded
at its start, when nothing runs. The sender lives in the server: it goes on without us, and the name of what is loaded says whose it is.
After an end CNCjs keeps the times: `finishTime` only where every line was answered, the last being a dwell that waits for the last move.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from commonfab.clock import Clock
from commonfab.errors import Refused
from shop_agent.machines import Care, Description, Look, Standing, StartUncertain
from shop_agent.machines.cncjs.said import Said, ending
from shop_agent.machines.cncjs.server import CncjsServer
from shop_agent.machines.grbl.feeding import bare_lines, dwells
from shop_agent.machines.grbl.reports import MOVING, description, trouble_of
from shop_agent.machines.keeps import SOMETHING, Keeps
from shop_agent.machines.socket_io import NotTaken
from shop_agent.machines.starting import STARTED_WITHIN_SECONDS, refuse_unless_idle, refuse_unless_startable
from shop_agent.shop_toml.machine_section import MachineSection

STAND_SECONDS = 10.0
OLD_SECONDS = 0.6
"""CNCjs asks Grbl four times a second: what it says right after an order may be from before it."""
QUIET_SECONDS = 5.0
"""Idle for so long with lines unanswered, beyond the dwells among them: Grbl was reset, or an answer was lost on its line."""
HOMING_SECONDS = 120.0


class Cncjs(Keeps):
    """One machine of the server: the one at `port`."""

    kind = "cncjs"

    def __init__(self, facts: MachineSection, folder: Path, clock: Clock) -> None:
        super().__init__(facts, folder, clock)
        self._server = CncjsServer(facts, clock)
        self._quiet: tuple[str, int, float] | None = None  # the program, its answered lines, and since when nothing more came
        self._stood: tuple[float, ...] = ()
        self._came_up = 0

    async def describe(self) -> Description:
        seen = await self._server.look()
        program = f"CNCjs with Grbl {seen.version}".rstrip()
        return description(program, seen.status, "", seen.settings, burns="laser" in self._facts.process)

    async def reconcile(self, name: str) -> Look:
        return await self.state(name)

    async def state(self, name: str) -> Look:
        try:
            _ = self._memory
        except Refused as refused:
            return self._unreadable(refused)
        try:
            seen = await self._server.look()
            if not self._commanding.locked():  # between "begun" and the order it would look like one that did not start
                seen = await self._settled(seen)
        except Refused as refused:
            return self._unreached(name, refused.reason.message)
        return replace(self._look(name, seen), came_up=self._seen_coming_up(seen))

    def _seen_coming_up(self, seen: Said) -> int:
        """CNCjs does not tell that its Grbl came up anew. A Grbl that does counts from nought, wherever it stands."""
        if seen.status.at and not any(seen.status.at) and any(self._stood) and not self._memory.feeding:
            self._came_up += 1
        self._stood = seen.status.at or self._stood
        return self._came_up

    async def start(self, name: str) -> None:
        async with self._commanding:
            refuse_unless_startable(await self.state(name), self._facts.id)
            await self._load(name)
            self._begin(name)
            try:
                await self._server.order("gcode:start")
            except NotTaken as error:
                raise StartUncertain(str(error)) from error
            if not await self._server.until(lambda seen: seen.name == name and seen.begun, STARTED_WITHIN_SECONDS):
                raise StartUncertain("CNCjs was told to start and does not send")

    async def pause(self, name: str) -> None:
        async with self._commanding:
            if (seen := await self._ours(name)) is None or seen.paused:
                return
            await self._server.tell("gcode:pause")
            if not await self._server.until(lambda seen: seen.status.held or seen.status.state in ("Door", "Alarm"), STAND_SECONDS):
                raise Refused("machine.not_stopped", self._facts.id)

    async def resume(self, name: str) -> None:
        async with self._commanding:
            if (seen := await self._ours(name)) is None or not seen.paused:
                return
            await self._server.tell("gcode:resume")
            if not await self._server.until(lambda seen: not seen.paused, STAND_SECONDS):
                raise Refused("machine.not_taken", self._facts.id)

    async def stop(self, name: str) -> None:
        """CNCjs's own stop resets Grbl only if it sees it held half a second later, and not at all in a dwell; so what it leaves is held
        and reset, and it is read back that it stands."""
        async with self._commanding:
            if await self._ours(name) is None:
                return
            await self._server.tell("gcode:stop", {"force": True})
            await self._clock.sleep(OLD_SECONDS)
            if not await self._server.until(lambda seen: seen.status.state == "Alarm", 0.0):
                await self._server.tell("feedhold")
                await self._clock.sleep(OLD_SECONDS)
                await self._server.until(lambda seen: seen.status.held or seen.status.state not in {*MOVING, "Hold"}, STAND_SECONDS)
                await self._server.tell("reset")
                await self._clock.sleep(OLD_SECONDS)
                if not await self._server.until(lambda seen: seen.idle, STAND_SECONDS):
                    raise Refused("machine.not_stopped", self._facts.id)
            self._memory.end(name, Standing.FAILED, 0.0, "stopped")

    async def see_to(self, care: Care) -> None:
        async with self._commanding:
            refuse_unless_idle(await self.state(""), self._facts.id)
            locked = (await self._server.look()).status.state != "Idle"
            if locked:  # an alarm may have blocked it; it does not move then, so nothing is lost
                await self._server.tell("reset")
                await self._clock.sleep(OLD_SECONDS)
            done = await (self._home(locked) if care is Care.HOME else self._unlock(locked))
            self._stood = ()  # where it homed may be called nought
            seen = await self._server.look()
            if not done or seen.status.state != "Idle":
                raise Refused("machine.care_failed", f"{self._facts.id}: {trouble_of(seen.status, '') or seen.status.state}")

    async def _unlock(self, locked: bool) -> bool:
        if locked:
            await self._server.tell("unlock")
        return await self._server.until(lambda seen: seen.status.state == "Idle", STAND_SECONDS)

    async def _home(self, locked: bool) -> bool:
        """While Grbl homes it answers nothing, so CNCjs goes on saying what was so before; the end shows in what Grbl says then."""
        if locked:  # CNCjs passes on nothing that is typed while there is an alarm, but for this; and homing ends the alarm
            await self._server.tell("homing")
            return await self._server.until(lambda seen: seen.status.state == "Idle", HOMING_SECONDS)
        if not await self._server.until(lambda seen: bool(seen.settings), STAND_SECONDS):
            return False
        await self._clock.sleep(OLD_SECONDS)  # any "ok" counts as the answer to what is typed: those of CNCjs's own questions come first
        await self._server.tell("gcode", "$H\n$I")  # the second, which moves nothing, waits at CNCjs until the first is answered
        return await self._server.until(lambda seen: not seen.asked or seen.status.state == "Alarm", HOMING_SECONDS)

    async def close(self) -> None:
        await self._server.close()

    async def _lines(self, name: str) -> list[bytes]:
        """The lines that were checked, without comments, where CNCjs would look for commands of its own."""
        file = await self._content_file(name)
        return await asyncio.to_thread(lambda: [line for _, line in bare_lines(file.read_bytes().splitlines())])

    async def _load(self, name: str) -> None:
        lines = b"\n".join(await self._lines(name)).decode("ascii")
        if not await self._server.load(name, lines):
            raise Refused("machine.not_taken", self._facts.id)
        if not await self._server.until(lambda seen: seen.name == name and not seen.begun and seen.idle, 0.0):
            raise Refused("machine.busy", self._facts.id)

    async def _ours(self, name: str) -> Said | None:
        """What the server says, if the toolpath is the one that was begun. Errors: `Refused`."""
        if not name or self._memory.feeding != name:
            return None
        seen = await self._settled(await self._server.look())
        return seen if self._memory.feeding == name else None

    async def _settled(self, seen: Said) -> Said:
        """Write down how what was begun has ended, once it has; answers what is so then. Nothing is told to the machine, and CNCjs only to
        send no further line."""
        name = self._memory.feeding
        if not name:
            return seen
        if seen.name == name and seen.status.state == "Alarm" and not seen.finished:
            return await self._cut_off(name, seen, trouble_of(seen.status, ""))
        if await self._fell_silent(name, seen):
            return await self._cut_off(name, seen, "the controller was reset in the middle, or an answer was lost on its line")
        if seen.idle and seen.status.state == "Idle":
            self._memory.end(name, *ending(name, seen))
        return seen

    async def _cut_off(self, name: str, seen: Said, why: str) -> Said:
        if seen.workflow != "idle":
            await self._server.tell("gcode:stop")  # or it would send on as soon as a person has unlocked it, or answered a line
        self._memory.end(name, Standing.FAILED, seen.seconds, why)
        return await self._server.look()

    async def _fell_silent(self, name: str, seen: Said) -> bool:
        """Whether Grbl has long had nothing to do and owes answers. CNCjs takes no notice of a Grbl that comes up anew in mid-run."""
        if seen.name != name or not seen.waits_for_answers:
            self._quiet = None
            return False
        now = self._clock.monotonic()
        if self._quiet is None or self._quiet[:2] != (name, seen.received):
            self._quiet = (name, seen.received, now)
        quiet = now - self._quiet[2]
        return quiet > QUIET_SECONDS and quiet > QUIET_SECONDS + dwells((await self._lines(name))[seen.received : seen.sent])

    def _look(self, name: str, seen: Said) -> Look:
        memory, status = self._memory, seen.status
        fault = trouble_of(status, "") or seen.error
        foreign = seen.name or SOMETHING if seen.workflow != "idle" else SOMETHING
        busy_with = memory.feeding or ("" if seen.idle else foreign)
        if not name or name != memory.feeding:
            return self._not_under_way(name, busy_with, seen.paused, fault, status.reads)
        if seen.name != name:
            return Look(
                Standing.RUNNING, busy_with=name, paused=seen.paused, fault=fault or "CNCjs has lost it and it moves", reads=status.reads
            )
        progress = min(seen.received / seen.total, 0.99) if seen.total else 0.0
        return Look(Standing.RUNNING, True, name, progress, seen.remaining, seen.seconds, "", seen.paused, fault, status.reads)
