# SPDX-License-Identifier: AGPL-3.0-or-later
"""A child process of the node: started, started again whenever it dies, stopped with the node."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from commonfab.clock import Clock
from commonfab.identity import write_private

log = logging.getLogger(__name__)

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 5.0
SETTLED_SECONDS = 10.0
"""A child that lived this long before it died is started again at once; one that keeps dying is given more and more time."""

STOP_SECONDS = 12.0
"""A child that has not stopped by then is killed."""


@dataclass(frozen=True)
class Command:
    """What a child runs. `arguments` begins with the program's absolute path."""

    name: str
    arguments: tuple[str, ...]
    pid_file: Path
    environment: Mapping[str, str] | None = None


class Child:
    """One child process, in a session of its own, so that Ctrl-C reaches the node only, which then stops its children in order."""

    def __init__(self, command: Command, clock: Clock) -> None:
        self._command = command
        self._clock = clock
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process, and start it again whenever it ends. Errors: `OSError`."""
        self._process = await self._spawn()
        self._keeping = asyncio.create_task(self._keep(self._process))

    @property
    def ended(self) -> int | None:
        """The exit code where the process has ended and was not yet started again."""
        return None if self._process is None else self._process.returncode

    async def stop(self) -> None:
        """Stop the process, and whatever it started."""
        if self._keeping:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                log.warning("%s does not stop and is killed", self._command.name)
        end_group(process.pid)
        await process.wait()
        self._command.pid_file.unlink(missing_ok=True)

    async def _spawn(self) -> asyncio.subprocess.Process:
        bound = (sys.executable, "-I", str(Path(__file__).with_name("bound.py")), str(os.getpid()))
        process = await asyncio.create_subprocess_exec(
            *bound,
            *self._command.arguments,
            env=self._command.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sys.stderr,
            start_new_session=True,
        )
        self._process = process
        write_private(self._command.pid_file, f"{process.pid}\n".encode())
        return process

    async def _keep(self, process: asyncio.subprocess.Process) -> None:
        wait = FIRST_WAIT_SECONDS
        while True:
            started = self._clock.monotonic()
            code = await process.wait()
            end_group(process.pid)  # what it had started must not work on beside its successor
            wait = FIRST_WAIT_SECONDS if self._clock.monotonic() - started > SETTLED_SECONDS else min(2 * wait, LONGEST_WAIT_SECONDS)
            log.warning("%s ended (%s); it is started again in %.1f s", self._command.name, _how(code), wait)
            process = await self._spawn_again(wait)
            log.info("%s runs again, process %d", self._command.name, process.pid)

    async def _spawn_again(self, wait: float) -> asyncio.subprocess.Process:
        """Start the process after `wait` seconds, and try for as long as the machine cannot (no memory, no process ids left)."""
        while True:
            await self._clock.sleep(wait)
            try:
                return await self._spawn()
            except OSError as error:
                log.error("%s cannot be started: %s", self._command.name, error)
                wait = LONGEST_WAIT_SECONDS


def end_group(leader: int) -> None:
    """Kill what is left of a child's session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
