# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a live machine says of itself, put into a draft of it, so that its owner need not measure what it knows."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

from commonfab.clock import Clock
from commonfab.errors import Refused
from shop_agent.config import ShopConfig, ShopSection
from shop_agent.machines import Description, machine_for
from shop_agent.shop_toml.machine_section import MachineSection
from shop_agent.starting.drafts import UNKNOWN_ENVELOPE, MachineDraft

ANSWER_SECONDS = 15.0


async def describe_draft(draft: MachineDraft, clock: Clock) -> Description:
    """What the machine of a draft says of itself. Errors: `Refused` (`machine.away`, `machine.key`)."""
    facts = MachineSection(
        id=draft.id,
        process=draft.process,
        envelope_mm=draft.envelope_mm or UNKNOWN_ENVELOPE,
        materials=draft.materials or ("pla",),
        control=draft.control,
        url=draft.url,
        port=draft.port,
        folder=Path(draft.folder) if draft.folder else None,
        api_key=draft.api_key,
    )
    with tempfile.TemporaryDirectory() as folder:
        config = ShopConfig(path=Path(folder, "shop.toml"), shop=ShopSection(id="init", data_dir=Path(folder)), machine=(facts,))
        machine = machine_for(config, facts, clock)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await machine.describe()
        except TimeoutError:
            raise Refused("machine.away", draft.id) from None
        finally:
            await machine.close()


def filled(draft: MachineDraft, told: Description) -> MachineDraft:
    """The draft with what the machine said; what its owner said stands."""
    notes = (draft.note, f"It said of itself: {told.program}." if told.program else "", told.note)
    return replace(
        draft,
        envelope_mm=draft.envelope_mm or told.travel_mm,
        nozzle_mm=draft.nozzle_mm or told.nozzle_mm,
        max_nozzle_c=draft.max_nozzle_c or told.most_nozzle_c,
        max_bed_c=draft.max_bed_c or told.most_bed_c,
        max_s=draft.max_s or told.most_s,
        note="\n".join(" ".join(note.split()) for note in notes if note),
    )
