# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reports, defects, recalls and following, as people use them."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cli_nodes import PROGRAM, Starter, UpNode, clean_environment, cube, run, until

from cli.design import reporting, telling_evidence
from commonfab import v1
from commonfab.errors import Refused


def done(node: UpNode, *arguments: str, token: str | None = None, cwd: Path | None = None) -> Any:
    answer = node.run(*arguments, "--json", token=token, cwd=cwd)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def publish(node: UpNode, folder: Path, *more: str) -> Any:
    folder.mkdir(exist_ok=True)
    (folder / "cube.stl").write_bytes(cube())
    return done(node, "design", "publish", str(folder), "--title", "Cube", "--licence", "CC0-1.0", "--unit", "mm", "--no-wait", *more)


def make_shop(node: UpNode, folder: Path) -> None:
    """A shop at the node: shop.toml, key and token."""
    folder.mkdir()
    assert run("shop", "init", "--id", "lenas-garage", "--node", node.address, cwd=folder).returncode == 0
    (folder / "shop.token").write_text(node.token("shop", "lenas-garage"), encoding="utf-8")
    text = (folder / "shop.toml").read_text(encoding="utf-8")
    (folder / "shop.toml").write_text(text.replace('control = "virtual"', 'control = "by_hand"', 1), encoding="utf-8")


@pytest.mark.slow
def test_a_shop_reports_a_build_with_its_own_key(shared_node: UpNode, tmp_path: Path) -> None:
    cube_design = publish(shared_node, tmp_path / "cube")
    make_shop(shared_node, tmp_path / "shop")
    (tmp_path / "shop" / "made.jpg").write_bytes(b"a photograph")
    said = ("--good", "3", "--part", "cube", "--size", "side=20/20.1", "--set", "layer_height_mm=0.2", "--photo", "made.jpg")
    name = cube_design["design"]["id"]
    told = run("design", "report", name, *said, "--went-wrong", "the first one warped", cwd=tmp_path / "shop")
    assert told.returncode == 0 and "the revision is: built" in told.stdout, told.stderr
    again = run("design", "report", name, *said, "--went-wrong", "the first one warped", cwd=tmp_path / "shop")
    assert again.stdout == told.stdout
    (kept,) = done(shared_node, "design", "reports", name)
    assert kept["report"]["pieces_good"] == 3 and kept["report"]["control"] == "by_hand" and kept["report"]["process"] == "fdm"
    assert kept["report"]["sizes"] == [{"name": "side", "nominal_mm": 20.0, "measured_mm": 20.1}] and not kept["carried"]
    table = shared_node.run("design", "reports", name).stdout
    assert "side 20 → 20.1" in table and "the first one warped" in table


@pytest.mark.slow
def test_a_defect_is_filed_listed_and_closed_and_a_revision_recalled(shared_node: UpNode, tmp_path: Path) -> None:
    digest = publish(shared_node, tmp_path / "cube", "--note", "one to be recalled")["revision"]["digest"]
    remy = shared_node.token("requester", "remy")
    filed = done(shared_node, "design", "defect", digest, "--title", "it rolls", "--severity", "dangerous", token=remy)
    assert filed["severity"] == "SEVERITY_DANGEROUS" and filed["filed_by"] == "remy"
    assert "it rolls" in shared_node.run("design", "defects", digest).stdout
    refused = shared_node.run("design", "close-defect", filed["id"], "--note", "so what", token=shared_node.token("maker", "eve"))
    assert refused.returncode == 1 and "defect.closer" in refused.stderr
    assert done(shared_node, "design", "close-defect", filed["id"], "--note", "it is round")["closing_note"] == "it is round"
    assert done(shared_node, "design", "defects", digest) == []
    assert len(done(shared_node, "design", "defects", digest, "--all")) == 1
    assert done(shared_node, "design", "recall", digest, "--reason", "it rolls away")["reason"] == "it rolls away"


def test_how_a_revision_stands_is_told_on_two_lines_at_most() -> None:
    recall = v1.Recall(reason="it [bursts]", instead="abc")
    revision = v1.Revision(maturity=v1.MATURITY_IN_PRODUCTION, open_defects=2, recall=recall)
    assert list(telling_evidence.standing(revision)) == [
        "[bold red]recalled[/bold red]: it \\[bursts]; make abc instead",
        "in production · 2 open defects",
    ]
    assert list(telling_evidence.standing(v1.Revision(maturity=v1.MATURITY_DRAFT, open_defects=1))) == ["draft · 1 open defect"]
    assert list(telling_evidence.standing(v1.Revision())) == []


@pytest.mark.parametrize("text", ["bore", "bore=8", "bore=8/x", "=8/8", "bore=8/nan"])
def test_a_measured_size_says_what_was_drawn_and_what_was_made(text: str) -> None:
    with pytest.raises(Refused) as caught:
        reporting.measured(text)
    assert caught.value.code == "report.size"


@pytest.mark.slow
def test_following_goes_on_after_the_node_was_away(start_node: Starter, tmp_path: Path) -> None:
    node = start_node(tmp_path / "node")
    environment = clean_environment(COMMONFAB_NODE=node.address, COMMONFAB_DATA_DIR=str(node.data_dir))
    command = [PROGRAM, "follow", "--json"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    assert process.stdout is not None
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    heard: list[Any] = []

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line)

    def hear(count: int) -> bool:
        while not lines.empty():
            heard.append(json.loads(lines.get()))
        return len(heard) >= count

    threading.Thread(target=read, daemon=True).start()
    try:
        until(lambda: process.poll() is None)
        digest, tries = "", count(1)
        while not hear(1):  # until following has begun, what is published is not heard
            digest = publish(node, tmp_path / "cube", "--note", f"try {next(tries)}")["revision"]["digest"]
        until(lambda: hear(1))
        node.stop()
        node = start_node(tmp_path / "node", listen=node.address)
        assert node.run("design", "recall", digest, "--reason", "it bursts").returncode == 0
        until(lambda: hear(1) and any("recalled" in event for event in heard))
        numbers = [int(event["number"]) for event in heard]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
    finally:
        process.kill()
        process.communicate()
