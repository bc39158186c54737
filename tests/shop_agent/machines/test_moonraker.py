# SPDX-License-Identifier: AGPL-3.0-or-later
"""A real Klipper with a real Moonraker: what only they do. What every machine does is in test_conformance_moonraker.py."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from peers.klipper.peer import KlipperPeer

from commonfab.clock import SystemClock
from commonfab.errors import Refused
from shop_agent.journal.records import Toolpath
from shop_agent.machines import Care, Look, Standing, StartUncertain
from shop_agent.machines.moonraker import Moonraker
from shop_agent.shop_toml.machine_section import MachineSection

pytestmark = pytest.mark.slow
OURS = "cf-wo-1-a1-e7-p1.gcode"


def machine(url: str, key: str) -> Moonraker:
    facts = MachineSection(id="voron", envelope_mm=(220, 220, 250), materials=("pla",), control="moonraker", url=url, api_key=key)
    return Moonraker(facts, SystemClock())


@pytest.fixture
async def printer(klipper: KlipperPeer) -> AsyncIterator[Moonraker]:
    printer = machine(klipper.url, klipper.api_key)
    yield printer
    await printer.close()


def moves(seconds: float) -> str:
    return "G28\nG90\n" + "".join(f"G1 X{4 if number % 2 == 0 else 0} F1200\n" for number in range(round(seconds * 5)))


def toolpath(folder: Path, seconds: float = 2) -> Toolpath:
    file = folder / f"t{seconds:g}.gcode"
    file.write_text(moves(seconds), encoding="utf-8")
    return Toolpath(str(file), hashlib.sha256(file.read_bytes()).hexdigest(), seconds, 1)


async def until(printer: Moonraker, *wanted: Standing, name: str = OURS, limit_seconds: float = 30) -> Look:
    async with asyncio.timeout(limit_seconds):
        while (look := await printer.state(name)).standing not in wanted:
            await asyncio.sleep(0.1)
    return look


async def test_it_tells_its_version_its_axes_and_its_limits(printer: Moonraker) -> None:
    described = await printer.describe()
    assert "Moonraker v0.11.0" in described.program.replace("Moonraker 0", "Moonraker v0") and "Klipper " in described.program
    assert described.travel_mm == (220, 220, 250)
    assert (described.nozzle_mm, described.most_nozzle_c, described.most_bed_c) == (0.4, 285, 110)


async def test_what_klipper_calls_complete_is_still_running_until_its_last_moves_are_made(
    tmp_path: Path, printer: Moonraker, klipper: KlipperPeer
) -> None:
    """Klipper has read the whole file seconds before the head stands still; the bed must not be cleared then."""
    await printer.prepare(toolpath(tmp_path, 4), OURS)
    before = klipper.steps()
    await printer.start(OURS)
    while klipper.print_stats()["state"] != "complete":
        await asyncio.sleep(0.05)
    read, look = klipper.steps(), await printer.state(OURS)
    assert read - before < 20 * 4 * 80  # by the board's own count, moves are still to come
    assert look.standing is Standing.RUNNING and look.busy_with == OURS
    await until(printer, Standing.DONE)
    assert klipper.steps() - before == 20 * 4 * 80


async def test_how_a_piece_ended_is_known_after_its_owner_began_another_print(
    tmp_path: Path, printer: Moonraker, klipper: KlipperPeer
) -> None:
    """Klipper has forgotten it then. Whoever did not watch has Moonraker's history, and where that lacks it does not rule out a start."""
    await printer.prepare(toolpath(tmp_path), OURS)
    await printer.start(OURS)
    await until(printer, Standing.DONE)
    await asyncio.to_thread(klipper.print_foreign, "vase.gcode", moves(20))
    look = await printer.state(OURS)
    assert look.standing is Standing.DONE and look.busy_with == "vase.gcode" and not look.free
    new = machine(klipper.url, klipper.api_key)
    assert (await new.state(OURS)).standing in (Standing.DONE, Standing.UNKNOWN, Standing.HERE) and not new.start_is_certain
    await new.close()


async def test_a_piece_that_klipper_forgot_in_its_restart_is_not_taken_for_one_that_never_ran(
    tmp_path: Path, printer: Moonraker, klipper: KlipperPeer
) -> None:
    await printer.prepare(toolpath(tmp_path, 20), OURS)
    await printer.start(OURS)
    await until(printer, Standing.RUNNING)
    await asyncio.to_thread(klipper.restart, "klippy")
    look = await printer.state(OURS)
    assert look.standing in (Standing.UNKNOWN, Standing.FAILED) and look.free  # Moonraker's history may have seen it end
    with pytest.raises(Refused):
        await printer.start(OURS)


