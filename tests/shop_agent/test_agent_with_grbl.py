# SPDX-License-Identifier: AGPL-3.0-or-later
"""The whole agent with a CNC router on a serial port: it cuts when a person at the machine says so, every time, and never else.

The board is a stand-in with Grbl's own buffers; what it writes down of its moves is the proof. The agent is a process of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from peers.grbl.peer import GrblBoard
from small_shop import SmallRouter, offer, served, until, write_shop
from test_agent import finished, running
from test_agent_with_octoprint import waits_for_somebody
from typer.testing import CliRunner

from cli.shop.command import app
from commonfab import v1
from commonfab.clock import SystemClock
from shop_agent.config import load_config
from shop_agent.journal.book import open_journal
from shop_agent.journal.freshness import GO_SECONDS
from shop_agent.shop_toml.machine_section import GO

pytestmark = pytest.mark.slow

CUTS = 70
RESTS_SECONDS = 1.2
"""Longer than any move of these toolpaths: whoever does not move for so long stands."""


class EarlierClock(SystemClock):
    """A word that was said some time ago."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def now(self) -> float:
        return super().now() - self._seconds


@dataclass
class Cnc:
    """The shop and its machine, as a person who stands between them sees them."""

    folder: Path
    file: Path
    board: GrblBoard
    router: SmallRouter

    def says(self, *words: str) -> None:
        """At the command line."""
        told = CliRunner().invoke(app, [*words, "--config", str(self.file)])
        assert told.exit_code == 0, told.output

    async def is_set_up(self, toolpath: str, quantity: int = 1) -> None:
        """An order is accepted, its toolpath brought, the machine made ready, and the router's leave is there."""
        wanted = offer(quantity=quantity)
        wanted.requirement.MergeFrom(v1.Requirement(process="milling", material="plywood"))
        self.router.put_up(wanted)
        await until(lambda: self.router.requests and "shop toolpath wo-1" in self.waits())
        (self.folder / "bracket.nc").write_text(toolpath, encoding="utf-8")
        self.says("toolpath", "wo-1", str(self.folder / "bracket.nc"))
        self.says("ready", "mk3")
        await until(lambda: "shop start mk3" in self.waits())

    def waits(self) -> str:
        """What the router was told last that the machine waits for."""
        return self.router.requests[-1].shop.machines[0].state_reason

    def cuts(self) -> int:
        """Cuts made so far, by the board's own log."""
        with self.board.lock:
            return sum(motion.line.startswith("G1") for motion in self.board.controller.motions)

    async def stands_still(self) -> int:
        """The number of moves of a machine that makes none any more."""
        async with asyncio.timeout(20):
            while True:
                before = self.cuts()
                await asyncio.sleep(RESTS_SECONDS)
                if self.cuts() == before and self.state() in ("Idle", "Alarm"):
                    return before

    def state(self) -> str:
        with self.board.lock:
            return self.board.controller.state


@asynccontextmanager
async def cnc(folder: Path, board: GrblBoard, pace: float = 4.0) -> AsyncIterator[Cnc]:
    """`pace`: how much faster than the world's the machine's time goes."""
    board.pace = pace
    router = SmallRouter()
    async with served(router) as address:
        keys = {"process": "milling", "materials": ["plywood"], "control": "grbl", "port": str(board.port), "outside_toolpaths": True}
        travel = {"envelope_mm": [300, 200, 80], "starts_itself": False, "clears_itself": False}
        yield Cnc(folder, write_shop(folder, address, **keys, **travel), board, router)
    assert board.controller.overflows == 0


def slots(count: int, seconds: float = 0.25) -> str:
    """To and fro in the stock with the spindle on, each way so many seconds."""
    cut = "".join(f"G1 X{10 * ((number + 1) % 2)} F{600 / seconds:g}\n" for number in range(count))
    return f"G21\nG90\nG0 Z5\nG0 X0 Y0\nM3 S1000\nG1 Z-1 F1200\n{cut}G0 Z5\nM5\nM2\n"


async def cutting(shop: Cnc) -> None:
    """Return in the middle of the work."""
    at_first = shop.cuts()
    await until(lambda: shop.cuts() > at_first + 6)


async def test_what_cuts_starts_when_somebody_says_start_and_again_for_every_piece(tmp_path: Path, grbl_board: GrblBoard) -> None:
    async with cnc(tmp_path, grbl_board) as shop:
        with running(shop.file):
            await shop.is_set_up(slots(8), quantity=2)
            await asyncio.sleep(2)
            assert shop.cuts() == 0 and "wo-1" in shop.router.started  # ready, with leave, and still it stands
            shop.says("start", "mk3")
            await until(lambda: shop.cuts() > 0, 10)
            once = await shop.stands_still()
            await until(lambda: "clear the bed" in shop.waits())
            shop.says("ready", "mk3")
            await until(lambda: "shop start mk3" in shop.waits())
            await asyncio.sleep(1)
            assert shop.cuts() == once
            shop.says("start", "mk3")
            work = await finished(shop.router)
    assert (work.pieces_good, work.pieces_scrap, work.control) == (2, 0, "grbl") and shop.cuts() == 2 * once
    assert grbl_board.controller.spindle == 0


