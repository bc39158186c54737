# SPDX-License-Identifier: AGPL-3.0-or-later
"""What machines share that know by themselves when a piece is done."""

from __future__ import annotations

from commonfab.errors import Refused
from shop_agent.machines import Care, Look
from shop_agent.shop_toml.machine_section import MachineSection


class TellsItself:
    """No person's word ends a piece on such a machine; what came out of it is judged afterwards."""

    person_tells = False
    _facts: MachineSection

    @property
    def facts(self) -> MachineSection:
        """What shop.toml says of it."""
        return self._facts

    async def state(self, name: str) -> Look:
        """How the machine stands: each has its own."""
        raise NotImplementedError

    async def nothing_ran_since(self, ran: str) -> bool:
        """Whether what its server shows to have run last is still the same; where it shows nothing, nobody knows."""
        return ran != "" and (await self.state("")).ran == ran

    async def told(self, name: str, good: bool) -> None:
        """Errors: `Refused` (`machine.tells_itself`)."""
        raise Refused("machine.tells_itself", self._facts.id)

    async def see_to(self, care: Care) -> None:
        """Errors: `Refused` (`machine.no_such_care`)."""
        raise Refused("machine.no_such_care", f"{self._facts.id}: {care.value}")
