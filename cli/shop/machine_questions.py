# SPDX-License-Identifier: AGPL-3.0-or-later
"""What `commonfab shop init` asks about one machine: its key, what it says of itself, and what only its owner knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from cli.shop.answers import Answers, Surroundings, asked
from cli.shop.machine_options import materials_given
from cli.shop.understanding import a_process, a_size, an_address
from commonfab import processes
from commonfab.errors import Refused
from shop_agent.starting.drafts import MachineDraft

LIVE = ("octoprint", "moonraker", "prusalink", "grbl")
"""Controls that can be asked what machine they have."""


def completed(draft: MachineDraft, world: Surroundings, answers: Answers) -> MachineDraft:
    """The draft with its key, with what the machine says of itself, and with what only its owner knows."""
    world.tell(f"{draft.name or draft.id} ({draft.control}{f' at {draft.url}' if draft.url else ''})")
    draft = answers.note(_with_key(draft, world))
    if draft.control in LIVE:
        draft = answers.note(_described(draft, world))
    printer = draft.control in ("octoprint", "moonraker", "prusalink", "virtual")
    if not printer:
        usual = {"grbl": "cnc_routing", "cncjs": "cnc_routing", "hot_folder": "milling"}.get(draft.control, "drilling")
        question = "  What does it do? laser_cutting, cnc_routing, milling, turning, sawing …"
        draft = answers.note(replace(draft, process=asked(world, question, usual, a_process)))
    if draft.envelope_mm is None:
        size = asked(world, "  The largest part it can hold, mm: x, y, z, such as 250x210x210 (Enter: not known yet)", "", a_size)
        draft = answers.note(replace(draft, envelope_mm=size))
    stock = "pla" if processes.satisfies(draft.process, "additive") else "plywood"
    return replace(draft, materials=asked(world, "  What lies there for it? Such as pla+petg", stock, materials_given))


def _with_key(draft: MachineDraft, world: Surroundings) -> MachineDraft:
    if draft.api_key or draft.control not in ("octoprint", "moonraker", "prusalink"):
        return draft
    return replace(draft, api_key=_a_key(draft, world, f"  Its key ({_KEYS[draft.control]})"))


def _a_key(draft: MachineDraft, world: Surroundings, question: str) -> str:
    """The key that the owner has, or that OctoPrint grants; empty where there is none."""
    key = world.ask(question, "").strip()
    if key or draft.control != "octoprint":
        return key
    world.tell("  OctoPrint is asked for a key now: open it in a browser and press Allow (two minutes) …")
    key = world.octoprint_key(draft.url)
    if not key:
        world.tell("  No key came: nobody pressed Allow, or OctoPrint does not answer there.")
    return key


def _described(draft: MachineDraft, world: Surroundings) -> MachineDraft:
    """The draft with what the machine says of itself. What was mistyped, its owner corrects here and now; Enter leaves it as it is."""
    from shop_agent.starting.presets import filled

    while True:
        try:
            draft = filled(draft, world.describe(draft))
            world.tell(f"  {draft.note}")
            return draft
        except Refused as refused:
            world.tell(f"  {refused.reason.message}.")
            draft, corrected = _corrected(draft, world, refused.code)
            if not corrected:
                world.tell("  It is written down all the same; commonfab shop check will tell when it is well.")
                return draft


def _corrected(draft: MachineDraft, world: Surroundings, code: str) -> tuple[MachineDraft, bool]:
    """The draft with another key or another address, and whether its owner gave one."""
    if code == "machine.key":
        key = asked(world, "  Another key (Enter: leave it as it is)", "", str)
        return replace(draft, api_key=key or draft.api_key), bool(key)
    if draft.url:
        question = "  Is it on, and is that its address? Another one, or again to try once more (Enter: leave it as it is)"
        url = asked(world, question, "", lambda text: draft.url if text.casefold() == "again" else text and an_address(text))
        return replace(draft, url=url or draft.url), bool(url)
    port = world.ask("  Is it plugged in, and is that its port? Another one (Enter: leave it as it is)", "").strip()
    return replace(draft, port=port or draft.port), bool(port)


_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "octoprint": "Settings, Application Keys; Enter: it is asked for one, and you press Allow there",
        "moonraker": "only where it asks for one; Enter: none",
        "prusalink": "Settings, API key; Enter: none",
    }
)
