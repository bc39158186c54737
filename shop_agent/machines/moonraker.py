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
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import httpx

from commonfab.clock import Clock
from commonfab.errors import Refused
from shop_agent.machine_section import MachineSection
from shop_agent.machines import Description, Look, Standing, StartUncertain
from shop_agent.machines.checked import checked_bytes
from shop_agent.machines.tells_itself import TellsItself
from shop_agent.records import Toolpath

ANSWER_SECONDS = 10.0
COMMAND_SECONDS = 120.0  # Klipper answers a command once its macros are done, and a pause may park the head first
UPLOAD_SECONDS = 300.0  # a large file onto the SD card of a small computer
STARTED_WITHIN_SECONDS = 15.0
LOOKED_AT = "/printer/objects/query?webhooks&print_stats&virtual_sdcard&idle_timeout&extruder=temperature&heater_bed=temperature"
ENDS: Mapping[str, Standing] = MappingProxyType(
    {"complete": Standing.DONE, "cancelled": Standing.FAILED, "error": Standing.FAILED}  # of print_stats
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
        headers = {"X-Api-Key": facts.api_key} if facts.api_key else {}
        self._http = httpx.AsyncClient(base_url=facts.url.rstrip("/"), headers=headers, timeout=ANSWER_SECONDS)

    async def describe(self) -> Description:
        server, printer = await self._get("/server/info"), await self._get("/printer/info")
        program = f"Moonraker {server.get('moonraker_version', '')}, Klipper {(printer or {}).get('software_version', '')}"
        asked = await self._get("/printer/objects/query?toolhead=axis_minimum,axis_maximum&configfile=settings")
        status = (asked or {}).get("status") or {}
        settings = (status.get("configfile") or {}).get("settings") or {}
        extruder, bed = settings.get("extruder") or {}, settings.get("heater_bed") or {}
        return Description(
            program,
            _travel(status.get("toolhead") or {}),
            float(extruder.get("nozzle_diameter") or 0.0),
            float(extruder.get("max_temp") or 0.0),
            float(bed.get("max_temp") or 0.0),
        )

    async def reconcile(self, name: str) -> Look:
        return await self.state(name)

    async def state(self, name: str) -> Look:
        try:
            look = await self._look(name)
        except Refused as refused:
            return Look(self._ended(name, Standing.UNKNOWN), reachable=False, note=refused.reason.message)
        if look.standing in (Standing.RUNNING, Standing.DONE, Standing.FAILED):
            self._seen[name] = look.standing
        return look

    async def _look(self, name: str) -> Look:
        server = await self._get("/server/info")
        asked = await self._get(LOOKED_AT) if server.get("klippy_connected") else None
        klippy = str(server.get("klippy_state") or "disconnected")
        if asked is None or klippy in ("disconnected", "startup"):
            return Look(self._ended(name, Standing.UNKNOWN), reachable=False, note=f"Klipper: {klippy}")
        status = asked["status"]
        stats, hooks = status.get("print_stats") or {}, status.get("webhooks") or {}
        fault = _first_line(hooks.get("state_message")) if hooks.get("state") != "ready" else ""
        if name and stats.get("filename") == name:
            return _of_ours(name, status, fault)
        standing, seconds = await self._when_not_loaded(name)
        progress, paused = 1.0 if standing is Standing.DONE else 0.0, stats.get("state") == "paused"
        return Look(standing, True, _busy_with(status), progress, 0.0, seconds, "", paused, fault, _reads(status))

    async def _when_not_loaded(self, name: str) -> tuple[Standing, float]:
        """What is known of a toolpath that Klipper does not name, and for how long it ran."""
        if not name:
            return Standing.NOT_HERE, 0.0
        if (seen := self._ended(name, Standing.UNKNOWN)) is not Standing.UNKNOWN:
            return seen, 0.0
        file = await self._file(name)
        if file is not None and file.get("job_id"):
            job = ((await self._get(f"/server/history/job?uid={file['job_id']}")) or {}).get("job") or {}
            known = ENDED.get(str(job.get("status")), Standing.UNKNOWN)
            return (known, float(job.get("total_duration") or 0.0)) if job.get("filename") == name else (Standing.UNKNOWN, 0.0)
        if name in self._seen or (file is not None and file.get("print_start_time")):
            return Standing.UNKNOWN, 0.0  # it ran, and nothing says how that ended
        return (Standing.NOT_HERE if file is None else Standing.HERE), 0.0

    async def _file(self, name: str) -> dict[str, Any] | None:
        """What Moonraker knows of a file that lies there; it may know nothing yet, and for a moment it knows files that were removed."""
        try:
            there = await self._http.head(_path(name))
        except httpx.HTTPError as error:
            raise Refused("machine.away", self._facts.id) from error
        if there.status_code == 404:
            return None
        self._expect(there)
        return await self._get(f"/server/files/metadata?filename={quote(name, safe='')}") or {}

    def _ended(self, name: str, otherwise: Standing) -> Standing:
        """How this object saw the toolpath end."""
        seen = self._seen.get(name, otherwise)
        return otherwise if seen is Standing.RUNNING else seen

    async def prepare(self, toolpath: Toolpath, name: str) -> None:
        content = await checked_bytes(toolpath)
        await self._get("/server/info")  # with a wrong key Moonraker breaks an upload off without an answer
        parts = {"file": (name, content, "application/octet-stream")}
        fields = {"root": "gcodes", "checksum": hashlib.sha256(content).hexdigest()}
        answer = await self._send("/server/files/upload", UPLOAD_SECONDS, files=parts, data=fields)
        if answer.status_code == 403 and "loaded" in answer.text:  # a file of this name is at work
            raise Refused("machine.busy", self._facts.id)
        self._expect(answer)  # 422: other bytes arrived than were sent, and were thrown away
        if await self._file(name) is None:
            raise Refused("machine.not_taken", self._facts.id)

    async def start(self, name: str) -> None:
        async with self._commands:
            before = await self.state(name)
            if not before.reachable or before.busy_with:
                raise Refused("machine.busy" if before.reachable else "machine.away", self._facts.id)
            if before.fault or before.standing is not Standing.HERE:
                raise Refused("machine.not_taken", self._facts.id)
            try:
                answer = await self._http.post("/printer/print/start", params={"filename": name}, timeout=COMMAND_SECONDS)
            except httpx.ConnectError as error:
                raise Refused("machine.away", self._facts.id) from error
            except httpx.HTTPError as error:
                raise StartUncertain(str(error)) from error
            if not answer.is_success:
                await self._start_refused(name, answer)
            await self._until_started(name)

    async def _start_refused(self, name: str, answer: httpx.Response) -> None:
        """Klipper's own refusals are 400. A macro that failed after the file was loaded is told in the same way, so look."""
        if answer.status_code == 401:
            raise Refused("machine.key", self._facts.id)
        look = await self.state(name)
        if answer.status_code >= 500 or look.standing is not Standing.HERE:
            raise StartUncertain(f"status {answer.status_code}")
        raise Refused("machine.busy" if look.busy_with else "machine.not_taken", self._facts.id)

    async def _until_started(self, name: str) -> None:
        until = self._clock.monotonic() + STARTED_WITHIN_SECONDS
        while (await self.state(name)).standing is Standing.HERE:
            if self._clock.monotonic() >= until:
                raise StartUncertain("Moonraker said yes and Klipper does not print")
            await self._clock.sleep(0.2)

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
            answer = await self._send(f"/printer/print/{command}", COMMAND_SECONDS)
            if answer.status_code == 400 and (await self.state(name)).standing is not Standing.RUNNING:
                return  # it ended in the meantime
            self._expect(answer)

    async def forget(self, name: str) -> None:
        self._seen.pop(name, None)
        try:
            answer = await self._http.delete(_path(name))
        except httpx.HTTPError:
            return  # it is only tidying up
        if answer.status_code not in (400, 403, 404):  # 400: it is not there; 403: still loaded
            self._expect(answer)

    async def close(self) -> None:
        await self._http.aclose()

    async def _get(self, path: str) -> Any:
        """The result; None where it is not there (404) or Klipper does not answer Moonraker (503)."""
        try:
            answer = await self._http.get(path)
            return None if answer.status_code in (404, 503) else self._expect(answer).json()["result"]
        except (httpx.HTTPError, ValueError, KeyError) as error:  # not there, or something else than Moonraker answers
            raise Refused("machine.away", self._facts.id) from error

    async def _send(self, path: str, seconds: float, **what: Any) -> httpx.Response:
        try:
            return await self._http.post(path, timeout=seconds, **what)
        except httpx.HTTPError as error:
            raise Refused("machine.away", self._facts.id) from error

    def _expect(self, answer: httpx.Response) -> httpx.Response:
        """Errors: `Refused` for anything but success."""
        if answer.status_code in (401, 403):
            raise Refused("machine.key", self._facts.id)
        if not answer.is_success:
            raise Refused("machine.away" if answer.status_code >= 500 else "machine.not_taken", self._facts.id)
        return answer


def _path(name: str) -> str:
    return f"/server/files/gcodes/{quote(name, safe='')}"


def _of_ours(name: str, status: dict[str, Any], fault: str) -> Look:
    """The look at a toolpath that Klipper itself names."""
    stats, card = status["print_stats"], status.get("virtual_sdcard") or {}
    ran, progress = float(stats.get("total_duration") or 0.0), float(card.get("progress") or 0.0)
    state, moving = str(stats.get("state")), _moving(status)
    ended = ENDS.get(state)
    if fault and state != "standby":  # Klipper is halted, and after its restart it goes on with nothing
        of_last_moves = Standing.UNKNOWN if moving else Standing.DONE
        return Look(
            of_last_moves if ended is Standing.DONE else Standing.FAILED, True, "", progress, 0.0, ran, fault=fault, reads=_reads(status)
        )
    if state in ("printing", "paused") or (ended is Standing.DONE and moving):
        printed = float(stats.get("print_duration") or 0.0)
        left = printed / progress - printed if progress else 0.0
        return Look(Standing.RUNNING, True, name, progress, left, ran, paused=state == "paused", reads=_reads(status))
    if ended is not None:
        return Look(ended, True, name if moving else "", progress, 0.0, ran, reads=_reads(status))
    return Look(Standing.HERE, True, _busy_with(status), fault=fault, reads=_reads(status))  # loaded, not begun


def _busy_with(status: dict[str, Any]) -> str:
    """What Klipper is at work on: a file, or moves that somebody asked for by hand."""
    stats = status.get("print_stats") or {}
    if stats.get("state") in ("printing", "paused"):
        return str(stats.get("filename") or "something")
    return str(stats.get("filename") or "moves by hand") if _moving(status) else ""


def _moving(status: dict[str, Any]) -> bool:
    return (status.get("idle_timeout") or {}).get("state") == "Printing"


def _travel(toolhead: dict[str, Any]) -> tuple[float, float, float] | None:
    least, most = toolhead.get("axis_minimum") or [], toolhead.get("axis_maximum") or []
    if len(least) < 3 or len(most) < 3:
        return None
    x, y, z = (float(most[axis]) - float(least[axis]) for axis in range(3))
    return x, y, z


def _reads(status: dict[str, Any]) -> str:
    named = (("extruder", "nozzle"), ("heater_bed", "bed"))
    return ", ".join(f"{what} {status[key]['temperature']:.0f} °C" for key, what in named if (status.get(key) or {}).get("temperature"))


def _first_line(text: object) -> str:
    lines = str(text or "").strip().splitlines()
    return lines[0] if lines else "Klipper is halted"
