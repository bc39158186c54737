# SPDX-License-Identifier: AGPL-3.0-or-later
"""The way to a machine's server over HTTP: what comes back other than wanted is a `Refused` that says whose fault it is."""

from __future__ import annotations

import ssl
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from commonfab.errors import Refused
from shop_agent.machines import StartUncertain
from shop_agent.shop_toml.machine_section import MachineSection

ANSWER_SECONDS = 10.0
UPLOAD_SECONDS = 300.0  # a large file onto the SD card of a small computer


class HttpDoor:
    """One server. `fine` below: statuses beside 2xx that the caller wants to see for itself."""

    def __init__(self, facts: MachineSection, headers: Mapping[str, str]) -> None:
        self._id = facts.id
        self.http = httpx.AsyncClient(
            base_url=facts.url.rstrip("/"), headers=dict(headers), timeout=ANSWER_SECONDS, verify=trusted_for(facts.url)
        )

    async def ask(self, method: str, path: str, fine: Collection[int] = (), **what: Any) -> httpx.Response:
        """One request. Errors: `Refused` (`machine.away`, `machine.key`, `machine.not_taken`)."""
        try:
            answer = await self.http.request(method, path, **what)
        except httpx.HTTPError as error:
            raise Refused("machine.away", self._id) from error
        return answer if answer.status_code in fine else self.expect(answer)

    async def read(self, path: str) -> dict[str, Any]:
        """What is at `path`. Errors: as `ask`; `machine.away` where something else answers there."""
        return self._told(await self.ask("GET", path))

    async def find(self, path: str, none_is: Collection[int]) -> dict[str, Any] | None:
        """What is at `path`; none where the server answers with one of `none_is`. Errors: as `read`."""
        answer = await self.ask("GET", path, fine=none_is)
        return None if answer.status_code in none_is else self._told(answer)

    async def start(self, path: str, fine: Collection[int] = (), **what: Any) -> httpx.Response:
        """A request that sets a machine in motion.

        Errors: `Refused` (`machine.away`, `machine.key`, `machine.busy`, `machine.not_taken`) where it certainly did not; else
        `StartUncertain`.
        """
        try:
            answer = await self.http.post(path, **what)
        except httpx.ConnectError as error:
            raise Refused("machine.away", self._id) from error
        except httpx.HTTPError as error:
            raise StartUncertain(str(error) or type(error).__name__) from error
        if answer.status_code in fine:
            return answer
        if answer.status_code >= 500:
            raise StartUncertain(f"status {answer.status_code}")
        if answer.status_code == 409:
            raise Refused("machine.busy", self._id)
        return self.expect(answer)

    async def tidy(self, path: str, fine: Collection[int]) -> httpx.Response | None:
        """Delete what is at `path`; none where the server is away, for it is only tidying up. Errors: `Refused` (`machine.key`,
        `machine.not_taken`)."""
        try:
            return await self.ask("DELETE", path, fine)
        except Refused as refused:
            if refused.code != "machine.away":
                raise
            return None

    def expect(self, answer: httpx.Response) -> httpx.Response:
        """The answer, if it is a success. Errors: `Refused` (`machine.away`, `machine.key`, `machine.not_taken`)."""
        if answer.status_code in (401, 403):
            raise Refused("machine.key", self._id)
        if not answer.is_success:
            raise Refused("machine.away" if answer.status_code >= 500 else "machine.not_taken", self._id)
        return answer

    @contextmanager
    def understanding(self) -> Iterator[None]:
        """Inside, an answer in another form than this kind of server gives is one of a stranger. Errors: `Refused` (`machine.away`)."""
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Refused("machine.away", self._id) from error

    async def close(self) -> None:
        """Let go of the connections."""
        await self.http.aclose()

    def _told(self, answer: httpx.Response) -> dict[str, Any]:
        try:
            told = answer.json()
        except ValueError as error:
            raise Refused("machine.away", self._id) from error
        if not isinstance(told, dict):
            raise Refused("machine.away", self._id)
        return told


def trusted_for(url: str) -> ssl.SSLContext | bool:
    """Whose certificates a server at `url` may show: those that the computer trusts, and nobody's where it speaks plain HTTP.

    The list of all who are trusted in the world takes 2.5 MB for each machine, and a printer on the local network seldom has a certificate.
    """
    return True if url.lower().startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
