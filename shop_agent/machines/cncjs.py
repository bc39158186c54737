# SPDX-License-Identifier: AGPL-3.0-or-later
"""A machine behind a CNCjs server (1.11), which feeds its Grbl (https://github.com/cncjs/cncjs).

CNCjs has one program loaded, in its memory only, and loading another stops what runs. So what is brought waits in our folder, and is loaded
at its start, when nothing runs. The sender lives in the server: it goes on without us, and the name of what is loaded says whose it is.
After an end CNCjs keeps the times: `finishTime` only where every line was answered, the last being a dwell that waits for the last move.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from commonfab.clock import Clock
from commonfab.errors import Refused
from shop_agent.machine_section import MachineSection
from shop_agent.machines import Description, Look, Standing, StartUncertain
from shop_agent.machines.checked import checked_bytes
from shop_agent.machines.grbl.feeding import bare_lines, fit_to_feed
from shop_agent.machines.grbl.reports import MOVING, Status, notes_on, trouble_of
from shop_agent.machines.kept import Brought, Memory
from shop_agent.machines.socket_io import NotTaken, told
from shop_agent.machines.tells_itself import TellsItself
from shop_agent.records import Toolpath

ANSWER_SECONDS = 10.0
UPLOAD_SECONDS = 120.0
STARTED_WITHIN_SECONDS = 15.0
STAND_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 0.2
READY_WITHIN_SECONDS = 6.0
"""CNCjs first asks Grbl two seconds after it opened the port."""
OLD_SECONDS = 0.6
"""CNCjs asks Grbl four times a second: what it says right after an order may be from before it."""
SOMETHING = "something"

log = logging.getLogger("shop_agent.cncjs")


@dataclass(frozen=True)
class _Seen:
    """What the server says of our port. `ready`: whether Grbl has answered; times are of the server's clock and only compared with 0."""

    name: str
    workflow: str
    total: int
    received: int
    begun: bool
    finished: bool
    seconds: float
    remaining: float
    error: str
    ready: bool
    status: Status
    settings: dict[int, float]
    version: str

    @property
    def idle(self) -> bool:
        """Whether the server sends nothing and the machine stands and waits for nothing."""
        return self.workflow == "idle" and self.status.state not in {*MOVING, "Hold"}


