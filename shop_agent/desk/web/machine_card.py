# SPDX-License-Identifier: AGPL-3.0-or-later
"""A machine: its live state, what runs, what it waits for, and the buttons that help. Stop is on every card, and is one touch."""

from __future__ import annotations

from dataclasses import replace

from nicegui import ui

from shop_agent.desk import actions
from shop_agent.desk.cards import MachineCard, Running
from shop_agent.desk.of_machines import lies_there
from shop_agent.desk.plain import due_text, minutes_text, sentence
from shop_agent.desk.web import ready_sheet, service_sheet
from shop_agent.desk.web.account_sheets import ask_made
from shop_agent.desk.web.bench_card import judge_buttons
from shop_agent.desk.web.parts import Hands, Update, button, div, found_by, scroll_button, text
from shop_agent.shop_toml.machine_section import GO

UPKEEP_HOURS = 10.0
"""Upkeep is shown from so many hours before it is due."""


def still(card: MachineCard) -> object:
    """What of a card does not move by itself."""
    running = replace(card.running, progress=0.0, remaining_seconds=0.0) if card.running else None
    return replace(card, running=running, reads="")


def draw(card: MachineCard, hands: Hands) -> Update:
    """One machine; answers how its progress and its figures are moved."""
    with found_by(div("card"), f"machine-{card.id}", f"machine-{card.id}"):
        with div("row top"):
            with div("grow"):
                text(card.name, "title")
                text(f"{card.process} · {', '.join(lies_there(card))}", "soft small")
            text(card.state, f"state {card.tone}").props(f'data-test="state-{card.id}"')
        if card.out_of_service:
            text(sentence(card.out_of_service), "note person")
        elif card.fault or card.why:
            text(card.fault or card.why, "note person" if card.fault else "soft")
        moved = _running(card.running, card.by_hand)
        reads = text("", "soft small")
        for one in card.waits:
            said_above = bool(card.out_of_service) and "which is out of service" in one.text
            if one.button not in ("judge", "made") and not said_above:  # their buttons say it themselves
                text(f"Waits for {one.text}", "note person" if one.person else "soft")
        if needs := card.waits_for("toolpath"):
            scroll_button("Go to its files …", f"bench-{needs.order}", "main")
        if card.used_up and not card.out_of_service:
            text(f"No {' or '.join(card.used_up)} is left. Once there is more, say how much: Service …, Count", "note person")
        _upkeep(card, hands)
        _buttons(card, hands)

    def update(now: MachineCard) -> None:
        reads.set_text(now.reads)
        reads.set_visibility(bool(now.reads))
        if moved is not None and now.running is not None:
            moved(now.running)

    return update


def _running(running: Running | None, by_hand: bool) -> Update | None:
    if running is None:
        return None
    with div("row"):
        with div("grow"):
            text(running.what)
            if running.pieces:
                text(f"piece {running.piece} of {running.pieces}", "soft small")
            if not running.order:
                text("Not one of ours: stop it at the machine.", "soft small")
        if by_hand:  # nobody knows how far it is but the person
            return None
        figure = text("", "big")
    with div("track"):
        bar = ui.element("div")
    left = text("", "soft small")

    def update(now: Running) -> None:
        figure.set_text(f"{now.progress:.0%}")
        bar.style(f"transform:scaleX({min(max(now.progress, 0.0), 1.0):.3f})")
        left.set_text(f"about {minutes_text(now.remaining_seconds / 60)} left" if now.remaining_seconds else "")

    return update


def _upkeep(card: MachineCard, hands: Hands) -> None:
    for due in card.upkeep:
        if due.in_hours > UPKEEP_HOURS:
            continue
        with div("row"):
            text(f"{sentence(due.what)}: {due_text(due.in_hours)}", "grow" if due.in_hours > 0 else "grow wrong")
            button("Done", lambda what=due.what: _done(card, hands, what), test=f"upkeep-{card.id}")  # type: ignore[misc]


def _done(card: MachineCard, hands: Hands, what: str) -> None:
    hands.named(lambda: hands.do(actions.maintained, hands.bench, card.id, what, hands.who))


def _buttons(card: MachineCard, hands: Hands) -> None:
    helps, running = card.buttons, card.running
    if judged := card.waits_for("judge"):
        judge_buttons(judged.order, 1, hands)
    with div("buttons"):
        if running is not None and running.order:
            if card.by_hand:
                made = running  # as it is now
                button("Pieces made …", lambda: ask_made(made.order, made.what, hands), kind="main", test=f"made-on-{card.id}")
            if running.paused:
                button("Resume", lambda: ready_sheet.ask_resume(card, hands), kind="main", test=f"resume-{card.id}")
            else:
                button("Pause", lambda: _pause(card, hands), test=f"pause-{card.id}")
        elif running is None:
            _before_a_start(card, hands, helps)
        button("Service …", lambda: service_sheet.ask(card, hands), kind="quiet", test=f"service-{card.id}")
        if running is None or running.order:  # what is not ours is not stopped from here
            button("Stop", lambda: _stop(card, hands), kind="stop", test=f"stop-{card.id}")


def _before_a_start(card: MachineCard, hands: Hands, helps: frozenset[str]) -> None:
    for care in card.cares:
        kind = "main" if care == "home" else ""
        button(f"{sentence(care)} …", lambda care=care: ready_sheet.ask_care(card, hands, care), kind=kind, test=f"{care}-{card.id}")  # type: ignore[misc]
    if "ready" in helps or ("start" not in helps and not card.cares):
        kind = "main" if "ready" in helps else ""
        button("Ready …", lambda: ready_sheet.ask_ready(card, hands), kind=kind, test=f"ready-{card.id}")
    if not card.cares and (GO in card.confirms or "start" in helps):
        kind = "main" if "start" in helps else ""
        button("Start …", lambda: ready_sheet.ask_start(card, hands), kind=kind, test=f"start-{card.id}")


def draw_stop(card: MachineCard, hands: Hands) -> None:
    """The button that stays on the screen, above everything else, as long as a machine runs."""
    button(f"Stop {card.name}", lambda: _stop(card, hands), kind="stop", icon="stop_circle", test=f"stop-now-{card.id}")


def _stop(card: MachineCard, hands: Hands) -> None:
    hands.do(actions.stop, hands.bench, card.id, hands.who or "somebody at the desk")  # nobody is asked first who it is


def _pause(card: MachineCard, hands: Hands) -> None:
    hands.do(actions.pause, hands.bench, card.id, hands.who or "somebody at the desk")
