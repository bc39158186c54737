# SPDX-License-Identifier: AGPL-3.0-or-later
"""A printer driven by OctoPrint (1.10 and newer), over its REST API (https://docs.octoprint.org/en/master/api/).

OctoPrint gives no job ids: the file name is the only thing that says whose print runs. An answer of 2xx does not mean "started", and a
start is not idempotent: so look, compare names, start, look again.
"""

from __future__ import annotations

import asyncio
import hashlib
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
UPLOAD_SECONDS = 300.0  # a large file onto the SD card of a small computer
STARTED_WITHIN_SECONDS = 15.0
AT_WORK = ("printing", "paused", "pausing", "resuming", "cancelling", "finishing")


class OctoPrint(TellsItself):
    """One printer."""

    start_is_certain = False  # OctoPrint keeps no trace of a print that was running when OctoPrint itself was killed

    def __init__(self, facts: MachineSection, clock: Clock) -> None:
        self._facts = facts
        self._clock = clock
        self._commands = asyncio.Lock()  # a stop that comes while a start is under way waits for it, and stops what it started
        headers = {"X-Api-Key": facts.api_key}
        self._http = httpx.AsyncClient(base_url=facts.url.rstrip("/"), headers=headers, timeout=ANSWER_SECONDS)

    async def describe(self) -> Description:
        version = await self._get("/api/version")
        profiles = (await self._get("/api/printerprofiles"))["profiles"]
        profile: dict[str, Any] = [*(one for one in profiles.values() if one.get("current")), *profiles.values(), {}][0]
        volume, nozzle = profile.get("volume") or {}, (profile.get("extruder") or {}).get("nozzleDiameter") or 0.0
        sides = tuple(float(volume.get(side) or 0.0) for side in ("width", "depth", "height"))
        travel = (sides[0], sides[1], sides[2]) if all(sides) else None
        return Description(str(version.get("text") or "OctoPrint"), travel, float(nozzle))

    async def reconcile(self, name: str) -> Look:
        return await self.state(name)

    async def state(self, name: str) -> Look:
        try:
            file = await self._file(name)
            printer = await self._get("/api/printer?exclude=sd", or_none=409)
            job = await self._get("/api/job")
        except Refused as refused:
            return Look(Standing.UNKNOWN, reachable=False, note=refused.reason.message)
        if printer is None:  # 409: OctoPrint answers, the printer does not
            return Look(_standing_of_prints(file, Standing.UNKNOWN), reachable=False, note=str(job.get("state", "not connected")))
        return _look(name, file, printer, job)

    async def prepare(self, toolpath: Toolpath, name: str) -> None:
        content = await checked_bytes(toolpath)
        parts = {"file": (name, content, "text/x.gcode")}
        answer = await self._send("/api/files/local", files=parts, data={"select": "false", "print": "false"}, timeout=UPLOAD_SECONDS)
        if answer.status_code == 409:
            raise Refused("machine.busy", self._facts.id)
        self._expect(answer)
        here = await self._file(name)
        if here is None or here.get("hash") not in (None, hashlib.sha1(content).hexdigest()):  # OctoPrint names files by SHA-1
            raise Refused("machine.not_taken", self._facts.id)

    async def start(self, name: str) -> None:
        async with self._commands:
            before = await self.state(name)
            if not before.free:
                raise Refused("machine.busy" if before.reachable else "machine.away", self._facts.id)
            if before.standing is not Standing.HERE:
                raise Refused("machine.not_taken", self._facts.id)
            try:
                answer = await self._http.post(_path(name), json={"command": "select", "print": True})
            except httpx.ConnectError as error:
                raise Refused("machine.away", self._facts.id) from error
            except httpx.HTTPError as error:
                raise StartUncertain(str(error)) from error
            if 400 <= answer.status_code < 500:
                raise Refused("machine.not_taken", self._facts.id)
            if answer.status_code >= 500:
                raise StartUncertain(f"status {answer.status_code}")
            await self._until_started(name)

    async def _until_started(self, name: str) -> None:
        until = self._clock.monotonic() + STARTED_WITHIN_SECONDS
        while (await self.state(name)).standing is Standing.HERE:
            if self._clock.monotonic() >= until:
                raise StartUncertain("OctoPrint said yes and does not print")
            await self._clock.sleep(0.2)

    async def pause(self, name: str) -> None:
        await self._hold(name, "pause")

    async def resume(self, name: str) -> None:
        await self._hold(name, "resume")

    async def _hold(self, name: str, action: str) -> None:
        async with self._commands:
            look = await self.state(name)
            if look.standing is Standing.RUNNING and look.paused == (action == "resume"):
                await self._order({"command": "pause", "action": action})

    async def stop(self, name: str) -> None:
        async with self._commands:
            if (await self.state(name)).standing is Standing.RUNNING:
                await self._order({"command": "cancel"})

    async def _order(self, command: dict[str, str]) -> None:
        answer = await self._send("/api/job", json=command)
        if answer.status_code != 409:  # 409: it ended in the meantime
            self._expect(answer)

    async def forget(self, name: str) -> None:
        try:
            answer = await self._http.delete(_path(name))
        except httpx.HTTPError:
            return  # it is only tidying up
        if answer.status_code not in (204, 404, 409):  # 409: still selected as the current job
            self._expect(answer)

    async def close(self) -> None:
        await self._http.aclose()

    async def _file(self, name: str) -> dict[str, Any] | None:
        file: dict[str, Any] | None = await self._get(_path(name), or_none=404) if name else None
        return file

    async def _get(self, path: str, or_none: int = 0) -> Any:
        try:
            answer = await self._http.get(path)
        except httpx.HTTPError as error:
            raise Refused("machine.away", self._facts.id) from error
        if answer.status_code == or_none:
            return None
        try:
            return self._expect(answer).json()
        except ValueError as error:  # something else than OctoPrint answers at this address
            raise Refused("machine.away", self._facts.id) from error

    async def _send(self, path: str, **what: Any) -> httpx.Response:
        try:
            return await self._http.post(path, **what)
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
    return f"/api/files/local/{quote(name)}"


