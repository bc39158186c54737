# SPDX-License-Identifier: AGPL-3.0-or-later
"""One thing that `commonfab shop check` looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CheckFinding:
    """One thing that was looked at. `remedy` is empty where all is well."""

    about: str
    ok: bool
    told: str
    remedy: str = ""
