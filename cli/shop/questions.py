# SPDX-License-Identifier: AGPL-3.0-or-later
"""The questions of `commonfab shop init`. What an owner answers is kept as it comes, so that Ctrl-C loses nothing.

How a question is put and what the network says are handed in, so that a test can answer as a person would.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from cli.shop.machine_options import KINDS, address_given, materials_given, number_given, size_given
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
    begun: MachineDraft | None = None

    @property
    def so_far(self) -> ShopDraft:
        """What is known at this moment, the machine that is being asked about among it; it makes a shop.toml that loads."""
        if self.begun is None:
            return self.shop
        missing: dict[str, Any] = {key: _NOT_SAID[key] for key in NEEDS.get(self.begun.control, ()) if not getattr(self.begun, key)}
        note = "\n".join(filter(None, (self.begun.note, "NOT FINISHED: the questions were broken off here; look over every line of it.")))
        return replace(self.shop, machines=(*self.shop.machines, replace(self.begun, note=note, **missing)))

    @property
    def ids(self) -> list[str]:
        """The machines' ids."""
        return [machine.id for machine in self.shop.machines]

    def add(self, machine: MachineDraft) -> None:
        """One machine more; nothing more is asked about it."""
        self.shop, self.begun = replace(self.shop, machines=(*self.shop.machines, machine)), None

    def note(self, machine: MachineDraft) -> MachineDraft:
        """Keep what was said of the machine that is being asked about."""
        self.begun = machine
        return machine


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
        answers.add(_completed(_draft_of(seen[index], answers.ids), world, answers))


def _others(answers: Answers, world: Surroundings) -> None:
    """Machines that nobody can see from here."""
    while True:
        question = f"Another machine? {', '.join(KINDS)} (Enter: no more)"
        kind = _asked(world, question, "", _a_kind)
        if not kind:
            return
        name = world.ask("What do you call it?", kind)
        draft = answers.note(MachineDraft(id_from(name, answers.ids), next(known for known in KINDS if known == kind), name))
        for key in NEEDS.get(draft.control, ()):
            where: dict[str, Any] = {key: _asked(world, _WHERE[key], "", _an_address if key == "url" else _something)}
            draft = answers.note(replace(draft, **where))
        answers.add(_completed(draft, world, answers))


def _completed(draft: MachineDraft, world: Surroundings, answers: Answers) -> MachineDraft:
    """The draft with its key, with what the machine says of itself, and with what only its owner knows."""
    world.tell(f"{draft.name or draft.id} ({draft.control}{f' at {draft.url}' if draft.url else ''})")
    draft = answers.note(_with_key(draft, world))
    if draft.control in LIVE:
        draft = answers.note(_described(draft, world))
    printer = draft.control in ("octoprint", "moonraker", "prusalink", "virtual")
    if not printer:
        usual = {"grbl": "cnc_routing", "cncjs": "cnc_routing", "hot_folder": "milling"}.get(draft.control, "drilling")
        question = "  What does it do? laser_cutting, cnc_routing, milling, turning, sawing …"
        draft = answers.note(replace(draft, process=_asked(world, question, usual, _process)))
    if draft.envelope_mm is None:
        size = _asked(world, "  The largest part it can hold, mm: x, y, z, such as 250x210x210 (Enter: not known yet)", "", _a_size)
        draft = answers.note(replace(draft, envelope_mm=size))
    stock = "pla" if processes.satisfies(draft.process, "additive") else "plywood"
    return replace(draft, materials=_asked(world, "  What lies there for it? Such as pla+petg", stock, materials_given))


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
        key = _asked(world, "  Another key (Enter: leave it as it is)", "", str)
        return replace(draft, api_key=key or draft.api_key), bool(key)
    if draft.url:
        question = "  Is it on, and is that its address? Another one, or again to try once more (Enter: leave it as it is)"
        url = _asked(world, question, "", lambda text: draft.url if text.casefold() == "again" else text and _an_address(text))
        return replace(draft, url=url or draft.url), bool(url)
    port = world.ask("  Is it plugged in, and is that its port? Another one (Enter: leave it as it is)", "").strip()
    return replace(draft, port=port or draft.port), bool(port)


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
    said = text.split(";") if ";" in text else [word.strip(",") for word in text.split()]
    if len(said) == 1:  # no blank between them: 48.14,11.58, or 48,14,11,58
        parts = text.split(",")
        said = [",".join(parts[:2]), ",".join(parts[2:])] if len(parts) == 4 else parts
    try:
        latitude, longitude = (number_given(number) for number in said)
    except ValueError:
        raise ValueError(f"'{text}'") from None  # Python's own words say nothing to somebody at a bench
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise ValueError(f"'{text}'")
    return latitude, longitude


def _a_size(text: str) -> tuple[float, float, float] | None:
    try:
        return size_given(text) if text else None
    except ValueError:
        raise ValueError(f"'{text}': three lengths are wanted. It") from None


def _numbers(text: str, count: int) -> list[int]:
    if text.casefold() in ("all", "none", ""):
        return list(range(count)) if text.casefold() == "all" else []
    said = text.replace(",", " ").split()
    chosen = [int(word) - 1 if word.isdecimal() else -1 for word in said]
    if any(not 0 <= number < count for number in chosen):
        raise ValueError(f"'{text}'")
    return list(dict.fromkeys(chosen))


def _a_kind(text: str) -> str:
    folded = re.sub(r"[\s-]+", "_", text.casefold())
    kind = _ALSO.get(folded, folded)
    if kind not in ("", *KINDS):
        near = difflib.get_close_matches(kind, (*KINDS, *_ALSO), n=1)
        raise ValueError(f"'{text}'{f': did you mean {_ALSO.get(near[0], near[0])}? It' if near else ''}")
    return kind


def _an_address(text: str) -> str:
    try:
        return address_given(text)
    except ValueError:
        raise ValueError(f"'{text}': an address is written like http://octopi.local or 192.168.1.7:5000. It") from None


def _something(text: str) -> str:
    if not text:
        raise ValueError("An empty answer")
    return text


def _process(text: str) -> str:
    if processes.canonical(text) not in processes.BROADER:
        near = difflib.get_close_matches(text.casefold(), processes.BROADER, n=3)
        told = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(processes.BROADER)}."
        raise ValueError(f"'{text}': {told} It")
    return processes.canonical(text)


_ALSO: Mapping[str, str] = MappingProxyType(
    {
        "klipper": "moonraker",
        "mainsail": "moonraker",
        "fluidd": "moonraker",
        "octopi": "octoprint",
        "prusa_link": "prusalink",
        "hand": "by_hand",
        "byhand": "by_hand",
        "manual": "by_hand",
        "folder": "hot_folder",
        "hotfolder": "hot_folder",
        "linuxcnc": "hot_folder",
        "none": "",
        "no": "",
    }
)
"""What people call the kinds besides."""

_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "octoprint": "Settings, Application Keys; Enter: it is asked for one, and you press Allow there",
        "moonraker": "only where it asks for one; Enter: none",
        "prusalink": "Settings, API key; Enter: none",
    }
)
_NOT_SAID: Mapping[str, str] = MappingProxyType(
    {"url": "http://not-said-yet.invalid", "port": "/dev/not-said-yet", "folder": "not-said-yet"}
)
_WHERE: Mapping[str, str] = MappingProxyType(
    {
        "url": "  Where does its server answer? http://…",
        "port": "  Its serial port, such as /dev/ttyUSB0",
        "folder": "  The folder where its controller looks",
    }
)
