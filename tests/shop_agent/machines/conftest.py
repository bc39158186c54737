# SPDX-License-Identifier: AGPL-3.0-or-later
"""The suite's assertions say what they compared, as those of a test file do; and the peers that only machines' tests need."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("conformance")

from peers.klipper.peer import klipper, klipper_server  # noqa: E402

__all__ = ["klipper", "klipper_server"]
