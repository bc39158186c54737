# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the keys of the terminal screen say: each is a line of `KEYS`, and a function that says it of the row that is marked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from shop_agent.desk import actions, walk_ins
from shop_agent.desk.actions import Bench
from shop_agent.desk.cards import MachineCard
from shop_agent.desk.of_machines import CONFIRMED
from shop_agent.desk.plain import due_text
from shop_agent.desk.screen_tables import GIVEN_BACK
from shop_agent.journal.book import EVERYTHING
from shop_agent.people.walk_in import Wanted
from shop_agent.shop_toml.machine_section import GO

ALWAYS = "always"


class Screen(Protocol):
    """What a key needs of the screen that it was pressed on (`shop_agent.desk.screen.BenchScreen`)."""

    bench: Bench
    who: str

    def marked(self, name: str) -> str:
        """The key of the marked row of a table; empty where there is none."""

    def key(self, name: str) -> str:
        """The same, and nothing is said where there is none."""

    def order(self) -> str:
        """The marked order of the benches; empty where there is none."""

    def machine(self) -> MachineCard | None:
        """The marked machine."""

    def do(self, told: str, action: Callable[..., object], *arguments: object) -> None:
        """Say something at once."""

    def ask(self, question: str, action: Callable[[str], object], value: str = "") -> None:
        """Ask for a line of text first."""

    def sure(self, question: str, action: Callable[[], object]) -> None:
        """Ask for a second key first."""

    def fill_in(self, question: str, fields: Sequence[tuple[str, str]], said: Callable[..., object], beside: bool = False) -> None:
        """Ask for several lines first."""

    def notify(self, message: str, *, severity: Any = "information", markup: bool = True) -> None:
        """Tell whoever sits there."""


@dataclass(frozen=True)
class Key:
    """One key: the letter on it, what it does in a word or two, beside which table that is shown, and what it says."""

    letter: str
    words: str
    table: str
    says: Callable[[Screen], None]


# Offers.


def accept(screen: Screen) -> None:
    """Take the marked offer."""
    if offer := screen.marked("offers"):
        screen.do(f"{offer} is accepted.", actions.accept, offer)


def decline(screen: Screen) -> None:
    """Decline the marked offer, with a note or without."""
    if offer := screen.marked("offers"):
        screen.ask(f"Why is {offer} declined? It may be left empty.", lambda note: actions.decline(screen.bench, offer, note))


# Machines.


def ready(screen: Screen) -> None:
    """Say that the marked machine is ready."""
    if card := screen.machine():
        names = [name for name in card.confirms if name != GO]
        said = [CONFIRMED[name] for name in names] or ["I have looked at it"]
        screen.sure(f"{card.name}: {'; '.join(said)}", lambda: actions.ready(screen.bench, card.id, screen.who, names or EVERYTHING))


def start(screen: Screen) -> None:
    """Say, at the machine, that it may begin."""
    _moves(screen, "Start", actions.start)


def resume(screen: Screen) -> None:
    """Let the marked machine go on."""
    _moves(screen, "Let it go on:", actions.resume)


def home(screen: Screen) -> None:
    """Let the marked machine find its zero again."""
    _moves(screen, "Home", actions.home)


def unlock(screen: Screen) -> None:
    """Take the lock of an alarm off the marked machine."""
    _moves(screen, "Unlock", actions.unlock)


def pause(screen: Screen) -> None:
    """Hold what runs on the marked machine."""
    if card := screen.machine():
        screen.do(f"{card.name} is told to pause.", actions.pause, card.id, screen.who)


def stop(screen: Screen) -> None:
    """Stop what runs on the marked machine: one key, and nothing is asked."""
    if card := screen.machine():
        screen.do(f"{card.name} is told to stop.", actions.stop, card.id, screen.who)


def out_of_order(screen: Screen) -> None:
    """The marked machine is broken: nothing is started on it."""
    _taken_out(screen, "What is wrong with {}?", actions.out_of_order)


def maintenance(screen: Screen) -> None:
    """The marked machine is looked after: nothing is started on it."""
    _taken_out(screen, "{} is looked after, and nothing is started on it. Why? It may be left empty.", actions.maintenance)


def drain(screen: Screen) -> None:
    """The marked machine takes no new work."""
    _taken_out(screen, "{} takes nothing new, and makes what was accepted. Why? It may be left empty.", actions.drain)


def back(screen: Screen) -> None:
    """It works again."""
    if card := screen.machine():
        screen.do(f"{card.name} is back.", actions.back, card.id)


def maintained(screen: Screen) -> None:
    """What is done to the marked machine now and then was done."""
    card = screen.machine()
    if card and not card.upkeep:
        screen.notify(f"shop.toml names no upkeep of {card.name}.", severity="warning", markup=False)
    elif card:
        soonest = min(card.upkeep, key=lambda one: one.in_hours)
        known = "; ".join(f"{one.what}, {due_text(one.in_hours)}" for one in card.upkeep)
        asked = f"{card.name}: what was done? {known}"
        screen.ask(asked, lambda what: actions.maintained(screen.bench, card.id, what.strip(), screen.who), soonest.what)


def counted(screen: Screen) -> None:
    """So much of a material is left at the marked machine."""
    if card := screen.machine():
        machine = card.id

        def tell(material: str, grams: str, pieces: str) -> None:
            weight, number = actions.left_in(grams, pieces)
            actions.counted(screen.bench, machine, material.strip(), weight, number, screen.who)

        fields = [("material", card.materials[0] if card.materials else ""), ("grams, if weighed", ""), ("sheets or bars", "")]
        screen.fill_in(f"{card.name}: what is left?", fields, tell)


# What lies on the benches.


