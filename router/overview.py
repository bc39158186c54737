# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every shop of the board in one index, kept in step with Redis by reading only what has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

from router.board import Board, Lot
from router.board_changes import Changes, read_changes
from router.capability_index import CapabilityIndex
from router.pulse import Pulse, Terms

ROUND_THE_CLOCK = 7 * 24 * 60
MONDAY_1970_MINUTES = 4 * 24 * 60
"""1 January 1970 was a Thursday, so the first Monday began four days later."""

GONE_AFTER_MS = 3600 * 1000
"""A shop that was silent for an hour is not counted among those that call."""

COUNT_EVERY_MS = 1000


class Overview:
    """One process's picture of the board's shops. Planning and explaining read it; `catch_up` moves it on to the present."""

    def __init__(self, board: Board, terms: Terms) -> None:
        self.index = CapabilityIndex()
        self.now_ms = 0
        self._board = board
        self._terms = terms
        self._pulse = terms.pulse(0)
        self._counted_ms = 0
        self._sequence = 0
        self._round = 0
        self._moved: dict[str, int] = {}
        self._heard: dict[str, int] = {}
        self._reading = asyncio.Lock()

    @property
    def pulse(self) -> Pulse:
        """How often so many agents call, and how long a silent one counts as present."""
        return self._pulse

    @property
    def present_seconds(self) -> float:
        """How long after its last call a shop is still asked."""
        return self.pulse.present_seconds

    @property
    def minute_of_week(self) -> float:
        """What time it is by the board's clock, in minutes since Monday 00:00 UTC."""
        return (self.now_ms / 60_000 - MONDAY_1970_MINUTES) % ROUND_THE_CLOCK

    @property
    def today(self) -> date:
        """The day by the board's clock, UTC."""
        return datetime.fromtimestamp(self.now_ms / 1000, UTC).date()

    @property
    def round(self) -> int:
        """How often it was caught up; with `moved_since`, what has changed since a job was last tried."""
        return self._round

    def moved_since(self, earlier: int) -> frozenset[str]:
        """The shops that changed, or were heard again after a silence, after that round."""
        return frozenset(shop for shop, moved in self._moved.items() if moved > earlier)

    async def catch_up(self) -> None:
        """Take in what has changed on the board."""
        async with self._reading:
            changes = await read_changes(self._board, self._sequence, self.now_ms)
            if changes.restarted:
                self._forget()
            self._take_in(changes)

    def placed(self, lots: Iterable[Lot], sequences: Mapping[str, int]) -> None:
        """Note work that this process has just offered, so that the next job sees it before the board is read again."""
        minutes: dict[str, dict[str, float]] = {}
        for lot in lots:
            for asked in lot.asked:
                queue = minutes.setdefault(asked.shop_id, {})
                queue[asked.machine_id] = queue.get(asked.machine_id, 0.0) + asked.minutes
        for shop_id, more in minutes.items():
            known = self.index.shop(shop_id, self.now_ms)
            if known is not None:
                fresh = replace(known.with_more(more), sequence=sequences.get(shop_id, known.sequence))
                self.index.put(fresh, self._heard[shop_id])

    def _take_in(self, changes: Changes) -> None:
        self._round += 1
        silent_before = changes.now_ms - self.present_seconds * 1000
        for known, heard_at in changes.shops:
            self.index.put(known, heard_at)
            self._heard[known.shop.id] = heard_at
            self._moved[known.shop.id] = self._round
        for shop_id, heard_at in changes.heard.items():
            if shop_id in self._heard:
                if self._heard[shop_id] < silent_before:
                    self._moved[shop_id] = self._round
                self._heard[shop_id] = heard_at
                self.index.heard(shop_id, heard_at)
        self._sequence, self.now_ms = changes.sequence, changes.now_ms
        if self.now_ms - self._counted_ms >= COUNT_EVERY_MS:
            self._counted_ms = self.now_ms
            agents = sum(heard > self.now_ms - GONE_AFTER_MS for heard in self._heard.values())
            self._pulse = self._terms.pulse(agents)

    def _forget(self) -> None:
        """The board was emptied under us: begin anew."""
        self.index = CapabilityIndex()
        self._moved, self._heard = {}, {}
