# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab okh`: manifests are checked and converted on this machine, by the light install, without a node."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from test_light_install import run_lightly

Run = Callable[..., tuple[int, str, str]]


FIRST = "title: Gear\nlicense: {hardware: MIT}\nmaking-instructions: [{path: /docs/print.md}]\n"
LOSH = 'okhv = "OKH-LOSHv1.0"\nname = "Loom\\n"\norganisation = "OSE"\ncolour = "red"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "okh.yml").write_text(FIRST, encoding="utf-8")
    (tmp_path / "okh-loom.toml").write_text(LOSH, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    return tmp_path


def test_every_repair_is_named_and_the_last_line_counts(run: Run, folder: Path) -> None:
    done = run("okh", "check", str(folder))
    assert done[0] == 0 and done[1].splitlines()[-1] == "2 of 2 import and come back the same"
    assert "'organisation' → 'organization'" in done[1] and "'/docs/print.md' → 'docs/print.md'" in done[1]


def test_a_summary_counts_the_repairs_of_each_kind(run: Run, folder: Path) -> None:
    lines = [" ".join(line.split()) for line in run("okh", "check", str(folder), "--summary")[1].splitlines()]
    assert "okh.key a key is spelled otherwise 1 1" in lines and "okh.spaces there was space around a text 1 1" in lines


def test_a_manifest_that_cannot_be_read_is_named_with_its_line_and_ends_with_1(run: Run, folder: Path) -> None:
    (folder / "okh-broken.toml").write_text('name = "a"\nversion = \n', encoding="utf-8")
    done = run("okh", "check", str(folder))
    assert done[0] == 1 and "okh-broken.toml" in done[1] and "line 2" in done[1]
    assert done[1].splitlines()[-1] == "2 of 3 import and come back the same"


def test_programs_get_repairs_and_keys_that_nobody_knows(run: Run, folder: Path) -> None:
    told = json.loads(run("okh", "check", str(folder / "okh-loom.toml"), "--json")[1])
    loom = told["manifests"][0]
    assert (told["same"], told["of"], loom["version"], loom["unread"], loom["problem"]) == (1, 1, "LOSH 1.0", ["colour"], None)
    assert [repair["code"] for repair in loom["repairs"]] == ["okh.spaces", "okh.key"]


def test_a_folder_without_a_manifest_is_told_so(run: Run, tmp_path: Path) -> None:
    done = run("okh", "check", str(tmp_path))
    assert done[0] == 1 and "there is no manifest in" in done[2]


def test_a_manifest_of_1_0_is_converted_and_nothing_is_overwritten_unasked(run: Run, folder: Path) -> None:
    out = folder / "new.toml"
    first = run("okh", "convert", str(folder / "okh.yml"), "-o", str(out))
    assert first[0] == 0 and "docs/print.md" in first[2]
    assert tomllib.loads(out.read_text(encoding="utf-8")) == {
        "okhv": "2.4",
        "name": "Gear",
        "license": "MIT",
        "manufacturing-instructions": "docs/print.md",
    }
    second = run("okh", "convert", str(folder / "okh-loom.toml"), "-o", str(out))
    assert second[0] == 1 and "command.exists" in second[2] and "Gear" in out.read_text(encoding="utf-8")
    forced = run("okh", "convert", str(folder / "okh-loom.toml"), "-o", str(out), "--overwrite")
    assert forced[0] == 0 and "Loom" in out.read_text(encoding="utf-8")


def test_the_light_install_is_enough(folder: Path) -> None:
    arguments = ["okh", "check", str(folder)]
    done = run_lightly(f"import sys; sys.argv[1:] = {arguments!r}; from cli.main import main; main()")
    assert "2 of 2 import and come back the same" in done.stdout, done.stderr
