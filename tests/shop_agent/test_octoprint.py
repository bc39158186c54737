# SPDX-License-Identifier: AGPL-3.0-or-later
"""A real OctoPrint with its virtual printer: what it says, what it does not say, and that nothing is started twice."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from peers.octoprint.peer import OctoPrintPeer
from small_shop import shop

from commonfab.clock import SystemClock
from commonfab.errors import Refused
from shop_agent.journal.records import Toolpath
from shop_agent.machines import Care, Standing, StartUncertain
from shop_agent.machines.octoprint import OctoPrint
from shop_agent.shop_toml.machine_section import MachineSection

pytestmark = pytest.mark.slow
OURS = "cf-wo-1-a1-e7-p1.gcode"


def facts(folder: Path, peer: OctoPrintPeer, **what: object) -> MachineSection:
    keys = {"control": "octoprint", "url": peer.url, "api_key": peer.api_key} | what
    return shop(folder, **keys).machine[0]


@pytest.fixture
async def printer(tmp_path: Path, octoprint: OctoPrintPeer) -> AsyncIterator[OctoPrint]:
    machine = OctoPrint(facts(tmp_path, octoprint), SystemClock())
    yield machine
    await machine.close()


def toolpath(folder: Path, lines: int = 100, mark: str = "") -> Toolpath:
    """A toolpath without heating; a hundred lines take about half a second."""
    file = folder / f"t{lines}{mark}.gcode"
    moves = "".join(f"G1 X{i % 50} Y10 E{i / 10} F3000\n" for i in range(lines))
    file.write_text(f"; {mark}\nG28\nG90\nM82\n{moves}", encoding="utf-8")
    return Toolpath(str(file), hashlib.sha256(file.read_bytes()).hexdigest(), 60, 1)


async def until_standing(printer: OctoPrint, name: str, *wanted: Standing, limit_seconds: float = 40) -> Standing:
    async with asyncio.timeout(limit_seconds):
        while (look := await printer.state(name)).standing not in wanted or (look.standing is not Standing.RUNNING and look.busy_with):
            await asyncio.sleep(0.1)
    return look.standing


async def test_a_piece_goes_through_its_whole_life(tmp_path: Path, printer: OctoPrint, octoprint: OctoPrintPeer) -> None:
    path = toolpath(tmp_path)
    assert (await printer.state(OURS)).standing is Standing.NOT_HERE
    await printer.prepare(path, OURS)
    look = await printer.state(OURS)
    assert look.standing is Standing.HERE and look.free  # brought there, and nothing moves
    assert hashlib.sha256((octoprint.uploads / OURS).read_bytes()).hexdigest() == path.sha256
    await printer.start(OURS)
    assert await until_standing(printer, OURS, Standing.DONE) is Standing.DONE
    assert (await printer.state(OURS)).seconds > 0
    await printer.forget(OURS)
    assert (await printer.state(OURS)).standing in (Standing.NOT_HERE, Standing.DONE)


async def test_a_piece_that_is_done_cannot_be_started_again(tmp_path: Path, printer: OctoPrint) -> None:
    await printer.prepare(toolpath(tmp_path, 20), OURS)
    await printer.start(OURS)
    await until_standing(printer, OURS, Standing.DONE)
    with pytest.raises(Refused) as refused:
        await printer.start(OURS)
    assert refused.value.code == "machine.not_taken"


async def test_nothing_is_started_while_its_owner_prints_something_else(
    tmp_path: Path, printer: OctoPrint, octoprint: OctoPrintPeer
) -> None:
    """OctoPrint answers 201 to an upload with print=true even then; only looking first tells."""
    await printer.prepare(toolpath(tmp_path, 3000, "vase"), "vase.gcode")
    await printer.prepare(toolpath(tmp_path, 20), OURS)
    octoprint.call("POST", "/api/files/local/vase.gcode", json={"command": "select", "print": True})
    await until_standing(printer, "vase.gcode", Standing.RUNNING)
    look = await printer.state(OURS)
    assert look.standing is Standing.HERE and look.busy_with == "vase.gcode" and not look.free
    with pytest.raises(Refused) as refused:
        await printer.start(OURS)
    assert refused.value.code == "machine.busy"
    await printer.stop(OURS)  # ours does not run, so nothing is stopped
    assert (await printer.state("vase.gcode")).standing is Standing.RUNNING


async def test_a_stopped_piece_has_failed_and_stays_so(tmp_path: Path, printer: OctoPrint) -> None:
    await printer.prepare(toolpath(tmp_path, 3000), OURS)
    await printer.start(OURS)
    await until_standing(printer, OURS, Standing.RUNNING)
    await printer.stop(OURS)
    assert await until_standing(printer, OURS, Standing.FAILED) is Standing.FAILED


async def test_a_line_that_drops_leaves_a_question_until_the_printer_is_back(
    tmp_path: Path, printer: OctoPrint, octoprint: OctoPrintPeer
) -> None:
    await printer.prepare(toolpath(tmp_path, 3000), OURS)
    await printer.start(OURS)
    octoprint.printer_says("!!DEBUG:drop_connection")
    async with asyncio.timeout(20):
        while (look := await printer.state(OURS)).reachable:
            await asyncio.sleep(0.1)
    assert look.standing in (Standing.UNKNOWN, Standing.FAILED) and "Offline" in look.note
    octoprint.connect()
    assert await until_standing(printer, OURS, Standing.FAILED) is Standing.FAILED


async def test_octoprint_killed_in_the_middle_forgets_the_print_so_its_word_alone_starts_nothing(
    tmp_path: Path, printer: OctoPrint, octoprint: OctoPrintPeer
) -> None:
    """After the power cut the file lies there as if it had never run, with half a piece on the bed."""
    await printer.prepare(toolpath(tmp_path, 3000), OURS)
    await printer.start(OURS)
    octoprint.kill()
    look = await printer.state(OURS)
    assert (look.standing, look.reachable) == (Standing.UNKNOWN, False)
    octoprint.start()
    assert (await printer.state(OURS)).standing in (Standing.HERE, Standing.FAILED)
    assert printer.start_is_certain is False


async def test_a_wrong_key_is_said_to_be_one(tmp_path: Path, octoprint: OctoPrintPeer) -> None:
    stranger = OctoPrint(facts(tmp_path, octoprint, api_key="0" * 32), SystemClock())
    look = await stranger.state("")
    assert not look.reachable and "does not accept the key" in look.note
    with pytest.raises(Refused) as refused:
        await stranger.prepare(toolpath(tmp_path), OURS)
    assert refused.value.code in ("machine.key", "machine.not_taken")  # OctoPrint answers a stranger's upload with 400 or 403
    await stranger.close()


async def test_a_toolpath_that_was_changed_after_the_check_is_not_sent(tmp_path: Path, printer: OctoPrint) -> None:
    path = toolpath(tmp_path)
    Path(path.file).write_text("M997\n", encoding="utf-8")
    with pytest.raises(Refused) as refused:
        await printer.prepare(path, OURS)
    assert refused.value.code == "toolpath.changed"
    assert (await printer.state(OURS)).standing is Standing.NOT_HERE


async def test_a_start_whose_answer_is_lost_is_doubtful_and_not_refused(
    tmp_path: Path, printer: OctoPrint, octoprint: OctoPrintPeer
) -> None:
    """Between us and OctoPrint a line that lets every request through and loses the answer to the start."""
    await printer.prepare(toolpath(tmp_path), OURS)

    class LosesAnswers(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await super().handle_async_request(request)
            if request.method == "POST":
                await answer.aread()
                raise httpx.ReadTimeout("the answer was lost", request=request)
            return answer

    headers = {"X-Api-Key": octoprint.api_key}
    printer._door.http = httpx.AsyncClient(base_url=octoprint.url, headers=headers, transport=LosesAnswers())
    with pytest.raises(StartUncertain):
        await printer.start(OURS)
    assert await until_standing(printer, OURS, Standing.RUNNING, Standing.DONE)  # it did start


async def test_nothing_there_at_all_is_away_and_not_an_error(tmp_path: Path) -> None:
    nowhere = shop(tmp_path, control="octoprint", url="http://127.0.0.1:9", api_key="x").machine[0]
    printer = OctoPrint(nowhere, SystemClock())
    look = await printer.state(OURS)
    assert not look.reachable and look.standing is Standing.UNKNOWN
    await printer.close()


async def test_a_person_homes_it_and_there_is_nothing_to_unlock(printer: OctoPrint, octoprint: OctoPrintPeer) -> None:
    before = octoprint.serial_log.count("G28")
    await printer.see_to(Care.HOME)
    async with asyncio.timeout(10):
        while octoprint.serial_log.count("G28") == before:
            await asyncio.sleep(0.1)
    with pytest.raises(Refused) as refused:
        await printer.see_to(Care.UNLOCK)
    assert refused.value.code == "machine.no_such_care"


async def test_a_file_that_was_uploaded_anew_at_the_server_is_not_started(
    tmp_path: Path, printer: OctoPrint, octoprint: OctoPrintPeer
) -> None:
    """Under the name of ours; until it is deleted there, and what was checked is brought again."""
    path = toolpath(tmp_path, 20)
    await printer.prepare(path, OURS)
    assert (await printer.state(OURS)).standing is Standing.HERE
    octoprint.call("POST", "/api/files/local", files={"file": (OURS, b"G28\nM104 S280\n", "text/x.gcode")}).raise_for_status()
    look = await printer.state(OURS)
    assert look.standing is Standing.UNKNOWN and "another file" in look.note
    with pytest.raises(Refused):
        await printer.start(OURS)
    octoprint.call("DELETE", f"/api/files/local/{OURS}").raise_for_status()
    await printer.prepare(path, OURS)
    await printer.start(OURS)
    assert await until_standing(printer, OURS, Standing.DONE) is Standing.DONE


async def test_what_an_earlier_attempt_left_selected_and_complete_is_not_ours(
    tmp_path: Path, printer: OctoPrint, octoprint: OctoPrintPeer
) -> None:
    await printer.prepare(toolpath(tmp_path, 20), OURS)
    await printer.start(OURS)
    await until_standing(printer, OURS, Standing.DONE)
    new, again = OctoPrint(facts(tmp_path, octoprint), SystemClock()), "cf-wo-1-a2-e8-p1.gcode"
    assert octoprint.call("GET", "/api/job").json()["progress"]["completion"] == 100
    assert (await new.state(again)).standing is Standing.NOT_HERE
    await new.prepare(toolpath(tmp_path, 20), again)
    assert (await new.state(again)).standing is Standing.HERE
    await new.close()


async def test_how_warm_the_nozzle_is_that_a_pause_left_alone(tmp_path: Path, printer: OctoPrint, octoprint: OctoPrintPeer) -> None:
    """OctoPrint resumes with a cold one and heats nothing, so the agent looks."""
    file = tmp_path / "hot.gcode"
    file.write_text("M104 S200\n" + Path(toolpath(tmp_path, 3000).file).read_text(encoding="utf-8"), encoding="utf-8")
    await printer.prepare(Toolpath(str(file), hashlib.sha256(file.read_bytes()).hexdigest(), 60, 1), OURS)
    await printer.start(OURS)
    await printer.pause(OURS)
    async with asyncio.timeout(40):
        while (look := await printer.state(OURS)).nozzle is None or look.nozzle[1] != 200 or not look.paused:
            await asyncio.sleep(0.2)
        octoprint.printer_says("M104 S0")
        while (look := await printer.state(OURS)).nozzle is None or look.nozzle[1] != 0:
            await asyncio.sleep(0.2)
    assert look.nozzle[0] < 200
    await printer.stop(OURS)
