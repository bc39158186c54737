# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every shop of the board in one index, kept in step with Redis by reading only what has changed."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime

from commonfab import v1
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

WORKING = (v1.MACHINE_STATE_READY, v1.MACHINE_STATE_BUSY, v1.MACHINE_STATE_NEEDS_PERSON)
"""States between which a machine changes as it works, without being able to make more or less."""


class Overview:
    """One process's picture of the board's shops. Planning and explaining read it; `catch_up` moves it on to the present."""

    def __init__(self, board: Board, terms: Terms) -> None:
        self.index = CapabilityIndex()
        self.now_ms = 0
        self._board = board
        self._terms = terms
        self._pulse = terms.pulse(0)
        self._counted_ms = 0
        self._silent_before = 0.0
        self._sequence = 0
        self._round = 0
        self._moved: dict[str, int] = {}
        self._moved_since: dict[int, frozenset[str]] = {}
        self._described: dict[str, int] = {}
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
        """The shops that described themselves anew, or were heard again after a silence, after that round. Work that comes and goes makes
        nobody able, so it does not count."""
        if earlier not in self._moved_since:
            self._moved_since[earlier] = frozenset(shop for shop, moved in self._moved.items() if moved > earlier)
        return self._moved_since[earlier]

    async def catch_up(self) -> None:
        """Take in what has changed on the board."""
        async with self._reading:
            changes = await read_changes(self._board, self._sequence, self.now_ms)
            if changes.restarted:
                self._forget()
            self._take_in(changes)

    def expects(self, lot: Lot) -> None:
        """Note work that this process is about to offer, so that the next job is planned on top of it."""
        self._load(lot, 1)

    def takes_back(self, lot: Lot) -> None:
        """Work that was expected was not offered after all. A shop that was read again meanwhile does not have it any more."""
        self._load(lot, -1)

    def _load(self, lot: Lot, times: int) -> None:
        for asked in lot.asked:
            known = self.index.shop(asked.shop_id, self.now_ms)
            if known is not None and known.sequence == asked.sequence:
                self.index.put(known.with_more({asked.machine_id: times * asked.minutes}), self._heard[asked.shop_id])

    def _take_in(self, changes: Changes) -> None:
        self._round += 1
        self._moved_since.clear()
        # Where the street has grown, a shop may be silent for longer; one that was counted as silent before was so all the same.
        self._silent_before = max(self._silent_before, changes.now_ms - self.present_seconds * 1000)
        for known, heard_at in changes.shops:
            self.index.put(known, heard_at)
            self._note_description(known.shop)
            self._heard[known.shop.id] = heard_at
        for shop_id, heard_at in changes.heard.items():
            if shop_id in self._heard:
                if self._heard[shop_id] < self._silent_before:
                    self._moved[shop_id] = self._round
                self._heard[shop_id] = heard_at
                self.index.heard(shop_id, heard_at)
        self._sequence, self.now_ms = changes.sequence, changes.now_ms
        if self.now_ms - self._counted_ms >= COUNT_EVERY_MS:
            self._counted_ms = self.now_ms
            agents = sum(heard > self.now_ms - GONE_AFTER_MS for heard in self._heard.values())
            self._pulse = self._terms.pulse(agents)

    def _note_description(self, shop: v1.Shop) -> None:
        described = hash(_lasting(shop))
        if self._described.get(shop.id) != described:
            self._described[shop.id] = described
            self._moved[shop.id] = self._round

    def _forget(self) -> None:
        """The board was emptied under us: begin anew."""
        self.index = CapabilityIndex()
        self._moved, self._heard, self._described = {}, {}, {}


def _lasting(shop: v1.Shop) -> bytes:
    """What a shop says of itself, without what comes and goes with the work on its machines."""
    lasting = v1.Shop()
    lasting.CopyFrom(shop)
    for machine in lasting.machines:
        machine.ClearField("free_in")
        if machine.state in WORKING:
            machine.ClearField("state")
            machine.ClearField("state_reason")
    return lasting.SerializeToString(deterministic=True)
