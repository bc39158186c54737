# SPDX-License-Identifier: AGPL-3.0-or-later
"""The page: machines and what is on them on one side, offers and what waits to be sent on the other. On a phone, one below the other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nicegui import app, ui

from shop_agent.desk.actions import Bench
from shop_agent.desk.view import BenchCard, Desk, MachineCard, OfferCard, OutboxCard, RecallCard
from shop_agent.desk.web import bench_card, machine_card, offer_card, outbox_card, recall_card
from shop_agent.desk.web.parts import Cards, Hands, ask_who, button, div, text
from shop_agent.desk.web.theme import ACCENT, style

REFRESH_SECONDS = 0.7


def build(bench: Bench, look: Callable[[], Desk]) -> None:
    """Draw the page for one browser and keep it up to date. `look`: the desk as it is now."""
    ui.add_css(style())
    ui.colors(primary=ACCENT)
    dark = ui.dark_mode(app.storage.user.get("dark"))
    hands = Hands(bench, div("sheets"), lambda: update())
    with div("desk"):
        with div("bar"):
            text(look().shop, "name")
            who = button("", lambda: ask_who(hands, _nothing), icon="person", kind="quiet", test="who")
            button("", lambda: _other_light(dark), icon="contrast", kind="quiet", test="light").props('aria-label="dark or light"')
        agent = text("", "note loud").props('role="alert" data-test="agent"')
        recalls = Cards[RecallCard](lambda card: card.revision, lambda card: card, recall_card.draw)
        with div("columns"):
            with div("column"):
                text("Machines", "heading")
                machines = Cards[MachineCard](lambda card: card.id, machine_card.still, partial(machine_card.draw, hands=hands))
                text("Stop ends what this agent runs. In danger, use the machine’s own emergency stop.", "soft small")
            with div("column"):
                text("Offers", "heading")
                offers = Cards[OfferCard](
                    lambda card: card.order, lambda card: card, partial(offer_card.draw, hands=hands), "No offers now."
                )
                text("On the benches", "heading")
                benches = Cards[BenchCard](
                    lambda card: card.order, lambda card: card, partial(bench_card.draw, hands=hands), "Nothing is on the benches."
                )
                text("The router", "heading")
                outbox = Cards[OutboxCard](lambda card: "outbox", outbox_card.still, outbox_card.draw)

    stops = Cards[MachineCard](lambda card: card.id, lambda card: card.name, partial(machine_card.draw_stop, hands=hands), classes="stops")

    def update() -> None:
        desk = look()
        who.set_text(hands.who or "Who is here?")
        agent.set_text(desk.agent)
        agent.set_visibility(bool(desk.agent))
        recalls.show(desk.recalls)
        machines.show(desk.machines)
        offers.show(sorted(desk.offers, key=lambda card: not card.open))
        benches.show(desk.benches)
        outbox.show([desk.outbox])
        stops.show([card for card in desk.machines if card.running is not None and card.running.order])

    update()
    ui.timer(REFRESH_SECONDS, update)


def _other_light(dark: ui.dark_mode) -> None:
    now = not dark.value
    dark.set_value(now)
    app.storage.user["dark"] = now


def _nothing() -> None:
    pass
