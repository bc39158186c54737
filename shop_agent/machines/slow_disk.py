# SPDX-License-Identifier: AGPL-3.0-or-later
"""Asking a folder that may lie on another computer: a share that went away can keep whoever asks waiting for ever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

PATIENCE_SECONDS = 5.0

Answer = TypeVar("Answer")


class SlowDisk:
    """Asks in a thread of its own, one question at a time. A thread that hangs keeps neither the agent nor its end."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._hangs = False

    async def ask(self, question: Callable[[], Answer]) -> Answer:
        """What `question` answers. Errors: what it raises; `TimeoutError` where it, or one before it, does not answer in time."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._turn:
            if self._hangs:
                raise TimeoutError
            return await self._asked(question)

    def _asked(self, question: Callable[[], Answer]) -> asyncio.Future[Answer]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()

        def settle(hand_over: Callable[[], None]) -> None:
            self._hangs = False
            if not answer.done():
                hand_over()

        def work() -> None:
            try:
                result = question()
            except Exception as raised:  # handed on to whoever asked
                hand_over = partial(answer.set_exception, raised)
            else:
                hand_over = partial(answer.set_result, result)
            with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
                loop.call_soon_threadsafe(settle, hand_over)

        self._hangs = True
        threading.Thread(target=work, name="slow-disk", daemon=True).start()
        return answer
