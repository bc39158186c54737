# SPDX-License-Identifier: AGPL-3.0-or-later
"""The CNCjs driver on a real CNCjs server with our Grbl board behind it: what every driver must do, and what is CNCjs's own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from conformance import Conformance, Rig, driven, look_until, new_name, running
from grbl_toolpaths import board_facts, moves, written
from peers.cncjs.peer import CncjsPeer

from commonfab.clock import SystemClock
from commonfab.errors import Refused
from shop_agent.journal.records import Toolpath
from shop_agent.machines import Care, Standing
from shop_agent.machines.cncjs import Cncjs
from shop_agent.machines.socket_io import told

pytestmark = pytest.mark.slow


class CncjsRig(Rig):
    """A board in real time behind the server."""

    patience_seconds = 30.0
    coasts_seconds = 1.0

    def __init__(self, folder: Path, peer: CncjsPeer) -> None:
        self.folder, self.peer = folder, peer

    def driver(self) -> Cncjs:
        facts = board_facts(self.peer.board.port, control="cncjs", url=self.peer.url)
        return Cncjs(facts, self.folder, SystemClock())

    def toolpath(self, seconds: float) -> Toolpath:
        return moves(self.folder, round(seconds * 0.75 * 8), 8)

    def moved(self) -> float:
        return self.peer.board.moved

    def moves_of(self, toolpath: Toolpath) -> float:
        return Path(toolpath.file).read_text(encoding="utf-8").count("G1")

    async def start_foreign(self) -> str:
        port = str(self.peer.board.port)
        text = Path(moves(self.folder, 200, 8).file).read_text(encoding="utf-8").replace("?", "").replace("!", "").replace("~", "")
        opening = ["open", port, {"controllerType": "Grbl", "baudrate": 115200}]
        await told(self.peer.url, self.peer.token(), [opening], 10)
        await asyncio.sleep(3)  # until CNCjs has asked the board who it is
        self.peer.load(port, "sign.nc", text)
        await told(self.peer.url, self.peer.token(), [["command", port, "gcode:start"], opening], 10)
        return "sign.nc"

    async def break_down(self) -> None:
        self.peer.board.alarm(1)

    async def mend(self) -> None:
        self.peer.board.person("\x18$X\n")
        await asyncio.sleep(1)

    async def restart_server(self) -> None:
        self.peer.kill()
        await asyncio.to_thread(self.peer.start)


class TestCncjs(Conformance):
    @pytest.fixture
    def rig(self, tmp_path: Path, cncjs: CncjsPeer) -> CncjsRig:
        return CncjsRig(tmp_path, cncjs)


@pytest.fixture
def rig(tmp_path: Path, cncjs: CncjsPeer) -> CncjsRig:
    return CncjsRig(tmp_path, cncjs)


async def test_what_ended_while_the_agent_was_away_is_known_by_its_name(rig: CncjsRig) -> None:
    path, name = rig.toolpath(2), new_name()
    async with driven(rig) as machine:
        await machine.prepare(path, name)
        await machine.start(name)
    async with asyncio.timeout(20):
        while rig.moved() < rig.moves_of(path):
            await asyncio.sleep(0.1)
    await asyncio.sleep(3)  # CNCjs has rewound its program by now
    async with driven(rig) as machine:
        look = await machine.reconcile(name)
        assert look.standing is Standing.DONE and look.seconds > 1


async def test_what_somebody_stopped_at_cncjs_has_failed(rig: CncjsRig) -> None:
    async with running(rig, 15) as (machine, name):
        port = str(rig.peer.board.port)
        opening = ["open", port, {"controllerType": "Grbl", "baudrate": 115200}]
        await told(rig.peer.url, rig.peer.token(), [["command", port, "gcode:stop", {"force": True}], opening], 10)
        look = await look_until(machine, name, lambda look: look.standing is not Standing.RUNNING, 15)
        assert look.standing is Standing.FAILED and look.note == "stopped at CNCjs"


async def test_a_stop_in_a_dwell_leaves_nothing_in_the_buffer_to_move_afterwards(rig: CncjsRig) -> None:
    """CNCjs's own stop looks for Run and then for Hold, and sees Idle."""
    path, name = written(rig.folder, "G21\nG90\nG1 X1 F600\nG4 P3\n" + "G1 X5\nG1 X0\n" * 20), new_name()
    async with driven(rig) as machine:
        await machine.prepare(path, name)
        await machine.start(name)
        await look_until(machine, name, lambda look: rig.moved() == 1, 10)
        await machine.stop(name)
        await asyncio.sleep(3)
        assert rig.moved() == 1 and (await machine.state(name)).standing is Standing.FAILED


async def test_an_error_of_the_controller_holds_the_program_and_is_told(rig: CncjsRig) -> None:
    path, name = written(rig.folder, "G21\nG90\nG1 X1 F600\nG5 X1\n" + "G1 X5\nG1 X0\n" * 30), new_name()
    async with driven(rig) as machine:
        await machine.prepare(path, name)
        await machine.start(name)
        look = await look_until(machine, name, lambda look: bool(look.fault), 10)
        assert "error:20" in look.fault and look.paused and not look.free
        await machine.stop(name)
        assert (await machine.state(name)).standing is Standing.FAILED


