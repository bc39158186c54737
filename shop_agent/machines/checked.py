# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bytes that go to a machine are the bytes that were checked."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from commonfab.errors import Refused
from shop_agent.journal.records import Toolpath


async def checked_bytes(toolpath: Toolpath) -> bytes:
    """What is in the toolpath's file, if it is still what passed the gate. Errors: `Refused` (`toolpath.changed`); `OSError`."""
    return await asyncio.to_thread(_checked, toolpath)


def _checked(toolpath: Toolpath) -> bytes:
    content = Path(toolpath.file).read_bytes()
    if hashlib.sha256(content).hexdigest() != toolpath.sha256:
        raise Refused("toolpath.changed", toolpath.file)
    return content
