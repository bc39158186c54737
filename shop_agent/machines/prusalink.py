# SPDX-License-Identifier: AGPL-3.0-or-later
"""A printer of the MK3 family driven by PrusaLink (0.8.1), over its REST API (its own source, prusa/link/web, says more than its pages).

PrusaLink numbers its jobs, so what is held or stopped is certainly the job that was looked at. Names are kept whole. How a print ended it
shows for eleven seconds only (FINISHED, STOPPED); after that it still knows which file it printed last, and no longer how that went.
The number of the last job lies in the printer's own memory and outlives everything; it is not told, but a wrong one is refused.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from commonfab.clock import Clock
from commonfab.errors import Refused
from shop_agent.journal.records import Toolpath
from shop_agent.machines import MARKED, Care, Description, Look, Standing, mark
from shop_agent.machines.checked import Marks, checked_bytes
from shop_agent.machines.http_door import UPLOAD_SECONDS, HttpDoor
from shop_agent.machines.prusalink_hearing import DEAF, Hearing
from shop_agent.machines.starting import refuse_unless_idle, refuse_unless_startable, until_begun
from shop_agent.machines.tells_itself import TellsItself
from shop_agent.shop_toml.machine_section import MachineSection

COMMAND_SECONDS = 120.0  # a start is answered once all that PrusaLink was told before is done: a stop waits for the move under way
LISTED_WITHIN_SECONDS = 10.0  # PrusaLink lists its folder once a second
AT_WORK = ("PRINTING", "PAUSED")
ENDED = {"FINISHED": Standing.DONE, "STOPPED": Standing.FAILED}
SOMETHING = "something"
NEVER_SEEN = Look(Standing.UNKNOWN)
REMEMBERED = 32  # ended pieces whose end is known by having been seen


@dataclass(frozen=True)
class _Seen:
    """What PrusaLink said at one moment. `job`: the one at work; `here`: our file is listed; `last`: ours is the file it printed last."""

    state: str
    printer: dict[str, Any]
    job: dict[str, Any] | None
    here: bool
    last: bool

    @property
    def job_name(self) -> str:
        return _name(self.job) or SOMETHING


class PrusaLink(TellsItself):
    """One printer. `_ran`: what this object itself saw at work or ended, by name, as it stood last."""

    start_is_certain = False  # a PrusaLink that was restarted keeps no trace of what it printed

    def __init__(self, facts: MachineSection, clock: Clock) -> None:
        self._facts = facts
        self._clock = clock
        self._door = HttpDoor(facts, {"X-Api-Key": facts.api_key})
        self._hearing = Hearing(self._door, facts.id, clock)
        self._commands = asyncio.Lock()  # a stop that comes while a start is under way waits for it, and stops what it started
        self._ran: dict[str, Look] = {}
        self._marks = Marks()
        self._new = ""  # what was started and not yet seen at work
        self._job = ""  # the mark of the last job that was seen at work
        self._left_over = 0.0  # how far the print before had come, which PrusaLink shows of a new one until that reports its own

    async def describe(self) -> Description:
        version, info = await self._door.read("/api/version"), await self._door.read("/api/v1/info")
        note = f"{version.get('original') or 'printer unknown'}, firmware {version.get('firmware') or 'unknown'}"
        with self._door.understanding():
            return Description(str(version["text"]), nozzle_mm=float(info.get("nozzle_diameter") or 0.0), note=note)

    async def reconcile(self, name: str) -> Look:
        return await self.state(name)

    async def state(self, name: str) -> Look:
        try:
            with self._door.understanding():
                look = await self._look(name)
                if look.standing is Standing.HERE and self._marks.knows(name):
                    look = self._marks.compared(look, name, await self._size(name))
        except Refused as refused:
            await self._hearing.forget()
            before = self._ran.get(name, NEVER_SEEN)
            standing = before.standing if before.standing in ENDED.values() else Standing.UNKNOWN
            return Look(standing, reachable=False, note=refused.reason.message, seconds=before.seconds)
        if look.standing in (Standing.RUNNING, Standing.DONE, Standing.FAILED):
            self._remember(name, look)
        return replace(look, ran=self._job)

    async def nothing_ran_since(self, ran: str) -> bool:
        """Every print has the next number, those from the printer's own card too, and PrusaLink answers 404 to a word about any job but the
        last. "continue" is a word that it takes and does nothing about."""
        number = ran.rpartition(MARKED)[2]
        if not number.isdecimal():
            return False
        answer = await self._door.ask("PUT", f"/api/v1/job/{number}/continue", fine=(404, 409))
        return answer.is_success

    def _remember(self, name: str, look: Look) -> None:
        self._ran[name] = look
        if len(self._ran) > REMEMBERED:
            del self._ran[next(iter(self._ran))]

    async def _look(self, name: str) -> Look:
        seen = await self._seen(name)
        fault = _fault(seen) or (DEAF if self._hearing.gone else "")
        reads = _reads(seen.printer)
        if seen.job is not None:
            if str(seen.job.get("id") or ""):
                self._job = mark(seen.job_name, seen.job["id"])
            if seen.job_name == name:
                return self._running(name, seen.job, seen.state, fault, reads)
            return Look(self._at_rest(name, seen), busy_with=seen.job_name, fault=fault, reads=reads, paused=seen.state == "PAUSED")
        standing = self._at_rest(name, seen)
        over = self._ran.get(name, NEVER_SEEN) if standing in ENDED.values() else NEVER_SEEN
        if seen.last and seen.state in ENDED:
            busy_with = ""  # its own end is no work
        else:
            busy_with = await self._busy_with(seen)
        done = 1.0 if standing is Standing.DONE else over.progress
        return Look(standing, True, busy_with, done, 0.0, over.seconds, fault=fault, note=fault, reads=reads)

    def _running(self, name: str, job: dict[str, Any], state: str, fault: str, reads: str) -> Look:
        done, left, ran = (float(job.get(key) or 0.0) for key in ("progress", "time_remaining", "time_printing"))
        if state in ENDED:  # the moment before the job goes
            return Look(ENDED[state], progress=done / 100, seconds=ran, reads=reads)
        if self._new == name:
            self._new, self._left_over = "", done
        if done == self._left_over:
            done = left = 0.0
        else:
            self._left_over = 0.0
        return Look(Standing.RUNNING, True, name, done / 100, left, ran, paused=state == "PAUSED", fault=fault, note=fault, reads=reads)

    def _at_rest(self, name: str, seen: _Seen) -> Standing:
        """How a toolpath stands that is not at work. That it is the last one printed does not say how it ended."""
        if seen.last and seen.job is None and seen.state in ENDED:
            return ENDED[seen.state]
        before = self._ran.get(name)
        if before is not None:
            return before.standing if before.standing in ENDED.values() else Standing.UNKNOWN
        if seen.last:
            return Standing.UNKNOWN
        return Standing.HERE if seen.here else Standing.NOT_HERE

    async def _busy_with(self, seen: _Seen) -> str:
        """What keeps a printer without a job from taking one: its own moves, a command that is not done yet, or that it still shows the end
        of the last print."""
        if seen.state in ENDED:
            return _name((await self._door.read("/api/job")).get("job")) or SOMETHING
        if self._hearing.late and not self._hearing.gone:
            return SOMETHING
        return "" if seen.state in ("IDLE", "READY", "ERROR", "ATTENTION") else SOMETHING

    async def _seen(self, name: str) -> _Seen:
        """One look. Three answers are three moments: a job that began or ended between them is looked at again."""
        for _ in range(3):
            job = await self._door.find("/api/v1/job", none_is=(204,))
            status = await self._door.read("/api/v1/status")
            with self._door.understanding():
                printer = dict(status["printer"])
            ours = _name(job) == name != ""
            here, last = (True, True) if ours else await self._file(name)
            state = str((job or printer).get("state") or "")
            if job is not None or state not in AT_WORK:
                break
        else:
            job = {"file": {"name": name if last else ""}}  # a print from the SD card has no file for a while
        return _Seen(state, printer, job, here, last)

    async def _file(self, name: str) -> tuple[bool, bool]:
        """Whether it is listed, and whether it is the one that PrusaLink printed last, or prints."""
        if not name:
            return False, False
        answer = await self._door.ask("HEAD", _path(name), fine=(404,))
        return answer.is_success, answer.headers.get("Currently-Printed") == "True"

    async def prepare(self, toolpath: Toolpath, name: str) -> None:
        content = await checked_bytes(toolpath)
        if (await self.state(name)).standing is Standing.RUNNING:  # PrusaLink would replace even the file that it prints
            raise Refused("machine.busy", self._facts.id)
        headers = {"Content-Type": "text/x.gcode", "Overwrite": "?1", "Print-After-Upload": "?0"}
        await self._door.ask("PUT", _path(name), content=content, headers=headers, timeout=UPLOAD_SECONDS)
        until = self._clock.monotonic() + LISTED_WITHIN_SECONDS
        while await self._size(name) != len(content):
            if self._clock.monotonic() >= until:
                raise Refused("machine.not_taken", self._facts.id)
            await self._clock.sleep(0.1)
        self._marks.note(name, len(content))

    async def _size(self, name: str) -> object:
        """In bytes, as it is listed. Its time is no mark: of a file that is written anew the old one is listed for a second."""
        return ((await self._door.find(_path(name), none_is=(404,))) or {}).get("size")

    async def start(self, name: str) -> None:
        async with self._commands:
            refuse_unless_startable(await self.state(name), self._facts.id)
            await self._hearing.expect(_path(name))
            self._new = name
            await self._door.start(_path(name), timeout=COMMAND_SECONDS)
            await until_begun(self, name, self._clock)

    async def pause(self, name: str) -> None:
        async with self._commands:
            await self._tell_job(name, "PRINTING", "PUT", "/pause")

    async def resume(self, name: str) -> None:
        async with self._commands:
            await self._tell_job(name, "PAUSED", "PUT", "/resume")

    async def stop(self, name: str) -> None:
        async with self._commands:
            refused = await self._tell_job(name, "", "DELETE", "")
            if refused and (await self.state(name)).standing is Standing.RUNNING:
                raise Refused("machine.not_stopped", self._facts.id)

    async def _tell_job(self, name: str, only_in: str, method: str, what: str) -> bool:
        """Tell our own job, by its number, and no other. Answers whether PrusaLink would not: the job ended, or it waits for a person."""
        seen = await self._seen(name)
        if seen.job is None or seen.job_name != name or seen.state != (only_in or seen.state):
            return False
        answer = await self._door.ask(method, f"/api/v1/job/{seen.job.get('id')}{what}", fine=(404, 409))
        return not answer.is_success

    async def see_to(self, care: Care) -> None:
        """PrusaLink takes the order and is BUSY as soon as the printer says so."""
        if care is not Care.HOME:
            return await super().see_to(care)
        async with self._commands:
            refuse_unless_idle(await self.state(""), self._facts.id)
            answer = await self._door.ask("POST", "/api/printer/printhead", fine=(409,), json={"command": "home"})
            if answer.status_code == 409:  # unless it is idle
                raise Refused("machine.busy", self._facts.id)

    async def forget(self, name: str) -> None:
        answer = await self._door.tidy(_path(name), fine=(404, 409))  # 409: it is being printed
        if answer is None or answer.status_code == 409:
            return
        until = self._clock.monotonic() + LISTED_WITHIN_SECONDS
        while (await self._file(name))[0] and self._clock.monotonic() < until:
            await self._clock.sleep(0.1)
        self._ran.pop(name, None)

    async def close(self) -> None:
        await self._hearing.forget()
        await self._door.close()


def _name(job: dict[str, Any] | None) -> str:
    return str(((job or {}).get("file") or {}).get("name") or "")


def _path(name: str) -> str:
    return f"/api/v1/files/local/{quote(name)}"


def _fault(seen: _Seen) -> str:
    """Why it cannot work until a person has seen to it: it waits for one (filament, a fan), or it or its cable failed."""
    if seen.state == "ATTENTION":
        return "it waits for a person at its panel"
    if seen.state == "ERROR":
        return str((seen.printer.get("status_printer") or {}).get("message") or "error")
    return ""


def _reads(printer: dict[str, Any]) -> str:
    named = (("temp_nozzle", "nozzle"), ("temp_bed", "bed"))
    return ", ".join(f"{name} {printer[key]:.0f} °C" for key, name in named if printer.get(key))
