# SPDX-License-Identifier: AGPL-3.0-or-later
"""A toolpath passes the gate by what shop.toml says of its machine. What was checked by another run of the agent, or by a desk, is held
against what this run has read: its owner may have set a limit lower, or have another machine under that name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from commonfab import v1
from shop_agent.journal.records import Toolpath
from shop_agent.shop_toml.machine_section import MachineSection


class NoLongerPasses(Exception):
    """The machine may not run it as it is now, for these reasons."""

    def __init__(self, reasons: Sequence[v1.Reason]) -> None:
        super().__init__("; ".join(reason.message for reason in reasons))
        self.reasons = reasons


async def check_again(toolpath: Toolpath, facts: MachineSection) -> None:
    """Every line once more; where a person makes it there is none. Errors: `NoLongerPasses`; `OSError`."""
    if not toolpath.file:
        return
    from shop_agent import gcode  # the gate takes memory, and an idle agent does without

    origin = gcode.Origin.OUTSIDE if toolpath.brought else gcode.Origin.OWN
    verdict = await asyncio.to_thread(gcode.judge, Path(toolpath.file), facts, origin)
    if verdict.reasons:
        raise NoLongerPasses(verdict.reasons)
