# SPDX-License-Identifier: AGPL-3.0-or-later
"""What waits to be sent, and whether the router is heard."""

from __future__ import annotations

from shop_agent.desk.cards import OutboxCard
from shop_agent.desk.plain import ago_text
from shop_agent.desk.web.parts import div, text


def heard(card: OutboxCard) -> str:
    """Whether the router is heard, in words that change at most once a minute."""
    if card.trouble:
        since = "not yet in this run" if card.silent_seconds is None else f"last {ago_text(card.silent_seconds)}"
        return f"The router does not answer (heard {since}): {card.trouble}"
    if card.silent_seconds is None:
        return "The router has not been heard yet"
    return f"The router was heard {ago_text(card.silent_seconds)}"


def still(card: OutboxCard) -> object:
    """What of it is shown."""
    return card.unsent, heard(card)


def draw(card: OutboxCard) -> None:
    """What waits to be sent."""
    with div("card").props('data-test="outbox"'):
        text(heard(card), "note person" if card.trouble else "soft")
        if card.unsent:
            text(f"{len(card.unsent)} to be sent", "title")
            for line in card.unsent:
                text(line)
            text("It is kept here until the router has it.", "soft small")
        else:
            text("Nothing waits to be sent.")
