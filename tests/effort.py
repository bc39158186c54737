# SPDX-License-Identifier: AGPL-3.0-or-later
"""How much the tests that try things at random try: enough to find what breaks, in minutes. COMMONFAB_TEST_EFFORT multiplies it."""

from __future__ import annotations

import os


def examples(usual: int) -> int:
    """So many times `usual` as COMMONFAB_TEST_EFFORT says, 1 where it says nothing; at least one."""
    return max(1, round(usual * float(os.environ.get("COMMONFAB_TEST_EFFORT") or 1)))
