# SPDX-License-Identifier: AGPL-3.0-or-later
"""The questions of `commonfab shop init`. What an owner answers is kept as it comes, so that Ctrl-C loses nothing.

How a question is put and what the network says are handed in, so that a test can answer as a person would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from cli.shop.machine_options import KINDS, materials_given, size_given
from commonfab import processes
from commonfab.errors import Refused
from shop_agent.machines import Description
from shop_agent.shop_toml.machine_section import NEEDS
from shop_agent.starting.discovery import FoundPort, FoundServer
from shop_agent.starting.drafts import MachineDraft, id_from
from shop_agent.starting.init import ShopDraft

T = TypeVar("T")

LIVE = ("octoprint", "moonraker", "prusalink", "grbl")
"""Controls that can be asked what machine they have."""


class Surroundings(Protocol):
    """What the questions need of the world."""

    def ask(self, question: str, default: str = "") -> str:
        """What the owner answers; the default where they only press Enter."""

    def tell(self, text: str) -> None:
        """Say something."""

    def servers(self) -> list[FoundServer]:
        """Machine servers of the local network."""

    def ports(self) -> list[FoundPort]:
        """Serial ports of this computer."""

    def octoprint_key(self, url: str) -> str:
        """A key that somebody granted at OctoPrint; empty where nobody did."""

    def describe(self, draft: MachineDraft) -> Description:
        """What the live machine says of itself. Errors: `Refused`."""


@dataclass
class Answers:
    """What is known so far."""

    shop: ShopDraft

    @property
    def ids(self) -> list[str]:
        """The machines' ids."""
        return [machine.id for machine in self.shop.machines]

    def add(self, machine: MachineDraft) -> None:
        """One machine more."""
        self.shop = replace(self.shop, machines=(*self.shop.machines, machine))


def ask_all(answers: Answers, world: Surroundings, named: bool) -> None:
    """Ask for whatever is not known yet. `named`: whether the shop's id was given."""
    if not named:
        name = world.ask("What is your shop called?", answers.shop.name)
        answers.shop = replace(answers.shop, name=name)
        answers.shop = replace(answers.shop, id=_asked(world, "Its id, as the steward will know it", id_from(name), _an_id))
    if answers.shop.latitude is None:
        place = "Roughly where is it? Latitude, longitude; only a cell of about 5 km² leaves this computer (Enter: not said)"
        latitude, longitude = _asked(world, place, "", _a_place)
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
        world.tell(f"  {number}  {_shown(one)}")
    question = "Which of them belong to your shop? Numbers, or all, or none"
    for index in _asked(world, question, "all", lambda text: _numbers(text, len(seen))):
        answers.add(_completed(_draft_of(seen[index], answers.ids), world))


def _others(answers: Answers, world: Surroundings) -> None:
    """Machines that nobody can see from here."""
    while True:
        question = f"Another machine? {', '.join(KINDS)} (Enter: no more)"
        kind = _asked(world, question, "", lambda text: _one_of(text, ("", *KINDS)))
        if not kind:
            return
        name = world.ask("What do you call it?", kind)
        draft = MachineDraft(id_from(name, answers.ids), next(known for known in KINDS if known == kind), name)
        where: dict[str, Any] = {
            key: _asked(world, _WHERE[key], "", _an_address if key == "url" else _something) for key in NEEDS.get(draft.control, ())
        }
        answers.add(_completed(replace(draft, **where), world))


def _completed(draft: MachineDraft, world: Surroundings) -> MachineDraft:
    """The draft with its key, with what the machine says of itself, and with what only its owner knows."""
    world.tell(f"{draft.name or draft.id} ({draft.control}{f' at {draft.url}' if draft.url else ''})")
    draft = _with_key(draft, world)
    if draft.control in LIVE:
        from shop_agent.starting.presets import filled

        try:
            draft = filled(draft, world.describe(draft))
            world.tell(f"  {draft.note}")
        except Refused as refused:
            world.tell(f"  {refused} It is written down all the same; commonfab shop check will tell when it is well.")
    printer = draft.control in ("octoprint", "moonraker", "prusalink", "virtual")
    if not printer:
        usual = {"grbl": "cnc_routing", "cncjs": "cnc_routing", "hot_folder": "milling"}.get(draft.control, "drilling")
        question = "  What does it do? laser_cutting, cnc_routing, milling, turning, sawing …"
        draft = replace(draft, process=_asked(world, question, usual, _process))
    if draft.envelope_mm is None:
        size = _asked(world, "  The largest part it can hold, mm: x, y, z, such as 250x210x210 (Enter: not known yet)", "", _a_size)
        draft = replace(draft, envelope_mm=size)
    stock = "pla" if processes.satisfies(draft.process, "additive") else "plywood"
    return replace(draft, materials=_asked(world, "  What lies there for it? Such as pla+petg", stock, materials_given))


