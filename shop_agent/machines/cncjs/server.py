# SPDX-License-Identifier: AGPL-3.0-or-later
"""The way to a CNCjs server and to the one port of it that is ours: HTTP for looking and loading, Socket.IO for orders."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import httpx

from commonfab.clock import Clock
from commonfab.errors import Refused
from shop_agent.machines.cncjs.said import Said, said_in
from shop_agent.machines.http_door import trusted_for
from shop_agent.machines.socket_io import NotTaken, told
from shop_agent.shop_toml.machine_section import MachineSection

ANSWER_SECONDS = 10.0
UPLOAD_SECONDS = 120.0
LOOK_AGAIN_SECONDS = 0.2
READY_WITHIN_SECONDS = 6.0
"""CNCjs first asks Grbl two seconds after it opened the port."""

log = logging.getLogger("shop_agent.cncjs")


class CncjsServer:
    """The server, and the port that `facts` names."""

    def __init__(self, facts: MachineSection, clock: Clock) -> None:
        self._facts = facts
        self._clock = clock
        self._token = "" if facts.user else facts.api_key
        self._http = httpx.AsyncClient(base_url=facts.url.rstrip("/"), timeout=ANSWER_SECONDS, verify=trusted_for(facts.url))

    async def load(self, name: str, lines: str) -> bool:
        """Load a program and read it back; whether it is there. It throws away what was loaded. Errors: `Refused`."""
        what = {"port": self._facts.port, "name": name, "gcode": lines}
        answer = await self.send("POST", "/api/gcode", json=what, timeout=UPLOAD_SECONDS)
        loaded = await self.send("GET", "/api/gcode", params={"port": self._facts.port}, timeout=UPLOAD_SECONDS)
        return answer.is_success and loaded.is_success and str(loaded.json().get("data", "")).startswith(lines + "\n")

    async def until(self, wanted: Callable[[Said], bool], seconds: float) -> bool:
        """Whether the server comes to say what is wanted; it is asked at least once."""
        until = self._clock.monotonic() + seconds
        while True:
            try:
                if wanted(await self.look()):
                    return True
            except Refused as refused:
                log.debug("%s: %s", self._facts.id, refused)
            if self._clock.monotonic() >= until:
                return False
            await self._clock.sleep(LOOK_AGAIN_SECONDS)

    async def look(self) -> Said:
        """What the server says of our port, which it is asked to open if it has not. Errors: `Refused` (`machine.*`)."""
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

    async def _on_port(self) -> Said | None:
        answer = await self.send("GET", "/api/controllers")
        try:
            entries = answer.json()
            return next((said_in(entry) for entry in entries if entry.get("port") == self._facts.port), None)
        except (ValueError, TypeError, AttributeError, KeyError) as error:  # something else than CNCjs answers at this address
            raise self._away("no CNCjs answers there") from error

    async def tell(self, *what: Any) -> None:
        """`order`, where it does not matter whether it was carried out before the line broke. Errors: `Refused` (`machine.away`)."""
        try:
            await self.order(*what)
        except NotTaken as error:
            raise self._away(f"CNCjs: {error}") from error

    async def order(self, *what: Any) -> None:
        """A command to the port; opening it again, which changes nothing, is answered once the command was carried out.

        Errors: `NotTaken`, and it may have been carried out all the same; `Refused` (`machine.*`), and it was not.
        """
        orders = [["command", self._facts.port, *what], self._opening()]
        await told(self._facts.url, await self._pass(), orders, ANSWER_SECONDS)

    def _opening(self) -> list[Any]:
        return ["open", self._facts.port, {"controllerType": "Grbl", "baudrate": self._facts.baud_rate}]

    async def send(self, method: str, path: str, **what: Any) -> httpx.Response:
        """One request, with a new token where the old one ran out. Errors: `Refused` (`machine.*`)."""
        for again in (True, False):
            headers = {"Authorization": f"Bearer {await self._pass()}"}
            try:
                answer = await self._http.request(method, path, headers=headers, **what)
            except httpx.HTTPError as error:
                raise self._away(f"CNCjs: {error or type(error).__name__}") from error
            if answer.status_code not in (401, 403):
                return answer
            if not again or (self._facts.api_key and not self._facts.user):
                break
            self._token = ""  # it ran out
        raise self._not_let_in()

    async def _pass(self) -> str:
        """The token: api_key, or what CNCjs gives to its user, and to anybody where it knows no users. Errors: `Refused` (`machine.away`,
        `machine.key`, `machine.user`, `machine.user_unknown`)."""
        if not self._token:
            who = {"name": self._facts.user, "password": self._facts.api_key} if self._facts.user else {}
            try:
                answer = await self._http.post("/api/signin", json=who)
                self._token = str(answer.json().get("token") or "") if answer.is_success else ""
            except httpx.HTTPError as error:
                raise self._away(f"CNCjs: {error or type(error).__name__}") from error
            except (ValueError, AttributeError) as error:
                raise self._away("no CNCjs answers there") from error
            if not self._token:
                raise self._not_let_in()
        return self._token

    def _not_let_in(self) -> Refused:
        if self._facts.user:
            return Refused("machine.user_unknown", f"{self._facts.id} ({self._facts.user})")
        return Refused("machine.key" if self._facts.api_key else "machine.user", self._facts.id)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    def _away(self, why: str) -> Refused:
        return Refused("machine.away", f"{self._facts.id} ({why})")
