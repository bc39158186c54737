# SPDX-License-Identifier: AGPL-3.0-or-later
"""An order on the benches: pieces good and scrap, minutes, measurements, photographs."""

from __future__ import annotations

from nicegui import ui

from shop_agent.desk import actions
from shop_agent.desk.cards import BenchCard
from shop_agent.desk.web import account_sheets, toolpath_sheet
from shop_agent.desk.web.parts import Hands, button, div, fact, found_by, picture, sheet, text


def draw(card: BenchCard, hands: Hands) -> None:
    """One order."""
    with found_by(div("card"), f"bench-{card.order}", f"bench-{card.order}"):
        with div("row top"):
            if card.picture is not None:
                picture(card.picture)
            with div("grow"):
                text(card.what, "title")
                text(f"on {card.machine} · {card.stands}", "soft")
            if card.walk_in:
                text("walk-in", "tag")
        with div("facts"):
            fact(f"{card.good} of {card.quantity}", "good")
            if card.scrap:
                fact(str(card.scrap), "scrap")
            if card.unjudged:
                fact(str(card.unjudged), "to be judged")
            if card.minutes:
                fact(f"{sum(minutes for _, minutes in card.minutes):.0f} min", "of people’s work")
            if card.sizes:
                fact(str(len(card.sizes)), "size measured" if len(card.sizes) == 1 else "sizes measured")
            if card.photographs:
                fact(str(card.photographs), "photograph" if card.photographs == 1 else "photographs")
        if card.toolpath:
            text(f"Toolpath: {card.toolpath}", "soft small")
        if not card.ended:
            _toolpath(card, hands)
            _judging(card, hands)
            _account(card, hands)


def _toolpath(card: BenchCard, hands: Hands) -> None:
    """What waits for a toolpath says so, and what it is made from is one touch away."""
    if card.needs_toolpath:
        with div("note person"):
            text("It waits for a toolpath that somebody makes.")
            if not card.brings:
                text("Set outside_toolpaths = true for this machine in shop.toml, so that one may be brought.")
    toolpath_sheet.files(card)
    if card.brings:
        word = "Another toolpath …" if card.toolpath else "Bring a toolpath …"
        with div("buttons"):
            kind = "main" if card.needs_toolpath else ""
            button(word, lambda: toolpath_sheet.ask(card, hands), kind=kind, icon="upload_file", test=f"bring-{card.order}")


def _judging(card: BenchCard, hands: Hands) -> None:
    if card.cut_off:
        text(f"{card.cut_off_text}, under Pieces …", "note person")
    if card.unjudged:
        judge_buttons(card.order, card.unjudged, hands)


def judge_buttons(order: str, unjudged: int, hands: Hands) -> None:
    """Whether a piece that was made is good; the oldest of them first."""
    text("Is the oldest of them good?" if unjudged > 1 else "Is the piece good?", "note person")
    with div("buttons"):
        button("Scrap", lambda: _judge(order, hands, False), kind="stop", test=f"scrap-{order}")
        button("Good", lambda: _judge(order, hands, True), kind="main", test=f"good-{order}")


def _judge(order: str, hands: Hands, good: bool, piece: int | None = None) -> None:
    hands.named(lambda: hands.do(actions.judge, hands.bench, order, good, hands.who, piece))


def _account(card: BenchCard, hands: Hands) -> None:
    with div("buttons three"):
        if card.by_hand:
            kind = "main" if card.begun else ""
            button("Pieces made …", lambda: account_sheets.ask_made(card.order, card.what, hands), kind=kind, test=f"made-{card.order}")
        if card.pieces:
            button("Pieces …", lambda: _pieces(card, hands), test=f"pieces-{card.order}")
        button("Photo …", lambda: account_sheets.ask_photograph(card, hands), test=f"photo-{card.order}")
        button("Measured …", lambda: account_sheets.ask_size(card, hands), test=f"size-{card.order}")
        button("Minutes …", lambda: account_sheets.ask_minutes(card, hands), test=f"minutes-{card.order}")
        button("Take off …", lambda: _withdraw(card, hands), kind="quiet", test=f"withdraw-{card.order}")


def _pieces(card: BenchCard, hands: Hands) -> None:
    def correct(number: int, good: bool) -> None:
        asked.dialog.close()
        _judge(card.order, hands, good, number)

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
        gone = "it is gone" if card.walk_in else "it is given back"
        sees = "" if card.walk_in else " Whoever asked for it sees why."
        text(f"Where nothing moved yet, {gone}. Where something moved, it is stopped, and what was made is reported.{sees}", "soft")
        note = ui.input("Why?").props("outlined")
        with div("buttons"):
            button("Keep it", asked.dialog.close, kind="quiet")
            button(
                "Take it off",
                lambda: asked.do(hands, actions.withdraw, hands.bench, card.order, note.value or ""),
                kind="stop",
                test="withdraw-sure",
            )
