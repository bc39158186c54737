# SPDX-License-Identifier: AGPL-3.0-or-later
"""One sandbox, and one drawing of each file, for all the cases that a test process runs: loading and drawing take longer than measuring."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "registry"))  # so that drawing_aids can use what those tests draw with

from reading_cases import Case, lay_out

from commonfab.settings import NodeSettings
from registry.examining import opened_sandbox
from registry.geometry.sandbox import Sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with opened_sandbox(NodeSettings()) as opened:
        yield opened


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Case], Path]:
    """The folder with the files of a case, drawn once however many runs it has."""
    folders: dict[Path, Path] = {}

    def folder_of(case: Case) -> Path:
        if case.folder not in folders:
            folder = tmp_path_factory.mktemp(case.folder.name)
            lay_out(case, folder)
            folders[case.folder] = folder
        return folders[case.folder]

    return folder_of
