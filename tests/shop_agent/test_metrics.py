# SPDX-License-Identifier: AGPL-3.0-or-later
"""Figures for Prometheus: over a real connection, and the dashboard and the manual name no others."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from clocks import ManualClock
from prometheus_client.parser import text_string_to_metric_families
from redis_servers import free_port
from small_shop import SmallRouter, offer, served, shop, until, write_shop

from commonfab import v1
from commonfab.errors import Refused
from commonfab.reasons import reason
from commonfab.tasks import cancelled
from shop_agent import agent
from shop_agent.config import ShopConfig, load_config
from shop_agent.journal.book import Journal, open_journal
from shop_agent.live import Live, LiveMachine
from shop_agent.metrics import ShopFigures, serve_metrics, text_of
from shop_agent.people.stock_left import note_listed

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"commonfab_\w+")


def with_metrics(folder: Path, address: str, node: str = "127.0.0.1:1", **machine: Any) -> ShopConfig:
    file = write_shop(folder, node, **machine)
    told = file.read_text(encoding="utf-8").replace("[router]", f'metrics = "{address}"\n[router]', 1)
    extra = '\nupkeep = [{ what = "grease", every_hours = 10 }]\nstock = [{ material = "pla", grams = 750 }]\n'
    file.write_text(told + extra, encoding="utf-8")
    return load_config(file)


@pytest.fixture
def config(tmp_path: Path) -> ShopConfig:
    return with_metrics(tmp_path, f"127.0.0.1:{free_port()}")


@pytest.fixture
def journal(config: ShopConfig, manual_clock: ManualClock) -> Iterator[Journal]:
    with contextlib.closing(open_journal(config, manual_clock)) as opened:
        note_listed(opened, config.machine[0])
        row = "INSERT INTO attempts (work_order_id, number, epoch, offer, machine_id) VALUES ('wo-1', 1, 1, ?, 'mk3')"
        refused = v1.Release(reasons=[reason("toolpath.empty"), reason("slicer.missing")]).SerializeToString()
        with opened.change() as connection:
            connection.execute(row, (offer().SerializeToString(),))
            connection.execute("INSERT INTO pieces VALUES (1, 1, 'good', 0, 3600, 10, NULL, '')")
            connection.execute("INSERT INTO pieces VALUES (1, 2, 'scrap', 0, 60, 5, NULL, '')")
            connection.execute(
                "INSERT INTO offers (work_order_id, body, stands, first_seen, refused) VALUES ('wo-2', x'', 1, 0, ?)", (refused,)
            )
        yield opened


def figures(config: ShopConfig, journal: Journal, heard: float = 0.0) -> ShopFigures:
    machine = LiveMachine("mk3", "busy", busy_with="x", progress=0.25, remaining_seconds=90, waits_for_person=("wo-3",))
    return ShopFigures(config, journal, lambda: Live(journal.clock.now(), (machine,), heard, "", 3))


def samples(text: bytes) -> dict[str, dict[tuple[str, ...], float]]:
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text.decode()):
        found.setdefault(family.name, {})
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def test_the_figures_are_those_of_the_journal_and_of_the_moment(config: ShopConfig, journal: Journal) -> None:
    told = samples(text_of([figures(config, journal, journal.clock.now() - 45)]))
    assert told["commonfab_machine_state"]["mk3", "busy"] == 1 and sum(told["commonfab_machine_state"].values()) == 1
    assert told["commonfab_piece_progress_ratio"] == {("mk3",): 0.25}
    assert told["commonfab_piece_remaining_seconds"] == {("mk3",): 90}
    assert {key: value for key, value in told["commonfab_pieces"].items() if value} == {("mk3", "good"): 1, ("mk3", "scrap"): 1}
    assert told["commonfab_piece_run_seconds_sum"] == {("mk3",): 3660} and told["commonfab_piece_run_seconds_count"] == {("mk3",): 2}
    assert told["commonfab_router_silent_seconds"] == {(): 45} and told["commonfab_events_waiting"] == {(): 3}
    assert told["commonfab_offers_standing"] == {(): 1} and told["commonfab_waiting_for_person"] == {("mk3",): 1}
    assert told["commonfab_stock_left_grams"] == {("mk3", "pla"): 735}
    assert told["commonfab_upkeep_run_seconds"] == {("mk3", "grease"): 3660} and told["commonfab_upkeep_due_seconds"] == {
        ("mk3", "grease"): 36000
    }
    assert told["commonfab_refused_toolpaths"] == {("toolpath.empty",): 1}


def test_a_router_that_was_never_heard_is_silent_without_end(config: ShopConfig, journal: Journal) -> None:
    assert samples(text_of([figures(config, journal)]))["commonfab_router_silent_seconds"] == {(): math.inf}


async def test_it_answers_metrics_and_nothing_else(config: ShopConfig, journal: Journal) -> None:
    serving = asyncio.create_task(serve_metrics(figures(config, journal)))
    url = f"http://{config.shop.metrics}"
    try:
        async with httpx.AsyncClient(timeout=60) as http:
            answer = await _answer(http, f"{url}/metrics")
            assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain; version=")
            assert samples(answer.content)["commonfab_shop_info"]
            assert (await http.get(f"{url}/")).status_code == 404 and (await http.post(f"{url}/metrics")).status_code == 404
        reader, writer = await asyncio.open_connection(*config.shop.metrics.split(":"))
        writer.write(b"x" * 100_000)
        with contextlib.suppress(ConnectionResetError):  # so it ends where the rest of it was still on its way
            assert await reader.read() == b""  # no memory is given to whoever says too much
        writer.close()
    finally:
        await cancelled(serving)


async def test_an_address_that_is_taken_or_open_to_others_is_said_and_ends_nothing(
    config: ShopConfig, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    host, port = config.shop.metrics.split(":")
    async with await asyncio.start_server(lambda reader, writer: None, host, int(port)):
        serving = asyncio.create_task(serve_metrics(figures(config, journal)))
        await until(lambda: "no metrics on" in caplog.text)
        assert not serving.done()
        await cancelled(serving)
    elsewhere = config.model_copy(update={"shop": config.shop.model_copy(update={"metrics": "192.0.2.1:9464"})})
    serving = asyncio.create_task(serve_metrics(figures(elsewhere, journal)))
    await until(lambda: "whoever reaches it" in caplog.text)
    await cancelled(serving)


async def test_a_whole_agent_serves_them_where_shop_toml_says_so(tmp_path: Path) -> None:
    router = SmallRouter()
    async with served(router) as address:
        config = with_metrics(tmp_path, f"127.0.0.1:{free_port()}", address)
        running = asyncio.create_task(agent.run(config))
        try:
            await until(lambda: router.requests)
            async with httpx.AsyncClient(timeout=60) as http:
                told = samples((await _answer(http, f"http://{config.shop.metrics}/metrics")).content)
            assert ("mk3", "good") in told["commonfab_pieces"] and sum(told["commonfab_machine_state"].values()) == 1
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def _answer(http: httpx.AsyncClient, url: str) -> httpx.Response:
    async with asyncio.timeout(100):
        while True:
            try:
                return await http.get(url)
            except httpx.ConnectError:
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("address", ["9464", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", "http://127.0.0.1:9464"])
def test_an_address_that_is_none_is_refused_with_its_line(tmp_path: Path, address: str) -> None:
    with pytest.raises(Refused) as refused:
        with_metrics(tmp_path, address)
    assert "line 3" in str(refused.value) and "127.0.0.1:9464" in str(refused.value)


def test_every_query_of_the_dashboard_uses_metrics_that_exist(config: ShopConfig, journal: Journal) -> None:
    board = json.loads((ROOT / "deploy/grafana/commonfab-shop.json").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    queries += [one["query"] for one in board["templating"]["list"] if one["type"] == "query"]
    told = samples(text_of([figures(config, journal)]))
    assert len(queries) > 10 and all(NAME.findall(query) for query in queries)
    assert {name for query in queries for name in NAME.findall(query)} <= {name for name, values in told.items() if values}


def test_the_manual_names_each_metric_and_no_other(config: ShopConfig, journal: Journal) -> None:
    manual = (ROOT / "docs/shop.md").read_text(encoding="utf-8").split("## Watching it")[1].split("\n## ")[0]
    rows = [line for line in manual.splitlines() if line.startswith("| `")]
    told = samples(text_of([figures(config, journal)]))
    assert {name for row in rows for name in NAME.findall(row.split("|")[1])} == {name for name, values in told.items() if values}


def test_without_the_key_nothing_is_served(tmp_path: Path) -> None:
    assert shop(tmp_path).shop.metrics == ""
