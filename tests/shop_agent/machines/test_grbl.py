# SPDX-License-Identifier: AGPL-3.0-or-later
"""A bare Grbl board, fed by us: what it is given, and what becomes of a piece when either of us ends in the middle.

The board is a stand-in that enforces Grbl's buffers and logs what it really moved; its log is the proof.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from conformance import look_until
from grbl_toolpaths import board_facts, moves, written
from peers.grbl.peer import GrblBoard

from commonfab.clock import SystemClock
from commonfab.errors import Refused
from shop_agent.journal.records import Toolpath
from shop_agent.machines import Care, Standing
from shop_agent.machines.grbl import Grbl, link, run
from shop_agent.machines.grbl.feeding import bare_lines
from shop_agent.machines.kept import Memory

NAME = "cf-wo-1-a1-e7-p1.gcode"
PACE = 5.0


@pytest.fixture
def board(grbl_board: GrblBoard) -> GrblBoard:
    grbl_board.pace = PACE
    return grbl_board


@pytest.fixture
async def router(tmp_path: Path, board: GrblBoard) -> AsyncIterator[Grbl]:
    machine = driver(tmp_path, board)
    yield machine
    await machine.close()
    assert board.controller.overflows == 0  # whatever the test did


def driver(folder: Path, board: GrblBoard) -> Grbl:
    return Grbl(board_facts(board.port), folder, SystemClock())


async def begun(machine: Grbl, board: GrblBoard, path: Toolpath) -> None:
    """It runs, and has moved."""
    before = board.moved
    await machine.prepare(path, NAME)
    await machine.start(NAME)
    await look_until(machine, NAME, lambda look: board.moved > before or look.standing is not Standing.RUNNING, 5)


async def killed(machine: Grbl) -> None:
    """What a SIGKILL leaves: the port closed, nothing said. (`test_an_agent_that_is_really_killed…` does it with a real process.)"""
    assert machine._run is not None and machine._link is not None
    machine._link.close()
    await machine._run.cut()


async def test_it_gets_every_line_in_order_and_its_buffer_never_overflows(tmp_path: Path, router: Grbl, board: GrblBoard) -> None:
    path = moves(tmp_path, 300, 100, tail="M5\nM30\n")
    await router.prepare(path, NAME)
    await router.start(NAME)
    await look_until(router, NAME, lambda look: look.standing is Standing.DONE, 10)
    lines = [line.decode() for _, line in bare_lines(Path(path.file).read_bytes().splitlines())]
    assert [line for line in board.controller.received if line != "$G"] == lines
    assert board.controller.overflows == 0 and board.moved == 300
    assert board.controller.realtime == []  # the comments of the toolpath are full of ! and ~


async def test_ok_is_not_done_before_the_last_move_was_made(tmp_path: Path, router: Grbl, board: GrblBoard) -> None:
    """All twelve moves fit into its planner: every ok is there within moments, the moves take a second."""
    await begun(router, board, moves(tmp_path, 12, 12 / PACE))
    while (look := await router.state(NAME)).standing is Standing.RUNNING:
        assert look.progress < 1
        await asyncio.sleep(0.02)
    assert look.standing is Standing.DONE and look.seconds > 0.4
    assert board.moved == 12 and board.controller.state == "Idle"


async def test_a_line_that_it_refuses_ends_the_piece_and_the_machine_stands(tmp_path: Path, router: Grbl, board: GrblBoard) -> None:
    path = written(tmp_path, "G21\nG90\nM3 S1000\n" + "G1 X10 F600\nG1 X0\n" * 3 + "G5 X1\n" + "G1 X20\nG1 X0\n" * 30)
    await begun(router, board, path)
    look = await look_until(router, NAME, lambda look: look.standing is not Standing.RUNNING, 10)
    assert look.standing is Standing.FAILED and "error:20" in look.note and "line 10" in look.note
    with board.lock:
        assert board.controller.state == "Idle" and board.controller.spindle == 0
        assert board.controller.realtime == ["!", "reset"]  # stood before it was reset, so its position holds


async def test_an_alarm_ends_the_piece_and_the_agent_neither_resets_nor_unlocks(tmp_path: Path, router: Grbl, board: GrblBoard) -> None:
    await begun(router, board, moves(tmp_path, 100, 5))
    board.alarm(1)
    look = await look_until(router, NAME, lambda look: bool(look.fault), 5)
    look = await look_until(router, NAME, lambda look: look.standing is Standing.FAILED, 5)
    assert "limit switch" in look.fault and look.reachable and not look.free
    await router.stop(NAME)
    assert board.controller.realtime == [] and not {"$X", "$H"} & set(board.controller.received)
    board.person("\x18$X\n")
    look = await look_until(router, NAME, lambda look: look.free, 5)
    assert look.standing is Standing.FAILED


async def test_a_move_out_of_the_travel_is_the_machines_own_alarm(tmp_path: Path, router: Grbl, board: GrblBoard) -> None:
    await begun(router, board, written(tmp_path, "G21\nG90\nG1 X1 F600\nG1 X999\nG1 X2\n"))
    look = await look_until(router, NAME, lambda look: look.standing is Standing.FAILED, 5)
    assert "ALARM:2" in look.note and board.moved <= 1


async def test_a_killed_agent_finds_its_machine_moving_and_calls_the_piece_failed(tmp_path: Path, router: Grbl, board: GrblBoard) -> None:
    await begun(router, board, moves(tmp_path, 100, 32 / PACE))
    await killed(router)
    again = driver(tmp_path, board)
    look = await again.reconcile(NAME)
    assert look.standing is Standing.RUNNING and look.busy_with == NAME and not look.free
    with pytest.raises(Refused):
        await again.start(NAME)
    look = await look_until(again, NAME, lambda look: look.standing is not Standing.RUNNING, 10)
    assert look.standing is Standing.FAILED and "not fed to its end" in look.note and look.free
    still = board.moved
    assert 15 <= still < 100 and board.controller.realtime == [] and board.controller.resets == 1
    with pytest.raises(Refused) as refused:
        await again.start(NAME)
    assert refused.value.code == "machine.not_taken" and board.moved == still
    await again.close()


@pytest.mark.slow
async def test_an_agent_that_is_really_killed_leaves_a_name_behind(tmp_path: Path, board: GrblBoard) -> None:
    """Another process feeds the board and is killed by a signal; the port is free at once, and the name is on the disk."""
    path = moves(tmp_path, 100, 8)
    script = (
        "import asyncio, sys; from pathlib import Path; from commonfab.clock import SystemClock\n"
        "from shop_agent.shop_toml.machine_section import MachineSection; from shop_agent.machines.grbl import Grbl\n"
        "from shop_agent.journal.records import Toolpath\n"
        "async def main():\n"
        "    facts = MachineSection(id='router', process='milling', control='grbl', port=sys.argv[1], materials=('plywood',),"
        " envelope_mm=(300, 200, 80))\n"
        "    machine = Grbl(facts, Path(sys.argv[2]), SystemClock())\n"
        "    await machine.prepare(Toolpath(sys.argv[3], sys.argv[4], 10, 0), sys.argv[5]); await machine.start(sys.argv[5])\n"
        "    print('started', flush=True); await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    arguments = [sys.executable, "-c", script, str(board.port), str(tmp_path), path.file, path.sha256, NAME]
    agent = await asyncio.create_subprocess_exec(*arguments, stdout=subprocess.PIPE)
    assert agent.stdout is not None and await asyncio.wait_for(agent.stdout.readline(), 20) == b"started\n"
    os.kill(agent.pid, signal.SIGKILL)
    await agent.wait()
    machine = driver(tmp_path, board)
    assert (await machine.reconcile(NAME)).standing in (Standing.RUNNING, Standing.FAILED)
    look = await look_until(machine, NAME, lambda look: look.standing is not Standing.RUNNING, 10)
    assert look.standing is Standing.FAILED and 0 < board.moved < 100
    await machine.close()


async def test_an_opening_that_resets_the_board_is_told_from_one_that_does_not(tmp_path: Path, router: Grbl, board: GrblBoard) -> None:
    """An Arduino whose DTR fell while nobody had the port open."""
    await begun(router, board, moves(tmp_path, 100, 8))
    await killed(router)
    board.resets_when_opened = True
    again = driver(tmp_path, board)
    look = await look_until(again, NAME, lambda look: look.standing is not Standing.RUNNING, 10)
    assert look.standing is Standing.FAILED and "reset in the middle" in look.note
    await again.close()


@pytest.mark.slow
async def test_idle_in_a_dwell_with_lines_in_the_buffer_is_not_the_end(tmp_path: Path, router: Grbl, board: GrblBoard) -> None:
    """Who clears the bed because it says Idle would have a hand in it when it moves."""
    board.pace = 1.0
    path = written(tmp_path, "G21\nG90\nG1 X1 F100\nG4 P2\n" + "G1 X5 F6000\nG1 X0\n" * 40)
    await begun(router, board, path)
    await killed(router)
    again = driver(tmp_path, board)
    assert (await again.reconcile(NAME)).standing is Standing.RUNNING
    with board.lock:
        assert board.controller.state == "Idle" and board.moved == 1
    await look_until(again, NAME, lambda look: board.moved > 3, 5)
    look = await look_until(again, NAME, lambda look: look.standing is not Standing.RUNNING, 15)
    still = board.moved
    await asyncio.sleep(0.3)
    assert look.standing is Standing.FAILED and board.moved == still and board.controller.overflows == 0
    await again.close()


async def test_a_tool_that_was_left_on_is_switched_off_once_it_stands(tmp_path: Path, router: Grbl, board: GrblBoard) -> None:
    """A laser that stands still and burns sets the workpiece on fire."""
    await begun(router, board, moves(tmp_path, 60, 20, head="G21\nG90\nM4 S800\n"))
    await killed(router)
    assert board.controller.spindle == 800
    again = driver(tmp_path, board)
    await look_until(again, NAME, lambda look: look.standing is Standing.FAILED, 10)
    assert board.controller.spindle == 0
    await again.close()


async def test_an_agent_that_is_closed_in_the_middle_stops_what_it_feeds(tmp_path: Path, router: Grbl, board: GrblBoard) -> None:
    await begun(router, board, moves(tmp_path, 100, 8, head="G21\nG90\nM3 S800\n"))
    await router.close()
    still = board.moved
    assert board.controller.state == "Idle" and board.controller.spindle == 0
    again = driver(tmp_path, board)
    assert (await again.reconcile(NAME)).standing is Standing.FAILED and board.moved == still
    await again.close()


@pytest.mark.slow
async def test_a_cable_that_is_pulled_leaves_a_question_and_nothing_is_fed_on(tmp_path: Path, router: Grbl, board: GrblBoard) -> None:
    await begun(router, board, moves(tmp_path, 100, 8))
    board.unplug()
    look = await look_until(router, NAME, lambda look: not look.reachable, 5)
    assert look.standing is Standing.UNKNOWN and look.note
    board.plug()
    look = await look_until(router, NAME, lambda look: look.standing is not Standing.UNKNOWN and look.free, 10)
    assert look.standing is Standing.FAILED and board.moved < 100


@pytest.mark.slow
async def test_an_answer_lost_in_noise_ends_the_piece_instead_of_waiting_for_ever(
    tmp_path: Path, router: Grbl, board: GrblBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "QUIET_SECONDS", 0.5)
    await begun(router, board, moves(tmp_path, 26, 4))
    with board.lock:
        board.controller.mute = True
    board.noise(b"\xff\x00<Idle|MPos:\r\nk\x80o\r\n")
    await asyncio.sleep(0.2)
    with board.lock:
        board.controller.mute = False
    look = await look_until(router, NAME, lambda look: look.standing is not Standing.RUNNING and look.reachable, 10)
    assert look.standing is Standing.FAILED and "lost" in look.note


async def test_a_second_program_on_the_port_is_told_and_not_disturbed(tmp_path: Path, router: Grbl, board: GrblBoard) -> None:
    assert (await router.state("")).reachable
    other = driver(tmp_path / "other", board)
    look = await other.state(NAME)
    assert not look.reachable and "another program" in look.note
    with pytest.raises(Refused) as refused:
        await other.describe()
    assert refused.value.code == "machine.away" and "another program" in str(refused.value)
    await other.close()
    assert (await router.state("")).reachable


async def test_a_port_that_is_not_there_and_a_board_that_is_silent_are_away(
    tmp_path: Path, router: Grbl, board: GrblBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "CONTACT_SECONDS", 0.5)
    nowhere = Grbl(board_facts(tmp_path / "ttyNONE"), tmp_path, SystemClock())
    look = await nowhere.state("")
    assert not look.reachable and "is not there" in look.note
    with board.lock:
        board.controller.mute = True
    look = await router.state("")
    assert not look.reachable and "does not answer" in look.note
    with board.lock:
        board.controller.mute = False


@pytest.mark.parametrize(("typed", "word"), [("$C\n", "check mode"), ("$SLP\n", "sleeps"), ("\x84", "door")])
async def test_a_board_that_would_not_really_work_takes_nothing(
    tmp_path: Path, router: Grbl, board: GrblBoard, typed: str, word: str
) -> None:
    await router.prepare(moves(tmp_path, 5, 10), NAME)
    board.person(typed)
    look = await look_until(router, NAME, lambda look: bool(look.fault), 5)
    assert word in look.fault and look.standing is Standing.HERE
    with pytest.raises(Refused) as refused:
        await router.start(NAME)
    assert refused.value.code == "machine.not_taken" and board.moved == 0


async def test_a_door_that_is_opened_holds_the_piece_until_a_person_goes_on(tmp_path: Path, router: Grbl, board: GrblBoard) -> None:
    await begun(router, board, moves(tmp_path, 20, 10))
    board.person("\x84")
    look = await look_until(router, NAME, lambda look: look.paused, 5)
    assert look.standing is Standing.RUNNING and "door is open" in look.fault
    with board.lock:
        board.controller.close_door()
    await router.resume(NAME)
    await look_until(router, NAME, lambda look: look.standing is Standing.DONE, 10)
    assert board.moved == 20


async def test_a_person_homes_it_through_us_because_we_hold_the_port(router: Grbl, board: GrblBoard) -> None:
    board.controller.settings |= {22: 1}
    await router.state("")
    with board.lock:
        board.controller.at = (-5.0, -5.0, -5.0)
    await router.see_to(Care.HOME)
    with board.lock:
        assert board.controller.at == (0.0, 0.0, 0.0) and board.controller.state == "Idle"
        assert [line for line in board.controller.received if line != "$G"] == ["$H"] and board.controller.realtime == []


async def test_what_a_switch_has_halted_is_reset_and_unlocked_and_what_is_not_locked_is_left_alone(router: Grbl, board: GrblBoard) -> None:
    await router.see_to(Care.UNLOCK)
    assert "$X" not in board.controller.received
    board.alarm(1)
    await look_until(router, "", lambda look: bool(look.fault), 5)
    await router.see_to(Care.UNLOCK)
    assert (await router.state("")).free and board.controller.realtime == ["reset"] and board.controller.received[-1] == "$X"


async def test_homing_that_fails_or_is_switched_off_is_told_and_leaves_it_as_it_is(router: Grbl, board: GrblBoard) -> None:
    with pytest.raises(Refused) as refused:
        await router.see_to(Care.HOME)
    assert refused.value.code == "machine.no_such_care" and "switched off" in str(refused.value)
    board.controller.settings |= {22: 1}
    board.controller.homing_fails = 9
    with pytest.raises(Refused) as refused:
        await router.see_to(Care.HOME)
    assert refused.value.code == "machine.care_failed" and "found no switch" in str(refused.value)
    assert not (await router.state("")).free


async def test_a_machine_at_work_is_neither_homed_nor_unlocked(tmp_path: Path, router: Grbl, board: GrblBoard) -> None:
    await begun(router, board, moves(tmp_path, 20, 5))
    for care in Care:
        with pytest.raises(Refused) as refused:
            await router.see_to(care)
        assert refused.value.code == "machine.busy"
    await look_until(router, NAME, lambda look: look.standing is Standing.DONE, 10)
    with board.lock:
        board.controller.jog(100, 100)  # a pendant
    with pytest.raises(Refused):
        await router.see_to(Care.HOME)


async def test_it_says_how_it_is_set(router: Grbl, board: GrblBoard) -> None:
    board.controller.settings |= {13: 1, 32: 1}
    told = await router.describe()
    assert (told.program, told.travel_mm, told.most_s) == ("Grbl 1.1h", (300, 200, 80), 10_000)
    assert "$13=1" in told.note and "$32=1" in told.note


def test_what_was_begun_is_on_the_disk_before_anything_is_sent(tmp_path: Path, board: GrblBoard) -> None:
    """Cut off between the two, it counts as run: so what is not called begun was certainly never begun."""
    memory = Memory(tmp_path, "grbl-router")
    memory.begin(NAME)
    assert Memory(tmp_path, "grbl-router").feeding == NAME and board.controller.received == []
    assert Grbl.start_is_certain


async def test_a_damaged_state_file_lets_nothing_start(tmp_path: Path, router: Grbl) -> None:
    (tmp_path / "grbl-router.json").write_text("{", encoding="utf-8")
    look = await router.state(NAME)
    assert look.standing is Standing.UNKNOWN and look.fault and not look.free
    with pytest.raises(Refused):
        await router.start(NAME)


async def test_a_board_that_came_up_anew_without_our_doing_is_noticed(tmp_path: Path, router: Grbl, board: GrblBoard) -> None:
    """It counts from nought then, wherever the tool stands. A stop resets it too, and is no news."""
    assert (await router.state("")).came_up == 0
    await begun(router, board, moves(tmp_path, 300, 100))
    await router.stop(NAME)
    assert (await router.state("")).came_up == 0
    board.power_cycle()
    await look_until(router, "", lambda look: look.came_up == 1, 5)
    board.unplug()
    await look_until(router, "", lambda look: not look.reachable, 5)
    board.plug()
    await look_until(router, "", lambda look: look.came_up == 2, 5)


async def test_a_board_that_is_reset_by_opening_its_port_came_up_anew(tmp_path: Path, board: GrblBoard) -> None:
    board.resets_when_opened = True
    machine = driver(tmp_path, board)
    await look_until(machine, "", lambda look: look.reachable and look.came_up == 1, 8)
    await machine.close()
