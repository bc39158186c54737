# SPDX-License-Identifier: AGPL-3.0-or-later
"""The questions of `commonfab shop init`, in their order: the shop, the machines that can be seen from here, and those that cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from cli.shop.answers import Answers, Surroundings, asked
from cli.shop.machine_options import KINDS
from cli.shop.machine_questions import completed
from cli.shop.understanding import a_kind, a_place, an_address, an_id, numbers, something
from shop_agent.shop_toml.machine_section import NEEDS
from shop_agent.starting.discovery import FoundPort, FoundServer
from shop_agent.starting.drafts import MachineDraft, id_from


def ask_all(answers: Answers, world: Surroundings, named: bool) -> None:
    """Ask for whatever is not known yet. `named`: whether the shop's id was given."""
    if not named:
        name = world.ask("What is your shop called?", answers.shop.name)
        answers.shop = replace(answers.shop, name=name)
        answers.shop = replace(answers.shop, id=asked(world, "Its id, as the steward will know it", id_from(name), an_id))
    if answers.shop.latitude is None:
        place = "Roughly where is it? Latitude, longitude; only a cell of about 5 km² leaves this computer (Enter: not said)"
        latitude, longitude = asked(world, place, "", a_place)
        answers.shop = replace(answers.shop, latitude=latitude, longitude=longitude)
    if not answers.shop.machines:
        _found(answers, world)
        _others(answers, world)


def _found(answers: Answers, world: Surroundings) -> None:
    """Machines that can be seen from here."""
    world.tell("Looking for OctoPrint, Moonraker and PrusaLink on this network, and at the serial ports …")
    seen: list[FoundServer | FoundPort] = [*world.servers(), *world.ports()]
    if not seen:
        world.tell("Nothing announced itself. That may be the network; a server can still be given by its address.")
        return
    for number, one in enumerate(seen, 1):
        world.tell(f"  {number}  {shown(one)}")
    question = "Which of them belong to your shop? Numbers, or all, or none"
    for index in asked(world, question, "all", lambda text: numbers(text, len(seen))):
        answers.add(completed(draft_of(seen[index], answers.ids), world, answers))


def _others(answers: Answers, world: Surroundings) -> None:
    """Machines that nobody can see from here."""
    while True:
        question = f"Another machine? {', '.join(KINDS)} (Enter: no more)"
        kind = asked(world, question, "", a_kind)
        if not kind:
            return
        name = world.ask("What do you call it?", kind)
        draft = answers.note(MachineDraft(id_from(name, answers.ids), next(known for known in KINDS if known == kind), name))
        for key in NEEDS.get(draft.control, ()):
            where: dict[str, Any] = {key: asked(world, _WHERE[key], "", an_address if key == "url" else something)}
            draft = answers.note(replace(draft, **where))
        answers.add(completed(draft, world, answers))


def draft_of(seen: FoundServer | FoundPort, taken: Sequence[str]) -> MachineDraft:
    if isinstance(seen, FoundPort):
        return MachineDraft(id_from("grbl", taken), "grbl", seen.says or "grbl", process="cnc_routing", port=seen.path)
    return MachineDraft(id_from(seen.control, taken), seen.control, seen.name, url=seen.url)


def shown(seen: FoundServer | FoundPort) -> str:
    return f"serial port {seen.path} ({seen.says})" if isinstance(seen, FoundPort) else f"{seen.name}  {seen.url}  ({seen.control})"


_WHERE: Mapping[str, str] = MappingProxyType(
    {
        "url": "  Where does its server answer? http://…",
        "port": "  Its serial port, such as /dev/ttyUSB0",
        "folder": "  The folder where its controller looks",
    }
)
