# SPDX-License-Identifier: AGPL-3.0-or-later
"""Photographs of what was made go to the node by themselves, when there is time: no report waits for them, and none is lost.

They are sent once the work is over, so that the node does not clear them away as files that nobody names. One that broke off goes on from
where it was. What the node has is not kept here any longer.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path

import grpc

from commonfab.errors import refusal_of
from shop_agent.bench.waiting import Bell
from shop_agent.journal.book import Journal
from shop_agent.journal.records import Ending

SENT, GONE = 1, 2
"""Of a photograph in the journal: the node has it; it is not here any more and was never sent."""

FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 600.0

log = logging.getLogger("shop_agent.photographs")


@dataclass(frozen=True)
class PhotographSender:
    """Sends one photograph after the other. `upload` sends a file, and raises `grpc.aio.AioRpcError` or `OSError` where it cannot."""

    journal: Journal
    upload: Callable[[Path], Awaitable[object]]
    bell: Bell

    async def run(self) -> None:
        """Send until cancelled; whoever ends some work rings."""
        pause = 0.0
        while True:
            await self.bell.wait(pause if self.unsent() else inf)
            if pause:  # a ring does not shorten this: the node has enough to do
                await self.journal.clock.sleep(pause)
            pause = 0.0 if await self.send_all() else min(max(2 * pause, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)

    async def send_all(self) -> bool:
        """Send whatever waits; answers whether nothing waits any more. One that the node refuses, or that cannot be read, holds up no
        other."""
        all_sent = True
        for sha256, file in self.unsent():
            try:
                await self.upload(Path(file))
            except FileNotFoundError:
                log.warning("the photograph %s is not there any more and is not sent", file)
                self._note(sha256, GONE)
            except (grpc.aio.AioRpcError, OSError) as error:
                refusal = refusal_of(error) if isinstance(error, grpc.aio.AioRpcError) else None
                log.info("a photograph waits to be sent: %s", refusal.reason.message if refusal else error)
                all_sent = False
                if refusal is None and isinstance(error, grpc.aio.AioRpcError):
                    return False  # the node is away
            else:
                self._note(sha256, SENT)
                if not self._is_waited_for(sha256):
                    await asyncio.to_thread(Path(file).unlink, missing_ok=True)
        return all_sent

    def unsent(self) -> list[tuple[str, str]]:
        """SHA-256 and file of each photograph of reported work that the node does not have."""
        found: list[sqlite3.Row] = self.journal.connection.execute(
            "SELECT DISTINCT p.sha256, p.file FROM photographs p JOIN attempts a ON a.row = p.attempt"
            " WHERE p.sent = 0 AND a.ended IN (?, ?) ORDER BY p.rowid",
            (Ending.COMPLETE, Ending.FAIL),
        ).fetchall()
        return [(row["sha256"], row["file"]) for row in found]

    def _is_waited_for(self, sha256: str) -> bool:
        return self.journal.connection.execute("SELECT 1 FROM photographs WHERE sha256 = ? AND sent = 0", (sha256,)).fetchone() is not None

    def _note(self, sha256: str, how: int) -> None:
        """A picture of work that still lies on the bench is sent with that work, so it is left alone."""
        with self.journal.change() as connection:
            connection.execute(
                "UPDATE photographs SET sent = ? WHERE sha256 = ? AND attempt IN (SELECT row FROM attempts WHERE ended IN (?, ?))",
                (how, sha256, Ending.COMPLETE, Ending.FAIL),
            )
