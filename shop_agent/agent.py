# SPDX-License-Identifier: AGPL-3.0-or-later
"""An agent begins here: it takes the bench alone, is put together, and works until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from functools import partial

from commonfab import v1
from commonfab.client import Node, connect
from commonfab.clock import Clock, SystemClock
from commonfab.ids import Ids, make_ids
from commonfab.rpc_client import Endpoint
from shop_agent import policy
from shop_agent.answering import answer_to
from shop_agent.bench.waiting import Bell, Leases, Starts
from shop_agent.bench.work import Bench, Shopfloor
from shop_agent.config import ShopConfig
from shop_agent.desk_link import DeskLink
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.records import AttemptRecord, OfferRecord
from shop_agent.journal.store import only_agent
from shop_agent.loop import Agent
from shop_agent.machines import machine_for
from shop_agent.people.accounts import account_of
from shop_agent.people.sensors import Sensors
from shop_agent.photographs import PhotographSender
from shop_agent.preparing.preparer import Preparer
from shop_agent.preparing.quoting import Quoter
from shop_agent.reporting import report
from shop_agent.shop_key import public_key_of
from shop_agent.shop_toml.machine_section import MachineSection
from shop_agent.shop_toml.opening_hours import on_the_wall, open_minutes, starts_in


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
    benches = [Bench(machine_for(config, facts, journal.clock), floor) for facts in config.machine]
    photographs = PhotographSender(journal, node.upload, Bell(journal.clock))
    agent = Agent(config, journal, benches, link, public_key, Bell(journal.clock), quoter, photographs)
    return agent


def held_back(config: ShopConfig, clock: Clock, facts: MachineSection, seconds: float) -> str:
    """What the hours of the shop and of a machine say against starting something there that lasts so long; empty for nothing."""
    quiet = () if facts.silent else config.shop.quiet
    if not quiet and not facts.may_run:
        return ""
    now, zone = clock.now(), config.shop.time_zone
    minutes = starts_in(open_minutes(facts.may_run, quiet), zone, now, seconds)
    if minutes is None:
        return f"hours in which {facts.id} may run long enough: it takes {seconds / 60:.0f} min"
    # When, and not in how many minutes: that would be another line in the log each minute, all night.
    return f"the hours of {facts.id}: it may start on {on_the_wall(zone, now + 60 * minutes)}" if minutes else ""
