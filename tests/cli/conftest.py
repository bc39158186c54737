# SPDX-License-Identifier: AGPL-3.0-or-later
"""Nodes for the tests of the command line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cli_nodes import Starter, UpNode


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
    yield starter(tmp_path_factory.mktemp("shared") / "node")
    starter.end_all()