async def test_a_port_that_is_not_there_is_away_and_the_server_goes_on(rig: CncjsRig) -> None:
    rig.peer.board.unplug()
    async with driven(rig) as machine:
        look = await machine.state("")
        assert not look.reachable and "cannot open" in look.note
        rig.peer.board.plug()
        await look_until(machine, "", lambda look: look.free, 15)


async def test_a_key_that_is_no_token_is_said_to_be_one(rig: CncjsRig) -> None:
    facts = board_facts(rig.peer.board.port, control="cncjs", url=rig.peer.url, api_key="nonsense")
    machine = Cncjs(facts, rig.folder, SystemClock())
    with pytest.raises(Refused) as refused:
        await machine.describe()
    assert refused.value.code == "machine.key"
    await machine.close()


async def test_a_cncjs_with_users_works_for_the_one_that_shop_toml_names(tmp_path: Path, cncjs_with_a_user: CncjsPeer) -> None:
    peer = cncjs_with_a_user
    rig = CncjsRig(tmp_path, peer)
    facts = board_facts(peer.board.port, control="cncjs", url=peer.url, user=peer.user, api_key=peer.password)
    machine = Cncjs(facts, tmp_path, SystemClock())
    path, name = rig.toolpath(1), new_name()
    await look_until(machine, "", lambda look: look.free, 15)
    await machine.prepare(path, name)
    await machine.start(name)
    look = await look_until(machine, name, lambda look: look.standing is not Standing.RUNNING, 20)
    assert look.standing is Standing.DONE
    await machine.close()


@pytest.mark.parametrize(
    ("keys", "code"),
    [({}, "machine.user"), ({"user": "maker", "api_key": "wrong"}, "machine.user_unknown"), ({"api_key": "no token"}, "machine.key")],
)
async def test_a_cncjs_with_users_says_what_is_missing(
    tmp_path: Path, cncjs_with_a_user: CncjsPeer, keys: dict[str, str], code: str
) -> None:
    machine = Cncjs(board_facts(cncjs_with_a_user.board.port, control="cncjs", url=cncjs_with_a_user.url, **keys), tmp_path, SystemClock())
    with pytest.raises(Refused) as refused:
        await machine.describe()
    assert refused.value.code == code and refused.value.reason.message in (await machine.state("")).note
    await machine.close()


async def test_a_reset_in_the_middle_is_noticed_and_nothing_more_is_sent(rig: CncjsRig) -> None:
    """CNCjs itself waits for ever for the answers to what was in Grbl's buffer, and would send on with the next "ok" that it hears."""
    async with running(rig, 15) as (machine, name):
        rig.peer.board.power_cycle()
        look = await look_until(machine, name, lambda look: look.standing is not Standing.RUNNING, 15)
        assert look.standing is Standing.FAILED and "reset" in look.note and look.free
        with rig.peer.board.lock:
            rig.peer.board.controller.receive(b"\n")  # it answers ok, as to a person at another terminal
        moved = rig.moved()
        await asyncio.sleep(1)
        assert rig.moved() == moved


async def test_a_long_dwell_is_no_reset(rig: CncjsRig) -> None:
    path, name = written(rig.folder, "G21\nG90\nG1 X1 F600\nG4 P7\n" + "G1 X5\nG1 X0\n"), new_name()
    async with driven(rig) as machine:
        await machine.prepare(path, name)
        await machine.start(name)
        look = await look_until(machine, name, lambda look: look.standing is not Standing.RUNNING, 20)
        assert look.standing is Standing.DONE


async def test_a_person_homes_and_unlocks_it(rig: CncjsRig) -> None:
    with rig.peer.board.lock:
        rig.peer.board.controller.settings |= {22: 1}
    async with driven(rig) as machine:
        await look_until(machine, "", lambda look: look.free, 15)
        await machine.see_to(Care.HOME)
        with rig.peer.board.lock:
            assert rig.peer.board.controller.at == (0.0, 0.0, 0.0) and rig.peer.board.controller.state == "Idle"
        for care in Care:
            rig.peer.board.alarm(1)
            await look_until(machine, "", lambda look: bool(look.fault), 10)
            await machine.see_to(care)
            assert (await machine.state("")).free
        assert rig.peer.board.controller.received.count("$H") == 2


async def test_homing_that_fails_is_told(rig: CncjsRig) -> None:
    with rig.peer.board.lock:
        rig.peer.board.controller.settings |= {22: 1}
        rig.peer.board.controller.homing_fails = 9
    async with driven(rig) as machine:
        await look_until(machine, "", lambda look: look.free, 15)
        with pytest.raises(Refused) as refused:
            await machine.see_to(Care.HOME)
        assert refused.value.code == "machine.care_failed" and not (await machine.state("")).free


async def test_a_board_that_came_up_anew_behind_the_server_is_noticed(tmp_path: Path, cncjs: CncjsPeer) -> None:
    """CNCjs says nothing of it, and the board counts from nought, wherever the tool stands."""
    rig = CncjsRig(tmp_path, cncjs)
    async with driven(rig) as machine:
        await look_until(machine, "", lambda look: look.free, 20)
        cncjs.board.person("$J=G91 X5 F1000\n")
        await look_until(machine, "", lambda look: look.free and "X-295.00" in look.reads, 20)
        assert (await machine.state("")).came_up == 0
        cncjs.board.power_cycle()
        await look_until(machine, "", lambda look: look.came_up == 1, 20)
