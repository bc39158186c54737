# SPDX-License-Identifier: AGPL-3.0-or-later
"""A machine's card: how it stands in plain words, and which button helps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from commonfab import materials, processes
from shop_agent.bench.obeying import CARES_OF
from shop_agent.desk.cards import PEOPLE_TELL, MachineCard, Running, Upkeep, WaitingFor
from shop_agent.desk.plain import grams_text, sentence
from shop_agent.desk.walk_ins import makes_from
from shop_agent.journal.book import Journal
from shop_agent.journal.records import AttemptRecord
from shop_agent.live import LiveMachine
from shop_agent.machines import Care
from shop_agent.people.service_modes import Mode, OutOfService, service_of
from shop_agent.people.stock_left import as_left
from shop_agent.people.upkeep import upkeep_of
from shop_agent.shop_toml.machine_section import GO, MachineSection

IN_ORDER = ("bed", "stock", "tool", GO)
"""What is confirmed at a machine, in the order in which it is done."""

CONFIRMED: Mapping[str, str] = MappingProxyType(
    {"bed": "The bed is clear", "stock": "The stock is loaded", "tool": "The tool is set", GO: "I stand at the machine and it is clear"}
)
"""What a person says with each of them."""

STATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ready": ("ready", "good"),
        "needs_person": ("needs somebody", "person"),
        "busy": ("at work", "busy"),
        "offline": ("does not answer", "off"),
        "out_of_order": ("out of order", "off"),
        "maintenance": ("being looked after", "off"),
    }
)
"""The live state as people say it, and how it looks."""

MODES: Mapping[Mode, str] = MappingProxyType(
    {Mode.DRAIN: "takes no new work", Mode.MAINTENANCE: "being looked after", Mode.OUT_OF_ORDER: "out of order"}
)

BUTTONS = ("ready", "start", "judge", "toolpath", "made")
"""Commands that the agent names where it waits, and for which a desk has a button."""


DO: Mapping[str, str] = MappingProxyType({"bed": "clear the bed", "stock": "load the stock", "tool": "set the tool"})

IN_ALARM = re.compile(r"\$[HX]\b")
"""A fault that says itself that homing or unlocking helps, and not a closed door."""

FOLDER = re.compile(r", from the files in .*$")
"""Where the agent names a folder; on a desk its files are beside the button."""

TO_DO = re.compile(r"^somebody to (?:(?:clear|load|set) the .*|look at \S+ and say go)$")
COMMAND = re.compile(r"[:,;]?\s*commonfab shop (\w+).*$")


def machine_card(journal: Journal, facts: MachineSection, live: LiveMachine | None, attempts: Sequence[AttemptRecord]) -> MachineCard:
    """One machine. `live`: None where its agent does not run; `attempts`: all that are on the benches."""
    said = service_of(journal, facts.id)
    state, tone = _state(live, said)
    ready = journal.ready(facts.id)
    left = as_left(journal, facts, 0.0)  # to the gram: the steps are for the router
    missing = facts.still_to_say(ready.confirms if ready else frozenset(), journal.bed_in_doubt(facts.id))
    return MachineCard(
        id=facts.id,
        name=facts.name or facts.id,
        process=processes.canonical(facts.process).replace("_", " "),
        state=state,
        tone=tone,
        why=sentence(without_command(live.why)) if live and not live.waits_for_person else "",
        reads=live.reads if live else "",
        fault=live.fault if live else "",
        running=_running(live, attempts),
        waits=tuple(_waits(live, attempts, missing)),
        confirms=in_order(facts.confirms),
        missing=in_order(missing),
        by_hand=facts.control in PEOPLE_TELL,
        attended=facts.attended,
        upkeep=tuple(Upkeep(due.what, due.every_hours - due.ran_hours, due.stops) for due in upkeep_of(journal, facts)),
        out_of_service=_out_of_service(facts, said),
        said_out=said is not None,
        materials=facts.on_hand,
        stock=tuple((one.material, one.grams, one.pieces) for one in left.stock),
        used_up=tuple(one for one in facts.on_hand if one not in left.on_hand),
        cares=tuple(_cares(facts, live)),
        makes_from=makes_from(facts),
    )


def _cares(facts: MachineSection, live: LiveMachine | None) -> Iterator[str]:
    """What a person may do from here to a machine in alarm, the milder first."""
    if live is not None and not live.busy_with and IN_ALARM.search(live.fault):
        yield from (one.value for one in (Care.UNLOCK, Care.HOME) if one in CARES_OF.get(facts.control, ()))


def in_order(confirms: Iterable[str]) -> tuple[str, ...]:
    """Confirmations in the order in which they are done."""
    told = set(confirms)
    return tuple(one for one in IN_ORDER if one in told)


def lies_there(card: MachineCard) -> Iterator[str]:
    """Each material of a machine, with how much is left of it where that is kept: "640 g pla", "3 × plywood", "no petg left"."""
    for material, grams, pieces in card.stock:
        yield f"{grams_text(grams)} {material}" if grams else f"{pieces} × {material}" if pieces else material
    told = {materials.canonical(one) for one, *_ in card.stock} | set(map(materials.canonical, card.used_up))
    yield from (one for one in card.materials if materials.canonical(one) not in told)
    yield from (f"no {one} left" for one in card.used_up)


def without_command(text: str) -> str:
    """A sentence of the agent without the command that it names: a button stands there instead."""
    return COMMAND.sub("", text).strip()


def _state(live: LiveMachine | None, said: OutOfService | None) -> tuple[str, str]:
    if live is None:
        return "not known", "off"
    if live.paused:
        return "paused", "person"
    if live.state == "needs_person" and not live.waits_for_person and not live.fault:
        return "not ready", "off"  # nothing waits for it: nobody is called to it
    if live.state == "maintenance" and said is not None:
        return MODES[said.mode], "busy" if live.busy_with else "off"
    return STATES.get(live.state, ("not known", "off"))


def _out_of_service(facts: MachineSection, said: OutOfService | None) -> str:
    if facts.out_of_service:
        return f"{facts.out_of_service} (in shop.toml)"
    return f"{MODES[said.mode]}{f': {said.why}' if said.why else ''}, says {said.who}" if said else ""


def _running(live: LiveMachine | None, attempts: Sequence[AttemptRecord]) -> Running | None:
    if live is None:
        return None
    ours = next((attempt for attempt in attempts if attempt.key == live.attempt), None)
    if ours is None:
        busy = live.busy_with  # its owner's own work, or what was left behind
        return Running("", busy, 0, 0, live.progress, live.remaining_seconds, live.paused) if busy else None
    nth = min(ours.good + ours.unjudged + 1, ours.offer.quantity)
    return Running(ours.ref.work_order_id, what_of(ours), nth, ours.offer.quantity, live.progress, live.remaining_seconds, live.paused)


def what_of(attempt: AttemptRecord) -> str:
    """What an attempt makes: "gear of Coffee grinder"."""
    offer = attempt.offer
    return f"{offer.part_name} of {offer.title}" if offer.part_name not in ("", offer.title) else offer.title


def _waits(live: LiveMachine | None, attempts: Sequence[AttemptRecord], missing: frozenset[str]) -> Iterator[WaitingFor]:
    if live is None:
        return
    lacks = " and ".join(DO[one] for one in in_order(missing) if one in DO)
    todo = f"somebody to {lacks or 'look at it and say that it is ready'}"
    orders = {attempt.key: attempt.ref.work_order_id for attempt in attempts}
    for key, why in live.waits.items():
        person = key in live.waits_for_person
        named = COMMAND.search(why)
        button = named[1] if named and named[1] in BUTTONS and (person or named[1] == "made") else ""
        if person or button or live.attempt != key:
            yield WaitingFor(orders.get(key, key), TO_DO.sub(todo, FOLDER.sub("", without_command(why))), person, button)
