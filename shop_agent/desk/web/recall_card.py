# SPDX-License-Identifier: AGPL-3.0-or-later
"""A recall, loudly."""

from __future__ import annotations

from shop_agent.desk.cards import RecallCard
from shop_agent.desk.web.parts import div, text


def draw(card: RecallCard) -> None:
    """What was recalled, why, and what this shop made of it."""
    with div("note loud").props('role="alert" data-test="recall"'):
        text(f"RECALLED: {card.title}", "title")
        text(card.why)
        for line in card.made:
            text(f"Made here: {line}")
        text("Nothing of it starts here any more.", "small")
