# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab up`: a node that says where it is, keeps its folder to itself, survives its children, and stops cleanly."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest
from cli_nodes import PROGRAM, Starter, UpNode, clean_environment, cube, is_alive, run, until
from redis_servers import free_port, start_redis, stop_redis


@dataclass(frozen=True)
class Life:
    """A node that was started, looked at, and told to stop."""

    node: UpNode
    children: tuple[int, int]
    modes: tuple[int, int]
    password: str
    code: int
    out: str
    err: str


@pytest.fixture(scope="module", params=[signal.SIGINT, signal.SIGTERM])
def life(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Life:
    """One for each way of stopping; several tests look at it."""
    folder = tmp_path_factory.mktemp("life") / "node"
    starter = Starter()
    try:
        node = starter(folder)
        children = (node.redis_pid, node.worker_pid)
        assert all(is_alive(pid) for pid in children)
        modes = (stat.S_IMODE((folder / "steward.token").stat().st_mode), stat.S_IMODE(folder.stat().st_mode))
        password = (folder / "board" / "redis.conf").read_text(encoding="utf-8").split("requirepass ")[1].split()[0]
        return Life(node, children, modes, password, *node.stop(request.param))
    finally:
        starter.end_all()


@pytest.mark.slow
def test_it_stops_cleanly_and_leaves_no_child(life: Life) -> None:
    assert life.code == 0, life.err
    assert not any(is_alive(pid) for pid in life.children)
    assert "Traceback" not in life.err
    assert not (life.node.data_dir / "node.json").exists()


@pytest.mark.slow
def test_it_says_where_everything_is_and_what_to_try_next(life: Life) -> None:
    node = life.node
    for place in (node.address, node.told["metrics"], node.data_dir, "commonfab.db", "private redis-server", "steward.token"):
        assert str(place) in life.out
    assert f"COMMONFAB_NODE={node.address}" in life.out


def test_its_secrets_are_readable_by_their_owner_only_and_stand_in_no_output(life: Life) -> None:
    assert life.modes == (0o600, 0o700)
    written = json.dumps(life.node.told) + life.out + life.err
    assert life.password not in written
    assert life.node.steward_token not in written


@pytest.mark.slow
def test_a_second_node_on_the_same_folder_is_refused_with_the_first_ones_process_id(shared_node: UpNode) -> None:
    second = run("up", "--data-dir", str(shared_node.data_dir), "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0")
    assert second.returncode == 1
    assert str(shared_node.process.pid) in second.stderr
    assert "node.folder_taken" in second.stderr
    assert shared_node.run("token", "whoami").returncode == 0


@pytest.mark.slow
def test_an_address_that_is_taken_is_refused_and_nothing_is_left_running(shared_node: UpNode, tmp_path: Path) -> None:
    second = run("up", "--data-dir", str(tmp_path / "other"), "--listen", shared_node.address, "--metrics-listen", "127.0.0.1:0")
    assert second.returncode == 1
    assert "node.address_taken" in second.stderr
    assert not (tmp_path / "other" / "board" / "redis.pid").exists()


def published_cube(node: UpNode, folder: Path) -> str:
    """The id of a design that can be asked for."""
    (folder / "cube.stl").write_bytes(cube())
    done = node.run("design", "publish", str(folder / "cube.stl"), "--title", "Cube", "--licence", "CC0-1.0", "--unit", "mm", "--json")
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["design"]["id"])


@pytest.mark.slow
def test_its_redis_killed_with_9_is_started_again_and_the_job_is_still_there(start_node: Starter, tmp_path: Path) -> None:
    node = start_node(tmp_path / "node")
    job = json.loads(node.run("job", "request", published_cube(node, tmp_path), "--json").stdout)["id"]
    pid = node.redis_pid
    os.kill(pid, signal.SIGKILL)
    until(lambda: node.redis_pid != pid)
    until(lambda: node.run("job", "list", "--json").returncode == 0)
    assert [one["id"] for one in json.loads(node.run("job", "list", "--json").stdout)] == [job]
    code, _, err = node.stop()
    assert code == 0
    assert "redis-server ended (signal SIGKILL)" in err


@pytest.mark.slow
def test_who_watches_a_job_goes_on_watching_when_the_node_was_killed_and_started_again(start_node: Starter, tmp_path: Path) -> None:
    listen = f"127.0.0.1:{free_port()}"
    node = start_node(tmp_path / "node", listen=listen)
    job = json.loads(node.run("job", "request", published_cube(node, tmp_path), "--json").stdout)["id"]
    environment = clean_environment(COMMONFAB_NODE=listen, COMMONFAB_DATA_DIR=str(tmp_path / "node"))
    pipe = subprocess.PIPE
    watching = subprocess.Popen([PROGRAM, "job", "watch", job, "--json"], env=environment, stdout=pipe, stderr=pipe, encoding="utf-8")
    assert watching.stdout is not None
    assert json.loads(watching.stdout.readline())["state"] == "JOB_STATE_WAITING"
    node.process.kill()
    node.process.communicate()
    again = start_node(tmp_path / "node", listen=listen)
    assert again.run("job", "cancel", job).returncode == 0
    out, err = watching.communicate(timeout=120)
    assert watching.returncode == 0, err
    assert json.loads(out.splitlines()[-1])["state"] == "JOB_STATE_CANCELLED"


def test_its_worker_killed_with_9_is_started_again(shared_node: UpNode) -> None:
    pid = shared_node.worker_pid
    os.kill(pid, signal.SIGKILL)
    until(lambda: shared_node.worker_pid != pid and is_alive(shared_node.worker_pid))


