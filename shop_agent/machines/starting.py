# SPDX-License-Identifier: AGPL-3.0-or-later
"""What comes before and after whatever sets a machine in motion: a look that allows it, and a look that finds it at work."""

from __future__ import annotations

from commonfab.clock import Clock
from commonfab.errors import Refused
from shop_agent.machines import Look, Machine, Standing, StartUncertain

STARTED_WITHIN_SECONDS = 15.0
LOOK_AGAIN_SECONDS = 0.2


def refuse_unless_idle(look: Look, machine_id: str) -> None:
    """Errors: `Refused` (`machine.away`, `machine.busy`)."""
    if not look.reachable:
        raise Refused("machine.away", machine_id)
    if look.busy_with:
        raise Refused("machine.busy", machine_id)


def refuse_unless_startable(look: Look, machine_id: str) -> None:
    """Errors: `Refused`: `machine.away`, `machine.busy`, or `machine.not_taken` (it is not there, has run, or the machine has a fault)."""
    refuse_unless_idle(look, machine_id)
    if look.fault or look.standing is not Standing.HERE:
        raise Refused("machine.not_taken", machine_id)


async def until_begun(machine: Machine, name: str, clock: Clock) -> None:
    """Return once the toolpath no longer stands as one that was not run. Errors: `StartUncertain`."""
    until = clock.monotonic() + STARTED_WITHIN_SECONDS
    while (await machine.state(name)).standing is Standing.HERE:
        if clock.monotonic() >= until:
            raise StartUncertain("the start was taken and it does not begin")
        await clock.sleep(LOOK_AGAIN_SECONDS)
