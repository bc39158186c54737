# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a test does that needs a real program which is not here: skip with the reason, or fail.

COMMONFAB_REQUIRE_PEERS=1 (`.ci/run`) makes it fail, but for the optional ones; with `all` (`make test-peers`) it fails for those too.
"""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

from shop_agent.slicing import find_slicer


def peer_missing(why: str) -> NoReturn:
    """End the test: the program it needs is missing."""
    if os.environ.get("COMMONFAB_REQUIRE_PEERS") in ("1", "all"):
        pytest.fail(why)
    pytest.skip(why)


def optional_peer_missing(why: str) -> NoReturn:
    """End the test: the program it needs is missing, and not everybody has to have it."""
    if os.environ.get("COMMONFAB_REQUIRE_PEERS") == "all":
        pytest.fail(why)
    pytest.skip(f"{why}; make test-peers installs it")


@pytest.fixture(scope="session")
def prusa_slicer() -> str:
    """A real PrusaSlicer's program."""
    return find_slicer() or peer_missing("PrusaSlicer is not on the PATH (Debian: apt install prusa-slicer)")
