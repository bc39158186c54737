# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether a PrusaLink still does what it is told.

PrusaLink does one command after the other, and each waits without end for the `ok` of the line that it sent. 0.8.1 can forget a line:
`_confirmed` in its prusa/link/serial/serial_queue.py notes an `ok` at the line under way and clears that line's place a moment later,
without a lock between the two. Where its queue is emptied in that moment (when it connects to its printer, when a print is stopped), the
place already holds the next line, and that one is cleared: its own `ok` counts for another or for none. Seen with M603, the line of a stop:
the print was stopped, and the command waited on. None after it begins, while every question is answered as if nothing was wrong. A start
is then neither done nor refused. Only a new start of PrusaLink ends that.

So a start is preceded by one of a file that cannot be there. It takes the same way as any command, and PrusaLink does nothing about it,
however late it comes to it.
"""

from __future__ import annotations

import asyncio

import httpx

from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.tasks import cancelled
from shop_agent.machines.http_door import ANSWER_SECONDS, HttpDoor

DEAF_AFTER_SECONDS = 120.0  # longer than any command takes: a stop waits for the move under way
ASKED_AGAIN_AFTER_SECONDS = 600.0  # the computer may have lost its power with the question; nobody tells then that the line is dead
DEAF = "PrusaLink answers and does nothing that it is told; start PrusaLink anew, or switch its computer off and on"


class Hearing:
    """One PrusaLink's. There is one open question at most, for PrusaLink keeps each until it answers."""

    def __init__(self, door: HttpDoor, machine_id: str, clock: Clock) -> None:
        self._door = door
        self._id = machine_id
        self._clock = clock
        self._asked: asyncio.Task[httpx.Response] | None = None
        self._asked_at = 0.0

    @property
    def late(self) -> bool:
        """Whether a question is open for longer than an answer takes."""
        return self._open_for() >= ANSWER_SECONDS

    @property
    def gone(self) -> bool:
        """Whether it certainly does nothing any more."""
        return self._open_for() >= DEAF_AFTER_SECONDS

    async def expect(self, path: str) -> None:
        """Return at once if it does what it is told. `path` is of a file: there is nothing below it.

        Errors: `Refused` (`machine.busy` where it does other things first or has stopped hearing; `machine.away`, `machine.key`).
        """
        if self._asked is None or self._asked.done():
            timeout = httpx.Timeout(ANSWER_SECONDS, read=ASKED_AGAIN_AFTER_SECONDS)
            self._asked = asyncio.create_task(self._door.ask("POST", f"{path}/nothing.gcode", fine=(404, 409), timeout=timeout))
            self._asked.add_done_callback(lambda asked: asked.cancelled() or asked.exception())  # looked at, whoever waits for it
            self._asked_at = self._clock.monotonic()
        patience = asyncio.create_task(self._clock.sleep(ANSWER_SECONDS))
        try:
            await asyncio.wait({self._asked, patience}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancelled(patience)
        if not self._asked.done():
            raise Refused("machine.busy", self._id)
        self._asked.result()

    async def forget(self) -> None:
        """It is away, and will have forgotten what it did not do."""
        if self._asked is not None:
            await cancelled(self._asked)
            self._asked = None

    def _open_for(self) -> float:
        return 0.0 if self._asked is None or self._asked.done() else self._clock.monotonic() - self._asked_at
