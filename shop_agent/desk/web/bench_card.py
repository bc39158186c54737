# SPDX-License-Identifier: AGPL-3.0-or-later
"""An order on the benches: pieces good and scrap, minutes, measurements, photographs."""

from __future__ import annotations

from nicegui import ui

from shop_agent.desk import actions
from shop_agent.desk.view import BenchCard
from shop_agent.desk.web import account_sheets
from shop_agent.desk.web.parts import Hands, button, div, fact, picture, sheet, text


def draw(card: BenchCard, hands: Hands) -> None:
    """One order."""
    with div("card").props(f'data-test="bench-{card.order}"'):
        with div("row").style("flex-wrap:nowrap;align-items:flex-start;gap:20px"):
            if card.picture is not None:
                picture(card.picture)
            with div("grow"):
                text(card.what, "title")
                text(f"on {card.machine} · {card.stands}{' · walk-in' if card.walk_in else ''}", "soft")
        with div("facts"):
            fact(f"{card.good} of {card.quantity}", "good")
            fact(str(card.scrap), "scrap")
            if card.unjudged:
                fact(str(card.unjudged), "to be judged")
            if card.minutes:
                fact(f"{sum(minutes for _, minutes in card.minutes):.0f} min", "of people’s work")
            if card.sizes:
                fact(str(len(card.sizes)), "sizes measured")
            if card.photographs:
                fact(str(card.photographs), "photographs")
        if not card.ended:
            _judging(card, hands)
            _account(card, hands)


def _judging(card: BenchCard, hands: Hands) -> None:
    if card.unjudged:
        text("Is the oldest of them good?", "note person")
        with div("buttons"):
            button("Scrap", lambda: _judge(card, hands, False), kind="stop", test=f"scrap-{card.order}")
            button("Good", lambda: _judge(card, hands, True), kind="main", test=f"good-{card.order}")


def _judge(card: BenchCard, hands: Hands, good: bool, piece: int | None = None) -> None:
    hands.named(lambda: hands.do(actions.judge, hands.bench, card.order, good, hands.who, piece))


def _account(card: BenchCard, hands: Hands) -> None:
    with div("buttons two"):
        if card.by_hand:
            button("Pieces made …", lambda: account_sheets.ask_made(card, hands), kind="main", test=f"made-{card.order}")
        if card.pieces:
            button("Pieces …", lambda: _pieces(card, hands), test=f"pieces-{card.order}")
        button("Photograph …", lambda: account_sheets.ask_photograph(card, hands), test=f"photo-{card.order}")
        button("Measured …", lambda: account_sheets.ask_size(card, hands), test=f"size-{card.order}")
        button("Minutes …", lambda: account_sheets.ask_minutes(card, hands), test=f"minutes-{card.order}")
        button("Take off …", lambda: _withdraw(card, hands), kind="quiet", test=f"withdraw-{card.order}")


def _pieces(card: BenchCard, hands: Hands) -> None:
    def correct(number: int, good: bool) -> None:
        asked.dialog.close()
        _judge(card, hands, good, number)

    with sheet(hands, f"{card.what}: pieces") as asked:
        text("Can be corrected until the work is reported.", "soft")
        with div("pieces"):
            for number, state in card.pieces:
                with div("piece"):
                    text(f"{number}: {state}", "grow")
                    if state in ("good", "scrap", "to be judged"):
                        for good, word in ((False, "Scrap"), (True, "Good")):
                            button(
                                word,
                                lambda number=number, good=good: correct(number, good),  # type: ignore[misc]
                                kind="chosen" if state == word.lower() else "",
                                test=f"piece-{number}-{word.lower()}",
                            )
        button("Leave them as they are", asked.dialog.close, kind="quiet")


def _withdraw(card: BenchCard, hands: Hands) -> None:
    with sheet(hands, f"Take {card.what} off the bench?") as asked:
        text("Nothing moved yet: it is given back. Something moved: it is stopped, and what was made is reported.", "soft")
        note = ui.input("Why? Whoever asked for it sees it").props("outlined")
        with div("buttons"):
            button("Keep it", asked.dialog.close, kind="quiet")
            button(
                "Take it off",
                lambda: asked.do(hands, actions.withdraw, hands.bench, card.order, note.value or ""),
                kind="stop",
                test="withdraw-sure",
            )
