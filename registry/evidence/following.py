# SPDX-License-Identifier: AGPL-3.0-or-later
"""Following: events as they happen, to any number of followers.

One reader per process asks the database for what is new: at once when this process added something, else once a second, for another node
may have. It keeps the newest events at hand, and every follower goes through them at its own pace. Who is further behind reads from the
database by itself, so a slow follower costs no memory. Whoever gives back the number of the last event misses nothing and hears nothing
twice, on whichever node of the same database.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from typing import TypeVar

import sqlalchemy as sa

from commonfab import v1
from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.tasks import cancelled
from registry.evidence import events
from registry.evidence.interests import interest_of

LOOK_SECONDS = 1.0
"""How often it is looked whether another process added an event, while anybody follows."""

AT_HAND = 1000
PAGE = 200

T = TypeVar("T")
log = logging.getLogger(__name__)


class Following:
    """The events of one database, for the followers of this process. `run` must run."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._at_hand: deque[v1.CommonsEvent] = deque(maxlen=AT_HAND)
        self._last = -1  # the newest event that the reader knows; -1 before it has looked
        self._followers = 0
        self._wanted = asyncio.Event()  # somebody follows
        self._rung = asyncio.Event()  # this process added an event
        self._news = asyncio.Event()  # replaced by a new one whenever there are events that nobody was told of

    @property
    def followers(self) -> int:
        """How many listen."""
        return self._followers

    async def follow(self, request: v1.FollowRequest) -> AsyncIterator[v1.FollowResponse]:
        """First an empty message, then every event that fits, for as long as it is listened to.

        Errors: `Refused` (`follow.after`, `request.malformed`); `sqlalchemy.exc.OperationalError`.
        """
        interest = interest_of(request)
        with self._listening():
            at = await self._begin(request)
            yield v1.FollowResponse(after=at)
            while True:
                news = self._news  # taken first: what comes while we look is heard of
                happened = await self._after(at)
                for event in happened:
                    at = event.number
                    if interest.fits(event):
                        yield v1.FollowResponse(event=event, after=at)
                if not happened:
                    await news.wait()

    async def run(self) -> None:
        """Read what is new until cancelled. A database that is away is asked again."""
        loop = asyncio.get_running_loop()

        def ring() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._rung.set)

        with events.telling(self._engine, ring):
            while True:
                if not self._followers:
                    self._last = -1  # what happens until the next one comes need not be read
                    self._at_hand.clear()
                await self._wanted.wait()
                self._rung.clear()
                try:
                    found = await self._look()
                except sa.exc.SQLAlchemyError as error:
                    log.warning("events could not be read; trying again: %s", error)
                    found = 0
                if found < PAGE:
                    await self._rung_within(LOOK_SECONDS)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        self._followers += 1
        self._wanted.set()
        try:
            yield
        finally:
            self._followers -= 1
            if not self._followers:
                self._wanted.clear()

    async def _begin(self, request: v1.FollowRequest) -> int:
        """The number after which this follower hears. Errors: `Refused` (`follow.after`)."""
        if request.from_the_first and not request.after:
            return 0
        last = await self._asked(events.last_number)
        if request.after > last:  # of another node, or the database was brought back to what it was before
            raise Refused("follow.after", after=request.after, last=last)
        return request.after or last

    async def _after(self, number: int) -> list[v1.CommonsEvent]:
        """Events after that number, at most a page of them from the database; none before the reader has looked, for its look wakes us."""
        if self._last < 0:  # a thousand who come back at once, after a restart, must not ask what one reader is about to tell them all
            return []
        first = self._at_hand[0].number if self._at_hand else self._last + 1
        if number >= first - 1:
            return list(takewhile(lambda event: event.number > number, reversed(self._at_hand)))[::-1]
        return await self._asked(lambda connection: events.after(connection, number, PAGE))

    async def _look(self) -> int:
        """Take what is new at hand, and wake the followers; returns how much it was."""
        if self._last < 0:
            self._last = await self._asked(events.last_number)
            self._wake()  # who waits may have begun before
            return 0
        last = self._last
        found = await self._asked(lambda connection: events.after(connection, last, PAGE))
        if found:
            self._at_hand.extend(found)
            self._last = found[-1].number
            self._wake()
        return len(found)

    def _wake(self) -> None:
        before, self._news = self._news, asyncio.Event()
        before.set()

    async def _rung_within(self, seconds: float) -> None:
        rung = asyncio.ensure_future(self._rung.wait())
        slept = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait((rung, slept), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancelled(rung, slept)

    async def _asked(self, question: Callable[[sa.Connection], T]) -> T:
        def ask() -> T:
            with self._engine.connect() as connection:
                return question(connection)

        return await asyncio.to_thread(ask)
