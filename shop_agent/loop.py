# SPDX-License-Identifier: AGPL-3.0-or-later
"""The loop: one link to the router, one bench for each machine, and a journal between them.

Order at the start: find out what became of every piece that was begun before, and only then speak to the router.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial

from commonfab import __version__, v1
from commonfab.errors import Refused
from commonfab.reasons import reason
from commonfab.tasks import cancelled
from shop_agent.answering import answer_offers
from shop_agent.bench.waiting import Bell
from shop_agent.bench.work import Bench
from shop_agent.config import ShopConfig
from shop_agent.desk_link import DeskLink, Situation, phase_of
from shop_agent.housekeeping import DAY_SECONDS, FIRST_SECONDS, keep_house
from shop_agent.journal import attempt_steps
from shop_agent.journal.book import Journal
from shop_agent.journal.records import AttemptRecord
from shop_agent.journal.sums import sum_up
from shop_agent.live import Live, LiveFile
from shop_agent.people.shouting import Shout, listen
from shop_agent.people.stock_left import note_listed
from shop_agent.photographs import PhotographSender
from shop_agent.preparing.quoting import Quoter
from shop_agent.reporting import report_forgotten
from shop_agent.shop_toml.shop_described import described_shop

NOTICE_SECONDS = 0.2
"""How often the agent looks whether a desk or the command line changed the journal: whoever says stop waits for no more than that."""

LIVE_SECONDS = 1.0
"""How often it is told to whoever looks on how the shop stands."""

AGAIN_SECONDS = 1.0
"""After how long a part of the work that went wrong is taken up again."""

log = logging.getLogger("shop_agent.agent")


@dataclass(frozen=True)
class Agent:
    """What runs."""

    config: ShopConfig
    journal: Journal
    benches: list[Bench]
    link: DeskLink
    public_key: bytes
    bell: Bell
    quoter: Quoter
    photographs: PhotographSender

    async def run(self) -> None:
        """Reconcile, then work until cancelled or told to stop by a signal."""
        await self._lives_on("making up the journal", self._make_up)
        await self._lives_on("finding out what ran", self._reconcile)
        self.journal.on_change = self.ring
        machines = ", ".join(f"{bench.facts.id} ({bench.facts.control})" for bench in self.benches)
        log.info("shop %s is open with %s; its router is %s", self.config.shop.id, machines, self.config.router.node)
        parts: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("speaking with the router", self.link.run),
            ("listening past the journal", partial(listen, self.config.data_dir, self._hear)),
            ("answering offers", self._notice),
            ("writing live.json", self._tell),
            ("measuring offers", self.quoter.run),
            ("sending photographs", self.photographs.run),
            ("clearing away", self._keep_house),
            *self._metrics(),
            *((f"tending {bench.facts.id}", bench.tend) for bench in self.benches),
        ]
        tasks = [asyncio.create_task(self._lives_on(name, part)) for name, part in parts]
        tasks.append(asyncio.create_task(_until_signal()))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            log.info("shop %s closes; machines go on with what they do", self.config.shop.id)
        finally:
            self.journal.on_change = _nothing
            await cancelled(*tasks)

    async def _lives_on(self, name: str, part: Callable[[], Awaitable[None]]) -> None:
        """Do one part of the agent's work, again after whatever went wrong: a disk that is full, or a journal that another program has
        locked, must not close the shop. What was half done was rolled back, and is done again from what is written.

        Errors: `Refused`, which says that this agent must stop.
        """
        said = ""
        while True:
            try:
                return await part()
            except Refused:
                raise
            except Exception as error:
                if said != (said := repr(error)):  # once: it may last for days, and the log lies on that disk
                    log.exception("%s: something went wrong; trying again", name)
                await self.journal.clock.sleep(AGAIN_SECONDS)

    async def _make_up(self) -> None:
        """At the start: stock that shop.toml lists anew, and the sums of what an older version of the agent left to be summed."""
        for bench in self.benches:
            note_listed(self.journal, bench.facts)
        more = True
        while more:
            with self.journal.change() as connection:
                more = sum_up(connection)

    async def _keep_house(self) -> None:
        await self.journal.clock.sleep(FIRST_SECONDS)
        while True:
            keep_house(self.journal, self.config.data_dir)
            await self.journal.clock.sleep(DAY_SECONDS)

    def _metrics(self) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
        if self.config.shop.metrics:
            from shop_agent.metrics import ShopFigures, serve_metrics  # an agent that nobody watches does without

            yield "serving metrics", partial(serve_metrics, ShopFigures(self.config, self.journal, self.live))

    async def close(self) -> None:
        """Let go of the machines."""
        for bench in self.benches:
            await bench.close()

    def ring(self) -> None:
        """The journal changed: everybody looks at it again."""
        self.link.ring()
        self.bell.ring()
        self.quoter.bell.ring()
        self.photographs.bell.ring()
        for bench in self.benches:
            bench.bell.ring()

    def situation(self) -> Situation:
        """What the router is told."""
        machines = [bench.describe() for bench in self.benches]
        shop = described_shop(self.config, machines, self.journal.clock.now())
        shop.public_key, shop.agent_version = self.public_key, __version__
        held = [self._status(attempt) for attempt in self.journal.attempts() if not attempt.walk_in and not _dropped(attempt)]
        return Situation(shop, held, self.config.router.node)

    def _status(self, attempt: AttemptRecord) -> v1.AttemptStatus:
        bench = next((bench for bench in self.benches if bench.facts.id == attempt.machine_id), None)
        progress, remaining = bench.progress(attempt) if bench else (0.0, 0.0)
        waits = bench is not None and attempt.key in bench.person
        status = v1.AttemptStatus(
            attempt=attempt.ref,
            phase=phase_of(attempt, waits_for_person=waits),
            pieces_good=attempt.good,
            pieces_scrap=attempt.scrap,
            piece_progress=progress,
        )
        status.remaining.FromMilliseconds(round(remaining * 1000))
        return status

    async def _reconcile(self) -> None:
        for bench in self.benches:
            await bench.reconcile()
        self._take_away_orphans()

    def _take_away_orphans(self) -> None:
        """Attempts on machines that are no longer in shop.toml."""
        ids = {bench.facts.id for bench in self.benches}
        for attempt in self.journal.attempts():
            if attempt.machine_id in ids or attempt.ended:
                continue
            if attempt.start_asked:
                # It may have moved. Only its machine can say what became of it, so it stays until that is back.
                log.warning("%s lies on machine %s, which is no longer in shop.toml: put it back", attempt.key, attempt.machine_id)
            else:
                attempt_steps.release(self.journal, attempt, [reason("machine.gone", attempt.machine_id)])

    async def _notice(self) -> None:
        """Answer new offers by policy, report what a router has forgotten, and notice what the command line wrote."""
        stamp, changed = self.journal.stamp(), True
        while True:
            if changed:
                answer_offers(self.journal, self.config)
                report_forgotten(self.journal, {bench.facts.id: bench.floor.report for bench in self.benches})
            changed = await self.bell.wait(NOTICE_SECONDS)
            if (now := self.journal.stamp()) != stamp:
                stamp = now
                self.ring()

    def _hear(self, said: Shout) -> None:
        bench = next((bench for bench in self.benches if bench.facts.id == said.machine_id), None)
        if bench is None:
            log.warning("%s says %s to %s, which this agent does not know", said.who, said.kind, said.machine_id)
        else:
            bench.hear(said)

    async def _tell(self) -> None:
        file = LiveFile(self.config.data_dir, self.journal.clock)
        while True:
            file.write(self.live())
            await self.journal.clock.sleep(LIVE_SECONDS)

    def live(self) -> Live:
        """How the shop stands at this moment."""
        return Live(
            at=self.journal.clock.now(),
            machines=tuple(bench.live() for bench in self.benches),
            router_heard=self.link.heard_at,
            router_trouble=self.link.trouble,
            unsent=len(self.journal.unsettled()),
            alone=True,
            shop_toml=self.config.digest,
        )


def _dropped(attempt: AttemptRecord) -> bool:
    """Whether the router said that it is not ours. One whose machine is no longer in shop.toml may lie there for weeks, and each time that
    a router is told of it, it answers at once."""
    return attempt.wish == v1.WISH_DROP and not attempt.ended


async def _until_signal() -> None:
    """Return at SIGTERM or SIGINT; never, where signals are somebody else's affair (another thread, another system)."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    caught = []
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, told.set)
                caught.append(number)
        await told.wait()
    finally:
        for number in caught:
            loop.remove_signal_handler(number)


def _nothing() -> None:
    pass
