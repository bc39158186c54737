# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ending what runs in the background."""

from __future__ import annotations

import asyncio
from typing import Any

AGAIN_SECONDS = 0.1


async def cancelled(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and return once they have ended. A cancel of the caller goes through, unlike with `suppress(CancelledError)`.

    Each is cancelled until it ends, because before Python 3.12 a cancel that meets the end of an `asyncio.wait_for` is lost
    (https://github.com/python/cpython/issues/86296).
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_SECONDS)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not complain that nobody did
