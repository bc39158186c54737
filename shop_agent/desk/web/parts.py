# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the cards are made of: buttons for fingers, sheets that keep what was typed, lists that are drawn anew only where they differ."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from nicegui import app, ui

from shop_agent.desk.actions import Bench
from shop_agent.desk.wrong import WRONG, in_words, tried

Card = TypeVar("Card")

TOUCH_SECONDS = 3.0
"""How long a touch may take from a tablet to here; more than any local network needs."""


Update = Callable[[Any], None]


@dataclass(frozen=True)
class Hands:
    """What every card needs: where things are said, who says them, the page itself, and how it is brought up to date at once."""

    bench: Bench
    root: ui.element
    refresh: Callable[[], None]

    @property
    def who(self) -> str:
        """Who says it, in this browser; empty where nobody has said."""
        return str(app.storage.user.get("who", ""))

    def do(self, action: Callable[..., object], *arguments: object) -> bool:
        """Say something; where that is refused, tell what is wrong and what to do. Answers whether it was said."""
        told = tried(action, *arguments)
        if told:
            with self.root:
                ui.notify(told, type="negative", position="top", timeout=9000, multi_line=True, classes="text-lg")
        self.refresh()
        return not told

    def named(self, then: Callable[[], object]) -> None:
        """Go on with `then`, once it is known who says it."""
        if self.who:
            then()
        else:
            ask_who(self, then)


def button(text: str, on_click: Callable[[], object], kind: str = "", icon: str = "", test: str = "") -> ui.button:
    """A button that a finger meets: at least 60 px high. `kind`: main, stop, quiet, or none; `test`: what tests find it by."""
    made = ui.button(text, on_click=on_click, icon=icon or None, color=None)
    made.props("unelevated no-caps").classes(f"b {kind}")
    return found_by(made.mark(test), test) if test else made


def scroll_button(words: str, element_id: str, classes: str = "") -> None:
    """A button that brings a card into sight; the browser does that by itself."""
    go = f"() => document.getElementById({json.dumps(element_id)})?.scrollIntoView({{behavior: 'smooth', block: 'start'}})"
    made = ui.button(words, color=None).props("unelevated no-caps").classes(f"b {classes}")
    found_by(made, f"to-{element_id}").on("click", js_handler=go)


Shown = TypeVar("Shown", bound=ui.element)


def found_by(element: Shown, test: str, element_id: str = "") -> Shown:
    """Give an element what tests, and the page itself, find it by. That may come from outside, so it is no list of attributes."""
    element.props["data-test"] = test
    if element_id:
        element.props["id"] = element_id
    return element


def div(classes: str) -> ui.element:
    """A box."""
    return ui.element("div").classes(classes)


def text(words: str, classes: str = "") -> ui.label:
    """Words. Texts from outside are only ever shown as text."""
    return ui.label(words).classes(classes)


def fact(figure: str, meaning: str) -> None:
    """A figure and what it is."""
    with div("fact"):
        text(figure, "figure")
        text(meaning, "soft small")


def picture(path: object, size: str = "") -> None:
    """A picture of the part, or room for one."""
    if path is None:
        with div("picture nopicture"):
            text("no picture")
    else:
        ui.element("img").props(f'src="/picture/{getattr(path, "name", "")}" alt="the part"').classes(f"picture {size}")