def _with_key(draft: MachineDraft, world: Surroundings) -> MachineDraft:
    if draft.api_key or draft.control not in ("octoprint", "moonraker", "prusalink"):
        return draft
    key = ""
    if draft.control == "octoprint":
        world.tell("  OctoPrint is asked for a key now: open it in a browser and press Allow (two minutes) …")
        key = world.octoprint_key(draft.url)
    where = {"octoprint": "Settings, Application Keys", "moonraker": "only where it asks for one", "prusalink": "Settings, API key"}
    return replace(draft, api_key=key or world.ask(f"  Its key ({where[draft.control]}; Enter: none)", ""))


def _draft_of(seen: FoundServer | FoundPort, taken: Sequence[str]) -> MachineDraft:
    if isinstance(seen, FoundPort):
        return MachineDraft(id_from("grbl", taken), "grbl", seen.says or "grbl", process="cnc_routing", port=seen.path)
    return MachineDraft(id_from(seen.control, taken), seen.control, seen.name, url=seen.url)


def _shown(seen: FoundServer | FoundPort) -> str:
    return f"serial port {seen.path} ({seen.says})" if isinstance(seen, FoundPort) else f"{seen.name}  {seen.url}  ({seen.control})"


def _asked(world: Surroundings, question: str, default: str, read: Callable[[str], T]) -> T:
    """What was answered, as `read` understands it; asked again where it does not."""
    while True:
        text = world.ask(question, default).strip()
        try:
            return read(text)
        except ValueError as error:
            world.tell(f"  {error or text} is not understood.")


def _an_id(text: str) -> str:
    if id_from(text) != text.replace(".", "-") or not text:
        raise ValueError(f"'{text}': an id has a-z, 0-9, '-' and '.'; it")
    return text


def _a_place(text: str) -> tuple[float | None, float | None]:
    if not text:
        return None, None
    try:
        latitude, longitude = (float(number) for number in text.replace(";", ",").split(","))
    except ValueError:
        raise ValueError(f"'{text}'") from None  # Python's own words say nothing to somebody at a bench
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise ValueError(f"'{text}'")
    return latitude, longitude


def _a_size(text: str) -> tuple[float, float, float] | None:
    return size_given(text.replace(",", "x")) if text else None


def _numbers(text: str, count: int) -> list[int]:
    if text in ("all", "none", ""):
        return list(range(count)) if text == "all" else []
    said = text.replace(",", " ").split()
    chosen = [int(word) - 1 if word.isdecimal() else -1 for word in said]
    if any(not 0 <= number < count for number in chosen):
        raise ValueError(f"'{text}'")
    return list(dict.fromkeys(chosen))


def _one_of(text: str, known: Sequence[str]) -> str:
    if text not in known:
        raise ValueError(f"'{text}'")
    return text


def _an_address(text: str) -> str:
    if not text.startswith(("http://", "https://")) or not text.partition("://")[2].strip("/"):
        raise ValueError(f"'{text}': an address begins with http:// or https://. It")
    return text


def _something(text: str) -> str:
    if not text:
        raise ValueError("An empty answer")
    return text


def _process(text: str) -> str:
    if processes.canonical(text) not in processes.BROADER:
        raise ValueError(f"'{text}': known are {', '.join(processes.BROADER)}. It")
    return processes.canonical(text)


_WHERE: Mapping[str, str] = MappingProxyType(
    {
        "url": "  Where does its server answer? http://…",
        "port": "  Its serial port, such as /dev/ttyUSB0",
        "folder": "  The folder where its controller looks",
    }
)