def good(screen: Screen) -> None:
    """The oldest piece that is not judged is good."""
    _judged(screen, True)


def scrap(screen: Screen) -> None:
    """It is scrap."""
    _judged(screen, False)


def made(screen: Screen) -> None:
    """So many more pieces were made by hand."""

    def tell(told: str) -> None:
        good, _, scrap = told.partition("/")
        actions.made(screen.bench, order, actions.count_in(good), actions.count_in(scrap or "0"), screen.who)

    if order := screen.order():
        screen.ask(f"{order}: how many more are good? Spoiled ones after a stroke: 3/1", tell)


def measured(screen: Screen) -> None:
    """A size as drawn and as it came out."""
    if order := screen.order():
        screen.ask(f"{order}: bore=8.0/8.03", lambda told: actions.measured(screen.bench, order, *actions.size_in(told)))


def spent(screen: Screen) -> None:
    """Minutes of work, by task."""

    def tell(told: str) -> None:
        task, _, minutes = told.strip().rpartition(" ")
        actions.spent(screen.bench, order, task or "finishing", actions.minutes_in(minutes))

    if order := screen.order():
        screen.ask(f"{order}: which task, and how many minutes? finishing 12", tell)


def photograph(screen: Screen) -> None:
    """A picture that lies on this computer."""
    if order := screen.order():
        screen.ask(f"{order}: the picture's file", lambda told: actions.photograph(screen.bench, order, _path(told)))


def toolpath(screen: Screen) -> None:
    """A toolpath that lies on this computer, for the marked order."""
    if order := screen.order():
        config = screen.bench.config
        asked = f"{order}: a toolpath for it"
        screen.fill_in(asked, [("its file", "")], lambda file: actions.bring_beside(config, order, _path(file)), beside=True)


def withdraw(screen: Screen) -> None:
    """Take the marked order off the bench."""
    if order := screen.order():
        screen.ask(f"Why is {order} taken off the bench?", lambda note: actions.withdraw(screen.bench, order, note))


def dismiss(screen: Screen) -> None:
    """The marked order came to nothing, and somebody has read why."""
    if order := screen.marked("benches").removeprefix(GIVEN_BACK):
        screen.do(f"{order} is no longer shown.", actions.dismiss, order)


def resend(screen: Screen) -> None:
    """The signed report of the marked order, which the router did not take, is sent once more."""
    if order := screen.marked("benches").removeprefix(GIVEN_BACK):
        screen.do(f"The report of {order} is sent again.", actions.resend, order)


def walk_in(screen: Screen) -> None:
    """Take work for somebody at the door."""
    config = screen.bench.config

    def take(what: str, machine: str, pieces: str, material: str, minutes: str, file: str) -> None:
        source = _path(file) if file.strip() else None
        wanted = Wanted(what, actions.count_in(pieces), source, material, actions.minutes_in(minutes or "0"))
        walk_ins.take_beside(config, machine.strip(), wanted)

    fields = [("what is made", ""), ("machine", screen.key("machines")), ("pieces", "1"), ("material, if not loaded", "")]
    screen.fill_in("A walk-in", [*fields, ("minutes a piece, about", ""), ("file, if it needs one", "")], take, beside=True)


def _moves(screen: Screen, word: str, action: Callable[[Bench, str, str], None]) -> None:
    if card := screen.machine():
        screen.sure(f"{word} {card.name}? {CONFIRMED[GO]}", lambda: action(screen.bench, card.id, screen.who))


def _taken_out(screen: Screen, question: str, action: Callable[[Bench, str, str, str], None]) -> None:
    if card := screen.machine():
        screen.ask(question.format(card.name), lambda why: action(screen.bench, card.id, screen.who, why))


def _judged(screen: Screen, is_good: bool) -> None:
    if order := screen.order():
        screen.do(f"{order}: {'good' if is_good else 'scrap'}", actions.judge, order, is_good, screen.who)


def _path(told: str) -> Path:
    return Path(told.strip()).expanduser()


KEYS: Mapping[str, Key] = MappingProxyType(
    {
        one.says.__name__: one
        for one in (
            Key("r", "ready", "machines", ready),
            Key("g", "start", "machines", start),
            Key("p", "pause", "machines", pause),
            Key("u", "resume", "machines", resume),
            Key("s", "STOP", "machines", stop),
            Key("k", "unlock", "machines", unlock),
            Key("z", "home", "machines", home),
            Key("b", "back", "machines", back),
            Key("o", "broken", "machines", out_of_order),
            Key("i", "look after", "machines", maintenance),
            Key("v", "nothing new", "machines", drain),
            Key("y", "upkeep", "machines", maintained),
            Key("c", "stock", "machines", counted),
            Key("a", "accept", "offers", accept),
            Key("x", "decline", "offers", decline),
            Key("+", "good", "benches", good),
            Key("-", "scrap", "benches", scrap),
            Key("h", "by hand", "benches", made),
            Key("l", "toolpath", "benches", toolpath),
            Key("m", "size", "benches", measured),
            Key("t", "minutes", "benches", spent),
            Key("f", "photo", "benches", photograph),
            Key("w", "take off", "benches", withdraw),
            Key("d", "read", "benches", dismiss),
            Key("e", "send again", "benches", resend),
            Key("n", "walk-in", ALWAYS, walk_in),
        )
    }
)
"""Every key, by the name of what it says."""


def hints(table: str) -> str:
    """What the keys do while that table is looked at: those of the table, and below them those that always do the same."""
    shown = ["  ".join(f"{one.letter} {one.words}" for one in KEYS.values() if one.table == where) for where in (table, ALWAYS)]
    return f"{shown[0]}\n{shown[1]}  Tab next table  q quit"
