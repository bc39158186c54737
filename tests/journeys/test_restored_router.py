# SPDX-License-Identifier: AGPL-3.0-or-later
"""A node is lost and restored from a backup that is older than what its shop has taken since: every piece is made once and counted once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis_servers import free_port

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))

from cli_nodes import PROGRAM, Starter, UpNode, clean_environment, cube, run, until
from cli_shops import virtual_shop

PIECES = 2
PLACE = ("--lat", "48.145", "--lon", "11.585")


@dataclass
class Lena:
    """A shop with a virtual machine, whose owner answers offers herself."""

    config: Path
    log: Path

    def says(self, *words: str) -> Any:
        """What the command line answers, as JSON."""
        done = run("shop", *words, "--config", str(self.config), "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def status(self) -> Any:
        return self.says("status")

    def said(self, words: str) -> int:
        return self.log.read_text(encoding="utf-8").count(words)


@contextmanager
def at_work(node: UpNode, folder: Path, speed: int) -> Iterator[Lena]:
    folder.mkdir()
    lena = Lena(folder / "shop.toml", folder / "agent.log")
    lena.config.write_text(virtual_shop(node, "ask", speed=speed), encoding="utf-8")
    with lena.log.open("ab") as file:
        command = [PROGRAM, "shop", "run", "--config", str(lena.config)]
        process = subprocess.Popen(command, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    try:
        yield lena
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def reads(node: UpNode, *words: str) -> Any:
    done = node.run(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def asked_for(node: UpNode, folder: Path) -> str:
    """A job that the shop is asked about."""
    folder.mkdir()
    (folder / "cube.stl").write_bytes(cube())
    words = ("design", "publish", str(folder), "--title", "Cube", "--licence", "CC0-1.0", "--unit", "mm")
    digest = reads(node, *words)["revision"]["digest"]
    until(lambda: reads(node, "design", "show", digest)["parts"][0]["state"] == "INSPECTION_STATE_DONE")
    return str(reads(node, "job", "request", digest, "--quantity", str(PIECES), "--material", "pla", *PLACE)["id"])


def lots(node: UpNode, job: str) -> list[Any]:
    return list(reads(node, "job", "show", job)["work_orders"])


@pytest.fixture
def start_node() -> Iterator[Starter]:
    starter = Starter()
    yield starter
    starter.end_all()


@pytest.mark.slow
@pytest.mark.parametrize("lost", ["while it is made", "after it was reported"])
def test_what_a_shop_took_after_the_backup_is_made_once_and_counted_once(start_node: Starter, tmp_path: Path, lost: str) -> None:
    listen = f"127.0.0.1:{free_port()}"
    node = start_node(tmp_path / "node", listen=listen)
    with at_work(node, tmp_path / "shop", speed=60 if lost == "while it is made" else 600) as lena:
        job = asked_for(node, tmp_path / "design")
        order = until(lambda: lots(node, job))[0]["id"]
        until(lambda: lena.says("offers"))
        taken = node.run("admin", "backup", str(tmp_path / "backup"), "--json")
        assert taken.returncode == 0, taken.stderr
        assert run("shop", "accept", order, "--config", str(lena.config)).returncode == 0
        if lost == "while it is made":
            until(lambda: lena.said("starts piece 1"))
        else:
            until(lambda: reads(node, "job", "show", job)["state"] == "JOB_STATE_DONE")
            until(lambda: not lena.status()["attempts"])
        node.stop(signal.SIGKILL)
        restored = run("admin", "restore", str(tmp_path / "backup"), "--data-dir", str(tmp_path / "again"))
        assert restored.returncode == 0, restored.stderr
        again = start_node(tmp_path / "again", listen=listen)

        until(lambda: reads(again, "job", "show", job)["state"] == "JOB_STATE_DONE", 120)
        entries = until(lambda: reads(again, "ledger", "show"))
        assert [entry["work"]["pieces_good"] for entry in entries] == [PIECES], lena.log.read_text(encoding="utf-8")[-3000:]
        assert entries[0]["work"]["attempt"]["work_order_id"] == order
        assert [lot["id"] for lot in lots(again, job)] == [order]
        assert lena.said("starts piece") == PIECES, "a piece was made twice"
        told = until(lambda: (status := lena.status()) and not status["attempts"] and status)
        assert told["given_back"] == []
