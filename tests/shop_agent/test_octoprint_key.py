# SPDX-License-Identifier: AGPL-3.0-or-later
"""A real OctoPrint is asked for a key, and somebody presses Allow or Deny there."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from peers.octoprint.peer import OctoPrintPeer

from commonfab.clock import SystemClock
from shop_agent.starting.octoprint_key import ask_for_key, can_ask

pytestmark = pytest.mark.slow


async def press(octoprint: OctoPrintPeer, allow: bool) -> None:
    """What a person does in the browser, once the question is there."""
    while not (waiting := (await asyncio.to_thread(octoprint.call, "GET", "/api/plugin/appkeys")).json()["pending"]):
        await asyncio.sleep(0.1)
    token = next(iter(waiting))
    answer = await asyncio.to_thread(lambda: octoprint.call("POST", f"/plugin/appkeys/decision/{token}", json={"decision": allow}))
    answer.raise_for_status()


async def test_who_presses_allow_gives_a_key_that_works_and_who_denies_gives_none(octoprint: OctoPrintPeer) -> None:
    assert await can_ask(octoprint.url)
    key, _ = await asyncio.gather(ask_for_key(octoprint.url, SystemClock(), 30), press(octoprint, allow=True))
    answer = await asyncio.to_thread(lambda: httpx.get(f"{octoprint.url}/api/connection", headers={"X-Api-Key": key}, timeout=10))
    assert key and answer.status_code == 200
    key, _ = await asyncio.gather(ask_for_key(octoprint.url, SystemClock(), 30), press(octoprint, allow=False))
    assert key == ""


async def test_where_there_is_no_octoprint_nobody_waits() -> None:
    assert not await can_ask("http://127.0.0.1:9")
    assert await ask_for_key("http://127.0.0.1:9", SystemClock()) == ""
