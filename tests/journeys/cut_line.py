# SPDX-License-Identifier: AGPL-3.0-or-later
"""A line between an agent and its node that a test cuts: a small TCP proxy with a thread and an event loop of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class CutLine:
    """Forwards what comes to its port to the node. Not one byte is changed; they are held, or lost with their connection."""

    node_port: int
    port: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _age: int = 0
    _refuses: bool = False

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._passes = asyncio.Event()
        self._passes.set()

    def hold(self) -> None:
        """The cable is out: nothing gets through and nobody is told. What was sent waits."""
        self._loop.call_soon_threadsafe(self._passes.clear)

    def break_off(self) -> None:
        """The router of the house is gone: every connection breaks, and none is made."""
        self._loop.call_soon_threadsafe(self._break_off)

    def forget(self) -> None:
        """The router of the house was started anew and knows no connection of before: they stay silent for ever, and nobody is told."""
        self._loop.call_soon_threadsafe(self._forget)

    def mend(self) -> None:
        """The line is good again."""
        self._loop.call_soon_threadsafe(self._mend)

    async def close(self) -> None:
        """End it, with every connection."""
        self._mend()
        self._break_off()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _break_off(self) -> None:
        self._refuses = True
        for writer in self._writers:
            writer.transport.abort()

    def _forget(self) -> None:
        self._age += 1
        self._passes.clear()

    def _mend(self) -> None:
        self._refuses = False
        self._passes.set()

    async def _serve(self, near: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        if self._refuses:
            near_out.transport.abort()
            return
        far, far_out = await asyncio.open_connection("127.0.0.1", self.node_port)
        both = {near_out, far_out}
        self._writers |= both
        try:
            await asyncio.gather(self._pass_on(near, far_out, self._age), self._pass_on(far, near_out, self._age))
        finally:
            self._writers -= both
            for writer in both:
                writer.close()

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, age: int) -> None:
        with contextlib.suppress(OSError):
            while content := await source.read(65536):
                await self._passes.wait()
                if age == self._age:
                    target.write(content)
                    await target.drain()
            if age == self._age:
                target.close()

    async def _listen(self, listening: threading.Event) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        listening.set()


@contextmanager
def line_to(node_port: int) -> Iterator[CutLine]:
    """A line to a node on this machine."""
    line, listening = CutLine(node_port), threading.Event()
    line._loop.create_task(line._listen(listening))
    thread = threading.Thread(target=line._loop.run_forever, name="cut-line", daemon=True)
    thread.start()
    assert listening.wait(60)
    try:
        yield line
    finally:
        asyncio.run_coroutine_threadsafe(line.close(), line._loop).result(60)
        line._loop.call_soon_threadsafe(line._loop.stop)
        thread.join(60)
