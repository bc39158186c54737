# SPDX-License-Identifier: AGPL-3.0-or-later
"""The documentation says what the code does: its tables are built from the code, and its commands and settings exist."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer.main

from cli.main import app
from commonfab.settings import CallerSettings, NodeSettings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
COMMAND = re.compile(r"(?:^|`)(commonfab [a-z][^`\n]*)", re.MULTILINE)
SETTING = re.compile(r"COMMONFAB_[A-Z_]+")
FOR_TESTS = {
    "COMMONFAB_OCTOPRINT_PYTHON",
    "COMMONFAB_REQUIRE_PEERS",
    "COMMONFAB_SHARED",
    "COMMONFAB_TEST_EFFORT",
    "COMMONFAB_TRACEBACK",
}


def load_builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_reference", ROOT / "docs" / "build_reference.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tables_are_as_the_code_would_write_them(page: Path) -> None:
    assert load_builder().rebuilt(page.read_text(encoding="utf-8")) == page.read_text(encoding="utf-8"), "run make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_the_page_exists_with_its_options(page: Path) -> None:
    whole: Any = typer.main.get_command(app)
    for line in COMMAND.findall(page.read_text(encoding="utf-8")):
        words = shlex.split(re.split(r"[#>]", line)[0].replace("…", "").replace("[", "").replace("]", ""))[1:]
        command = whole
        while hasattr(command, "commands") and words and "|" not in words[0]:
            assert words[0] in command.commands, f"{page.name}: commonfab has no {line!r}"
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}
        assert {word.split("=")[0] for word in words if word.startswith("--")} <= known, f"{page.name}: {line!r}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_on_the_page_exists(page: Path) -> None:
    known = {f"COMMONFAB_{name.upper()}" for kind in (NodeSettings, CallerSettings) for name in kind.model_fields}
    assert set(SETTING.findall(page.read_text(encoding="utf-8"))) <= known | FOR_TESTS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_on_the_page_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


def test_every_command_is_explained() -> None:
    def unexplained(command: Any, path: str) -> list[str]:
        children = getattr(command, "commands", {})
        here = [] if command.help else [path]
        return here + [one for name, child in children.items() for one in unexplained(child, f"{path} {name}")]

    assert unexplained(typer.main.get_command(app), "commonfab") == []
