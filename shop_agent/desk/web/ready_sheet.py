# SPDX-License-Identifier: AGPL-3.0-or-later
"""What may set something in motion: ready, start, resume. Each takes two touches in two places, so that no sleeve starts a machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from nicegui import ui

from shop_agent.desk import actions
from shop_agent.desk.cards import MachineCard
from shop_agent.desk.of_machines import CONFIRMED
from shop_agent.desk.web.parts import Hands, Sheet, button, div, sheet, text
from shop_agent.journal.book import EVERYTHING
from shop_agent.shop_toml.machine_section import GO

THERE = CONFIRMED[GO]

CARES: Mapping[str, tuple[str, str, str, Callable[..., None]]] = MappingProxyType(
    {
        "unlock": (
            "Unlock {}?",
            "It no longer knows for sure where it is. Move the tool clear by hand first, and home it before it cuts again.",
            "Unlock",
            actions.unlock,
        ),
        "home": ("Home {}?", "It moves to its switches within a moment: the way must be free.", "Home", actions.home),
    }
)
"""What a person may do to a machine in alarm: what is asked, what to know, the word, the action."""


def ask_ready(card: MachineCard, hands: Hands) -> None:
    """Say what is so at the machine."""
    hands.named(lambda: _ready(card, hands))


def ask_start(card: MachineCard, hands: Hands) -> None:
    """Say that it may begin now."""
    told = "It starts within a moment, or not at all: your word is good for a minute."
    hands.named(lambda: _one_touch_more(card, hands, f"Start {card.name}?", told, "Start", actions.start))


def ask_resume(card: MachineCard, hands: Hands) -> None:
    """Say that it may go on."""
    hands.named(lambda: _one_touch_more(card, hands, f"Let {card.name} go on?", "It moves within a moment.", "Resume", actions.resume))


def ask_care(card: MachineCard, hands: Hands, care: str) -> None:
    """Take the lock of an alarm off, or let it find its zero again."""
    title, told, word, action = CARES[care]
    hands.named(lambda: _one_touch_more(card, hands, title.format(card.name), told, word, action))


def _ready(card: MachineCard, hands: Hands) -> None:
    names = [name for name in card.confirms if name != GO]
    with sheet(hands, f"{card.name}: what is so?") as asked:
        if not card.attended and card.waits:
            text("If an order waits for it, it starts within a moment.", "note person")

        def tell(said: frozenset[str]) -> None:
            asked.do(hands, actions.ready, hands.bench, card.id, hands.who, said if names else EVERYTHING)

        # Of what is worked by hand nothing is asked but that somebody is there.
        _two_touches({name: CONFIRMED[name] for name in names} or {GO: "I have looked at it"}, "Ready", tell, asked)


def _one_touch_more(card: MachineCard, hands: Hands, title: str, told: str, word: str, action: Callable[..., None]) -> None:
    with sheet(hands, title) as asked:
        text(told, "soft")
        _two_touches({GO: THERE}, word, lambda said: asked.do(hands, action, hands.bench, card.id, hands.who), asked)


def _two_touches(lines: dict[str, str], word: str, say: Callable[[frozenset[str]], None], asked: Sheet) -> None:
    """Lines to be confirmed, by name; the button below them wakes once one is touched."""
    said: set[str] = set()
    shown: dict[str, ui.button] = {}

    def touched(name: str) -> None:
        said.symmetric_difference_update({name})
        shown[name].props(f"icon={'check_box' if name in said else 'check_box_outline_blank'}")
        shown[name].classes(add="chosen") if name in said else shown[name].classes(remove="chosen")
        sure.set_enabled(bool(said))

    for name, words in lines.items():
        shown[name] = button(words, lambda name=name: touched(name), icon="check_box_outline_blank", test=f"say-{name}")  # type: ignore[misc]
        shown[name].props("align=left")
    with div("buttons"):
        button("Not now", asked.dialog.close, kind="quiet")
        sure = button(word, lambda: say(frozenset(said)), kind="main", test="sure")
    sure.set_enabled(False)
