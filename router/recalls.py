# SPDX-License-Identifier: AGPL-3.0-or-later
"""A recall reaches every shop that made the revision or took work of it, and nothing more of it begins.

First it is listened for what happens from now on, then every recall that there is is looked through: none falls in between. Acting on one
twice changes nothing, so any number of routers may do so.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import sqlalchemy as sa

from commonfab import v1
from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.recalled import recall_text
from router.back_off import FIRST_SECONDS, BackOff
from router.board import Board
from router.ledger import LedgerBook
from router.redis_door import TROUBLE
from router.registry_door import RegistryDoor

LONGEST_BACK_OFF_SECONDS = 15.0
"""Shorter than for build reports: a recall is about somebody's safety."""

MOST_TOLD = 1000
"""Works of one shop in a notice, the newest. Who made more finds them in the ledger; a notice must fit into an answer."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RecallWatch:
    """Carries recalls from the registry to the board."""

    board: Board
    book: LedgerBook
    door: RegistryDoor
    clock: Clock
    back_off: BackOff = field(default_factory=lambda: BackOff("recalls cannot be followed now", LONGEST_BACK_OFF_SECONDS))

    async def run(self) -> None:
        """Follow until cancelled. Whenever the registry, Redis or the database was away, everything is looked through anew."""
        while True:
            try:
                await self._follow()
            except (Refused, *TROUBLE, sa.exc.OperationalError) as error:
                await self.clock.sleep(self.back_off.pause(error))
            else:
                await self.clock.sleep(FIRST_SECONDS)  # the registry ended the stream: it stops, or starts anew

    async def _follow(self) -> None:
        async with aclosing(self.door.follow()) as events:
            async for told in events:
                if not told.HasField("event"):
                    await self.catch_up()
                    self.back_off.worked()
                elif told.event.HasField("recalled"):
                    await self.act(told.event.recalled, told.event.title)

    async def catch_up(self) -> None:
        """Act on every recall that the board does not know. Errors: `Refused`; as the clients of Redis and the database."""
        recalls = await self.door.recalls()
        known = await self.board.recalled([recall.revision_digest for recall in recalls])
        for recall in recalls:
            if recall.revision_digest not in known:
                await self.act(recall, await self._title(recall.revision_digest))

    async def act(self, recall: v1.Recall, title: str) -> None:
        """Hold its jobs, end what has not begun, stop what runs, and have every shop told that it concerns."""
        works = await asyncio.to_thread(self.book.of_revision, recall.revision_digest)
        told = notices(recall, title, works)
        await self.board.recall(recall, title, told)
        named = recall.revision_digest[:12]
        log.warning("revision %s (%s) is recalled: %s; %d shops made it", named, title, recall_text(recall), len(told))

    async def _title(self, digest: str) -> str:
        try:
            return await self.door.title(digest)
        except Refused as refused:
            if refused.code == "node.unreachable":
                raise
            return ""


def notices(recall: v1.Recall, title: str, works: Sequence[v1.CompletedWork]) -> Mapping[str, v1.RecallNotice]:
    """For each shop that reported work of a revision, what it made. Pure."""
    made: dict[str, list[v1.RecalledWork]] = defaultdict(list)
    for work in works:
        order = work.attempt.work_order_id
        made[work.shop_id].append(
            v1.RecalledWork(work_order_id=order, job_id=work.job_id, part_name=work.part_name, pieces_good=work.pieces_good)
        )
    return {shop: v1.RecallNotice(recall=recall, title=title, made=of_shop[-MOST_TOLD:]) for shop, of_shop in made.items()}
