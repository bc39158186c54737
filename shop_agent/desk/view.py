# SPDX-License-Identifier: AGPL-3.0-or-later
"""The desk as it is now: made from the journal, from what the agent last wrote of its machines, and from shop.toml. Nothing here knows a
screen."""

from __future__ import annotations

from shop_agent.config import ShopConfig, digest_now
from shop_agent.desk.cards import Desk
from shop_agent.desk.of_machines import machine_card
from shop_agent.desk.of_work import bench_card, given_back_card, offer_card, outbox_card, recall_card
from shop_agent.journal.book import Journal
from shop_agent.journal.given_back import given_back
from shop_agent.live import Live, read_live

NOT_RUNNING = "The agent is not running. What you say is kept, and nothing reaches a machine until it runs: commonfab shop run"

SILENT = (
    "The agent is there, and has not told for a while how its machines stand: what you see of them is old. Is the disk full? "
    "Stop and pause reach it all the same; look that the machine obeys"
)

CHANGED = (
    "shop.toml was changed: restart the agent to take it up. commonfab shop check says whether it is right; then "
    "sudo systemctl restart commonfab-shop, or Ctrl-C and commonfab shop run again"
)
OPENED_BEFORE = (
    "shop.toml was changed since this desk was opened: open it anew. sudo systemctl restart commonfab-desk, or Ctrl-C and "
    "commonfab shop desk or commonfab shop screen again"
)


def look(config: ShopConfig, journal: Journal) -> Desk:
    """The desk as it is now."""
    return desk_of(config, journal, read_live(config.data_dir), journal.clock.now())


def desk_of(config: ShopConfig, journal: Journal, live: Live | None, now: float) -> Desk:
    """The desk, from what is known at `now` (seconds since 1970)."""
    if live is not None and live.is_stale(now) and not live.alone:
        live = None
    attempts = journal.attempts()
    told = {one.id: one for one in live.machines} if live else {}
    return Desk(
        shop=config.shop.name or config.shop.id,
        agent=_amiss(config, live, now) if live else NOT_RUNNING,
        agent_runs=live is not None,
        offers=tuple(offer_card(config, journal, record) for record in journal.standing()),
        machines=tuple(machine_card(journal, facts, told.get(facts.id), attempts) for facts in config.machine),
        benches=tuple(bench_card(config, journal, attempt, told.get(attempt.machine_id)) for attempt in attempts),
        outbox=outbox_card(journal, live, now),
        recalls=tuple(recall_card(record, journal) for record in journal.recalls()),
        given_back=tuple({card.order: card for card in (given_back_card(config, one) for one in given_back(journal))}.values()),
    )


def _amiss(config: ShopConfig, live: Live, now: float) -> str:
    """That the agent tells nothing, or who works by what shop.toml said before, in words; empty where all is well. An agent of an older
    version does not say by what it works."""
    if live.is_stale(now):  # it holds the bench, else nobody would have told of it
        return SILENT
    digest = digest_now(config.path)
    if live.shop_toml and live.shop_toml != digest:
        return CHANGED
    return OPENED_BEFORE if config.digest and config.digest != digest else ""
