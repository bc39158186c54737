# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bytes that go to a machine are the bytes that were checked, and those that lie there are the bytes that went."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path

from commonfab.errors import Refused
from shop_agent.journal.records import Toolpath
from shop_agent.machines import Look, Standing

REMEMBERED = 8
"""Toolpaths that lie on one machine at a time and were not begun: one, and seldom two."""
CHANGED = "another file lies there under the name of ours; delete it there, and it is brought anew"


class Marks:
    """By what a server tells one file from another of the same name (size, time, checksum), for those that were brought to it last.

    What differs is nobody's fault that the agent could mend: somebody saved it there from an editor, or the server itself writes into what
    it is given (Moonraker's enable_object_processing). So it is told, and not brought again and again.
    """

    def __init__(self) -> None:
        self._marks: dict[str, object] = {}

    def note(self, name: str, mark: object) -> None:
        """This is how it looks right after it was brought."""
        self._marks.pop(name, None)
        self._marks[name] = mark
        if len(self._marks) > REMEMBERED:
            del self._marks[next(iter(self._marks))]

    def knows(self, name: str) -> bool:
        """Whether it was brought by this object, and not long ago."""
        return name in self._marks

    def compared(self, look: Look, name: str, mark: object) -> Look:
        """The look at a toolpath that lies there; at something of which nobody knows what it is, where it looks otherwise now."""
        if look.standing is not Standing.HERE or self._marks.get(name, mark) == mark:
            return look
        return replace(look, standing=Standing.UNKNOWN, note=CHANGED)


async def checked_bytes(toolpath: Toolpath) -> bytes:
    """What is in the toolpath's file, if it is still what passed the gate. Errors: `Refused` (`toolpath.changed`); `OSError`."""
    return await asyncio.to_thread(_checked, toolpath)


def _checked(toolpath: Toolpath) -> bytes:
    content = Path(toolpath.file).read_bytes()
    if hashlib.sha256(content).hexdigest() != toolpath.sha256:
        raise Refused("toolpath.changed", toolpath.file)
    return content
