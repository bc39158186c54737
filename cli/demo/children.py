# SPDX-License-Identifier: AGPL-3.0-or-later
"""The demo's processes: the node and the shops are the ordinary commands, each with a log of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from cli.up import bound
from cli.up.child import end_group
from commonfab.errors import Refused

T = TypeVar("T")

STOP_SECONDS = 15.0
"""A node stops its own children within that time."""

LAST_WORDS = 12
"""Lines of a log that are shown where its process stopped by itself."""


@dataclass(frozen=True)
class Running:
    """A process and where it writes."""

    name: str
    process: asyncio.subprocess.Process
    log: Path


class Children:
    """Every process that the demo started, in the order of their start. Leaving the context stops them, the last one first."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[Running] = []
        self._guards: list[asyncio.Task[None]] = []
        self._broken: asyncio.Future[Running] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Children:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        for guard in self._guards:
            guard.cancel()
        for child in reversed(self._running):
            await _stop(child)

    async def start(self, name: str, *arguments: str, lasts: bool = True) -> Running:
        """Start `python -m …` with `arguments`; one that `lasts` must not end before the demo does. Errors: `OSError`."""
        log = self._logs / f"{name}.log"
        # Bound to this process, so that even a killed demo leaves nothing behind; in a session of its own, so that Ctrl-C comes here first.
        command = (sys.executable, "-I", bound.__file__, str(os.getpid()), sys.executable, "-P", "-m", *arguments)
        with log.open("wb") as written:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                env=_environment(os.environ),
                start_new_session=True,
            )
        child = Running(name, process, log)
        self._running.append(child)
        if lasts:
            self._guards.append(asyncio.create_task(self._guard(child)))
        return child

    async def _guard(self, child: Running) -> None:
        await child.process.wait()
        if not self._broken.done():
            self._broken.set_result(child)

    async def beside(self, work: Coroutine[Any, Any, T]) -> T:
        """Do `work`, and break it off when a process that should last stops by itself.

        Errors: `Refused` (`demo.child`), those of `work`.
        """
        doing = asyncio.create_task(work)
        try:
            await asyncio.wait((doing, self._broken), return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                return doing.result()
        finally:
            doing.cancel()
            await asyncio.gather(doing, return_exceptions=True)
        child = self._broken.result()
        sys.stderr.write("".join(child.log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)[-LAST_WORDS:]))
        raise Refused("demo.child", child.name)


async def _stop(child: Running) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.process.terminate()
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(child.process.wait(), STOP_SECONDS)
    finally:
        end_group(child.process.pid)


def _environment(outer: Mapping[str, str]) -> dict[str, str]:
    """The demo is complete in itself: it uses no node, database or Redis that the person works with otherwise."""
    own = ("DATABASE_URL", "REDIS_URL")
    return {name: value for name, value in outer.items() if name not in own and not name.startswith("COMMONFAB_")}
