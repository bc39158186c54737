# SPDX-License-Identifier: AGPL-3.0-or-later
"""Wakes whoever waits for a change on the board, in whichever router process they wait.

A ring is a hint and may be lost; whoever waits looks again after a while all the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from router.board import Board
from router.redis_door import TROUBLE, open_listener

RETRY_SECONDS = 0.5

log = logging.getLogger(__name__)


class Bell:
    """Listens to the board's channel and wakes those who wait for a name."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def listening(self, name: str) -> Iterator[asyncio.Event]:
        """An event that is set when `name` changes. Listen first and look afterwards, or a change in between is missed."""
        rung = asyncio.Event()
        self._waiting[name].add(rung)
        try:
            yield rung
        finally:
            self._waiting[name].discard(rung)
            if not self._waiting[name]:
                del self._waiting[name]

    async def run(self) -> None:
        """Listen until cancelled; when Redis was away, wake everybody, because rings may have been lost."""
        while True:
            try:
                await self._listen()
            except TROUBLE as error:
                log.warning("the bell is silent while Redis is away: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
            self._ring_all()

    async def _listen(self) -> None:
        async with await open_listener(self._board.redis) as listener, listener.pubsub() as channel:
            await channel.subscribe(self._board.key("bell"))
            async for message in channel.listen():
                if message["type"] == "message":
                    self._ring(message["data"].decode())
                elif message["type"] == "subscribe":  # also after a connection that broke: nobody heard what rang until now
                    self._ring_all()

    def _ring_all(self) -> None:
        for name in list(self._waiting):
            self._ring(name)

    def _ring(self, name: str) -> None:
        for rung in self._waiting.get(name, ()):
            rung.set()


async def rings_within(rung: asyncio.Event, seconds: float) -> bool:
    """Wait until the event is set, or for `seconds`; whether it was set. It is unset again for the next wait."""
    try:
        await asyncio.wait_for(rung.wait(), seconds)
    except TimeoutError:
        return False
    rung.clear()
    return True
