# SPDX-License-Identifier: AGPL-3.0-or-later
"""A printer driven by OctoPrint (1.10 and newer), over its REST API (https://docs.octoprint.org/en/master/api/).

OctoPrint gives no job ids: the file name is the only thing that says whose print runs. An answer of 2xx does not mean "started", and a
start is not idempotent: so look, compare names, start, look again.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from commonfab.clock import Clock
from commonfab.errors import Refused
from shop_agent.journal.records import Toolpath
from shop_agent.machines import Care, Description, Look, Standing, mark
from shop_agent.machines.checked import Marks, checked_bytes
from shop_agent.machines.http_door import UPLOAD_SECONDS, HttpDoor
from shop_agent.machines.starting import refuse_unless_idle, refuse_unless_startable, until_begun
from shop_agent.machines.tells_itself import TellsItself
from shop_agent.shop_toml.machine_section import MachineSection

AT_WORK = ("printing", "paused", "pausing", "resuming", "cancelling", "finishing")


class OctoPrint(TellsItself):
    """One printer."""

    start_is_certain = False  # OctoPrint keeps no trace of a print that was running when OctoPrint itself was killed

    def __init__(self, facts: MachineSection, clock: Clock) -> None:
        self._facts = facts
        self._clock = clock
        self._commands = asyncio.Lock()  # a stop that comes while a start is under way waits for it, and stops what it started
        self._marks = Marks()
        self._door = HttpDoor(facts, {"X-Api-Key": facts.api_key})

    async def describe(self) -> Description:
        version, profiles = await self._door.read("/api/version"), await self._door.read("/api/printerprofiles")
        with self._door.understanding():
            return _described(version, list(profiles["profiles"].values()))

    async def reconcile(self, name: str) -> Look:
        return await self.state(name)

    async def state(self, name: str) -> Look:
        try:
            file = await self._file(name)
            printer = await self._door.find("/api/printer?exclude=sd", none_is=(409,))
            job = await self._door.read("/api/job")
            with self._door.understanding():
                look = self._marks.compared(_look(name, file, printer, job), name, (file or {}).get("hash"))
                return replace(look, ran=await self._ran(job)) if look.free else look
        except Refused as refused:
            return Look(Standing.UNKNOWN, reachable=False, note=refused.reason.message)

    async def _ran(self, job: dict[str, Any]) -> str:
        """The mark of the last print, as long as OctoPrint shows how far it came: until another file is selected, the printer is
        disconnected or OctoPrint starts anew. Nothing else has then been printed since, nor the same file again: its prints are counted."""
        file, progress = job["job"]["file"] or {}, job.get("progress") or {}
        if not file.get("name") or not progress.get("completion"):
            return ""
        there = await self._door.find(f"/api/files/{file.get('origin')}/{quote(str(file.get('path')))}", none_is=(404,)) or {}
        prints = there.get("prints") or {}
        counted = (prints.get("success", 0), prints.get("failure", 0), (prints.get("last") or {}).get("date", 0))
        return mark(file["name"], progress["completion"], progress.get("printTime"), *counted)

    async def prepare(self, toolpath: Toolpath, name: str) -> None:
        content = await checked_bytes(toolpath)
        what: dict[str, Any] = {"files": {"file": (name, content, "text/x.gcode")}, "data": {"select": "false", "print": "false"}}
        answer = await self._door.ask("POST", "/api/files/local", fine=(409,), timeout=UPLOAD_SECONDS, **what)
        if answer.status_code == 409:
            raise Refused("machine.busy", self._facts.id)
        here = await self._file(name)
        if here is None or here.get("hash") not in (None, hashlib.sha1(content).hexdigest()):  # OctoPrint names files by SHA-1
            raise Refused("machine.not_taken", self._facts.id)
        self._marks.note(name, here.get("hash"))

    async def start(self, name: str) -> None:
        async with self._commands:
            refuse_unless_startable(await self.state(name), self._facts.id)
            await self._door.start(_path(name), json={"command": "select", "print": True})
            await until_begun(self, name, self._clock)

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
        await self._door.ask("POST", "/api/job", fine=(409,), json=command)  # 409: it ended in the meantime

    async def see_to(self, care: Care) -> None:
        """OctoPrint takes the order and does not tell when the head is there; what is started meanwhile waits for it in the printer."""
        if care is not Care.HOME:
            return await super().see_to(care)
        async with self._commands:
            refuse_unless_idle(await self.state(""), self._facts.id)
            order = {"command": "home", "axes": ["x", "y", "z"]}
            answer = await self._door.ask("POST", "/api/printer/printhead", fine=(409,), json=order)
            if answer.status_code == 409:
                raise Refused("machine.busy", self._facts.id)

    async def forget(self, name: str) -> None:
        await self._door.tidy(_path(name), fine=(404, 409))  # 409: still selected as the current job

    async def close(self) -> None:
        await self._door.close()

    async def _file(self, name: str) -> dict[str, Any] | None:
        return await self._door.find(_path(name), none_is=(404,)) if name else None


def _path(name: str) -> str:
    return f"/api/files/local/{quote(name)}"


def _described(version: dict[str, Any], profiles: list[dict[str, Any]]) -> Description:
    profile = [*(one for one in profiles if one.get("current")), *profiles, {}][0]
    volume, nozzle = profile.get("volume") or {}, (profile.get("extruder") or {}).get("nozzleDiameter") or 0.0
    sides = tuple(float(volume.get(side) or 0.0) for side in ("width", "depth", "height"))
    travel = (sides[0], sides[1], sides[2]) if all(sides) else None
    return Description(str(version.get("text") or "OctoPrint"), travel, float(nozzle))


def _look(name: str, file: dict[str, Any] | None, printer: dict[str, Any] | None, job: dict[str, Any]) -> Look:
    if printer is None:  # OctoPrint answers, the printer does not
        return Look(_standing_of_prints(file, Standing.UNKNOWN), reachable=False, note=str(job.get("state", "not connected")))
    flags, reads = printer["state"]["flags"], _reads(printer.get("temperature") or {})
    at_work = any(flags.get(flag) for flag in AT_WORK)
    running = (job["job"]["file"] or {}).get("name") or "something"
    progress = job.get("progress") or {}
    if at_work and running == name:
        done = (progress.get("completion") or 0.0) / 100
        left, ran = progress.get("printTimeLeft") or 0.0, progress.get("printTime") or 0.0
        nozzle, paused = _nozzle(printer.get("temperature") or {}), bool(flags.get("paused"))
        return Look(Standing.RUNNING, True, name, done, left, ran, paused=paused, reads=reads, nozzle=nozzle)
    standing = _standing_of_prints(file, Standing.HERE if file else Standing.NOT_HERE)
    seconds = ((file or {}).get("prints") or {}).get("last", {}).get("printTime") or 0.0
    # After PrintDone OctoPrint takes a moment until it is operational again; until then a start would get a 409.
    reachable = bool(flags.get("operational")) and not flags.get("closedOrError")
    return Look(standing, reachable, running if at_work else "", 1.0 if standing is Standing.DONE else 0.0, 0.0, seconds, reads=reads)


def _reads(temperatures: dict[str, Any]) -> str:
    named = (("tool0", "nozzle"), ("bed", "bed"))
    return ", ".join(f"{name} {temperatures[key]['actual']:.0f} °C" for key, name in named if (temperatures.get(key) or {}).get("actual"))


def _nozzle(temperatures: dict[str, Any]) -> tuple[float, float] | None:
    """The hottest one, which is the one that prints."""
    tools = [told for key, told in temperatures.items() if key.startswith("tool") and told.get("actual")]
    return max(((float(told["actual"]), float(told.get("target") or 0.0)) for told in tools), default=None)


def _standing_of_prints(file: dict[str, Any] | None, otherwise: Standing) -> Standing:
    """The name is used for one piece only, so OctoPrint's count of its prints says how that piece ended."""
    prints = (file or {}).get("prints") or {}
    if prints.get("success", 0) >= 1:
        return Standing.DONE
    return Standing.FAILED if prints.get("failure", 0) >= 1 else otherwise
