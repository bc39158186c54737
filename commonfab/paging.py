# SPDX-License-Identifier: AGPL-3.0-or-later
"""Lists that come in pages."""

from __future__ import annotations

from commonfab.errors import Refused

DEFAULT_PAGE = 50
LARGEST_PAGE = 500

_TOLD = 80
"""How much of a token is told again in a refusal."""


def page_size(asked: int, default: int = DEFAULT_PAGE, largest: int = LARGEST_PAGE) -> int:
    """How many entries to send; 0 asks for as many as is usual."""
    return min(asked or default, largest)


def not_a_token(token: str) -> Refused:
    """What to raise (`page.token`) for a token that is none of this list."""
    return Refused("page.token", repr(token[:_TOLD]))
