# SPDX-License-Identifier: AGPL-3.0-or-later
"""An offer: what, how large, how long, of what, how far, why this shop; and the answer."""

from __future__ import annotations

from nicegui import ui

from shop_agent.desk import actions
from shop_agent.desk.cards import OfferCard
from shop_agent.desk.plain import grams_text, minutes_text
from shop_agent.desk.web.parts import Hands, button, div, fact, found_by, picture, sheet, text


def draw(card: OfferCard, hands: Hands) -> None:
    """One offer."""
    if not card.open:
        _answered(card)
        return
    with found_by(div("card asks"), f"offer-{card.order}", f"offer-{card.order}"):
        with div("row top"):
            picture(card.picture)
            with div("grow"):
                text(f"{card.quantity} × {card.part or card.title}", "title")
                if card.part not in ("", card.title):
                    text(f"of {card.title}")
                text(f"on {card.machine}", "soft")
                if card.first_article:
                    text("First article: one piece, looked at before the rest is made", "soft small")
        _facts(card)
        if card.purpose:
            text(f"“{card.purpose}”")
        if card.cannot:
            with div("note person"):
                text("No toolpath can be made of it here:")
                for one in card.cannot:
                    text(one)
        if card.against:
            with div("note person"):
                for one in card.against:
                    text(one)
        _why(card)
        _answer(card, hands)


def _answered(card: OfferCard) -> None:
    """One that was answered, small: it only waits for the router to hear."""
    with found_by(div("card small-card"), f"offer-{card.order}"):
        text(f"{card.quantity} × {card.part or card.title}", "grow")
        text("you took it; the router is being told" if card.answer == "accept" else "you declined it", "soft")


def _facts(card: OfferCard) -> None:
    about = "measured" if card.measured else "estimated"
    with div("facts"):
        if card.size:
            fact(card.size, "size")
        fact(minutes_text(card.minutes * card.quantity), f"machine time, {about}")
        if card.quantity > 1:
            fact(minutes_text(card.minutes), "a piece")
        if card.grams:
            fact(grams_text(card.grams * card.quantity), f"material, {about}")
        fact(card.material or "any", "of")
        fact("not known" if card.km is None else f"{card.km:.1f} km", "away")
        fact(card.licence or "none said", "licence")


def _why(card: OfferCard) -> None:
    lines = [*card.why, *card.asks, *(f"Answered by who asked for it: {one}" for one in card.answered)]
    if lines:
        with ui.element("ul").classes("why"):
            for line in lines:
                with ui.element("li"):
                    text(line)
    if card.notice:
        with found_by(ui.element("details"), f"notice-{card.order}"):
            with ui.element("summary"):
                text("What goes with what is made")
            text(card.notice, "soft")


def _answer(card: OfferCard, hands: Hands) -> None:
    kind = "" if card.cannot or card.against else "main"
    with div("buttons"):
        button("Decline", lambda: _decline(card, hands), test=f"decline-{card.order}")
        button("Accept", lambda: hands.do(actions.accept, hands.bench, card.order), kind=kind, test=f"accept-{card.order}")


def _decline(card: OfferCard, hands: Hands) -> None:
    with sheet(hands, f"Decline {card.quantity} × {card.part or card.title}?") as asked:
        text("That costs your shop nothing, ever. Whoever asked for it sees why, if you say it.", "soft")
        note = ui.input("Why? May be empty").props("outlined")
        with div("buttons"):
            button("Keep it", asked.dialog.close, kind="quiet")
            button(
                "Decline",
                lambda: asked.do(hands, actions.decline, hands.bench, card.order, note.value or ""),
                kind="main",
                test="decline-sure",
            )
