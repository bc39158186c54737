# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether the owner's policy takes an offer, declines it, or leaves it to the owner. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from commonfab import materials, processes, v1
from commonfab.envelope import too_small
from commonfab.errors import Refused
from commonfab.reasons import reason
from commonfab.units import grams, km, minutes
from shop_agent.config import ShopConfig
from shop_agent.journal.records import OfferRecord, Toolpath
from shop_agent.people.service_modes import Mode, OutOfService
from shop_agent.shop_toml.machine_section import MachineSection, process_of
from shop_agent.shop_toml.sections import StockSection

ROUNDING = 1e-6
SLACK_MINUTES = 0.01
"""A lot that was made as long as the policy allows is not over it, whatever the last bit of a sum says."""


class Answer(Enum):
    """What becomes of an offer."""

    ACCEPT = "accept"
    DECLINE = "decline"
    ASK = "ask"


@dataclass(frozen=True)
class Decision:
    """An answer and its reasons; an accepted offer has none but what its owner should know."""

    answer: Answer
    reasons: tuple[v1.Reason, ...] = ()

    @property
    def note(self) -> str:
        """The reasons as one sentence, for the router and the log."""
        return "; ".join(reason.message for reason in self.reasons)


def decide(record: OfferRecord, config: ShopConfig, service: OutOfService | None = None, free: MachineSection | None = None) -> Decision:
    """Cannot, would rather not, must be asked, or yes: in that order, with every reason of the first that applies.

    What was measured counts instead of the estimate. Parameters: `service`, what was said of the machine's service beside shop.toml;
    `free`, the machine without the stock that is promised to work which was accepted before; None where nothing is.
    """
    offer = record.offer
    machine = config.machine_of(offer.machine_id)
    if machine is None:
        return Decision(Answer.DECLINE, (reason("machine.gone", offer.machine_id),))
    if against := (*_resting(machine, service), *impossible(record, config, free), *_would_not(record, config)):
        return Decision(Answer.DECLINE, against)
    guessed = _guessed(record)
    if questions := _questions(record, machine, config):
        return Decision(Answer.ASK, (*questions, *guessed))
    if config.policy.accept == "ask":
        return Decision(Answer.ASK, (reason("policy.ask"), *guessed))
    return Decision(Answer.ACCEPT, guessed)


def impossible(record: OfferRecord, config: ShopConfig, free: MachineSection | None = None) -> tuple[v1.Reason, ...]:
    """Why an offer cannot be made here whatever its owner says; empty where it can. What she would rather not do is hers to overrule, and a
    machine that rests may be back in time. Parameters: as for `decide`."""
    machine = config.machine_of(record.offer.machine_id)
    if machine is None:
        return (reason("machine.gone", record.offer.machine_id),)
    return (*_cannot(record.offer, machine), *record.refused, *_short_of_stock(record, machine, free or machine))


def _questions(record: OfferRecord, machine: MachineSection, config: ShopConfig) -> list[v1.Reason]:
    """What only the owner can answer, whatever else she lets the policy do."""
    offer = record.offer
    if record.tried_before:
        return [reason("policy.tried")]
    if config.policy.max_km and not offer.HasField("distance_km"):
        return [reason("place.unknown")]
    if machine.control == "by_hand" or not processes.satisfies(machine.process, "material_extrusion"):
        return []  # a person reads the sheet, where every demand stands
    from shop_agent.slicing.settings import asked_of  # an agent to which nothing is offered does without

    try:
        return list(asked_of(offer.requirement, machine.nozzle_mm).unknown)
    except Refused as refused:
        return [refused.reason]


def _guessed(record: OfferRecord) -> tuple[v1.Reason, ...]:
    """What the owner should know where the figures were not measured."""
    toolpath = record.toolpath
    return (reason("offer.not_measured", toolpath.note),) if toolpath is not None and not toolpath.sha256 and toolpath.note else ()


def _short_of_stock(record: OfferRecord, machine: MachineSection, free: MachineSection) -> list[v1.Reason]:
    """Whether the weighed stock suffices for what was measured. Each spool by itself: nobody welds two together."""
    toolpath, offer = record.toolpath, record.offer
    if toolpath is None or toolpath.grams <= 0:
        return []
    of_it = _spools(machine, offer)
    listed = {materials.canonical(one.material) for one in of_it}
    unlisted = any(
        materials.satisfies(has, offer.requirement.material) and materials.canonical(has) not in listed for has in machine.materials
    )
    if not of_it or unlisted or any(one.grams <= 0 for one in of_it):
        return []  # nobody said how much there is
    unpromised = _spools(free, offer)
    if _pieces_of(unpromised, toolpath) >= offer.quantity:
        return []
    needs, has = grams(toolpath.grams * offer.quantity), sum(one.grams for one in of_it)
    if _pieces_of(of_it, toolpath) < offer.quantity:
        return [reason("stock.short", of_it[0].material, quantity=offer.quantity, needs=needs, has=grams(has))]
    promised = grams(has - sum(one.grams for one in unpromised))
    return [reason("stock.promised", of_it[0].material, quantity=offer.quantity, needs=needs, has=grams(has), promised=promised)]


def _spools(machine: MachineSection, offer: v1.Offer) -> list[StockSection]:
    """What of the machine's stock the offer may be made of."""
    return [one for one in machine.stock if materials.satisfies(one.material, offer.requirement.material)]


def _pieces_of(spools: Iterable[StockSection], toolpath: Toolpath) -> int:
    return sum(int(one.grams / toolpath.grams + ROUNDING) for one in spools)


def _cannot(offer: v1.Offer, machine: MachineSection) -> list[v1.Reason]:
    """The router judged by what it last heard; the shop knows what is so now."""
    needs, reasons = offer.requirement, list[v1.Reason]()
    if needs.process and not processes.satisfies(process_of(machine), needs.process):
        reasons.append(reason("process.other", needs.process))
    if not any(materials.satisfies(has, needs.material) for has in machine.on_hand):
        reasons.append(reason("material.missing", needs.material))
    width, depth, height = machine.envelope_mm
    reasons += too_small(needs, v1.Size(x=width, y=depth, z=height))
    return reasons


def _resting(machine: MachineSection, service: OutOfService | None) -> list[v1.Reason]:
    """Why the machine takes no new work now."""
    if machine.out_of_order:
        return [reason("machine.out_of_order", machine.out_of_order)]
    if machine.maintenance:
        return [reason("machine.maintenance", machine.maintenance)]
    return [_of_service(service, machine)] if service is not None else []


def _of_service(service: OutOfService, machine: MachineSection) -> v1.Reason:
    if service.mode is Mode.DRAIN:
        return reason("machine.drains", f"{machine.id} ({service.why})" if service.why else machine.id)
    broken = service.mode is Mode.OUT_OF_ORDER
    return reason("machine.out_of_order" if broken else "machine.maintenance", service.why or service.mode.value.replace("_", " "))


def _seconds(offer: v1.Offer, toolpath: Toolpath | None) -> float:
    """Machine time of one piece: measured where it was."""
    return toolpath.seconds if toolpath and toolpath.seconds else offer.estimate.machine_time.ToTimedelta().total_seconds()


def _would_not(record: OfferRecord, config: ShopConfig) -> list[v1.Reason]:
    policy, offer, reasons = config.policy, record.offer, list[v1.Reason]()
    if config.shop.closed:
        reasons.append(reason("shop.closed", config.shop.closed))
    takes = _seconds(offer, record.toolpath) / 60 * offer.quantity
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
