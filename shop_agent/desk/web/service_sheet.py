# SPDX-License-Identifier: AGPL-3.0-or-later
"""Taking a machine out of service, and back."""

from __future__ import annotations

from nicegui import ui

from shop_agent.desk import actions
from shop_agent.desk.cards import MachineCard
from shop_agent.desk.plain import due_text
from shop_agent.desk.web.parts import Hands, button, div, sheet, text


def ask(card: MachineCard, hands: Hands) -> None:
    """How it is taken out of service, or that it is back."""
    hands.named(lambda: _ask(card, hands))


def _ask(card: MachineCard, hands: Hands) -> None:
    def count() -> None:
        asked.dialog.close()
        _count(card, hands)

    with sheet(hands, f"{card.name}: service") as asked:
        text("What runs goes on.", "soft")
        why = ui.input("Why, in your words").props("outlined")
        bench = hands.bench
        if card.said_out:
            button("It is back, and takes work", lambda: asked.do(hands, actions.back, bench, card.id), kind="main", test="back")
        for action, word in (
            (actions.drain, "Take nothing new; make what was accepted"),
            (actions.maintenance, "It is being looked after; start nothing"),
            (actions.out_of_order, "It is out of order; start nothing"),
        ):
            button(
                word,
                lambda action=action: asked.do(hands, action, bench, card.id, hands.who, why.value or ""),  # type: ignore[misc]
                test=f"service-{action.__name__}",
            )
        for due in card.upkeep:
            button(
                f"Done: {due.what} (due {due_text(due.in_hours)})" if due.in_hours > 0 else f"Done: {due.what} ({due_text(due.in_hours)})",
                lambda what=due.what: asked.do(hands, actions.maintained, bench, card.id, what, hands.who),  # type: ignore[misc]
                test=f"maintained-{card.id}",
            )
        if card.materials:
            button("Count what is left of its stock …", count, test="count")
        with div("buttons"):
            button("Leave it as it is", asked.dialog.close, kind="quiet")


def _count(card: MachineCard, hands: Hands) -> None:
    with sheet(hands, f"{card.name}: what is left?") as asked:
        material = ui.select(list(card.materials), value=card.materials[0], label="Material").props("outlined")
        grams = ui.input("Grams, where it is weighed").props("outlined inputmode=decimal").classes("grams")
        pieces = ui.input("Sheets or bars, where it is counted").props("outlined inputmode=numeric").classes("stock-pieces")

        def tell() -> None:
            weight, number = actions.left_in(grams.value or "", pieces.value or "")
            actions.counted(hands.bench, card.id, str(material.value), weight, number, hands.who)

        with div("buttons"):
            button("Not now", asked.dialog.close, kind="quiet")
            button("Note it", lambda: asked.do(hands, tell), kind="main", test="sure")
