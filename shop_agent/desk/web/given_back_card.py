# SPDX-License-Identifier: AGPL-3.0-or-later
"""What came to nothing: why, what to do about it, and the button of whoever has read it."""

from __future__ import annotations

from shop_agent.desk import actions
from shop_agent.desk.cards import GivenBackCard
from shop_agent.desk.web.parts import Hands, button, div, found_by, text


def draw(card: GivenBackCard, hands: Hands) -> None:
    """One of them."""
    with found_by(div("card"), f"given-back-{card.order}", f"given-back-{card.order}"):
        with div("row top"):
            with div("grow"):
                text(card.what, "title")
                text(f"on {card.machine} · {card.ended}", "soft")
            if card.walk_in:
                text("walk-in", "tag")
        for why, remedy in card.why:
            with div("note person"):
                text(f"{why}.")
                if remedy:
                    text(remedy, "remedy")
        if card.resends:
            text("The signed report is kept here. Once the router is mended, send it again.", "soft small")
        elif card.walk_in:
            text("Once that is mended, take it in again.", "soft small")
        with div("buttons"):
            if card.resends:
                button("Send it again", lambda: hands.do(actions.resend, hands.bench, card.order), test=f"resend-{card.order}")
            button("I have read it", lambda: hands.do(actions.dismiss, hands.bench, card.order), test=f"dismiss-{card.order}")
