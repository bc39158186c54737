# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether a machine is in service: what shop.toml says, what a person said since, and what upkeep is overdue."""

from __future__ import annotations

from commonfab import v1
from shop_agent.journal.book import Journal
from shop_agent.people.service_modes import Mode, service_of
from shop_agent.people.upkeep import upkeep_of
from shop_agent.shop_toml.machine_section import MachineSection


def out_of_service(journal: Journal, facts: MachineSection) -> tuple[v1.MachineState.ValueType, str]:
    """How and why nothing is started on a machine; an empty text where it is in service. One that drains still makes what was accepted."""
    said = service_of(journal, facts.id)
    if facts.out_of_service:
        return facts.rest_state, facts.out_of_service
    if said is not None and said.stops:
        broken = said.mode is Mode.OUT_OF_ORDER
        return (v1.MACHINE_STATE_OUT_OF_ORDER if broken else v1.MACHINE_STATE_MAINTENANCE), said.why or said.mode.value
    overdue = [due.what for due in upkeep_of(journal, facts) if due.stops and due.overdue]
    return v1.MACHINE_STATE_MAINTENANCE, f"{overdue[0]} is overdue" if overdue else ""