async def test_klipper_gone_is_said_to_be_away_and_never_that_a_piece_is_done(
    tmp_path: Path, printer: Moonraker, klipper: KlipperPeer
) -> None:
    await printer.prepare(toolpath(tmp_path, 20), OURS)
    await printer.start(OURS)
    begun = klipper.begun()
    klipper.kill("klippy")
    async with asyncio.timeout(20):
        while (look := await printer.state(OURS)).reachable:
            await asyncio.sleep(0.1)
    assert look.standing is Standing.UNKNOWN and look.note
    for order in (printer.stop, printer.pause, printer.resume):
        await order(OURS)
    with pytest.raises(Refused):
        await printer.start(OURS)
    await asyncio.to_thread(klipper.start)
    assert klipper.begun() == begun  # nothing starts by itself


async def test_a_board_that_halts_is_a_fault_with_its_own_words(tmp_path: Path, printer: Moonraker, klipper: KlipperPeer) -> None:
    await printer.prepare(toolpath(tmp_path, 20), OURS)
    await printer.start(OURS)
    klipper.break_down()
    look = await until(printer, Standing.FAILED)
    assert "ADC out of range" in look.fault and look.reachable and not look.free
    await asyncio.to_thread(klipper.mend)
    look = await printer.state(OURS)
    assert look.standing is Standing.FAILED and look.free


async def test_its_owners_paused_print_is_not_thrown_away_for_ours(tmp_path: Path, printer: Moonraker, klipper: KlipperPeer) -> None:
    """Klipper itself would take another file then without a word."""
    await printer.prepare(toolpath(tmp_path), OURS)
    await asyncio.to_thread(klipper.print_foreign, "vase.gcode", moves(20))
    await asyncio.to_thread(klipper.call, "POST", "/printer/print/pause")
    look = await printer.state(OURS)
    assert look.busy_with == "vase.gcode" and look.paused and look.standing is Standing.HERE
    with pytest.raises(Refused) as refused:
        await printer.start(OURS)
    assert refused.value.code == "machine.busy"
    await printer.stop(OURS)
    await printer.resume(OURS)
    assert klipper.print_stats()["state"] == "paused"


async def test_while_its_owner_moves_it_by_hand_nothing_is_started(tmp_path: Path, printer: Moonraker, klipper: KlipperPeer) -> None:
    await printer.prepare(toolpath(tmp_path), OURS)
    await asyncio.to_thread(klipper.run_gcode, "G28\n" + "G1 X40 F1500\nG1 X0\n")
    assert (await printer.state(OURS)).busy_with == "moves by hand"
    with pytest.raises(Refused) as refused:
        await printer.start(OURS)
    assert refused.value.code == "machine.busy"


async def test_a_person_homes_it_and_hears_once_it_is_done(printer: Moonraker, klipper: KlipperPeer) -> None:
    await printer.see_to(Care.HOME)
    toolhead = klipper.ask("/printer/objects/query?toolhead=homed_axes")["status"]["toolhead"]
    assert toolhead["homed_axes"] == "xyz"
    with pytest.raises(Refused) as refused:
        await printer.see_to(Care.UNLOCK)
    assert refused.value.code == "machine.no_such_care"


async def test_what_is_halted_is_not_homed_and_klipper_says_why(tmp_path: Path, printer: Moonraker, klipper: KlipperPeer) -> None:
    await printer.prepare(toolpath(tmp_path, 10), OURS)
    await printer.start(OURS)
    klipper.break_down()
    await until(printer, Standing.FAILED)
    with pytest.raises(Refused) as refused:
        await printer.see_to(Care.HOME)
    assert refused.value.code == "machine.care_failed" and "ADC" in str(refused.value)


async def test_what_runs_cannot_be_uploaded_anew(tmp_path: Path, printer: Moonraker) -> None:
    await printer.prepare(toolpath(tmp_path, 10), OURS)
    await printer.start(OURS)
    with pytest.raises(Refused) as refused:
        await printer.prepare(toolpath(tmp_path, 10), OURS)
    assert refused.value.code == "machine.busy"
    await printer.stop(OURS)


class Spoils(httpx.AsyncHTTPTransport):
    """A line that changes a byte of what is sent, or loses the answer."""

    def __init__(self, loses_answers: bool) -> None:
        super().__init__()
        self.loses_answers = loses_answers

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "POST":
            return await super().handle_async_request(request)
        body = await request.aread()
        changed = httpx.Request(request.method, request.url, headers=request.headers, content=body.replace(b"F1200", b"F9200", 1))
        answer = await super().handle_async_request(changed)
        if self.loses_answers:
            await answer.aread()
            raise httpx.ReadTimeout("the answer was lost", request=request)
        return answer


def over(printer: Moonraker, klipper: KlipperPeer, line: Spoils) -> None:
    printer._door.http = httpx.AsyncClient(base_url=klipper.url, headers={"X-Api-Key": klipper.api_key}, transport=line)