def _look(name: str, file: dict[str, Any] | None, printer: dict[str, Any], job: dict[str, Any]) -> Look:
    flags, reads = printer["state"]["flags"], _reads(printer.get("temperature") or {})
    at_work = any(flags.get(flag) for flag in AT_WORK)
    running = (job["job"]["file"] or {}).get("name") or "something"
    progress = job.get("progress") or {}
    if at_work and running == name:
        done = (progress.get("completion") or 0.0) / 100
        left, ran = progress.get("printTimeLeft") or 0.0, progress.get("printTime") or 0.0
        return Look(Standing.RUNNING, True, name, done, left, ran, paused=bool(flags.get("paused")), reads=reads)
    standing = _standing_of_prints(file, Standing.HERE if file else Standing.NOT_HERE)
    seconds = ((file or {}).get("prints") or {}).get("last", {}).get("printTime") or 0.0
    # After PrintDone OctoPrint takes a moment until it is operational again; until then a start would get a 409.
    reachable = bool(flags.get("operational")) and not flags.get("closedOrError")
    return Look(standing, reachable, running if at_work else "", 1.0 if standing is Standing.DONE else 0.0, 0.0, seconds, reads=reads)


def _reads(temperatures: dict[str, Any]) -> str:
    named = (("tool0", "nozzle"), ("bed", "bed"))
    return ", ".join(f"{name} {temperatures[key]['actual']:.0f} °C" for key, name in named if (temperatures.get(key) or {}).get("actual"))


def _standing_of_prints(file: dict[str, Any] | None, otherwise: Standing) -> Standing:
    """The name is used for one piece only, so OctoPrint's count of its prints says how that piece ended."""
    prints = (file or {}).get("prints") or {}
    if prints.get("success", 0) >= 1:
        return Standing.DONE
    return Standing.FAILED if prints.get("failure", 0) >= 1 else otherwise
