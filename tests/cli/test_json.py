# SPDX-License-Identifier: AGPL-3.0-or-later
"""`--json`: what programs read. Standard output has JSON and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_nodes import UpNode, cube, run
from redis_servers import free_port


def read(node: UpNode, *arguments: str) -> Any:
    done = node.run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def published(shared_node: UpNode, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A cube of 20 mm, published and inspected."""
    folder = tmp_path_factory.mktemp("cube")
    (folder / "cube.stl").write_bytes(cube())
    (folder / "README.md").write_text("A cube.\n", encoding="utf-8")
    arguments = ("--title", "Cube", "--licence", "CC0-1.0", "--unit", "mm", "--tag", "test", "--part-quantity", "cube=2")
    answer: dict[str, Any] = read(shared_node, "design", "publish", str(folder), *arguments)
    return answer


def test_a_published_part_is_told_with_its_size_and_its_verdict(published: dict[str, Any]) -> None:
    part = published["parts"][0]
    assert part["part"]["quantity_per_product"] == 2
    assert part["state"] == "INSPECTION_STATE_DONE"
    assert part["report"]["size_mm"] == {"x": 20.0, "y": 20.0, "z": 20.0}
    assert part["report"]["volume_mm3"] == pytest.approx(8000)
    assert part["makeability"][0]["verdict"] == "VERDICT_FEASIBLE"


def test_publishing_the_same_again_gives_the_same_revision(shared_node: UpNode, published: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "cube.stl").write_bytes(cube())
    (tmp_path / "README.md").write_text("A cube.\n", encoding="utf-8")
    design = published["design"]["id"]
    arguments = ("--design", design, "--licence", "CC0-1.0", "--unit", "mm", "--part-quantity", "cube=2")
    again = read(shared_node, "design", "publish", str(tmp_path), *arguments)
    assert again["revision"]["digest"] == published["revision"]["digest"]


@pytest.mark.slow
def test_every_read_of_a_design_parses(shared_node: UpNode, published: dict[str, Any], tmp_path: Path) -> None:
    design = published["design"]["id"]
    assert design in [one["id"] for one in read(shared_node, "design", "list")]
    assert read(shared_node, "design", "show", design)["revisions"][0]["digest"] == published["revision"]["digest"]
    fetched = read(shared_node, "design", "get", design, str(tmp_path / "got"))
    assert sorted(Path(file).name for file in fetched["files"]) == ["README.md", "cube.stl"]
    assert (tmp_path / "got" / "cube.stl").read_bytes() == cube()


def test_a_file_of_the_readers_own_is_not_overwritten_unless_asked_for(
    shared_node: UpNode, published: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "cube.stl").write_text("mine", encoding="utf-8")
    refused = shared_node.run("design", "get", published["design"]["id"], str(tmp_path))
    assert "file.exists" in refused.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["cube.stl"]
    assert (tmp_path / "cube.stl").read_text(encoding="utf-8") == "mine"
    assert shared_node.run("design", "get", published["design"]["id"], str(tmp_path), "--overwrite").returncode == 0
    assert (tmp_path / "cube.stl").read_bytes() == cube()


@pytest.mark.slow
def test_every_read_of_a_job_parses(shared_node: UpNode, published: dict[str, Any]) -> None:
    requester = shared_node.token("requester", "reader")
    design = published["design"]["id"]

    def as_requester(*arguments: str) -> Any:
        done = shared_node.run(*arguments, "--json", token=requester)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    job = as_requester("job", "request", design, "--quantity", "3", "--lat", "48.137", "--lon", "11.575", "--purpose", "a test")
    assert job["request"]["quantity"] == 3
    assert job["request"]["place"]["cell"].startswith("87")
    assert as_requester("job", "show", job["id"])["id"] == job["id"]
    assert [one["id"] for one in as_requester("job", "list")] == [job["id"]]
    assert as_requester("job", "explain", job["id"])["able"] == []
    assert as_requester("job", "explain", "--design", design)["refused"] == []
    assert as_requester("job", "cancel", job["id"])["state"] == "JOB_STATE_CANCELLED"
    assert as_requester("job", "watch", job["id"])["state"] == "JOB_STATE_CANCELLED"


def test_every_other_read_parses(shared_node: UpNode) -> None:
    assert read(shared_node, "token", "whoami")["token"]["scope"] == "SCOPE_STEWARD"
    assert read(shared_node, "token", "list")["tokens"][0]["subject"] == "steward"
    assert read(shared_node, "shop", "list") == []
    assert read(shared_node, "ledger", "show") == []


def test_a_dry_run_tells_what_would_be_published_and_needs_no_node(tmp_path: Path) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    (tmp_path / "cube.stl").write_bytes(cube())
    done = run(
        "design",
        "publish",
        str(tmp_path / "cube.stl"),
        "--title",
        "Cube",
        "--licence",
        "CC0-1.0",
        "--dry-run",
        "--json",
        COMMONFAB_NODE=nobody,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["manifest"]["files"][0]["path"] == "cube.stl"
    assert told["manifest"]["parts"][0]["name"] == "cube"


def test_a_file_is_checked_with_no_node_running(tmp_path: Path) -> None:
    (tmp_path / "cube.stl").write_bytes(cube())
    done = run("design", "check", str(tmp_path / "cube.stl"), "--unit", "mm", "--json", COMMONFAB_DATA_DIR=str(tmp_path / "no-node"))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["report"]["watertight"] is True
    assert found["makeability"][0]["process"] == "fdm"
    assert not (tmp_path / "no-node").exists()


def test_a_file_that_cannot_be_made_is_told_in_json_and_ends_with_1(tmp_path: Path) -> None:
    (tmp_path / "cube.stl").write_bytes(cube()[:200])
    done = run("design", "check", str(tmp_path / "cube.stl"), "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["report"]["faults"][0]["code"] == "file.truncated"