class Cncjs(TellsItself):
    """One machine of the server: the one at `port`. `folder` holds its state file and the toolpaths brought to it."""

    start_is_certain = True  # what was begun is on the disk before the order; begun and not seen to run, it is unknown, never "here"

    def __init__(self, facts: MachineSection, folder: Path, clock: Clock) -> None:
        self._facts = facts
        self._clock = clock
        self._folder = folder
        self._kept: Memory | None = None
        self._token = facts.api_key
        self._commanding = asyncio.Lock()
        self._http = httpx.AsyncClient(base_url=facts.url.rstrip("/"), timeout=ANSWER_SECONDS)

    async def describe(self) -> Description:
        seen = await self._seen()
        reach = tuple(seen.settings.get(number, 0.0) for number in (130, 131, 132))
        travel = (reach[0], reach[1], reach[2]) if all(reach) else None
        program = f"CNCjs with Grbl {seen.version}".rstrip()
        note = "; ".join(filter(None, (trouble_of(seen.status, ""), notes_on(seen.settings, burns="laser" in self._facts.process))))
        return Description(program, travel, most_s=seen.settings.get(30, 0.0), note=note)

    async def reconcile(self, name: str) -> Look:
        return await self.state(name)

    async def state(self, name: str) -> Look:
        try:
            memory = self._memory
        except Refused as refused:
            return Look(Standing.UNKNOWN, fault=f"its state file in {self._folder} cannot be read", note=refused.reason.message)
        try:
            seen = await self._seen()
            if not self._commanding.locked():  # between "begun" and the order it would look like one that did not start
                await self._settle(seen)
        except Refused as refused:
            standing = Standing.UNKNOWN if name and name == memory.feeding else memory.standing(name)
            return Look(standing, reachable=False, busy_with=memory.feeding, note=refused.reason.message)
        return self._look(name, seen)

    async def prepare(self, toolpath: Toolpath, name: str) -> None:
        content = await checked_bytes(toolpath)
        memory = self._memory
        if memory.feeding == name or memory.ended(name) or Path(name).name != name:
            raise Refused("machine.not_taken", self._facts.id)  # a name is used once only
        characters = await asyncio.to_thread(lambda: fit_to_feed(content.splitlines()))
        brought = Brought(hashlib.sha256(content).hexdigest(), toolpath.seconds, characters)
        await asyncio.to_thread(memory.bring, name, content, brought)

    async def start(self, name: str) -> None:
        async with self._commanding:
            look = await self.state(name)
            if not look.free:
                raise Refused("machine.busy" if look.reachable else "machine.away", self._facts.id)
            if look.standing is not Standing.HERE:
                raise Refused("machine.not_taken", self._facts.id)
            await self._load(name)
            self._begin(name)
            try:
                await self._order("gcode:start")
            except NotTaken as error:
                raise StartUncertain(str(error)) from error
            if not await self._until(lambda seen: seen.name == name and seen.begun, STARTED_WITHIN_SECONDS):
                raise StartUncertain("CNCjs was told to start and does not send")

    async def pause(self, name: str) -> None:
        async with self._commanding:
            if (seen := await self._ours(name)) is None or _paused(seen):
                return
            await self._ordered("gcode:pause")
            if not await self._until(lambda seen: seen.status.held or seen.status.state in ("Door", "Alarm"), STAND_SECONDS):
                raise Refused("machine.not_stopped", self._facts.id)

    async def resume(self, name: str) -> None:
        async with self._commanding:
            if (seen := await self._ours(name)) is None or not _paused(seen):
                return
            await self._ordered("gcode:resume")
            if not await self._until(lambda seen: not _paused(seen), STAND_SECONDS):
                raise Refused("machine.not_taken", self._facts.id)

    async def stop(self, name: str) -> None:
        """CNCjs's own stop resets Grbl only if it sees it held half a second later, and not at all in a dwell; so what it leaves is held
        and reset, and it is read back that it stands."""
        async with self._commanding:
            if await self._ours(name) is None:
                return
            await self._ordered("gcode:stop", {"force": True})
            await self._clock.sleep(OLD_SECONDS)
            if not await self._until(lambda seen: seen.status.state == "Alarm", 0.0):
                await self._ordered("feedhold")
                await self._clock.sleep(OLD_SECONDS)
                await self._until(lambda seen: seen.status.held or seen.status.state not in {*MOVING, "Hold"}, STAND_SECONDS)
                await self._ordered("reset")
                await self._clock.sleep(OLD_SECONDS)
                if not await self._until(lambda seen: seen.idle, STAND_SECONDS):
                    raise Refused("machine.not_stopped", self._facts.id)
            self._memory.end(name, Standing.FAILED, 0.0, "stopped")

    async def forget(self, name: str) -> None:
        await asyncio.to_thread(self._memory.forget, name)

    async def close(self) -> None:
        await self._http.aclose()

    @property
    def _memory(self) -> Memory:
        """Errors: `Refused` (`machine.not_taken`) where the state file cannot be read: then nobody may say that nothing was begun."""
        if self._kept is None:
            try:
                self._kept = Memory(self._folder, f"cncjs-{self._facts.id}")
            except (OSError, ValueError) as error:
                raise Refused("machine.not_taken", self._facts.id) from error
        return self._kept

    def _begin(self, name: str) -> None:
        try:
            self._memory.begin(name)
        except OSError as error:
            log.error("%s: %s", self._facts.id, error)
            raise Refused("machine.not_taken", self._facts.id) from error

    async def _load(self, name: str) -> None:
        """Load the lines that were checked, without comments, where CNCjs would look for commands of its own; and read them back."""
        try:
            content = await asyncio.to_thread(lambda: self._memory.content_file(name).read_bytes())
        except OSError as error:
            raise Refused("machine.not_taken", self._facts.id) from error
        lines = "\n".join(line.decode("ascii") for _, line in bare_lines(content.splitlines()))
        what = {"port": self._facts.port, "name": name, "gcode": lines}
        answer = await self._send("POST", "/api/gcode", json=what, timeout=UPLOAD_SECONDS)
        loaded = await self._send("GET", "/api/gcode", params={"port": self._facts.port}, timeout=UPLOAD_SECONDS)
        if not answer.is_success or not loaded.is_success or not str(loaded.json().get("data", "")).startswith(lines + "\n"):
            raise Refused("machine.not_taken", self._facts.id)
        if not await self._until(lambda seen: seen.name == name and not seen.begun and seen.idle, 0.0):
            raise Refused("machine.busy", self._facts.id)

    async def _ours(self, name: str) -> _Seen | None:
        """What the server says, if the toolpath is the one that was begun. Errors: `Refused`."""
        if not name or self._memory.feeding != name:
            return None
        seen = await self._seen()
        await self._settle(seen)
        return seen if self._memory.feeding == name else None

    async def _settle(self, seen: _Seen) -> None:
        """Write down how what was begun has ended, once it has. Nothing is told to the machine, but to an alarmed one: no further line."""
        name = self._memory.feeding
        if not name:
            return
        if seen.name == name and seen.status.state == "Alarm" and not seen.finished:
            if seen.workflow != "idle":
                await self._ordered("gcode:stop")  # or it would go on sending as soon as a person has unlocked it
            self._memory.end(name, Standing.FAILED, seen.seconds, trouble_of(seen.status, ""))
        elif seen.idle and seen.status.state == "Idle":
            self._memory.end(name, *_ending(name, seen))

    def _look(self, name: str, seen: _Seen) -> Look:
        memory, status = self._memory, seen.status
        fault = trouble_of(status, "") or seen.error
        foreign = seen.name or SOMETHING if seen.workflow != "idle" else SOMETHING
        busy_with = memory.feeding or ("" if seen.idle else foreign)
        paused = _paused(seen)
        if not name or name != memory.feeding:
            ended = memory.ended(name)
            done = ended is not None and memory.standing(name) is Standing.DONE
            seconds, why = (ended.seconds, ended.why) if ended else (0.0, "")
            return Look(memory.standing(name), True, busy_with, float(done), 0.0, seconds, why, paused, fault, status.reads)
        if seen.name != name:
            return Look(
                Standing.RUNNING, busy_with=name, paused=paused, fault=fault or "CNCjs has lost it and it moves", reads=status.reads
            )
        progress = min(seen.received / seen.total, 0.99) if seen.total else 0.0
        return Look(Standing.RUNNING, True, name, progress, seen.remaining, seen.seconds, "", paused, fault, status.reads)

    async def _until(self, wanted: Callable[[_Seen], bool], seconds: float) -> bool:
        """Whether the server comes to say what is wanted; it is asked at least once."""
        until = self._clock.monotonic() + seconds
        while True:
            try:
                if wanted(await self._seen()):
                    return True
            except Refused as refused:
                log.debug("%s: %s", self._facts.id, refused)
            if self._clock.monotonic() >= until:
                return False
            await self._clock.sleep(LOOK_AGAIN_SECONDS)

    async def _seen(self) -> _Seen:
        """What the server says of our port, which it is asked to open if it has not. Errors: `Refused` (`machine.away`, `machine.key`)."""
        seen = await self._on_port()
        if seen is None:
            try:
                answer = await told(self._facts.url, await self._pass(), [self._opening()], ANSWER_SECONDS)
            except NotTaken as error:
                raise self._away(f"CNCjs: {error}") from error
            if answer and answer[0] is not None:
                raise self._away(f"CNCjs cannot open {self._facts.port}")
            until = self._clock.monotonic() + READY_WITHIN_SECONDS
            while ((seen := await self._on_port()) is None or not seen.ready) and self._clock.monotonic() < until:
                await self._clock.sleep(LOOK_AGAIN_SECONDS)
        if seen is None or not seen.ready:
            raise self._away(f"nothing answers CNCjs at {self._facts.port} yet")
        return seen

    async def _on_port(self) -> _Seen | None:
        answer = await self._send("GET", "/api/controllers")
        try:
            entries = answer.json()
            return next((_read(entry) for entry in entries if entry.get("port") == self._facts.port), None)
        except (ValueError, TypeError, AttributeError, KeyError) as error:  # something else than CNCjs answers at this address
            raise self._away("no CNCjs answers there") from error

    async def _ordered(self, *what: Any) -> None:
        try:
            await self._order(*what)
        except NotTaken as error:
            raise self._away(f"CNCjs: {error}") from error

    async def _order(self, *what: Any) -> None:
        """A command to the port; opening it again, which changes nothing, is answered once the command was carried out."""
        orders = [["command", self._facts.port, *what], self._opening()]
        await told(self._facts.url, await self._pass(), orders, ANSWER_SECONDS)

    def _opening(self) -> list[Any]:
        return ["open", self._facts.port, {"controllerType": "Grbl", "baudrate": self._facts.baud_rate}]

    async def _send(self, method: str, path: str, **what: Any) -> httpx.Response:
        for again in (True, False):
            headers = {"Authorization": f"Bearer {await self._pass()}"}
            try:
                answer = await self._http.request(method, path, headers=headers, **what)
            except httpx.HTTPError as error:
                raise self._away(f"CNCjs: {error or type(error).__name__}") from error
            if answer.status_code not in (401, 403):
                return answer
            if not again or self._facts.api_key:
                break
            self._token = ""  # it ran out
        raise Refused("machine.key", self._facts.id)

    async def _pass(self) -> str:
        """The token: api_key, or what CNCjs gives to anybody where it knows no users. Errors: `Refused`."""
        if not self._token:
            try:
                answer = await self._http.post("/api/signin", json={})
                self._token = str(answer.json().get("token") or "") if answer.is_success else ""
            except httpx.HTTPError as error:
                raise self._away(f"CNCjs: {error or type(error).__name__}") from error
            except (ValueError, AttributeError) as error:
                raise self._away("no CNCjs answers there") from error
            if not self._token:
                raise Refused("machine.key", self._facts.id)
        return self._token

    def _away(self, why: str) -> Refused:
        return Refused("machine.away", f"{self._facts.id} ({why})")


