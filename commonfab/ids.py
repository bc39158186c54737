# SPDX-License-Identifier: AGPL-3.0-or-later
"""Names for new things: short, in lower case, safe in a file name, and in the order of their making."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from commonfab.clock import Clock

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to be misread
TIME_DIGITS = 9  # 45 bits of milliseconds, enough until the year 3084
RANDOM_DIGITS = 7  # 35 bits: two ids of one millisecond collide once in 34,000 million

Ids = Callable[[str], str]
"""Makes a new id from a prefix: `ids("job")` gives "job-0k3x…"."""


def make_ids(clock: Clock) -> Ids:
    """Ids whose order as text is the order of their making, to the millisecond."""

    def new_id(prefix: str) -> str:
        moment = _digits(int(clock.now() * 1000), TIME_DIGITS)
        return f"{prefix}-{moment}{_digits(secrets.randbits(5 * RANDOM_DIGITS), RANDOM_DIGITS)}"

    return new_id


def _digits(number: int, count: int) -> str:
    return "".join(ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(count)))
