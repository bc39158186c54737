# SPDX-License-Identifier: AGPL-3.0-or-later
"""A key of OctoPrint's, as its users expect it: the program asks, and whoever is at OctoPrint presses Allow.

https://docs.octoprint.org/en/master/bundledplugins/appkeys.html: a request that is not asked after within 5 s is taken back.
"""

from __future__ import annotations

import httpx

from commonfab.clock import Clock

APP = "Commonfab"
ASK_EVERY_SECONDS = 1.0
PATIENCE_SECONDS = 120.0
ANSWER_SECONDS = 10.0


async def can_ask(url: str) -> bool:
    """Whether there is an OctoPrint at `url` that can be asked for a key."""
    async with _client(url) as http:
        try:
            return (await http.get("/plugin/appkeys/probe")).status_code == 204
        except httpx.HTTPError:
            return False


async def ask_for_key(url: str, clock: Clock, patience_seconds: float = PATIENCE_SECONDS) -> str:
    """The key, once somebody has pressed Allow; empty where somebody denied it, nobody did anything, or OctoPrint went away."""
    async with _client(url) as http:
        try:
            asked = await http.post("/plugin/appkeys/request", json={"app": APP})
            token = asked.json().get("app_token", "") if asked.status_code == 201 else ""
            until = clock.monotonic() + patience_seconds
            while token and clock.monotonic() < until:
                answer = await http.get(f"/plugin/appkeys/request/{token}")
                if answer.status_code == 200:
                    return str(answer.json().get("api_key", ""))
                if answer.status_code != 202:
                    return ""
                await clock.sleep(ASK_EVERY_SECONDS)
        except (httpx.HTTPError, ValueError):
            pass
        return ""


def _client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url.rstrip("/"), timeout=ANSWER_SECONDS)
