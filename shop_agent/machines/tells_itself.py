# SPDX-License-Identifier: AGPL-3.0-or-later
"""What machines share that know by themselves when a piece is done."""

from __future__ import annotations

from commonfab.errors import Refused
from shop_agent.machines import Care
from shop_agent.shop_toml.machine_section import MachineSection


class TellsItself:
    """No person's word ends a piece on such a machine; what came out of it is judged afterwards."""

    person_tells = False
    _facts: MachineSection

    @property
    def facts(self) -> MachineSection:
        """What shop.toml says of it."""
        return self._facts

    async def told(self, name: str, good: bool) -> None:
        """Errors: `Refused` (`machine.tells_itself`)."""
        raise Refused("machine.tells_itself", self._facts.id)

    async def see_to(self, care: Care) -> None:
        """Errors: `Refused` (`machine.no_such_care`)."""
        raise Refused("machine.no_such_care", f"{self._facts.id}: {care.value}")
