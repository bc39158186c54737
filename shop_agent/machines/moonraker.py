# SPDX-License-Identifier: AGPL-3.0-or-later
"""A printer that runs Klipper, driven through Moonraker's HTTP API (https://moonraker.readthedocs.io/en/latest/external_api/introduction/).

Klipper names the file that it prints, or printed last, and how that ended, until the next print or its restart; there are no job ids.
Moonraker's history may lack prints, so it is believed where it says how one ended and never where it is silent. "complete" means that the
file was read to its end: the last moves, several seconds of them, are still to come, and only Klipper's idle timeout says when they are
over. A cancel while nothing prints, and one of somebody else's print, are accepted like any other; starting a file while another is paused
throws that one away. So look first, compare names, then send.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import httpx

from commonfab.clock import Clock
from commonfab.errors import Refused
from shop_agent.journal.records import Toolpath
from shop_agent.machines import Care, Description, Look, Standing, StartUncertain
from shop_agent.machines.checked import Marks, checked_bytes
from shop_agent.machines.http_door import UPLOAD_SECONDS, HttpDoor
from shop_agent.machines.klipper_status import busy_with, described, fault_of, look_at_ours, ran_last, reads_of
from shop_agent.machines.starting import refuse_unless_idle, refuse_unless_startable, until_begun
from shop_agent.machines.tells_itself import TellsItself
from shop_agent.shop_toml.machine_section import MachineSection

COMMAND_SECONDS = 120.0  # Klipper answers a command once its macros are done, and a pause may park the head first
LOOKED_AT = (
    "/printer/objects/query?webhooks&print_stats&virtual_sdcard&idle_timeout&extruder=temperature,target&heater_bed=temperature"
    "&toolhead=homed_axes,extruder,axis_maximum"
)
ENDED: Mapping[str, Standing] = MappingProxyType(
    {
        "completed": Standing.DONE,
        "cancelled": Standing.FAILED,
        "error": Standing.FAILED,
        "klippy_shutdown": Standing.FAILED,  # Klipper goes on with nothing after its own restart
        "klippy_disconnect": Standing.FAILED,
    }
)
"""What Moonraker's history says of a job and may be believed. "interrupted", "server_exit" and "in_progress" only say that Moonraker itself
was not there at the end."""


class Moonraker(TellsItself):
    """One printer.

    It remembers in memory how pieces ended that it saw, because Klipper forgets one piece when the next begins, ours or its owner's.
    """

    start_is_certain = False  # Klipper forgets what it printed when it is restarted

    def __init__(self, facts: MachineSection, clock: Clock) -> None:
        self._facts = facts
        self._clock = clock
        self._commands = asyncio.Lock()  # a stop that comes while a start is under way waits for it, and stops what it started
        self._seen: dict[str, Standing] = {}
        self._marks = Marks()
        self._door = HttpDoor(facts, {"X-Api-Key": facts.api_key} if facts.api_key else {})

    async def describe(self) -> Description:
        server, printer = await self._result("/server/info"), await self._if_there("/printer/info") or {}
        asked = await self._if_there("/printer/objects/query?toolhead=axis_minimum,axis_maximum&configfile=settings") or {}
        with self._door.understanding():
            program = f"Moonraker {server.get('moonraker_version', '')}, Klipper {printer.get('software_version', '')}"
            return described(program, asked.get("status") or {})

    async def reconcile(self, name: str) -> Look:
        return await self.state(name)

    async def state(self, name: str) -> Look:
        try:
            with self._door.understanding():
                look = await self._look(name)
                if look.standing is Standing.HERE and self._marks.knows(name):
                    look = self._marks.compared(look, name, await self._mark(name))
        except Refused as refused:
            return Look(self._ended(name, Standing.UNKNOWN), reachable=False, note=refused.reason.message)
        if look.standing in (Standing.RUNNING, Standing.DONE, Standing.FAILED):
            self._seen[name] = look.standing
        return look

    async def _look(self, name: str) -> Look:
        server = await self._result("/server/info")
        asked = await self._if_there(LOOKED_AT) if server.get("klippy_connected") else None
        klippy = str(server.get("klippy_state") or "disconnected")
        if asked is None or klippy in ("disconnected", "startup"):
            return Look(self._ended(name, Standing.UNKNOWN), reachable=False, note=f"Klipper: {klippy}")
        status = asked["status"]
        stats, fault = status.get("print_stats") or {}, fault_of(status)
        if name and stats.get("filename") == name:
            return replace(look_at_ours(name, status, fault), ran=ran_last(stats))
        standing, seconds = await self._when_not_loaded(name)
        progress, paused = 1.0 if standing is Standing.DONE else 0.0, stats.get("state") == "paused"
        at_work = "" if fault else busy_with(status)  # what was printed when Klipper halted is still called "printing"
        return Look(standing, True, at_work, progress, 0.0, seconds, "", paused, fault, reads_of(status), ran=ran_last(stats))

    async def _when_not_loaded(self, name: str) -> tuple[Standing, float]:
        """What is known of a toolpath that Klipper does not name, and for how long it ran."""
        if not name:
            return Standing.NOT_HERE, 0.0
        if (seen := self._ended(name, Standing.UNKNOWN)) is not Standing.UNKNOWN:
            return seen, 0.0
        file = await self._file(name)
        if file is not None and file.get("job_id"):
            job = (await self._if_there(f"/server/history/job?uid={file['job_id']}") or {}).get("job") or {}
            known = ENDED.get(str(job.get("status")), Standing.UNKNOWN)
            return (known, float(job.get("total_duration") or 0.0)) if job.get("filename") == name else (Standing.UNKNOWN, 0.0)
        if name in self._seen or (file is not None and file.get("print_start_time")):
            return Standing.UNKNOWN, 0.0  # it ran, and nothing says how that ended
        return (Standing.NOT_HERE if file is None else Standing.HERE), 0.0

    async def _file(self, name: str) -> dict[str, Any] | None:
        """What Moonraker knows of a file that lies there; it may know nothing yet, and for a moment it knows files that were removed."""
        there = await self._door.ask("HEAD", _path(name), fine=(404,))
        if there.status_code == 404:
            return None
        return await self._if_there(f"/server/files/metadata?filename={quote(name, safe='')}") or {}

    def _ended(self, name: str, otherwise: Standing) -> Standing:
        """How this object saw the toolpath end."""
        seen = self._seen.get(name, otherwise)
        return otherwise if seen is Standing.RUNNING else seen

    async def prepare(self, toolpath: Toolpath, name: str) -> None:
        content = await checked_bytes(toolpath)
        await self._result("/server/info")  # with a wrong key Moonraker breaks an upload off without an answer
        parts = {"file": (name, content, "application/octet-stream")}
        fields = {"root": "gcodes", "checksum": hashlib.sha256(content).hexdigest()}
        answer = await self._door.ask(
            "POST", "/server/files/upload", fine=(403,), files=parts, data=fields, timeout=UPLOAD_SECONDS
        )  # 422: other bytes arrived than were sent, and were thrown away
        if answer.status_code == 403 and "loaded" in answer.text:  # a file of this name is at work
            raise Refused("machine.busy", self._facts.id)
        self._door.expect(answer)
        if await self._file(name) is None:
            raise Refused("machine.not_taken", self._facts.id)
        self._marks.note(name, await self._mark(name))

    async def _mark(self, name: str) -> tuple[str | None, ...]:
        """Size and time of what lies there, as they are now: the metadata follow a second or two later."""
        there = await self._door.ask("HEAD", _path(name), fine=(404,))
        return there.headers.get("Content-Length"), there.headers.get("Last-Modified")

    async def start(self, name: str) -> None:
        async with self._commands:
            refuse_unless_startable(await self.state(name), self._facts.id)
            answer = await self._door.start("/printer/print/start", fine=(400,), params={"filename": name}, timeout=COMMAND_SECONDS)
            if answer.status_code == 400:
                await self._start_refused(name)
            await until_begun(self, name, self._clock)

    async def _start_refused(self, name: str) -> None:
        """Klipper's own refusals are 400. A macro that failed after the file was loaded is told in the same way, so look."""
        look = await self.state(name)
        if look.standing is not Standing.HERE:
            raise StartUncertain("status 400")
        raise Refused("machine.busy" if look.busy_with else "machine.not_taken", self._facts.id)

    async def pause(self, name: str) -> None:
        await self._command(name, "pause", held=False)

    async def resume(self, name: str) -> None:
        await self._command(name, "resume", held=True)

    async def stop(self, name: str) -> None:
        await self._command(name, "cancel")

    async def _command(self, name: str, command: str, held: bool | None = None) -> None:
        """Send it if ours is at work, and held or not as it must be for it."""
        async with self._commands:
            look = await self.state(name)
            if look.standing is not Standing.RUNNING or look.fault or held not in (None, look.paused):
                return
            answer = await self._door.ask("POST", f"/printer/print/{command}", fine=(400,), timeout=COMMAND_SECONDS)
            if answer.status_code == 400 and (await self.state(name)).standing is Standing.RUNNING:  # else it ended in the meantime
                raise Refused("machine.not_taken", self._facts.id)

    async def see_to(self, care: Care) -> None:
        if care is not Care.HOME:
            return await super().see_to(care)
        async with self._commands:
            look = await self.state("")
            refuse_unless_idle(look, self._facts.id)
            if look.fault:
                raise Refused("machine.care_failed", f"{self._facts.id}: {look.fault}")
            answer = await self._door.ask(
                "POST", "/printer/gcode/script", fine=(400,), params={"script": "G28"}, timeout=COMMAND_SECONDS
            )  # Klipper answers once it is homed
            if answer.status_code == 400:
                raise Refused("machine.care_failed", f"{self._facts.id}: {_message(answer)}")

    async def forget(self, name: str) -> None:
        self._seen.pop(name, None)
        await self._door.tidy(_path(name), fine=(400, 403, 404))  # 400: it is not there; 403: still loaded

    async def close(self) -> None:
        await self._door.close()

    async def _result(self, path: str) -> dict[str, Any]:
        told = await self._door.read(path)
        with self._door.understanding():
            return dict(told["result"])

    async def _if_there(self, path: str) -> dict[str, Any] | None:
        """The result; none where it is not there (404) or Klipper does not answer Moonraker (503)."""
        told = await self._door.find(path, none_is=(404, 503))
        with self._door.understanding():
            return None if told is None else dict(told["result"])


def _path(name: str) -> str:
    return f"/server/files/gcodes/{quote(name, safe='')}"


def _message(answer: httpx.Response) -> str:
    """Why Klipper refused, in its words."""
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"
