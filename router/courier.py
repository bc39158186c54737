# SPDX-License-Identifier: AGPL-3.0-or-later
"""Carries commands to Redis together: those that are asked for while others are on their way wait for one another and go in one packet.

A packet costs one write, one read and, in Redis, one wait for the disk, however many commands it holds. The more is asked for, the larger
the packets, so nothing has to be tuned; a command that comes alone goes at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from redis.asyncio import Redis

MOST_TOGETHER = 256
"""Commands in a packet. Redis answers them one by one, so a larger packet would make the first wait for the last."""

PACKETS_ON_THE_WAY = 2
"""While one packet waits for the disk, the next is on its way."""

Waiting = tuple[tuple[Any, ...], "asyncio.Future[Any]"]


class Courier:
    """Carries commands to one Redis server. Commands of one caller that are asked for in one go are carried out in that order."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # the stubs of redis-py cannot say that this client returns bytes
        self._waiting: deque[Waiting] = deque()
        self._rounds: set[asyncio.Task[None]] = set()

    async def carry(self, *command: Any) -> Any:
        """What Redis answers to a command. Errors: as the client's own."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, answer))
        if len(self._rounds) < PACKETS_ON_THE_WAY:
            task = asyncio.create_task(self._go())
            self._rounds.add(task)
            task.add_done_callback(self._rounds.discard)
        return await answer

    async def _go(self) -> None:
        while self._waiting:
            packet = [self._waiting.popleft() for _ in range(min(MOST_TOGETHER, len(self._waiting)))]
            wanted = [one for one in packet if not one[1].done()]  # whoever was cancelled meanwhile wants nothing any more
            if wanted:
                await self._carry(wanted)

    async def _carry(self, packet: list[Waiting]) -> None:
        try:
            pipe = self._redis.pipeline(transaction=False)
            for command, _ in packet:
                pipe.execute_command(*command)
            answers = await pipe.execute(raise_on_error=False)
        except GeneratorExit:  # its event loop is gone, with everybody who waited
            raise
        except BaseException as error:
            _settle(packet, [error] * len(packet))
            if not isinstance(error, Exception):
                raise
        else:
            _settle(packet, answers)


def _settle(packet: list[Waiting], answers: list[Any]) -> None:
    for (_, answer), told in zip(packet, answers, strict=True):
        if answer.done():
            continue
        if isinstance(told, asyncio.CancelledError):
            answer.cancel()
        elif isinstance(told, BaseException):
            answer.set_exception(told)
        else:
            answer.set_result(told)
