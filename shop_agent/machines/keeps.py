# SPDX-License-Identifier: AGPL-3.0-or-later
"""What drivers share whose machine keeps nothing: toolpaths wait in our folder, and what was begun is written down here."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from pathlib import Path

from commonfab.clock import Clock
from commonfab.errors import Refused
from shop_agent.journal.records import Toolpath
from shop_agent.machines import Look, Standing
from shop_agent.machines.checked import checked_bytes
from shop_agent.machines.grbl.feeding import fit_to_feed
from shop_agent.machines.kept import Brought, Memory
from shop_agent.machines.tells_itself import TellsItself
from shop_agent.shop_toml.machine_section import MachineSection

SOMETHING = "something"
"""What it is at work on when it moves and nobody says what that is: Grbl has no names."""

log = logging.getLogger("shop_agent.machines")


class Keeps(TellsItself):
    """A machine behind a Grbl. `folder` holds its state file and the toolpaths brought to it; `kind` begins their names."""

    kind: str
    start_is_certain = True  # what was begun is on the disk before anything is sent; begun and not seen to end, it is unknown, never "here"

    def __init__(self, facts: MachineSection, folder: Path, clock: Clock) -> None:
        self._facts = facts
        self._clock = clock
        self._folder = folder
        self._kept: Memory | None = None
        self._commanding = asyncio.Lock()  # a stop that comes while a start is under way waits for it, and stops what it started

    async def prepare(self, toolpath: Toolpath, name: str) -> None:
        content = await checked_bytes(toolpath)
        memory = self._memory
        if memory.feeding == name or memory.ended(name) or Path(name).name != name:
            raise Refused("machine.not_taken", self._facts.id)  # a name is used once only
        characters = await asyncio.to_thread(lambda: fit_to_feed(content.splitlines()))
        brought = Brought(hashlib.sha256(content).hexdigest(), toolpath.seconds, characters)
        await asyncio.to_thread(memory.bring, name, content, brought)

    async def forget(self, name: str) -> None:
        await asyncio.to_thread(self._memory.forget, name)

    @property
    def _memory(self) -> Memory:
        """Errors: `Refused` (`machine.not_taken`) where the state file cannot be read: then nobody may say that nothing was begun."""
        if self._kept is None:
            try:
                self._kept = Memory(self._folder, f"{self.kind}-{self._facts.id}")
            except (OSError, ValueError) as error:
                raise Refused("machine.not_taken", self._facts.id) from error
        return self._kept

    async def _content_file(self, name: str) -> Path:
        """The toolpath's file, still what was brought. Errors: `Refused` (`machine.not_taken`, `toolpath.changed`)."""
        try:
            return await asyncio.to_thread(self._memory.content_file, name)
        except OSError as error:
            raise self._disk(error) from error

    def _begin(self, name: str) -> None:
        """Write down that it is about to be started. Errors: `Refused` (`machine.not_taken`)."""
        try:
            self._memory.begin(name)
        except OSError as error:
            raise self._disk(error) from error

    def _disk(self, error: OSError) -> Refused:
        log.error("%s: %s", self._facts.id, error)
        return Refused("machine.not_taken", self._facts.id)

    def _unreadable(self, refused: Refused) -> Look:
        return Look(Standing.UNKNOWN, fault=f"its state file in {self._folder} cannot be read", note=refused.reason.message)

    def _unreached(self, name: str, why: str) -> Look:
        """The look while nobody answers: what is known of it without the machine."""
        memory = self._memory
        standing = Standing.UNKNOWN if name and name == memory.feeding else memory.standing(name)
        return Look(standing, reachable=False, busy_with=memory.feeding, note=why)

    def _not_under_way(self, name: str, busy_with: str, paused: bool, fault: str, reads: str) -> Look:
        """The look at a toolpath that is not the one begun."""
        memory = self._memory
        ended, standing = memory.ended(name), memory.standing(name)
        done = 1.0 if ended is not None and standing is Standing.DONE else 0.0
        seconds, why = (ended.seconds, ended.why) if ended else (0.0, "")
        return Look(standing, True, busy_with, done, 0.0, seconds, why, paused, fault, reads)
