# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whoever speaks at a desk is told at once where no agent hears it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

from clocks import ManualClock
from small_shop import SmallRouter, served, until, write_shop

from shop_agent.config import load_config
from shop_agent.desk.view import look
from shop_agent.journal.book import open_journal
from shop_agent.journal.store import agent_is_there, only_agent
from shop_agent.live import Live, LiveFile, read_live


def started(file: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "shop_agent", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


async def test_an_agent_that_was_killed_is_not_taken_to_hear_anybody(tmp_path: Path) -> None:
    async with served(SmallRouter()) as address:
        file = write_shop(tmp_path, address)
        config = load_config(file)
        running = started(file)
        try:
            await until(lambda: read_live(config.data_dir) is not None)
            with contextlib.closing(open_journal(config)) as journal:
                assert not look(config, journal).agent
                running.kill()
                running.wait(10)
                assert "not running" in look(config, journal).agent
        finally:
            running.kill()
            running.wait(10)


def test_looking_whether_an_agent_is_there_keeps_none_from_starting(tmp_path: Path, manual_clock: ManualClock) -> None:
    assert not agent_is_there(tmp_path)
    LiveFile(tmp_path, manual_clock).write(Live(at=manual_clock.now(), alone=True))
    with only_agent(tmp_path):
        assert agent_is_there(tmp_path) and read_live(tmp_path) is not None
        assert agent_is_there(tmp_path)
    assert not agent_is_there(tmp_path) and read_live(tmp_path) is None
    with only_agent(tmp_path):
        pass
