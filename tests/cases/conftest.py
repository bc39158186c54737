# SPDX-License-Identifier: AGPL-3.0-or-later
"""One sandbox for all the cases that a test process runs: loading the modelling kernel takes seconds, a small file milliseconds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "registry")]  # so that a draw.py can say `from drawing_aids import box`

from commonfab.settings import NodeSettings
from registry.examining import opened_sandbox
from registry.geometry.sandbox import Sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with opened_sandbox(NodeSettings()) as opened:
        yield opened
