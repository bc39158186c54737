# SPDX-License-Identifier: AGPL-3.0-or-later
"""A real PrusaLink: what only it does. What every driver must do is in machines/test_conformance_prusalink.py."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from peers.prusalink.peer import PrusaLinkPeer
from small_shop import shop

from commonfab.clock import SystemClock
from commonfab.errors import Refused
from shop_agent.journal.records import Toolpath
from shop_agent.machines import Care, Look, Standing, StartUncertain
from shop_agent.machines.prusalink import PrusaLink
from shop_agent.shop_toml.machine_section import MachineSection

pytestmark = pytest.mark.slow
OURS = "cf-wo-1-a1-e7-p1.gcode"
LONG = "cf-0123456789abcdef0123456789abcdef-a12-e1234567-p120.gcode"


def facts(folder: Path, peer: PrusaLinkPeer, **what: object) -> MachineSection:
    keys = {"control": "prusalink", "url": peer.url, "api_key": peer.api_key} | what
    return shop(folder, **keys).machine[0]


@pytest.fixture
async def printer(tmp_path: Path, prusalink: PrusaLinkPeer) -> AsyncIterator[PrusaLink]:
    machine = PrusaLink(facts(tmp_path, prusalink), SystemClock())
    yield machine
    await machine.close()


def toolpath(folder: Path, moves: int) -> Toolpath:
    """A toolpath without heating; seventy moves take about a second."""
    file = folder / f"t{moves}.gcode"
    file.write_text("G28\nG90\nM82\n" + "".join(f"G1 X{i % 50} Y10 F3000\n" for i in range(moves)), encoding="utf-8")
    return Toolpath(str(file), hashlib.sha256(file.read_bytes()).hexdigest(), 60, 1)


async def look_until(printer: PrusaLink, name: str, wanted: Callable[[Look], bool], limit_seconds: float = 40) -> Look:
    async with asyncio.timeout(limit_seconds):
        while not wanted(look := await printer.state(name)):
            await asyncio.sleep(0.1)
    return look


async def run(printer: PrusaLink, path: Toolpath, name: str = OURS) -> None:
    """Until it runs."""
    await printer.prepare(path, name)
    await printer.start(name)
    await look_until(printer, name, lambda look: look.standing is Standing.RUNNING)


async def test_how_a_print_ended_is_told_while_prusalink_shows_it_and_is_not_guessed_later(
    tmp_path: Path, printer: PrusaLink, prusalink: PrusaLinkPeer
) -> None:
    await run(printer, toolpath(tmp_path, 200), LONG)  # 59 letters: it is kept whole
    await look_until(printer, LONG, lambda look: look.standing is Standing.DONE)
    next_piece = await printer.state(OURS)
    assert next_piece.busy_with == LONG and not next_piece.free  # for eleven seconds a start would be refused
    await asyncio.to_thread(prusalink.until, "IDLE")
    look = await printer.state(LONG)
    assert look.standing is Standing.DONE and look.free  # this driver saw it end
    newcomer = PrusaLink(facts(tmp_path, prusalink), SystemClock())
    assert (await newcomer.reconcile(LONG)).standing is Standing.UNKNOWN  # it did not
    with pytest.raises(Refused) as refused:
        await newcomer.start(LONG)
    assert refused.value.code == "machine.not_taken"
    await newcomer.close()


async def test_a_new_print_is_not_said_to_be_as_far_as_the_one_before(tmp_path: Path, printer: PrusaLink, prusalink: PrusaLinkPeer) -> None:
    """PrusaLink itself says so for the first hundred lines."""
    await run(printer, toolpath(tmp_path, 120))
    await look_until(printer, OURS, lambda look: look.standing is Standing.DONE)
    await asyncio.to_thread(prusalink.until, "IDLE")
    await run(printer, toolpath(tmp_path, 1000), LONG)
    assert prusalink.call("GET", "/api/v1/job").json()["progress"] > 50
    assert (await printer.state(LONG)).progress == 0.0
    assert 0.0 < (await look_until(printer, LONG, lambda look: look.progress > 0)).progress < 0.5


async def test_a_printer_that_wants_a_person_says_so_and_goes_on_when_one_came(
    tmp_path: Path, printer: PrusaLink, prusalink: PrusaLinkPeer
) -> None:
    """As for filament that ran out. PrusaLink then neither holds nor stops: only the printer's own panel does."""
    await run(printer, toolpath(tmp_path, 300))
    prusalink.printer.wants_a_person = True
    look = await look_until(printer, OURS, lambda look: bool(look.fault))
    assert look.standing is Standing.RUNNING and "person" in look.fault and not look.free
    with pytest.raises(Refused) as refused:
        await printer.stop(OURS)
    assert refused.value.code == "machine.not_stopped"
    prusalink.printer.wants_a_person = False
    assert (await look_until(printer, OURS, lambda look: look.standing is not Standing.RUNNING)).standing is Standing.DONE


