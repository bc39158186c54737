# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two computers with one identity at one printer: the newest speaks for the shop, the other ends by itself, and each piece is printed once.

And what an owner made for somebody at the door while the node was down stands in the node's ledger afterwards.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from journey_street import Street
from processes import CommonfabProcess, NodeProcess, wait_until
from typer.testing import CliRunner

from cli.main import app
from commonfab import v1
from shop_agent.config import load_config
from shop_agent.journal.book import open_journal
from shop_agent.people.walk_in import Wanted, take

pytestmark = pytest.mark.slow


def copied(folder: Path, spare: Path) -> Path:
    """The shop as it is on a copy of its memory card."""
    spare.mkdir()
    for name in ("shop.toml", "cold.ini"):
        shutil.copy(folder / name, spare / name)
    shutil.copytree(folder / "shop-data", spare / "shop-data", ignore=shutil.ignore_patterns("agent.lock*", "agent.db*"))
    here, there = (sqlite3.connect(home / "shop-data" / "agent.db") for home in (folder, spare))
    with closing(here), closing(there):
        here.backup(there)
    return spare / "shop.toml"


async def test_the_newest_of_two_agents_goes_on_and_the_other_ends_by_itself_with_the_reason(street: Street) -> None:
    await street.open()
    await street.ask_for(2)
    street.until_printing(piece=1)
    assert street.agent is not None and street.agent.process is not None
    old = street.agent
    file = copied(street.folder, street.folder / "spare")
    street.agent = CommonfabProcess(["shop", "run", "--config", str(file)], street.folder / "spare" / "agent.log")
    street.agent.start()
    street.started.append(street.agent)
    assert old.process is not None
    assert await asyncio.to_thread(old.process.wait, 120) == 1
    said = old.log.read_text(encoding="utf-8")
    assert "a newer agent speaks for shop lena" in said and "Traceback" not in said
    job = await street.until_done()
    assert job.pieces_good == 2 and street.agent.process is not None and street.agent.process.poll() is None
    async with asyncio.timeout(100):
        while not (entries := await street.ledger()):
            await asyncio.sleep(0.1)
    assert [entry.work.pieces_good for entry in entries] == [2]
    assert street.prints_begun() - street.homed_before == 2


async def test_a_walk_in_made_while_the_node_is_down_stands_in_its_ledger_afterwards(tmp_path: Path) -> None:
    node = NodeProcess.on(tmp_path / "node")
    node.start()
    folder = tmp_path / "garage"
    folder.mkdir()
    token, reader = await node.token(v1.SCOPE_SHOP, "garage"), await node.token(v1.SCOPE_REQUESTER, "anna")
    file = folder / "shop.toml"
    file.write_text(
        f'[shop]\nid = "garage"\nslicer = "none"\n[router]\nnode = "{node.address}"\ntoken = "{token}"\n'
        '[[machine]]\nid = "mk3"\nprocess = "fdm"\nenvelope_mm = [200, 200, 180]\nmaterials = ["pla"]\ncontrol = "virtual"\n'
        "speed_factor = 600\nstarts_itself = true\nclears_itself = true\n",
        encoding="utf-8",
    )
    agent = CommonfabProcess(["shop", "run", "--config", str(file)], folder / "agent.log")
    agent.start()
    try:
        wait_until(lambda: "is open with" in agent.log.read_text(encoding="utf-8"), "the agent to open")
        address = node.address
        node.kill()
        config = load_config(file)
        with closing(open_journal(config)) as journal:
            order = take(journal, config, config.machine[0], Wanted("a hook for the door", 2, minutes=10))
            wait_until(lambda: journal.history()[0].ended == "complete", "the walk-in to be made")
            assert [event.WhichOneof("event") for event in journal.unsettled()] == ["walk_in"]
            node.start()
            wait_until(lambda: not journal.unsettled(), "the node to hear of it")
        entries: list[dict[str, Any]] = []
        async with asyncio.timeout(100):
            while not entries:
                asked = ["ledger", "show", "--json", "--node", address, "--token", reader]
                shown = await asyncio.to_thread(CliRunner().invoke, app, asked)
                assert shown.exit_code == 0, shown.output
                entries = json.loads(shown.stdout)
        (entry,) = entries
        assert (entry["work"]["part_name"], entry["work"]["pieces_good"], entry["work"]["shop_id"]) == ("a hook for the door", 2, "garage")
        assert order in json.dumps(entry["work"])
        made = (folder / "shop-data" / "made.jsonl").read_text(encoding="utf-8").splitlines()
        assert len(made) == 2
    finally:
        agent.stop()
        node.stop()
