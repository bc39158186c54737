# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bare Grbl driver on the stand-in of a board: what every driver must do."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import MappingProxyType

import pytest
from conformance import Conformance, Rig
from grbl_toolpaths import board_facts, moves
from peers.grbl.peer import GrblBoard

from commonfab.clock import SystemClock
from shop_agent.journal.records import Toolpath
from shop_agent.machines.grbl import Grbl

FED_BY_US = "the agent itself feeds this machine, so a piece does not outlive it; test_grbl.py says what becomes of it"


class GrblRig(Rig):
    """A board in real time, whose "server" is its own firmware: to restart it is to press its reset button."""

    cannot = MappingProxyType({"restart_of_the_agent": FED_BY_US})
    patience_seconds = 25.0
    coasts_seconds = 0.3

    def __init__(self, folder: Path, board: GrblBoard) -> None:
        self.folder, self.board = folder, board

    def driver(self) -> Grbl:
        return Grbl(board_facts(self.board.port), self.folder, SystemClock())

    def toolpath(self, seconds: float) -> Toolpath:
        return moves(self.folder, round(seconds * 0.6 * 8), 8)

    def moved(self) -> float:
        return self.board.moved

    def moves_of(self, toolpath: Toolpath) -> float:
        return Path(toolpath.file).read_text(encoding="utf-8").count("G1")

    async def start_foreign(self) -> str:
        with self.board.lock:
            for turn in range(400):
                self.board.controller.jog(turn % 2 + 1, 600)
        return "something"

    async def break_down(self) -> None:
        self.board.alarm(1)

    async def mend(self) -> None:
        self.board.person("\x18$X\n")
        await asyncio.sleep(0.1)

    async def restart_server(self) -> None:
        self.board.power_cycle()


@pytest.mark.slow
class TestGrbl(Conformance):
    @pytest.fixture
    def rig(self, tmp_path: Path, grbl_board: GrblBoard) -> GrblRig:
        return GrblRig(tmp_path, grbl_board)
