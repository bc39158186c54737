# SPDX-License-Identifier: AGPL-3.0-or-later
"""Offers are answered by the owner's policy, or left to her."""

from __future__ import annotations

import contextlib
import logging

from commonfab.errors import Refused
from shop_agent import policy
from shop_agent.config import ShopConfig
from shop_agent.journal.book import Journal
from shop_agent.journal.records import OfferRecord
from shop_agent.people.service_modes import service_of
from shop_agent.people.stock_left import as_free

log = logging.getLogger("shop_agent.answering")


def answer_offers(journal: Journal, config: ShopConfig) -> None:
    """Answer every offer that policy can answer; of the others, keep why they wait for the owner."""
    for record in journal.unconsidered():
        decision, order = answer_to(record, config, journal), record.offer.work_order_id
        if not record.measured and decision.answer is not policy.Answer.DECLINE:
            continue  # what it takes is about to be known
        if decision.answer is policy.Answer.ASK:
            journal.note_reasons(order, decision.reasons)
            log.info("%s waits for the owner: commonfab shop accept %s (%s)", order, order, decision.note)
            continue
        with contextlib.suppress(Refused):  # the owner was faster
            journal.decide(order, decision.answer is policy.Answer.ACCEPT, decision.note)
            log.info("%s: the policy says %s%s", order, decision.answer.value, f": {decision.note}" if decision.note else "")


def answer_to(record: OfferRecord, config: ShopConfig, journal: Journal) -> policy.Decision:
    """What policy says of an offer, with what was said of its machine's service and what of its stock is promised to nobody."""
    free = config.model_copy(update={"machine": tuple(as_free(journal, facts) for facts in config.machine)})
    return policy.decide(record, free, service_of(journal, record.offer.machine_id))
