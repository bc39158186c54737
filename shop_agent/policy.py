# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether the owner's policy takes an offer, declines it, or leaves it to the owner. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from commonfab import materials, processes, v1
from commonfab.envelope import too_small
from commonfab.reasons import reason
from commonfab.units import km, minutes
from shop_agent.config import ShopConfig
from shop_agent.machine_section import MachineSection
from shop_agent.records import OfferRecord

SLACK_MINUTES = 0.01
"""A lot that was made as long as the policy allows is not over it, whatever the last bit of a sum says."""


class Answer(Enum):
    """What becomes of an offer."""

    ACCEPT = "accept"
    DECLINE = "decline"
    ASK = "ask"


@dataclass(frozen=True)
class Decision:
    """An answer and its reasons; an accepted offer needs none."""

    answer: Answer
    reasons: tuple[v1.Reason, ...] = ()

    @property
    def note(self) -> str:
        """The reasons as one sentence, for the router and the log."""
        return "; ".join(reason.message for reason in self.reasons)


def decide(record: OfferRecord, config: ShopConfig) -> Decision:
    """Cannot, would rather not, must be asked, or yes: in that order, with every reason of the first that applies."""
    offer = record.offer
    machine = config.machine_of(offer.machine_id)
    if machine is None:
        return Decision(Answer.DECLINE, (reason("machine.gone", offer.machine_id),))
    against = (*_cannot(offer, machine), *_would_not(offer, config))
    if against:
        return Decision(Answer.DECLINE, against)
    if record.tried_before:
        return Decision(Answer.ASK, (reason("policy.tried"),))
    if config.policy.max_km and not offer.HasField("distance_km"):
        return Decision(Answer.ASK, (reason("place.unknown"),))
    if config.policy.accept == "ask":
        return Decision(Answer.ASK, (reason("policy.ask"),))
    return Decision(Answer.ACCEPT)


def _cannot(offer: v1.Offer, machine: MachineSection) -> list[v1.Reason]:
    """The router judged by what it last heard; the shop knows what is so now."""
    needs, reasons = offer.requirement, []
    if machine.out_of_order:
        reasons.append(reason("machine.out_of_order", machine.out_of_order))
    elif machine.maintenance:
        reasons.append(reason("machine.maintenance", machine.maintenance))
    if needs.process and not processes.satisfies(machine.process, needs.process):
        reasons.append(reason("process.other", needs.process))
    if not any(materials.satisfies(has, needs.material) for has in machine.on_hand):
        reasons.append(reason("material.missing", needs.material))
    width, depth, height = machine.envelope_mm
    reasons += too_small(needs, v1.Size(x=width, y=depth, z=height))
    return reasons


def _would_not(offer: v1.Offer, config: ShopConfig) -> list[v1.Reason]:
    policy, reasons = config.policy, []
    if config.shop.closed:
        reasons.append(reason("shop.closed", config.shop.closed))
    takes = offer.estimate.machine_time.ToTimedelta().total_seconds() / 60 * offer.quantity
    if policy.most_minutes and takes > policy.most_minutes + SLACK_MINUTES:
        reasons.append(reason("policy.minutes", needs=minutes(takes), has=minutes(policy.most_minutes)))
    if policy.max_pieces and offer.quantity > policy.max_pieces:
        reasons.append(reason("policy.pieces", needs=offer.quantity, has=policy.max_pieces))
    if policy.max_km and offer.distance_km > policy.max_km:
        reasons.append(reason("policy.distance", needs=km(offer.distance_km), has=km(policy.max_km)))
    wanted = offer.requirement.material
    if policy.materials and wanted and not any(materials.satisfies(wanted, term) for term in policy.materials):
        reasons.append(reason("policy.material", wanted))
    return reasons
