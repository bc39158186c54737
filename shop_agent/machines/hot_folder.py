# SPDX-License-Identifier: AGPL-3.0-or-later
"""LinuxCNC, Mach and others whose controller takes its files from a folder; a person loads and starts them there.

The folder, which may be a share of the controller's computer:

    cf-…-p1.gcode        brought by the agent, under the piece's name; never half-written
    running/             the controller's side may move the file here while it runs,
    done/  failed/       and here afterwards; or a person tells the agent, and nobody moves anything
    .commonfab           made by the agent: where it is missing, this is not the folder but the empty place where it is mounted

Nothing else in the folder is touched. The controller must not run what appears there by itself: a piece begins when a person says so.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from commonfab.clock import Clock
from commonfab.errors import Refused
from shop_agent.journal.records import Toolpath
from shop_agent.machines import Care, Description, Look, Standing
from shop_agent.machines.by_hand import at_work, begin, is_at_work, look_at
from shop_agent.machines.checked import checked_bytes
from shop_agent.machines.slow_disk import SlowDisk
from shop_agent.machines.worked_time import Work, WorkedTime
from shop_agent.shop_toml.machine_section import MachineSection

MARK = ".commonfab"
FOLDERS = ("running", "done", "failed")
LEAST_FREE_BYTES = 1_000_000
TOOLPATHS = frozenset((".gcode", ".ngc", ".nc", ".tap", ".cnc", ".gc"))

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Seen:
    """One look into the folder. `where`: in which of `FOLDERS` the piece lies, "." for the folder itself, empty where it is nowhere.
    `begun`: the same of the piece that is begun. `runs`: whatever lies in running/.
    """

    where: str
    begun: str
    runs: str
    full: bool


class Away(Exception):
    """The folder cannot be used at the moment, in words for the owner."""


class HotFolder:
    """What the controller's side moved counts as much as what a person told, whichever came first. Time is counted as in `ByHand`."""

    start_is_certain = True  # `start` only writes down that a person begins
    person_tells = True

    def __init__(self, facts: MachineSection, data_dir: Path, clock: Clock) -> None:
        assert facts.folder is not None  # machine_section.NEEDS
        self._facts = facts
        self._folder = facts.folder
        self._time = WorkedTime(data_dir / f"hot-folder-{facts.id}.json", clock)
        self._disk = SlowDisk()
        self._needs_bytes = LEAST_FREE_BYTES
        self._moment = asyncio.Lock()  # a stop that meets a start waits for it, and stops it

    @property
    def facts(self) -> MachineSection:
        """What shop.toml says of it."""
        return self._facts

    async def describe(self) -> Description:
        await self._ask(self._is_there)
        return Description(f"a folder: {self._folder}", note="a person starts at the controller, and says when a piece is done")

    async def reconcile(self, name: str) -> Look:
        return await self.state(name)

    async def state(self, name: str) -> Look:
        work = self._time.note()
        try:
            seen = await self._disk.ask(lambda: self._seen(name, work))
        except (Away, TimeoutError) as away:
            standing = Standing.RUNNING if is_at_work(work, name) else Standing.UNKNOWN
            return replace(look_at(work, name), standing=_kept(work, name) or standing, reachable=False, note=self._why(away))
        return self._look(name, seen)

    def _look(self, name: str, seen: Seen) -> Look:
        self._note_moved(name, seen)
        work = self._time.now()
        look = look_at(work, name)
        busy_with = (look.busy_with if seen.begun else "") or seen.runs
        if name in work.ended:
            return replace(look, busy_with=busy_with)
        if is_at_work(work, name) and work.begun and seen.where:
            return at_work(work.begun)
        if seen.where == "running":
            return Look(Standing.RUNNING, busy_with=name)
        if name in work.files and not seen.where:
            note = f"{name} is gone from {self._folder}, and lies in none of {', '.join(FOLDERS)} there"
            return Look(Standing.UNKNOWN, busy_with=busy_with, note=note)
        full = f"{self._folder} is full" if seen.full and not seen.where else ""
        return Look(Standing.HERE if seen.where else Standing.NOT_HERE, not full, busy_with, note=full)

    def _note_moved(self, name: str, seen: Seen) -> None:
        """What the controller's side moved is over; that changes nothing where a person told before."""
        begun = self._time.now().begun
        for one, where in ((name, seen.where), (begun.name if begun else "", seen.begun)):
            if one and where in ("done", "failed"):
                self._time.end(one, good=where == "done", by_person=False)

    async def nothing_ran_since(self, ran: str) -> bool:
        """Nothing but people's words says what was made there."""
        return False

    async def prepare(self, toolpath: Toolpath, name: str) -> None:
        """Errors: `Refused` (`machine.folder`, `machine.not_taken` for what has ended, `toolpath.changed`)."""
        if name in self._time.now().ended or not toolpath.file:
            raise Refused("machine.not_taken", self._facts.id)
        content = await checked_bytes(toolpath)
        self._needs_bytes = len(content) + LEAST_FREE_BYTES
        if not is_at_work(self._time.now(), name):
            await self._ask(lambda: self._put(name, content))
            self._time.bring(name, toolpath.seconds)

    async def start(self, name: str) -> None:
        """Note that a person begins it at the controller. Errors: `Refused` (`machine.busy`, `machine.not_taken`, `machine.folder`)."""
        async with self._moment:
            await self._start(name)

    async def _start(self, name: str) -> None:
        work = self._time.now()
        seen = await self._ask(lambda: self._seen(name, work))
        self._note_moved(name, seen)
        if work.begun and not seen.begun:
            self._time.end(work.begun.name, good=False, by_person=False)  # its file vanished, and a person has settled what became of it
        if seen.runs and seen.runs != name:
            raise Refused("machine.busy", self._facts.id)
        if not seen.where:
            raise Refused("machine.not_taken", self._facts.id)
        begin(self._time, self._facts.id, name)

    async def pause(self, name: str) -> None:
        """A person holds it at the controller; the time stands still."""
        self._time.hold(name, True)

    async def resume(self, name: str) -> None:
        self._time.hold(name, False)

    async def stop(self, name: str) -> None:
        """A person has stopped it at the controller. What still lies in the folder is put where nobody loads it."""
        async with self._moment:
            if is_at_work(self._time.now(), name):
                self._time.end(name, good=False)
                await self._ask(lambda: self._put_away(name))

    async def see_to(self, care: Care) -> None:
        """Whoever works it does that. Errors: `Refused` (`machine.no_such_care`)."""
        raise Refused("machine.no_such_care", f"{self._facts.id}: {care.value}")

    async def told(self, name: str, good: bool) -> None:
        """It is done. Of what was never begun nothing is noted."""
        if is_at_work(self._time.now(), name):
            self._time.end(name, good)

    async def forget(self, name: str) -> None:
        """Errors: `Refused` (`machine.folder`)."""
        work = self._time.now()
        if name in work.files and not is_at_work(work, name):
            await self._ask(lambda: self._remove(name))
            self._time.forget(name)

    async def close(self) -> None:
        pass

    # What touches the folder. All of it runs in the thread of `SlowDisk`.

    async def _ask(self, question: Callable[[], Answer]) -> Answer:
        """Errors: `Refused` (`machine.folder`)."""
        try:
            return await self._disk.ask(question)
        except (Away, TimeoutError) as away:
            raise Refused("machine.folder", self._why(away)) from None
        except OSError as error:
            raise Refused("machine.folder", self._trouble(error)) from None

    def _why(self, away: Exception) -> str:
        return str(away) or f"{self._folder} does not answer: is the computer that it lies on switched on?"

    def _trouble(self, error: OSError) -> str:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return f"{self._folder} is full"
        return f"{self._folder}: {error.strerror or error}"

    def _is_there(self) -> None:
        """Errors: `Away` where the folder is not there, or is another one than before."""
        try:
            names = {one.name for one in self._folder.iterdir()}
        except OSError as error:
            raise Away(self._trouble(error)) from None
        ours = self._time.now().files
        if MARK in names or not ours:
            return
        moved = (one for folder in FOLDERS for one in self._listed(folder))
        if not names.intersection(ours) and not set(moved).intersection(ours):
            raise Away(
                f"{self._folder} is not the folder that was used before: is its share mounted?"
                f" If it is the right one, make an empty file {MARK} in it"
            )

    def _where(self, name: str) -> str:
        return next((folder for folder in (*reversed(FOLDERS), ".") if (self._folder / folder / name).is_file()), "")

    def _seen(self, name: str, work: Work) -> Seen:
        self._is_there()
        try:
            where, begun = self._where(name), self._where(work.begun.name) if work.begun else ""
            running = [one for one in self._listed("running") if Path(one).suffix.lower() in TOOLPATHS]
            runs = name if name in running else min(running, default="")
            return Seen(where, begun, runs, shutil.disk_usage(self._folder).free < self._needs_bytes)
        except OSError as error:
            raise Away(self._trouble(error)) from None

    def _listed(self, folder: str) -> list[str]:
        try:
            return [one.name for one in (self._folder / folder).iterdir()]
        except FileNotFoundError:
            return []

    def _put(self, name: str, content: bytes) -> None:
        self._is_there()
        target, scratch = self._folder / name, self._folder / f".{name}.part"
        try:
            if not target.exists() or target.read_bytes() != content:
                _write(scratch, content)
                scratch.replace(target)
            if not (self._folder / MARK).exists():
                _write(self._folder / MARK, b"")
            _sync(self._folder)
        except OSError:
            scratch.unlink(missing_ok=True)
            raise

    def _put_away(self, name: str) -> None:
        self._is_there()
        if (self._folder / name).is_file():
            (self._folder / "failed").mkdir(exist_ok=True)
            (self._folder / name).replace(self._folder / "failed" / name)

    def _remove(self, name: str) -> None:
        self._is_there()
        for folder in (".", "done", "failed"):
            (self._folder / folder / name).unlink(missing_ok=True)


def _kept(work: Work, name: str) -> Standing | None:
    """What is known without the folder."""
    if name in work.ended:
        return Standing.DONE if work.ended[name].good else Standing.FAILED
    return None if name in work.files else Standing.NOT_HERE


def _write(file: Path, content: bytes) -> None:
    with file.open("wb") as target:
        target.write(content)
        target.flush()
        os.fsync(target.fileno())


def _sync(folder: Path) -> None:
    """The new name is on the disk too, where the system can promise that of a folder (a share may not)."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
