# SPDX-License-Identifier: AGPL-3.0-or-later
"""Backing up a node that works, and what stands after its restoring: the drill."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cli_nodes import PROGRAM, Starter, UpNode, clean_environment, cube, run, until
from cli_shops import virtual_shop
from redis_servers import free_port

PIECES = 3


@dataclass
class Maker:
    """Somebody who publishes one design after the other, and notes what was acknowledged."""

    node: UpNode
    folder: Path
    token: str
    acknowledged: list[str] = field(default_factory=list)
    told_to_stop: threading.Event = field(default_factory=threading.Event)

    def publish(self, number: int) -> str:
        """The digest of a new revision; empty where the node was away."""
        folder = self.folder / f"design-{number}"
        folder.mkdir(parents=True)
        # The first 80 bytes of a binary STL mean nothing, so every design has content of its own.
        (folder / "cube.stl").write_bytes(f"{number:<80}".encode() + cube()[80:])
        words = ("design", "publish", str(folder), "--title", f"Cube {number}", "--licence", "CC0-1.0", "--unit", "mm", "--json")
        done = self.node.run(*words, token=self.token)
        return str(json.loads(done.stdout)["revision"]["digest"]) if done.returncode == 0 else ""

    def work(self) -> None:
        number = 100
        while not self.told_to_stop.is_set():
            number += 1
            if digest := self.publish(number):
                self.acknowledged.append(digest)


@contextmanager
def shop_at_work(node: UpNode, folder: Path) -> Iterator[Path]:
    """A shop's agent with a virtual machine."""
    folder.mkdir()
    config, log = folder / "shop.toml", folder / "agent.log"
    config.write_text(virtual_shop(node, "always", speed=150), encoding="utf-8")
    with log.open("ab") as file:
        process = subprocess.Popen(
            [PROGRAM, "shop", "run", "--config", str(config)], env=clean_environment(), stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
    try:
        yield log
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(90)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def reads(node: UpNode, *words: str) -> Any:
    done = node.run(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_node_that_was_backed_up_at_work_and_killed_goes_on_elsewhere(start_node: Starter, tmp_path: Path) -> None:
    listen = f"127.0.0.1:{free_port()}"
    node = start_node(tmp_path / "node", listen=listen)
    maker = Maker(node, tmp_path / "designs", node.token("maker", "ada"))
    wanted = maker.publish(1)
    with shop_at_work(node, tmp_path / "shop") as log:
        place = ("--lat", "48.145", "--lon", "11.585")
        job = reads(node, "job", "request", wanted, "--quantity", str(PIECES), "--material", "pla", *place)["id"]
        publishing = threading.Thread(target=maker.work, daemon=True)
        publishing.start()

        def states() -> list[str]:
            return [order["state"] for order in reads(node, "job", "show", job)["work_orders"]]

        until(lambda: "WORK_ORDER_STATE_RUNNING" in states())
        until(lambda: len(maker.acknowledged) > 1)
        before = [wanted, *maker.acknowledged]
        taken = node.run("admin", "backup", str(tmp_path / "backup"), "--json")
        assert taken.returncode == 0, taken.stderr
        assert json.loads(taken.stdout)["board_keys"] > 5
        node.stop(signal.SIGKILL)
        maker.told_to_stop.set()
        publishing.join()
        assert json.loads(taken.stdout)["files"] >= len(before)

        restored = run("admin", "restore", str(tmp_path / "backup"), "--data-dir", str(tmp_path / "again"))
        assert restored.returncode == 0, restored.stderr
        again = start_node(tmp_path / "again", listen=listen)
        assert again.steward_token == node.steward_token
        for digest in before:
            assert reads(again, "design", "show", digest)["revision"]["digest"] == digest
        assert reads(again, "admin", "verify")["faults"] == []
        until(lambda: reads(again, "job", "show", job)["state"] == "JOB_STATE_DONE", 120)

        def recorded() -> list[Any]:
            entries: list[Any] = reads(again, "ledger", "show")
            return entries if sum(entry["work"]["pieces_good"] for entry in entries) >= PIECES else []

        entries = until(recorded)  # the clerk enters them a moment after the job's end
        assert sum(entry["work"]["pieces_good"] for entry in entries) == PIECES, (entries, log.read_text(encoding="utf-8")[-3000:])
        assert len({json.dumps(entry["work"]["attempt"]) for entry in entries}) == len(entries)
        shown = again.run("ledger", "show")
        assert shown.returncode == 0 and "every hash and signature is right" in shown.stdout


@pytest.mark.slow
def test_a_second_backup_takes_only_what_is_new_and_a_stopped_node_is_backed_up_too(start_node: Starter, tmp_path: Path) -> None:
    node = start_node(tmp_path / "node")
    maker = Maker(node, tmp_path / "designs", node.token("maker", "ada"))
    first = maker.publish(1)
    until(lambda: reads(node, "design", "show", first)["parts"][0]["state"] == "INSPECTION_STATE_DONE")
    target = tmp_path / "backup"
    told = json.loads(node.run("admin", "backup", str(target), "--json").stdout)
    assert told["new_files"] == told["files"] > 0
    maker.publish(2)
    node.stop()
    again = run("admin", "backup", str(target), "--data-dir", str(tmp_path / "node"), "--json")
    assert again.returncode == 0, again.stderr
    more = json.loads(again.stdout)
    assert more["files"] == told["files"] + more["new_files"] and more["new_files"] >= 1
    assert len(list(target.glob("taken-*"))) == 1

    blob = next(path for path in (target / "blobs").glob("*/*"))
    content = blob.read_bytes()
    blob.unlink()
    blob.write_bytes(content[:-1] + b"!")
    refused = run("admin", "restore", str(target), "--data-dir", str(tmp_path / "other"))
    assert refused.returncode == 1 and "backup.damaged" in refused.stderr and not (tmp_path / "other").exists()
    blob.write_bytes(content)
    into_used = run("admin", "restore", str(target), "--data-dir", str(tmp_path / "node"))
    assert into_used.returncode == 1 and "restore.folder" in into_used.stderr


@pytest.mark.slow
def test_a_backup_of_sqlite_is_restored_into_postgresql_and_back(start_node: Starter, tmp_path: Path, postgres_url: str) -> None:
    node = start_node(tmp_path / "node")
    digest = Maker(node, tmp_path / "designs", node.token("maker", "ada")).publish(1)
    assert node.run("admin", "quota", "ada", "5MB").returncode == 0
    assert node.run("admin", "backup", str(tmp_path / "one")).returncode == 0
    node.stop()
    there = {"DATABASE_URL": postgres_url}
    restored = run("admin", "restore", str(tmp_path / "one"), "--data-dir", str(tmp_path / "two"), **there)
    assert restored.returncode == 0, restored.stderr
    twice = run("admin", "restore", str(tmp_path / "one"), "--data-dir", str(tmp_path / "three"), **there)
    assert twice.returncode == 1 and "restore.database" in twice.stderr
    assert [path.name for path in (tmp_path / "three").iterdir()] in ([], ["node.lock"])
    second = start_node(tmp_path / "two", **there)
    assert reads(second, "design", "show", digest)["revision"]["digest"] == digest
    wrong = second.run("admin", "backup", str(tmp_path / "wrong"))
    assert wrong.returncode == 1 and "backup.other_database" in wrong.stderr
    taken = run("admin", "backup", str(tmp_path / "back"), "--data-dir", str(tmp_path / "two"), **there)
    assert taken.returncode == 0, taken.stderr
    second.stop()
    back = run("admin", "restore", str(tmp_path / "back"), "--data-dir", str(tmp_path / "four"))
    assert back.returncode == 0, back.stderr
    third = start_node(tmp_path / "four")
    assert reads(third, "design", "show", digest)["revision"]["digest"] == digest
    assert reads(third, "admin", "usage", "ada")[0]["quota_bytes"] == str(5 * 1024**2)
    assert reads(third, "admin", "verify")["faults"] == []
    with sqlite3.connect(tmp_path / "four" / "commonfab.db") as one, sqlite3.connect(tmp_path / "node" / "commonfab.db") as other:
        for table in ("designs", "revisions", "revision_files", "tokens WHERE subject <> 'node'", "inspections", "quotas"):
            query = f"SELECT * FROM {table} ORDER BY 1, 2"  # a node gives itself a new token at its first start
            assert one.execute(query).fetchall() == other.execute(query).fetchall(), table


@pytest.mark.slow
def test_what_cannot_be_backed_up_or_restored_says_why(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letters.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "node").mkdir()
    for words, code in (
        (("backup", str(tmp_path / "b"), "--data-dir", str(tmp_path / "nowhere")), "backup.no_node"),
        (("backup", str(tmp_path / "node" / "b"), "--data-dir", str(tmp_path / "node")), "backup.inside"),
        (("backup", str(tmp_path / "other"), "--data-dir", str(tmp_path / "node")), "backup.folder"),
        (("restore", str(tmp_path / "other"), "--data-dir", str(tmp_path / "new")), "backup.none"),
    ):
        done = run("admin", *words)
        assert done.returncode == 1 and f"({code})" in done.stderr, done.stderr
