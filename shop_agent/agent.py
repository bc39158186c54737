# SPDX-License-Identifier: AGPL-3.0-or-later
"""The loop: one link to the router, one bench for each machine, and a journal between them.

Order at the start: take the bench alone, find out what became of every piece that was begun before, and only then speak to the router.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from functools import partial

from commonfab import __version__, v1
from commonfab.client import Node, connect
from commonfab.clock import Clock, SystemClock
from commonfab.errors import Refused
from commonfab.ids import Ids, make_ids
from commonfab.reasons import reason
from commonfab.rpc_client import Endpoint
from commonfab.tasks import cancelled
from shop_agent import attempt_steps, policy
from shop_agent.accounts import account_of
from shop_agent.bench_work import Bench, Shopfloor
from shop_agent.config import ShopConfig
from shop_agent.desk_link import DeskLink, Situation, phase_of
from shop_agent.journal import Journal, open_journal
from shop_agent.live import Live, LiveFile
from shop_agent.machine_section import MachineSection
from shop_agent.machines import machine_for
from shop_agent.opening_hours import open_minutes, starts_in
from shop_agent.photographs import PhotographSender
from shop_agent.preparing import Preparer
from shop_agent.quoting import Quoter
from shop_agent.records import AttemptRecord, OfferRecord
from shop_agent.reporting import report
from shop_agent.sensors import Sensors
from shop_agent.service_modes import service_of
from shop_agent.shop_described import described_shop
from shop_agent.shop_key import public_key_of
from shop_agent.stock_left import as_free, note_listed
from shop_agent.store import only_agent
from shop_agent.waiting import Bell, Leases, Starts

NOTICE_SECONDS = 0.2
"""How often the agent looks whether a desk or the command line changed the journal: whoever says stop waits for no more than that."""

LIVE_SECONDS = 1.0
"""How often it is told to whoever looks on how the shop stands."""

log = logging.getLogger("shop_agent.agent")


async def run(config: ShopConfig, clock: Clock | None = None, ids: Ids | None = None) -> None:
    """Run a shop's agent until cancelled, or until SIGTERM or SIGINT; machines go on with what they do.

    Errors: `Refused` (`shop.running`, `shop.data`, `node.insecure`).
    """
    clock = clock or SystemClock()
    with only_agent(config.data_dir), contextlib.closing(open_journal(config, clock, ids or make_ids(clock))) as journal:
        async with connect(Endpoint(config.router.node, config.router.token, config.router.ca)) as node:
            agent = _agent(config, journal, node)
            try:
                await agent.run()
            finally:
                await agent.close()


def run_until_stopped(config: ShopConfig) -> None:
    """`run`, with readable lines on the standard output, for a process of its own. Ctrl-C and SIGTERM end it without an error."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(config))


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
        for bench in self.benches:
            note_listed(self.journal, bench.facts)
        await self._reconcile()
        self.journal.on_change = self.ring
        machines = ", ".join(f"{bench.facts.id} ({bench.facts.control})" for bench in self.benches)
        log.info("shop %s is open with %s; its router is %s", self.config.shop.id, machines, self.config.router.node)
        tasks = [
            asyncio.create_task(work)
            for work in (
                self.link.run(),
                self._notice(),
                self._tell(),
                self.quoter.run(),
                self.photographs.run(),
                *self._metrics(),
                *(bench.tend() for bench in self.benches),
            )
        ]
        tasks.append(asyncio.create_task(_until_signal()))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            log.info("shop %s closes; machines go on with what they do", self.config.shop.id)
        finally:
            self.journal.on_change = _nothing
            await cancelled(*tasks)

    def _metrics(self) -> Iterator[Coroutine[None, None, None]]:
        if self.config.shop.metrics:
            from shop_agent.metrics import ShopFigures, serve_metrics  # an agent that nobody watches does without

            yield serve_metrics(ShopFigures(self.config, self.journal, self.live))

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
        machines = [
            *(bench.describe() for bench in self.benches),
        ]
        shop = described_shop(self.config, machines, self.journal.clock.now())
        shop.public_key, shop.agent_version = self.public_key, __version__
        return Situation(shop, [self._status(attempt) for attempt in self.journal.attempts() if not attempt.walk_in])

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
        """Answer new offers by policy, and notice what the command line wrote."""
        stamp = self.journal.stamp()
        while True:
            self._consider()
            await self.bell.wait(NOTICE_SECONDS)
            if (now := self.journal.stamp()) != stamp:
                stamp = now
                self.ring()

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
        )

    def _consider(self) -> None:
        for record in self.journal.unconsidered():
            decision, order = answer_to(record, self.config, self.journal), record.offer.work_order_id
            if not record.measured and decision.answer is not policy.Answer.DECLINE:
                continue  # what it takes is about to be known
            if decision.answer is policy.Answer.ASK:
                self.journal.note_reasons(order, decision.reasons)
                log.info("%s waits for the owner: commonfab shop accept %s (%s)", order, order, decision.note)
                continue
            with contextlib.suppress(Refused):  # the owner was faster
                self.journal.decide(order, decision.answer is policy.Answer.ACCEPT, decision.note)
                log.info("%s: the policy says %s%s", order, decision.answer.value, f": {decision.note}" if decision.note else "")