async def test_a_printer_that_switched_itself_off_has_a_fault_and_takes_nothing(
    tmp_path: Path, printer: PrusaLink, prusalink: PrusaLinkPeer
) -> None:
    await run(printer, toolpath(tmp_path, 1000))
    prusalink.printer.says("Error:Heaters switched off. MINTEMP triggered!")
    look = await look_until(printer, OURS, lambda look: bool(look.fault))
    assert look.fault == "Firmware detected a hardware issue" and look.standing is not Standing.DONE
    with pytest.raises(Refused):
        await printer.start(OURS)
    prusalink.printer.says("start")  # somebody pressed its reset button
    look = await look_until(printer, OURS, lambda look: not look.fault)
    assert look.standing in (Standing.FAILED, Standing.UNKNOWN)


async def test_what_is_being_printed_is_not_replaced_by_another_upload(
    tmp_path: Path, printer: PrusaLink, prusalink: PrusaLinkPeer
) -> None:
    """PrusaLink itself would take it."""
    await run(printer, toolpath(tmp_path, 1000))
    before = (prusalink.uploads / OURS).read_bytes()
    with pytest.raises(Refused) as refused:
        await printer.prepare(toolpath(tmp_path, 10), OURS)
    assert refused.value.code == "machine.busy" and (prusalink.uploads / OURS).read_bytes() == before


async def test_an_upload_that_broke_off_leaves_nothing_there_and_the_next_one_comes_through(
    tmp_path: Path, printer: PrusaLink, prusalink: PrusaLinkPeer
) -> None:
    with socket.create_connection(("127.0.0.1", prusalink.port)) as line:
        head = f"PUT /api/v1/files/local/{OURS} HTTP/1.1\r\nHost: mk3\r\nX-Api-Key: {prusalink.api_key}\r\n"
        line.sendall(f"{head}Content-Type: text/x.gcode\r\nContent-Length: 100000\r\n\r\nG1 X1\n".encode())
        await asyncio.sleep(0.5)
        with pytest.raises(Refused) as refused:  # it takes one upload at a time
            await printer.prepare(toolpath(tmp_path, 10), OURS)
        assert refused.value.code == "machine.away"
    await asyncio.sleep(0.5)
    assert (await printer.state(OURS)).standing is Standing.NOT_HERE
    path = toolpath(tmp_path, 10)
    await printer.prepare(path, OURS)
    assert hashlib.sha256((prusalink.uploads / OURS).read_bytes()).hexdigest() == path.sha256


async def test_a_start_whose_answer_is_lost_is_doubtful_and_not_refused(
    tmp_path: Path, printer: PrusaLink, prusalink: PrusaLinkPeer
) -> None:
    await printer.prepare(toolpath(tmp_path, 100), OURS)

    class LosesAnswers(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await super().handle_async_request(request)
            if request.method == "POST" and request.url.path.endswith(OURS):
                await answer.aread()
                raise httpx.ReadTimeout("the answer was lost", request=request)
            return answer

    headers = {"X-Api-Key": prusalink.api_key}
    printer._door.http = httpx.AsyncClient(base_url=prusalink.url, headers=headers, transport=LosesAnswers())
    with pytest.raises(StartUncertain):
        await printer.start(OURS)
    assert await look_until(printer, OURS, lambda look: look.standing in (Standing.RUNNING, Standing.DONE))  # it did start


class FastClock(SystemClock):
    """Twenty seconds of it are one."""

    def monotonic(self) -> float:
        return super().monotonic() * 20

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 20)


