# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every entry of the ledger is evidence about its revision: the design commons hears of it.

Which entries it has not heard of stands in SQL, written with the entry itself. One is taken off that list when the registry has taken it,
or has refused it for good; so each is told at least once, whatever dies in between, and the registry keeps it once.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

import grpc
import sqlalchemy as sa

from commonfab import v1
from commonfab.clock import Clock
from commonfab.errors import Refused
from router.back_off import BackOff
from router.bell import rings_within
from router.board import Board
from router.ledger import LedgerBook
from router.redis_door import TROUBLE
from router.registry_door import RegistryDoor

LOOK_AGAIN_SECONDS = 5.0
"""How often it is looked for entries that another router's clerk made; those of one's own ring."""

AT_ONCE = 100
LONGEST_BACK_OFF_SECONDS = 60.0

FOR_GOOD = (
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.PERMISSION_DENIED,
)
"""What the registry answers so, it will answer so for ever: an entry never changes."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BuildReporter:
    """Tells the design commons of what stands in the ledger. Any number of routers may do so side by side."""

    board: Board
    book: LedgerBook
    door: RegistryDoor
    clock: Clock
    entered: asyncio.Event
    back_off: BackOff = field(default_factory=lambda: BackOff("build reports wait", LONGEST_BACK_OFF_SECONDS))

    async def run(self) -> None:
        """Report until cancelled."""
        while True:
            try:
                await self.report_all()
                self.back_off.worked()
                await rings_within(self.entered, LOOK_AGAIN_SECONDS)
            except (Refused, *TROUBLE, sa.exc.OperationalError) as error:
                await self.clock.sleep(self.back_off.pause(error))

    async def report_all(self) -> int:
        """Report every entry that is not reported; answers how many the registry took.

        One that it will never take is logged and passed over; one that it cannot take now waits, and so does whatever comes after it where
        the registry is away. Errors: `Refused` where it is; as the clients of Redis and the database.
        """
        last, taken, broken = 0, 0, None
        while entries := await asyncio.to_thread(self.book.unreported, last, AT_ONCE):
            for entry in entries:
                try:
                    taken += await self._report(entry)
                except Refused as refused:
                    if refused.status is not grpc.StatusCode.INTERNAL:
                        raise
                    broken = refused  # this entry meets with an error over there; the others need not wait for it
            last = entries[-1].number
        if broken is not None:
            raise broken
        return taken

    async def _report(self, entry: v1.LedgerEntry) -> bool:
        if not entry.work.revision_digest:  # made for somebody who walked in, of no design that is known here
            await asyncio.to_thread(self.book.note_reported, entry.number)
            return False
        place = await self._place_of(entry.work.shop_id)
        try:
            await self.door.report_build(entry.signed, place)
        except Refused as refused:
            if refused.status not in FOR_GOOD or refused.code.startswith("token."):
                raise
            log.warning("ledger entry %d is no build report of its revision: %s", entry.number, refused)
            await asyncio.to_thread(self.book.note_reported, entry.number)
            return False
        await asyncio.to_thread(self.book.note_reported, entry.number)
        return True

    async def _place_of(self, shop_id: str) -> v1.Place | None:
        """Roughly where a shop is, as it says itself; None where it does not, or is not known any more."""
        described = await self.board.ask("HGET", self.board.key("shop", shop_id), "descriptor")
        shop = v1.Shop.FromString(described) if described else v1.Shop()
        return shop.place if shop.HasField("place") else None