def _agent(config: ShopConfig, journal: Journal, node: Node) -> Agent:
    """Put the parts together. They know each other only through functions handed in here."""
    public_key = public_key_of(config.key_file)
    leases = Leases(journal.clock)

    def signed(attempt: AttemptRecord) -> v1.SignedWork:
        machine = config.machine_of(attempt.machine_id)
        assert machine is not None  # a bench reports only for its own machine
        from commonfab.identity import load_or_make_key  # takes 10 MB, which an idle agent does without

        return report(attempt, machine, config.shop.id, load_or_make_key(config.key_file), account_of(journal, attempt.row))

    prepare = Preparer(config, node, asyncio.Semaphore(1), journal.quoted)

    async def fetch_picture(sha256: str) -> None:
        from shop_agent.desk.pictures import fetch_picture  # an idle agent does without

        await fetch_picture(node, config.data_dir, sha256)

    def declined(record: OfferRecord) -> bool:
        return answer_to(record, config, journal).answer is policy.Answer.DECLINE

    quoter = Quoter(config, journal, prepare.measure, fetch_picture, declined)
    benches: list[Bench] = []
    link = DeskLink(node.desk, journal, leases, journal.ids("run"), lambda: agent.situation())
    floor = Shopfloor(
        journal,
        leases,
        prepare,
        signed,
        config.policy.scrap_allowed,
        link.ring,
        partial(held_back, config, journal.clock),
        Starts(journal.clock, config.shop.stagger_seconds),
        Sensors(journal),
    )
    benches += [Bench(machine_for(config, facts, journal.clock), floor) for facts in config.machine]
    photographs = PhotographSender(journal, node.upload, Bell(journal.clock))
    agent = Agent(config, journal, benches, link, public_key, Bell(journal.clock), quoter, photographs)
    return agent


def answer_to(record: OfferRecord, config: ShopConfig, journal: Journal) -> policy.Decision:
    """What policy says of an offer, with what was said of its machine's service and what of its stock is promised to nobody."""
    free = config.model_copy(update={"machine": tuple(as_free(journal, facts) for facts in config.machine)})
    return policy.decide(record, free, service_of(journal, record.offer.machine_id))


def held_back(config: ShopConfig, clock: Clock, facts: MachineSection, seconds: float) -> str:
    """What the hours of the shop and of a machine say against starting something there that lasts so long; empty for nothing."""
    quiet = () if facts.silent else config.shop.quiet
    if not quiet and not facts.may_run:
        return ""
    minutes = starts_in(open_minutes(facts.may_run, quiet), config.shop.time_zone, clock.now(), seconds)
    if minutes is None:
        return f"hours in which {facts.id} may run long enough: it takes {seconds / 60:.0f} min"
    return f"the hours of {facts.id}: it may start in {minutes:.0f} min" if minutes else ""


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