async def test_a_prusalink_that_does_nothing_that_it_is_told_is_not_told_to_start(tmp_path: Path, prusalink: PrusaLinkPeer) -> None:
    """After a stop PrusaLink 0.8.1 may wait for ever for a line that it forgot. Here it waits for the printer's word, which comes late."""
    impatient, patient = (PrusaLink(facts(tmp_path, prusalink), clock) for clock in (FastClock(), SystemClock()))
    await impatient.prepare(toolpath(tmp_path, 20), OURS)
    moved = len(prusalink.printer.moves)
    prusalink.printer.silent = True
    with pytest.raises(httpx.ReadTimeout):
        await asyncio.to_thread(prusalink.call, "POST", "/api/printer/ready", timeout=1)
    with pytest.raises(Refused) as refused:
        await impatient.start(OURS)
    assert refused.value.code == "machine.busy"  # it may be at something
    assert not (await impatient.state(OURS)).free
    look = await look_until(impatient, OURS, lambda look: bool(look.fault))
    assert "start PrusaLink anew" in look.fault and look.standing is Standing.HERE and not look.free
    with pytest.raises(Refused) as refused:
        await impatient.start(OURS)
    assert refused.value.code == "machine.not_taken"
    prusalink.printer.silent = False
    await look_until(impatient, OURS, lambda look: look.free, 60)  # PrusaLink says the line again after 25 s, and goes on
    assert len(prusalink.printer.moves) == moved, "what was not started does not begin later"
    await patient.start(OURS)
    await look_until(patient, OURS, lambda look: look.standing is Standing.DONE)
    assert len(prusalink.printer.moves) == moved + 20
    await impatient.close()
    await patient.close()


async def test_a_person_homes_it(printer: PrusaLink, prusalink: PrusaLinkPeer) -> None:
    prusalink.printer.heard.clear()
    await printer.see_to(Care.HOME)
    async with asyncio.timeout(10):
        while not any(line.startswith("G28") for line in prusalink.printer.heard):
            await asyncio.sleep(0.1)
    with pytest.raises(Refused) as refused:
        await printer.see_to(Care.UNLOCK)
    assert refused.value.code == "machine.no_such_care"


async def test_it_says_what_printer_it_drives(printer: PrusaLink) -> None:
    described = await printer.describe()
    assert (described.program, described.nozzle_mm) == ("PrusaLink 0.8.1", 0.4)
    assert "I3MK3S" in described.note and "3.14.1-8237" in described.note


async def test_a_wrong_key_is_said_to_be_one(tmp_path: Path, prusalink: PrusaLinkPeer) -> None:
    stranger = PrusaLink(facts(tmp_path, prusalink, api_key="0" * 20), SystemClock())
    look = await stranger.state(OURS)
    assert not look.reachable and "does not accept the key" in look.note
    with pytest.raises(Refused) as refused:
        await stranger.prepare(toolpath(tmp_path, 10), OURS)
    assert refused.value.code == "machine.key"
    await stranger.close()


async def test_nothing_there_at_all_is_away_and_not_an_error(tmp_path: Path) -> None:
    nowhere = shop(tmp_path, control="prusalink", url="http://127.0.0.1:9", api_key="x").machine[0]
    printer = PrusaLink(nowhere, SystemClock())
    look = await printer.state(OURS)
    assert not look.reachable and look.standing is Standing.UNKNOWN
    await printer.close()


async def test_a_file_of_another_length_under_the_name_of_ours_is_not_started(
    tmp_path: Path, printer: PrusaLink, prusalink: PrusaLinkPeer
) -> None:
    await printer.prepare(toolpath(tmp_path, 10), OURS)
    assert (await printer.state(OURS)).standing is Standing.HERE
    (prusalink.folder / "gcodes" / OURS).write_text("G28\nM104 S280\n", encoding="utf-8")
    look = await look_until(printer, OURS, lambda look: look.standing is not Standing.HERE)
    assert look.standing is Standing.UNKNOWN and "another file" in look.note
    with pytest.raises(Refused):
        await printer.start(OURS)
