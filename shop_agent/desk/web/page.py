# SPDX-License-Identifier: AGPL-3.0-or-later
"""The page: what needs somebody, then machines on one side, offers and the benches on the other. On a phone, one below the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from nicegui import app, events, ui

from shop_agent.desk.actions import Bench
from shop_agent.desk.cards import BenchCard, Desk, GivenBackCard, MachineCard, OfferCard, OutboxCard, RecallCard
from shop_agent.desk.web import bench_card, given_back_card, machine_card, offer_card, outbox_card, recall_card, walk_in_sheet
from shop_agent.desk.web.parts import Cards, Hands, ask_who, button, div, found_by, scroll_button, text
from shop_agent.desk.web.theme import ACCENT, style

REFRESH_SECONDS = 0.7

IN_SIGHT = "document.addEventListener('visibilitychange', () => emitEvent('in-sight', !document.hidden))"


@dataclass(frozen=True)
class Call:
    """What somebody is needed for, and the card where it is done."""

    words: str
    card: str


def calls_of(desk: Desk) -> Iterator[Call]:
    """What needs somebody, offers first. Only where there is more to be seen than fits on a tablet at once."""
    offers = desk.open_offers
    if offers:
        yield Call(f"{len(offers)} {'offer' if len(offers) == 1 else 'offers'} to answer", f"offer-{offers[0].order}")
    for one in desk.given_back:
        yield Call(f"{one.what}: {one.ended}", f"given-back-{one.order}")
    for card in desk.machines:
        if card.needs_person:
            yield Call(card.name, f"machine-{card.id}")


def build(bench: Bench, look: Callable[[], Desk]) -> None:
    """Draw the page for one browser and keep it up to date. `look`: the desk as it is now."""
    ui.add_css(style())
    ui.colors(primary=ACCENT)
    dark = ui.dark_mode(app.storage.user.get("dark"))
    hands = Hands(bench, div("sheets"), lambda: update())
    walk_in = partial(walk_in_sheet.ask, hands)
    with div("desk"):
        with div("bar"):
            text(look().shop, "name")
            who = button("", lambda: ask_who(hands, _nothing), icon="person", kind="quiet", test="who")
            button("", lambda: _other_light(dark), icon="contrast", kind="quiet", test="light").props('aria-label="dark or light"')
        agent = found_by(text("", "note loud").props('role="alert"'), "agent")
        recalls = Cards[RecallCard](lambda card: card.revision, lambda card: card, recall_card.draw)
        calls = Cards[tuple[Call, ...]](lambda one: "calls", lambda one: one, _draw_calls)
        with div("columns"):
            with div("column"):
                text("Machines", "heading")
                machines = Cards[MachineCard](lambda card: card.id, machine_card.still, partial(machine_card.draw, hands=hands))
                text("Stop ends what this agent runs. In danger, use the machine’s own emergency stop.", "soft small")
            with div("column"):
                text("Offers", "heading")
                offers = Cards[OfferCard](
                    lambda card: card.order,
                    lambda card: card,
                    partial(offer_card.draw, hands=hands),
                    "No offers now. They come by themselves while the agent runs and hears the router.",
                )
                text("On the benches", "heading")
                button("Take a walk-in …", walk_in, icon="add", kind="quiet", test="walk-in")
                returned = Cards[GivenBackCard](lambda card: card.order, lambda card: card, partial(given_back_card.draw, hands=hands))
                benches = Cards[BenchCard](
                    lambda card: card.order,
                    lambda card: card,
                    partial(bench_card.draw, hands=hands),
                    "Nothing is on the benches. Accept an offer, or take a walk-in from somebody at the door.",
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
        needed = tuple(calls_of(desk))
        calls.show([needed] if needed else [])
        machines.show(desk.machines)
        offers.show(sorted(desk.offers, key=lambda card: not card.open))
        returned.show(desk.given_back)
        benches.show(desk.benches)
        outbox.show([desk.outbox])
        stops.show([card for card in desk.machines if card.running is not None and card.running.order])

    def in_sight(event: events.GenericEventArguments) -> None:
        """A page that nobody sees asks for nothing."""
        timer.active = bool(event.args)
        if timer.active:
            update()

    update()
    timer = ui.timer(REFRESH_SECONDS, update)
    ui.on("in-sight", in_sight)
    ui.add_head_html(f"<script>{IN_SIGHT}</script>")


def _draw_calls(needed: tuple[Call, ...]) -> None:
    with found_by(div("calls"), "calls"):
        text("Needs you", "calls-title")
        for one in needed:
            scroll_button(one.words, one.card, "call")


def _other_light(dark: ui.dark_mode) -> None:
    now = not dark.value
    dark.set_value(now)
    app.storage.user["dark"] = now


def _nothing() -> None:
    pass