@pytest.mark.slow
def test_killed_with_9_it_leaves_no_child_and_starts_again_with_what_it_had(start_node: Starter, tmp_path: Path) -> None:
    node = start_node(tmp_path / "node")
    maker = node.token("maker", "ada")
    children = (node.redis_pid, node.worker_pid)
    node.process.kill()
    node.process.communicate()
    until(lambda: not any(is_alive(pid) for pid in children))
    again = start_node(tmp_path / "node")
    assert "maker ada" in again.run("token", "whoami", token=maker).stdout


@pytest.mark.slow
def test_a_steward_token_that_was_revoked_is_not_given_out_again(start_node: Starter, tmp_path: Path) -> None:
    node = start_node(tmp_path / "node")
    me = json.loads(node.run("token", "whoami", "--json").stdout)["token"]["id"]
    assert node.run("token", "revoke", me).returncode == 0
    node.stop()
    again = start_node(tmp_path / "node")
    assert "token.revoked" in again.run("token", "whoami").stderr


def counted(node: UpNode, series: str) -> float:
    """What a counter of the node stands at."""
    with urllib.request.urlopen(node.told["metrics"]) as answer:
        found = re.search(rf"^{re.escape(series)} (\S+)$", answer.read().decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_its_metrics_count_calls_and_refusals(shared_node: UpNode) -> None:
    series = (
        'commonfab_calls_total{method="/commonfab.v1.Access/WhoAmI",status="OK"}',
        'commonfab_refusals_total{code="token.unknown"}',
    )
    before = [counted(shared_node, one) for one in series]
    shared_node.run("token", "whoami")
    shared_node.run("token", "whoami", token="wrong")
    assert [counted(shared_node, one) for one in series] == [count + 1 for count in before]


@pytest.mark.slow
def test_with_a_redis_of_the_operators_no_child_is_started_and_one_that_forgets_is_named(start_node: Starter, tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    port = free_port()
    server = start_redis(tmp_path / "redis", port, "--appendonly", "no", "--maxmemory-policy", "allkeys-lru")
    try:
        node = start_node(tmp_path / "node", REDIS_URL=f"redis://127.0.0.1:{port}/0")
        assert not (tmp_path / "node" / "board").exists()
        assert node.run("job", "list").returncode == 0
        _, _, err = node.stop()
    finally:
        stop_redis(server)
    assert f"127.0.0.1:{port} keeps nothing" in err
    assert f"127.0.0.1:{port} throws keys away" in err


@pytest.mark.slow
def test_a_redis_that_keeps_everything_is_not_warned_about(start_node: Starter, tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    port = free_port()
    server = start_redis(tmp_path / "redis", port, "--maxmemory-policy", "noeviction", "--appendfsync", "always")
    try:
        _, _, err = start_node(tmp_path / "node", COMMONFAB_REDIS_URL=f"redis://127.0.0.1:{port}/0").stop()
    finally:
        stop_redis(server)
    assert "WARNING" not in err


@pytest.mark.slow
def test_a_redis_that_does_not_answer_is_refused_without_its_password(tmp_path: Path) -> None:
    url = f"redis://:hunter2@127.0.0.1:{free_port()}/0"
    done = run("up", "--data-dir", str(tmp_path / "node"), "--listen", "127.0.0.1:0", COMMONFAB_REDIS_URL=url)
    assert done.returncode == 1
    assert "node.board_away_at_start" in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.slow
def test_a_database_url_of_the_operators_is_used(start_node: Starter, tmp_path: Path) -> None:
    node = start_node(tmp_path / "node", DATABASE_URL=f"sqlite:///{tmp_path}/elsewhere.db")
    assert node.run("token", "whoami").returncode == 0
    assert (tmp_path / "elsewhere.db").exists()
    assert not (tmp_path / "node" / "commonfab.db").exists()


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("COMMONFAB_OFFER_SECONDS", "soon", "offer_seconds"),
        ("COMMONFAB_NEIGHBOURHOOD", "No Spaces!", "neighbourhood"),
    ],
)
@pytest.mark.slow
def test_a_wrong_setting_is_named(tmp_path: Path, option: str, value: str, told: str) -> None:
    done = run("up", "--data-dir", str(tmp_path), **{option: value})
    assert done.returncode == 1
    assert "node.settings" in done.stderr
    assert told in done.stderr.lower()
    assert "Traceback" not in done.stderr


def test_a_typo_in_commonfab_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "commonfab.toml").write_text('lisen = "127.0.0.1:0"\n', encoding="utf-8")
    done = run("up", "--data-dir", str(tmp_path))
    assert done.returncode == 1
    assert "lisen" in done.stderr


@pytest.mark.slow
def test_a_listening_address_without_a_port_is_refused(tmp_path: Path) -> None:
    done = run("up", "--data-dir", str(tmp_path), "--listen", "127.0.0.1", "--metrics-listen", "127.0.0.1:0")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_ctrl_c_while_it_starts_leaves_nothing_running(start_node: Starter, tmp_path: Path) -> None:
    node: UpNode = start_node.launch(tmp_path / "node")
    pid = until(lambda: _redis_pid(tmp_path / "node"))
    try:
        code, _, err = node.stop()
    except subprocess.TimeoutExpired:
        pytest.fail("it does not stop")
    assert code == 0
    assert "Traceback" not in err
    assert not is_alive(pid)


def _redis_pid(folder: Path) -> int:
    try:
        return int((folder / "board" / "redis.pid").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return 0
