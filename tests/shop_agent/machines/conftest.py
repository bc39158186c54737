# SPDX-License-Identifier: AGPL-3.0-or-later
"""The suite's assertions say what they compared, as those of a test file do."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("conformance")