@dataclass
class Sheet:
    """A question over the page. What is wrong stands in it, and what was typed stays."""

    dialog: ui.dialog
    wrong: ui.label

    def do(self, hands: Hands, action: Callable[..., object], *arguments: object) -> None:
        """Say it and close, or say what is wrong and stay."""
        self.end(hands, tried(action, *arguments))

    async def do_beside(self, hands: Hands, action: Callable[..., object], *arguments: object) -> None:
        """The same in a thread, for what may take some seconds: the page goes on meanwhile."""
        self.say("Every line is read …", wrong=False)
        try:
            await asyncio.to_thread(action, *arguments)
        except WRONG as error:
            self.end(hands, in_words(error))
        else:
            self.end(hands, "")

    def end(self, hands: Hands, wrong: str) -> None:
        """Close it, or say what is wrong and stay."""
        self.say(wrong)
        if not wrong:
            self.dialog.close()
        hands.bench.journal.on_change()  # it may have been written by another connection
        hands.refresh()

    def say(self, words: str, wrong: bool = True) -> None:
        """Say in the sheet what is wrong, or how far it is."""
        self.wrong.set_text(words)
        self.wrong.set_visibility(bool(words))
        self.wrong.classes(add="wrong" if wrong else "soft", remove="soft" if wrong else "wrong")


@contextmanager
def sheet(hands: Hands, title: str) -> Iterator[Sheet]:
    """Ask something over the page. It is no part of the card whose button was touched, which may be drawn anew meanwhile."""
    with hands.root, ui.dialog() as dialog, ui.card().classes("sheet"):
        text(title, "title")
        wrong = text("", "wrong").props('role="alert"')
        wrong.set_visibility(False)
        yield Sheet(dialog, wrong)
    dialog.on("hide", dialog.delete)
    dialog.open()


def ask_who(hands: Hands, then: Callable[[], object]) -> None:
    """Who says so: one of those in shop.toml, or a name that is typed. Kept in this browser; it is in no report."""

    def chosen(name: str) -> None:
        if name.strip():
            app.storage.user["who"] = name.strip()[:80]
            asked.dialog.close()
            hands.refresh()
            then()

    with sheet(hands, "Who is at the desk?") as asked:
        text("Kept beside what is said here, for this shop only. It is in no report.", "soft")
        with div("buttons"):
            for person in hands.bench.config.desk.people:
                button(person, lambda person=person: chosen(person), test=f"who-{person}")  # type: ignore[misc]
        name = ui.input("A name").props("outlined").mark("who-name").classes("who-name")
        name.on("keydown.enter", lambda: chosen(name.value or ""))
        button("That is me", lambda: chosen(name.value or ""), kind="main", test="who-typed")


def _fade(drawn: ui.element) -> None:
    """Hide what was drawn anew, and forget it a little later: a touch that is on its way, such as on Stop, still counts."""

    def forget() -> None:
        if not drawn.is_deleted:
            drawn.delete()

    if drawn.visible:
        drawn.set_visibility(False)
        asyncio.get_running_loop().call_later(TOUCH_SECONDS, forget)


@dataclass
class Cards(Generic[Card]):
    """A list of cards. A card is drawn anew only where what stands on it differs; what moves all the time is moved in place.

    `key` names a card, `still` is what of it does not move by itself; `draw` draws one and answers how to move the rest.
    """

    key: Callable[[Card], str]
    still: Callable[[Card], object]
    draw: Callable[[Card], Update | None]
    empty: str = ""
    classes: str = "cards"
    _shown: dict[str, tuple[object, ui.element, Update | None]] = field(default_factory=dict)
    _drawn_empty: bool = False

    def __post_init__(self) -> None:
        """Take the place where the list stands."""
        self._box = div(self.classes)

    def show(self, cards: Sequence[Card]) -> None:
        """Show these cards and no others."""
        keys = [self.key(card) for card in cards]
        if keys != list(self._shown) or (not keys and not self._drawn_empty):
            self._box.clear()
            self._shown.clear()
            self._drawn_empty = not keys
            with self._box:
                if not keys and self.empty:
                    text(self.empty, "soft")
                self._shown.update({key: (None, div("slot"), None) for key in keys})
        for key, card in zip(keys, cards, strict=True):
            still, box, update = self._shown[key]
            if still != self.still(card):
                for drawn in list(box):
                    _fade(drawn)
                with box, div("drawn"):
                    update = self.draw(card)
                self._shown[key] = (self.still(card), box, update)
            if update is not None:
                update(card)