async def test_bytes_that_changed_on_the_way_are_not_taken(tmp_path: Path, printer: Moonraker, klipper: KlipperPeer) -> None:
    over(printer, klipper, Spoils(loses_answers=False))
    with pytest.raises(Refused) as refused:
        await printer.prepare(toolpath(tmp_path), OURS)
    assert refused.value.code == "machine.not_taken"
    assert (await printer.state(OURS)).standing is Standing.NOT_HERE


async def test_a_start_whose_answer_was_lost_is_doubtful_and_not_refused(tmp_path: Path, printer: Moonraker, klipper: KlipperPeer) -> None:
    await printer.prepare(toolpath(tmp_path), OURS)
    over(printer, klipper, Spoils(loses_answers=True))
    with pytest.raises(StartUncertain):
        await printer.start(OURS)
    await until(printer, Standing.DONE)  # it did start


async def test_a_stranger_is_told_that_the_key_is_wrong(tmp_path: Path, klipper: KlipperPeer) -> None:
    stranger = machine(klipper.url, "0" * 32)
    look = await stranger.state(OURS)
    assert not look.reachable and "does not accept the key" in look.note
    with pytest.raises(Refused) as refused:
        await stranger.prepare(toolpath(tmp_path), OURS)
    assert refused.value.code == "machine.key"
    await stranger.close()


async def test_nothing_there_at_all_is_away_and_not_an_error() -> None:
    nobody = machine("http://127.0.0.1:9", "")
    look = await nobody.state(OURS)
    assert not look.reachable and look.standing is Standing.UNKNOWN
    await nobody.close()


async def test_a_file_that_was_saved_anew_at_the_server_is_not_started(tmp_path: Path, printer: Moonraker, klipper: KlipperPeer) -> None:
    """In its web page's editor; until it is deleted there, and what was checked is brought again."""
    path = toolpath(tmp_path)
    await printer.prepare(path, OURS)
    assert (await printer.state(OURS)).standing is Standing.HERE
    other = {"file": (OURS, moves(2) + "M104 S280\n", "application/octet-stream")}
    klipper.call("POST", "/server/files/upload", files=other, data={"root": "gcodes"}).raise_for_status()
    look = await printer.state(OURS)
    assert look.standing is Standing.UNKNOWN and "another file" in look.note
    with pytest.raises(Refused):
        await printer.start(OURS)
    klipper.call("DELETE", f"/server/files/gcodes/{OURS}").raise_for_status()
    assert (await printer.state(OURS)).standing is Standing.NOT_HERE
    await printer.prepare(path, OURS)
    await printer.start(OURS)


async def test_what_an_earlier_attempt_left_loaded_and_complete_is_not_ours(
    tmp_path: Path, printer: Moonraker, klipper: KlipperPeer
) -> None:
    await printer.prepare(toolpath(tmp_path), OURS)
    await printer.start(OURS)
    await until(printer, Standing.DONE)
    again, new = "cf-wo-1-a2-e8-p1.gcode", machine(klipper.url, klipper.api_key)
    assert (await new.state(again)).standing is Standing.NOT_HERE and klipper.print_stats()["state"] == "complete"
    await new.prepare(toolpath(tmp_path), again)
    assert (await new.state(again)).standing is Standing.HERE
    await new.close()


async def test_a_printer_that_went_cold_or_lost_its_place_in_a_pause_says_so(
    tmp_path: Path, printer: Moonraker, klipper: KlipperPeer
) -> None:
    """As Klipper's own idle timeout leaves it. Its RESUME is answered with "ok", and the print then ends with an error."""
    file = tmp_path / "hot.gcode"
    file.write_text("M109 S60\n" + moves(30), encoding="utf-8")
    await printer.prepare(Toolpath(str(file), hashlib.sha256(file.read_bytes()).hexdigest(), 30, 1), OURS)
    await printer.start(OURS)
    await look_of(printer, lambda look: look.standing is Standing.RUNNING and look.nozzle is not None and look.nozzle[0] > 55)
    await printer.pause(OURS)
    look = await look_of(printer, lambda look: look.paused)
    assert look.nozzle is not None and look.nozzle[1] == 60 and not look.adrift
    klipper.run_gcode("TURN_OFF_HEATERS")
    klipper.run_gcode("M84")
    look = await printer.state(OURS)
    assert look.paused and look.adrift and look.nozzle is not None and look.nozzle[1] == 0
    await printer.stop(OURS)


async def look_of(printer: Moonraker, wanted: Callable[[Look], bool]) -> Look:
    async with asyncio.timeout(30):
        while not wanted(look := await printer.state(OURS)):
            await asyncio.sleep(0.1)
    return look
