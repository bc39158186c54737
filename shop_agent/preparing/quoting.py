# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an offer takes, measured before anybody answers it: sliced, judged by the gate, written into the journal.

An offer whose measuring must wait, because the node is away or other work is sliced first, does not wait for ever: after a while it is
answered with the estimate, which says that it is one, and measuring goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from commonfab import v1
from commonfab.errors import Refused
from commonfab.tasks import cancelled
from shop_agent.bench.waiting import Bell
from shop_agent.config import ShopConfig
from shop_agent.journal.book import Journal
from shop_agent.journal.records import OfferRecord, Toolpath
from shop_agent.preparing import storeroom
from shop_agent.preparing.preparer import ESTIMATED

TROUBLE_SECONDS = 120.0
"""How long what may pass is waited for before the estimate is taken. Our own choice: a node restarts in less."""

SHARE_OF_OFFER = 0.5
"""Of the time for which an offer stands, what measuring may take."""

USUAL_OFFER_SECONDS = 3600.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0
LOOK_SECONDS, IDLE_SECONDS = 1.0, 600.0
PICTURE_SECONDS = 20.0

log = logging.getLogger("shop_agent.quoting")


@dataclass
class _Quote:
    """One offer that is being measured. `began`, `trouble_began`: by the clock that only runs forward."""

    began: float
    patience: float
    task: asyncio.Task[None] | None = None
    trouble: str = ""
    trouble_began: float = field(default=float("inf"))

    def overdue(self, now: float) -> bool:
        """Whether the estimate must do for now."""
        return now - self.began >= self.patience or now - self.trouble_began >= min(TROUBLE_SECONDS, self.patience)


class Quoter:
    """Measures every open offer, and keeps the storeroom in bounds.

    Parameters: `measure`, makes and checks the toolpath of an offer; `fetch_picture`, brings a picture beside the journal; `cannot`,
    whether an offer would be declined whatever it takes, so that nothing needs to be measured.
    """

    def __init__(
        self,
        config: ShopConfig,
        journal: Journal,
        measure: Callable[[v1.Offer], Awaitable[Toolpath]],
        fetch_picture: Callable[[str], Awaitable[object]],
        cannot: Callable[[OfferRecord], bool],
    ) -> None:
        self.config, self.journal, self.clock = config, journal, journal.clock
        self.bell = Bell(journal.clock)
        self._measure, self._fetch_picture, self._cannot = measure, fetch_picture, cannot
        self._quotes: dict[str, _Quote] = {}
        self._tidied = float("-inf")

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            while True:
                try:
                    pending = self.look()
                    await self._tidy()
                except Exception:  # a full disk must not close the shop
                    log.exception("offers cannot be measured now; looking again")
                    pending = True
                await self.bell.wait(LOOK_SECONDS if pending else IDLE_SECONDS)
        finally:
            await cancelled(*(quote.task for quote in self._quotes.values() if quote.task))

    def look(self) -> bool:
        """Begin to measure what is new, forget what is answered, and take the estimate of what is overdue. Answers whether any is open."""
        open_offers = {record.offer.work_order_id: record for record in self.journal.unmeasured() if not self._cannot(record)}
        for order in self._quotes.keys() - open_offers.keys():
            if (task := self._quotes.pop(order).task) is not None:
                task.cancel()
        now = self.clock.monotonic()
        for order, record in open_offers.items():
            quote = self._quotes.get(order)
            if quote is None:
                stands = record.offer.expires_in.ToTimedelta().total_seconds() or USUAL_OFFER_SECONDS
                quote = self._quotes[order] = _Quote(now, SHARE_OF_OFFER * stands)
                quote.task = asyncio.create_task(self._quote(record.offer, quote))
            elif not record.measured and quote.overdue(now):
                self._guess(record.offer, quote.trouble or "other work is measured first")
        return bool(open_offers)

    async def _quote(self, offer: v1.Offer, quote: _Quote) -> None:
        order, pause = offer.work_order_id, FIRST_PAUSE_SECONDS
        await self._picture(offer.picture_sha256)
        while True:
            try:
                return await self._quote_once(offer)
            except Exception as error:  # whatever a network, a disk or a slicer can throw
                quote.trouble_began = min(quote.trouble_began, self.clock.monotonic())
                if quote.trouble != (trouble := _in_words(error)):
                    quote.trouble = trouble
                    log.warning("%s: measuring it did not work: %s; again soon", order, trouble)
                await self.clock.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _quote_once(self, offer: v1.Offer) -> None:
        from shop_agent.gcode import ToolpathRefused  # the gate takes memory, and an idle agent does without

        order = offer.work_order_id
        try:
            toolpath = await self._measure(offer)
        except Refused as refused:
            self._refuse(order, [refused.reason])
        except ToolpathRefused as refused:
            self._refuse(order, refused.reasons)
        else:
            self.journal.note_quote(order, toolpath)
            known = f"toolpath {toolpath.sha256[:12]}" if toolpath.sha256 else toolpath.note
            log.info("%s: takes %.0f min and %.1f g a piece (%s)", order, toolpath.seconds / 60, toolpath.grams, known)

    async def _picture(self, sha256: str) -> None:
        """A picture is good to have, and nothing waits long for it."""
        if sha256 and not (self.config.data_dir / storeroom.PICTURES / f"{sha256}.png").exists():
            with contextlib.suppress(Exception):
                async with asyncio.timeout(PICTURE_SECONDS):
                    await self._fetch_picture(sha256)

    def _refuse(self, order: str, reasons: list[v1.Reason]) -> None:
        self.journal.note_quote(order, None, reasons)
        log.warning("%s: cannot be made here: %s", order, "; ".join(reason.message for reason in reasons))

    def _guess(self, offer: v1.Offer, why: str) -> None:
        estimate = offer.estimate
        seconds = estimate.machine_time.ToTimedelta().total_seconds()
        self.journal.note_quote(offer.work_order_id, Toolpath("", "", seconds, estimate.grams, f"{why}: {ESTIMATED}"), final=False)

    async def _tidy(self) -> None:
        if self.clock.monotonic() - self._tidied < IDLE_SECONDS:
            return
        self._tidied = self.clock.monotonic()
        needed = self._needed()
        with contextlib.suppress(OSError):  # a file that will not go today goes another day
            await asyncio.to_thread(storeroom.tidy, self.config.data_dir, needed, self.clock.now())

    def _needed(self) -> storeroom.Needed:
        """What the offers that stand and the work on the benches need."""
        folder, attempts = self.config.data_dir, self.journal.attempts()
        standing = self.journal.standing()
        toolpaths = [one.toolpath for one in attempts] + [one.toolpath for one in standing]
        offers = [one.offer for one in attempts] + [one.offer for one in standing]
        files = {Path(toolpath.file) for toolpath in toolpaths if toolpath is not None and toolpath.file}
        files |= {folder / storeroom.MESHES / offer.mesh_sha256 for offer in offers}
        files |= {folder / storeroom.PICTURES / f"{offer.picture_sha256}.png" for offer in offers}
        return storeroom.Needed(files, {attempt.key for attempt in attempts})


def _in_words(error: Exception) -> str:
    if isinstance(error, grpc.aio.AioRpcError):
        return "the node does not answer" if error.code() is grpc.StatusCode.UNAVAILABLE else f"the node says {error.details()}"
    return str(error) or type(error).__name__
