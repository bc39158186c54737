# SPDX-License-Identifier: AGPL-3.0-or-later
"""At the address of a machine something else answers, as after a router gave its address away: no driver takes that for its machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from commonfab.clock import SystemClock
from commonfab.errors import Refused
from shop_agent.machines import Care, Machine, Standing, StartUncertain
from shop_agent.machines.cncjs import Cncjs
from shop_agent.machines.moonraker import Moonraker
from shop_agent.machines.octoprint import OctoPrint
from shop_agent.machines.prusalink import PrusaLink
from shop_agent.shop_toml.machine_section import MachineSection

OURS = "cf-wo-1-a1-e7-p1.gcode"
CONTROLS = ("octoprint", "moonraker", "prusalink", "cncjs")
STRANGERS = {
    "a page": (200, "<html>router</html>"),
    "an empty object": (200, "{}"),
    "a list": (200, "[1, 2]"),
    "numbers where objects belong": (200, '{"result": 3, "printer": 3, "state": 3, "job": 3, "profiles": 3, "token": 3, "status": 3}'),
    "nothing there": (404, "not found"),
    "nobody behind the proxy": (503, "unavailable"),
    "no content": (204, ""),
    "a refusal": (400, "bad request"),
}


@asynccontextmanager
async def stranger(status: int, body: str) -> AsyncIterator[str]:
    """Answers every request so."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (line := await reader.readline()) and line.strip():
            pass
        length = "" if status == 204 else f"Content-Length: {len(body)}\r\n"
        writer.write(f"HTTP/1.1 {status} X\r\n{length}Connection: close\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def driver(control: str, url: str, folder: Path) -> Machine:
    facts = {"id": "m", "envelope_mm": (9, 9, 9), "materials": ("pla",), "control": control, "url": url, "api_key": "k", "port": "/dev/x"}
    section, clock = MachineSection.model_validate(facts), SystemClock()
    makes: dict[str, Callable[[], Machine]] = {
        "octoprint": lambda: OctoPrint(section, clock),
        "moonraker": lambda: Moonraker(section, clock),
        "prusalink": lambda: PrusaLink(section, clock),
        "cncjs": lambda: Cncjs(section, folder, clock),
    }
    return makes[control]()


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("answers", STRANGERS.values(), ids=STRANGERS.keys())
async def test_a_stranger_at_its_address_is_no_machine(tmp_path: Path, control: str, answers: tuple[int, str]) -> None:
    async with stranger(*answers) as url:
        machine = driver(control, url, tmp_path)
        look = await machine.state(OURS)
        assert not look.reachable and look.note and look.standing in (Standing.UNKNOWN, Standing.NOT_HERE)
        assert not (await machine.reconcile("")).free
        calls: tuple[Callable[[], Awaitable[object]], ...] = (
            machine.describe,
            lambda: machine.start(OURS),
            lambda: machine.see_to(Care.HOME),
            lambda: machine.see_to(Care.UNLOCK),
        )
        for call in calls:
            with pytest.raises(Refused):
                await call()
        for order in (machine.pause, machine.resume, machine.stop):
            try:
                await order(OURS)
            except Refused:
                pass
            except StartUncertain:
                pytest.fail("only a start can be uncertain")
        await machine.close()
