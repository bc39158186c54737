# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab admin`: what a steward types, and what it answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_nodes import UpNode, cube

from cli.admin import read_size, size_text
from commonfab.errors import Refused


@pytest.mark.parametrize(("text", "number"), [("500MB", 500 * 1024**2), ("1.5 GB", 3 * 1024**3 // 2), ("7b", 7), ("2TiB", 2 * 1024**4)])
def test_sizes_are_read_as_people_write_them(text: str, number: int) -> None:
    assert read_size(text) == number


@pytest.mark.parametrize("text", ["", "many", "0MB", "-5MB", "5", "5 MB more"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="is not a size"):
        read_size(text)


def test_sizes_are_written_as_people_read_them() -> None:
    assert [size_text(number) for number in (0, 1023, 1024, 1536, 5 * 1024**3)] == ["0 bytes", "1023 bytes", "1 KB", "1.5 KB", "5 GB"]


@pytest.mark.slow
def test_usage_quota_garbage_and_verify_on_a_node(shared_node: UpNode, tmp_path: Path) -> None:
    token = shared_node.token("maker", "quota-ada")
    (tmp_path / "cube.stl").write_bytes(b"admin".ljust(80) + cube()[80:])
    words = ("design", "publish", str(tmp_path / "cube.stl"), "--title", "Admin's cube", "--licence", "CC0-1.0", "--unit", "mm", "--json")
    digest = json.loads(shared_node.run(*words, token=token).stdout)["revision"]["digest"]
    [usage] = json.loads(shared_node.run("admin", "usage", "quota-ada", "--json").stdout)
    assert (usage["used_bytes"], usage["files"], usage["quota_bytes"]) == ("684", "1", "0")
    assert "1 KB" in shared_node.run("admin", "quota", "quota-ada", "1KB").stdout
    (tmp_path / "more.stl").write_bytes(b"more".ljust(80) + cube()[80:])
    over = shared_node.run("design", "publish", str(tmp_path / "more.stl"), "--title", "More", "--licence", "CC0-1.0", token=token)
    assert over.returncode == 1 and "(quota.full)" in over.stderr
    told = json.loads(shared_node.run("admin", "gc", "--dry-run", "--json").stdout)
    assert int(told["files"]) >= 1 and told["removed"] == "0"
    assert shared_node.run("admin", "verify").returncode == 0
    sha256 = json.loads(shared_node.run("design", "show", digest, "--json").stdout)["revision"]["manifest"]["files"][0]["sha256"]
    (shared_node.data_dir / "blobs" / sha256[:2] / sha256[2:]).write_bytes(b"rotten")
    done = shared_node.run("admin", "verify")
    assert done.returncode == 1 and "(admin.faults)" in done.stderr and "changed" in done.stdout and digest in done.stdout
    shared_node.run("admin", "quota", "quota-ada", "default")
    again = shared_node.run(*words, token=token)
    assert again.returncode == 0, again.stderr
    assert shared_node.run("admin", "verify").returncode == 0
