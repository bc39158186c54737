# SPDX-License-Identifier: AGPL-3.0-or-later
"""Offers are answered by the owner's policy, or left to her."""

from __future__ import annotations

import contextlib
import logging
from functools import partial

from commonfab import v1
from commonfab.errors import Refused, refused_for
from shop_agent import policy
from shop_agent.config import ShopConfig
from shop_agent.journal.book import Journal
from shop_agent.journal.records import OfferRecord
from shop_agent.people.service_modes import service_of
from shop_agent.people.stock_left import as_free, as_left
from shop_agent.shop_toml.machine_section import MachineSection

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
        with contextlib.suppress(Refused):  # the owner was faster, with this offer or with another that takes the same spool
            judge = partial(_insist, order, config, journal, decision.answer)
            journal.decide(order, decision.answer is policy.Answer.ACCEPT, decision.note, judge)
            log.info("%s: the policy says %s%s", order, decision.answer.value, f": {decision.note}" if decision.note else "")


def answer_to(record: OfferRecord, config: ShopConfig, journal: Journal) -> policy.Decision:
    """What policy says of an offer, with what was said of its machine's service and what of its stock is promised to nobody."""
    left, free = _stock_of(record, config, journal)
    return policy.decide(record, left, service_of(journal, record.offer.machine_id), free)


def against(record: OfferRecord, config: ShopConfig, journal: Journal) -> tuple[v1.Reason, ...]:
    """What speaks at this moment against an offer that its owner has yet to answer, beside what its slicing brought to light."""
    decision = answer_to(record, config, journal)
    told = decision.reasons if decision.answer is policy.Answer.DECLINE else ()
    return tuple(one for one in told if one not in record.refused)


def accept(order: str, config: ShopConfig, journal: Journal) -> None:
    """The owner takes an offer. It is judged once more: since it was shown, other work may have been promised the same spool.

    Errors: `Refused` (`shop.unanswered`, or why it cannot be made here as things stand).
    """

    def judge() -> None:
        record = journal.offer(order)
        if record is not None and record.stands and not record.answer:
            for cannot in policy.impossible(record, *_stock_of(record, config, journal)):
                raise refused_for(cannot)

    # In the same transaction: two who take two offers at the same moment must not both count on the last spool.
    journal.decide(order, accept=True, judge=judge)


def _insist(order: str, config: ShopConfig, journal: Journal, answer: policy.Answer) -> None:
    """Errors: `Refused` (`shop.unanswered`) where policy would answer otherwise by now; the change that caused it wakes it again."""
    record = journal.offer(order)
    if record is None or answer_to(record, config, journal).answer is not answer:
        raise Refused("shop.unanswered", order)


def _stock_of(record: OfferRecord, config: ShopConfig, journal: Journal) -> tuple[ShopConfig, MachineSection | None]:
    """The shop with what is left at the offer's machine; and that machine with what of it is promised to nobody."""
    facts = config.machine_of(record.offer.machine_id)
    if facts is None:
        return config, None
    left = tuple(as_left(journal, one, 0.0) if one is facts else one for one in config.machine)
    return config.model_copy(update={"machine": left}), as_free(journal, facts)