async def test_a_start_that_was_said_more_than_a_minute_ago_moves_nothing(tmp_path: Path, grbl_board: GrblBoard) -> None:
    """The agent was away when somebody said it; by now they may have their hands in the machine."""
    async with cnc(tmp_path, grbl_board) as shop:
        with running(shop.file) as agent:
            await shop.is_set_up(slots(8))
            agent.process.terminate()
            await asyncio.to_thread(agent.process.wait, 10)
        late = open_journal(load_config(shop.file), EarlierClock(GO_SECONDS + 5))
        late.mark_ready("mk3", "Lena", (GO,))
        late.close()
        with running(shop.file):
            await until(lambda: "shop start mk3" in shop.waits())
            await asyncio.sleep(3)
            assert shop.cuts() == 0 and "shop start mk3" in shop.waits()
            shop.says("start", "mk3")
            assert (await finished(shop.router)).pieces_good == 1


async def test_an_agent_killed_in_mid_cut_leaves_a_machine_that_stops_and_the_next_agent_starts_nothing(
    tmp_path: Path, grbl_board: GrblBoard
) -> None:
    """The board runs out what it has in its buffers, with the spindle on. Whoever comes next switches that off and starts nothing."""
    async with cnc(tmp_path, grbl_board) as shop:
        with running(shop.file) as agent:
            await shop.is_set_up(slots(CUTS))
            shop.says("start", "mk3")
            await cutting(shop)
            agent.kill()
        spoiled = await shop.stands_still()
        assert spoiled < CUTS and grbl_board.controller.spindle == 1000
        with running(shop.file):
            await until(lambda: "clear the bed" in shop.waits())
            await asyncio.sleep(2)
            assert shop.cuts() == spoiled and grbl_board.controller.spindle == 0
            shop.says("ready", "mk3")
            await until(lambda: "shop start mk3" in shop.waits())
            await asyncio.sleep(1)
            assert shop.cuts() == spoiled and not shop.router.reports
            shop.says("start", "mk3")
            work = await finished(shop.router)
    assert (work.pieces_good, work.pieces_scrap) == (1, 1)


async def test_a_piece_whose_last_moves_nobody_saw_is_settled_by_the_person_who_looks_at_it(tmp_path: Path, grbl_board: GrblBoard) -> None:
    """Every line was taken when the agent died: the piece may be whole, and no machine can say so. (M2 would wait for the last move.)"""
    async with cnc(tmp_path, grbl_board, pace=1.0) as shop:
        with running(shop.file) as agent:
            await shop.is_set_up(slots(2).replace("M2\n", "G1 X20 F300\n"))
            shop.says("start", "mk3")
            await until(lambda: shop.cuts() == 3)
            await asyncio.sleep(1)  # of the four that the last move takes; the agent writes down that every line was taken
            agent.kill()
        whole = await shop.stands_still()
        with running(shop.file):
            await until(lambda: "somebody to look" in shop.waits())
            await asyncio.sleep(1)
            assert shop.cuts() == whole and not shop.router.reports
            shop.says("withdraw", "wo-1")
            await until(lambda: shop.router.ended.get("wo-1") == "fail")
    assert shop.cuts() == whole


async def test_stop_is_obeyed_within_a_second_by_the_boards_own_log(tmp_path: Path, grbl_board: GrblBoard) -> None:
    async with cnc(tmp_path, grbl_board, pace=1.0) as shop:
        with running(shop.file):
            await shop.is_set_up(slots(CUTS))
            shop.says("start", "mk3")
            await cutting(shop)
            with grbl_board.lock:
                said_at = grbl_board.controller.now
            shop.says("stop", "mk3")
            stopped = await shop.stands_still()
            with grbl_board.lock:
                last = grbl_board.controller.motions[-1]
                assert last.ended_at - said_at < 1.0 and not last.whole
                assert grbl_board.controller.spindle == 0 and grbl_board.controller.state == "Idle"
            await until(lambda: waits_for_somebody(shop.router))
            assert shop.cuts() == stopped


async def test_the_serial_cable_is_pulled_out_in_mid_cut_and_put_in_again(tmp_path: Path, grbl_board: GrblBoard) -> None:
    """The board runs out of lines and stands; with the cable back, nothing is fed on and nothing starts."""
    async with cnc(tmp_path, grbl_board) as shop:
        with running(shop.file):
            await shop.is_set_up(slots(CUTS))
            shop.says("start", "mk3")
            await cutting(shop)
            grbl_board.unplug()
            await until(lambda: shop.router.requests[-1].shop.machines[0].state == v1.MACHINE_STATE_OFFLINE)
            spoiled = await shop.stands_still()
            grbl_board.plug()
            await until(lambda: "clear the bed" in shop.waits())
            await asyncio.sleep(2)
            assert shop.cuts() == spoiled < CUTS
            shop.says("ready", "mk3")
            await until(lambda: "shop start mk3" in shop.waits())
            shop.says("start", "mk3")
            work = await finished(shop.router)
    assert (work.pieces_good, work.pieces_scrap) == (1, 1)
