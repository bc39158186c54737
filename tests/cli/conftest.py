# SPDX-License-Identifier: AGPL-3.0-or-later
"""Nodes for the tests of the command line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest
from cli_nodes import Starter, UpNode

from cli.main import main
from cli.publishing import author_key


@pytest.fixture
def start_node() -> Iterator[Starter]:
    """Starts nodes for one test."""
    starter = Starter()
    yield starter
    starter.end_all()


@pytest.fixture(scope="session")
def shared_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpNode]:
    """One node for the tests that only call it."""
    starter = Starter()
    node = starter(tmp_path_factory.mktemp("shared") / "node")
    author_key(node.data_dir / "author.pem")  # made now, so that whoever publishes first is not told of it
    yield node
    starter.end_all()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs `commonfab` in this process: exit code, stdout and stderr."""

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["commonfab", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return command