def _paused(seen: _Seen) -> bool:
    return seen.workflow == "paused" or seen.status.paused


def _ending(name: str, seen: _Seen) -> tuple[Standing, float, str]:
    """How what was begun has ended, now that nothing moves and nothing is sent."""
    if seen.name != name:
        return Standing.UNKNOWN, 0.0, f"CNCjs no longer has it loaded{f', but {seen.name}' if seen.name else ''}"
    if seen.finished:
        return Standing.DONE, seen.seconds, ""
    if seen.begun:
        return Standing.FAILED, seen.seconds, "stopped at CNCjs"
    return Standing.UNKNOWN, 0.0, "CNCjs was told to start it and did not"


def _read(entry: dict[str, Any]) -> _Seen:
    """An entry of GET /api/controllers. Errors: `ValueError`, `KeyError`, `TypeError`, `AttributeError`."""
    sender, controller = entry["sender"], entry["controller"]
    status = (controller.get("state") or {}).get("status") or {}
    settings = controller.get("settings") or {}
    place = status.get("mpos") or {}
    begun, finished = float(sender.get("startTime") or 0), float(sender.get("finishTime") or 0)
    reason = sender.get("holdReason") or {}
    return _Seen(
        name=str(sender.get("name") or ""),
        workflow=str(entry["workflow"]["state"]),
        total=int(sender.get("total") or 0),
        received=int(sender.get("received") or 0),
        begun=begun > 0,
        finished=finished > 0,
        seconds=((finished - begun) if finished else float(sender.get("elapsedTime") or 0)) / 1000,
        remaining=max(float(sender.get("remainingTime") or 0), 0.0) / 1000,
        error=str(reason.get("msg") or "an error") if reason.get("err") else "",
        ready=bool(entry.get("ready")) and bool(status.get("activeState")),
        status=Status(
            str(status.get("activeState") or ""),
            int(status["subState"]) if str(status.get("subState") or "").isdecimal() else -1,
            tuple(float(place[axis]) for axis in "xyz" if axis in place),
            float(status.get("feedrate") or 0),
            float(status.get("spindle") or 0),
        ),
        settings={int(key[1:]): float(value) for key, value in (settings.get("settings") or {}).items() if key[1:].isdecimal()},
        version=str(settings.get("version") or ""),
    )
