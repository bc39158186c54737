# SPDX-License-Identifier: AGPL-3.0-or-later
"""Fixtures of the journeys; `journey_street.py` says what they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from journey_street import street
from processes import NodeProcess

__all__ = ["street"]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node for the whole module: each test asks with people of its own."""
    process = NodeProcess.on(tmp_path_factory.mktemp("node"))
    process.start()
    yield process
    process.stop()
