# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where a node keeps work in flight: what is wrong with the operator's Redis is said at the start, and the board may lie in a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_nodes import Starter, run
from redis_servers import Cluster, ask, free_port, start_cluster, start_redis, stop_redis

from cli.up.board import shown_url, weaknesses
from commonfab.errors import Refused

ALWAYS = ("--appendfsync", "always")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    started = start_cluster(tmp_path_factory.mktemp("cluster"))
    yield started
    started.stop()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (ALWAYS, []),
        (("--appendfsync", "everysec"), ["node.board_behind"]),
        (("--appendfsync", "no"), ["node.board_behind"]),
        (("--appendonly", "no"), ["node.board_not_kept"]),
        ((*ALWAYS, "--maxmemory-policy", "volatile-ttl"), ["node.board_evicts"]),
        ((*ALWAYS, "--rename-command", "CONFIG", ""), []),  # as hosted servers forbid it: nobody could change what it says
    ],
)
async def test_what_could_lose_accepted_work_is_named(tmp_path: Path, options: tuple[str, ...], told: list[str]) -> None:
    port = free_port()
    server = start_redis(tmp_path, port, *options)
    try:
        found = await weaknesses(f"redis://127.0.0.1:{port}/0", "here")
    finally:
        stop_redis(server)
    assert [warning.code for warning in found] == told


def test_a_url_is_shown_without_its_password() -> None:
    assert shown_url("redis://anna:hunter2@far:6380/0") == "far:6380"
    assert shown_url("rediss+cluster://:hunter2@far:6380") == "Redis Cluster by way of far:6380"
    with pytest.raises(Refused, match="board_url: "):
        shown_url("http://far", "board_url")


@pytest.mark.slow
def test_inspections_cannot_be_queued_in_a_cluster_and_that_is_said(tmp_path: Path) -> None:
    done = run("up", "--data-dir", str(tmp_path / "node"), COMMONFAB_REDIS_URL="redis+cluster://127.0.0.1:1")
    assert done.returncode == 1
    assert "node.settings" in done.stderr and "board_url" in done.stderr


@pytest.mark.slow
def test_a_cluster_that_does_not_answer_is_refused_without_its_password(tmp_path: Path) -> None:
    url = f"redis+cluster://:hunter2@127.0.0.1:{free_port()}"
    done = run("up", "--data-dir", str(tmp_path / "node"), "--listen", "127.0.0.1:0", COMMONFAB_BOARD_URL=url)
    assert done.returncode == 1
    assert "node.board_away_at_start" in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.slow
def test_a_server_that_is_no_cluster_is_not_taken_for_one(tmp_path: Path, redis_url: str) -> None:
    url = redis_url.replace("redis://", "redis+cluster://")
    done = run("up", "--data-dir", str(tmp_path / "node"), "--listen", "127.0.0.1:0", COMMONFAB_BOARD_URL=url)
    assert done.returncode == 1
    assert "node.board_away_at_start" in done.stderr


@pytest.mark.slow
async def test_every_master_of_a_cluster_is_asked(cluster: Cluster) -> None:
    assert await weaknesses(cluster.url, "here") == []
    last = max(cluster.masters())
    ask(last, "CONFIG", "SET", "appendfsync", "everysec")
    try:
        (found,) = await weaknesses(cluster.url, "here")
    finally:
        ask(last, "CONFIG", "SET", "appendfsync", "always")
    assert (found.code, found.reason.subject) == ("node.board_behind", f"127.0.0.1:{last}")


@pytest.mark.slow
def test_a_node_keeps_its_board_in_a_cluster_and_its_queue_in_a_redis_of_its_own(
    cluster: Cluster, start_node: Starter, tmp_path: Path
) -> None:
    node = start_node(tmp_path / "node", COMMONFAB_BOARD_URL=cluster.url)
    assert node.told["board"].startswith("Redis Cluster by way of 127.0.0.1:")
    assert (tmp_path / "node" / "board" / "redis.conf").exists()
    assert node.run("job", "list").returncode == 0
    _, _, err = node.stop()
    assert "WARNING" not in err and "ERROR" not in err
    held = [key for master in cluster.masters() for key in ask(master, "KEYS", "*")]
    assert held == ["cf:{home}:board:done"]  # of which the clerk made itself a reader
