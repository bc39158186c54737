# SPDX-License-Identifier: AGPL-3.0-or-later
"""An owner edits shop.toml while the agent runs: it works on by what it has read, and everybody who looks is told so and what to do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from small_shop import SmallRouter, served, until, write_shop
from typer.testing import CliRunner

from cli.main import app
from commonfab.errors import Refused
from shop_agent import agent
from shop_agent.config import load_config
from shop_agent.desk import walk_ins
from shop_agent.desk.actions import Bench
from shop_agent.desk.view import CHANGED, NOT_RUNNING, OPENED_BEFORE, look
from shop_agent.journal.book import open_journal
from shop_agent.live import read_live
from shop_agent.people.walk_in import Wanted

SAW = '\n[[machine]]\nid = "saw"\nprocess = "sawing"\nenvelope_mm = [600, 300, 50]\nmaterials = ["plywood"]\ncontrol = "by_hand"\n'


@contextlib.asynccontextmanager
async def running(file: Path) -> AsyncIterator[None]:
    """A real agent that has told how the shop stands."""
    config = load_config(file)
    task = asyncio.create_task(agent.run(config))
    try:
        await until(lambda: (live := read_live(config.data_dir)) is not None and live.shop_toml == config.digest)
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.contextmanager
def desk(file: Path) -> Iterator[Bench]:
    config = load_config(file)
    with contextlib.closing(open_journal(config)) as journal:
        yield Bench(config, journal)


def told(bench: Bench) -> str:
    return look(bench.config, bench.journal).agent


def status(file: Path) -> str:
    return " ".join(CliRunner().invoke(app, ["shop", "status", "--config", str(file)]).output.split())


def add(file: Path, more: str) -> None:
    file.write_text(file.read_text(encoding="utf-8") + more, encoding="utf-8")


async def test_a_machine_that_is_added_takes_walk_ins_once_the_agent_knows_it_and_none_before(tmp_path: Path) -> None:
    async with served(SmallRouter()) as address:
        file = write_shop(tmp_path, address)
        with desk(file) as opened_before:
            async with running(file):
                assert told(opened_before) == ""
                add(file, SAW)
                assert told(opened_before) == CHANGED
                with desk(file) as now, pytest.raises(Refused) as refused:
                    assert told(now) == CHANGED and look(now.config, now.journal).agent_runs
                    walk_ins.take(now, "saw", Wanted("a shelf", 1))
                assert refused.value.code == "shop.changed" and "restart commonfab-shop" in refused.value.remedy
                assert not opened_before.journal.attempts()
                assert CHANGED in await asyncio.to_thread(status, file)
            with desk(file) as now:
                assert told(now) == NOT_RUNNING
                walk_ins.take(now, "saw", Wanted("a shelf", 1))  # the agent that will make it will know the saw
            async with running(file):
                with desk(file) as now:
                    assert told(now) == ""
                    walk_ins.take(now, "saw", Wanted("a bench", 1))
                assert told(opened_before) == OPENED_BEFORE


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("\n# the printer by the window\n", ""),
        ('\n[desk]\npeople = ["Lena"]\n', ""),  # the agent has nothing to do with it
        ("speed_factor_ = 3\n", CHANGED),
        ("[[[", CHANGED),  # an error: whoever restarts it now should check first, as it says
        ('loaded = "pla"\n', CHANGED),
    ],
)
async def test_only_what_the_agent_works_by_is_worth_a_restart(tmp_path: Path, what: str, says: str) -> None:
    async with served(SmallRouter()) as address:
        file = write_shop(tmp_path, address)
        with desk(file) as bench:
            async with running(file):
                add(file, what)
                assert told(bench) == says


def change(file: Path, before: str, after: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")


async def test_no_walk_in_is_made_by_what_shop_toml_said_before(tmp_path: Path) -> None:
    """The printer got PETG and the file says so; the agent, which read it before, would slice it as PLA or refuse it later."""
    async with served(SmallRouter()) as address:
        file = write_shop(tmp_path, address, control="by_hand", starts_itself=False, clears_itself=False)
        with desk(file) as opened_before:
            async with running(file):
                change(file, "['pla']", "['pla', 'petg']")
                with desk(file) as now:
                    for bench, material in ((now, "petg"), (now, "pla"), (opened_before, "pla"), (opened_before, "petg")):
                        with pytest.raises(Refused) as refused:
                            walk_ins.take(bench, "mk3", Wanted("a hook", 1, material=material))
                        assert refused.value.code == "shop.changed" and "restart commonfab-shop" in refused.value.remedy
                assert not opened_before.journal.attempts()
            async with running(file):  # and a desk that was opened before goes by what the agent works by
                walk_ins.take(opened_before, "mk3", Wanted("a hook", 1, material="petg"))
                change(file, "['pla', 'petg']", "['pla']")
                with pytest.raises(Refused) as refused:
                    walk_ins.take(opened_before, "mk3", Wanted("a hook", 1, material="petg"))
                assert refused.value.code == "shop.changed"


async def test_a_desk_that_was_open_takes_walk_ins_for_machines_that_stayed_as_they_were(tmp_path: Path) -> None:
    async with served(SmallRouter()) as address:
        file = write_shop(tmp_path, address, control="by_hand", starts_itself=False, clears_itself=False)
        with desk(file) as opened_before:
            async with running(file):
                add(file, SAW)
                assert told(opened_before) == CHANGED
                walk_ins.take(opened_before, "mk3", Wanted("a hook", 1))
                add(file, "[[[")
                with pytest.raises(Refused) as refused:
                    walk_ins.take(opened_before, "mk3", Wanted("a hook", 1))
                assert refused.value.code == "shop.config" and "line" in str(refused.value)
