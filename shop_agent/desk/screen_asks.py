# SPDX-License-Identifier: AGPL-3.0-or-later
"""Questions of the terminal screen. What is wrong stands below the line, and what was typed stays in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from commonfab.errors import Refused

BOX = """
{name} {{ align: center middle; }}
{name} > Vertical {{ width: 80%; max-width: 90; height: auto; padding: 1 2; background: $panel; border: round $accent; }}
{name} .wrong {{ color: $error; }} {name} .keys {{ color: $text-muted; }}
"""


def tried(action: Callable[[], object]) -> str:
    """Do something; answers what stood in the way and what to do about it, empty where it is done."""
    try:
        action()
    except (Refused, OSError, sqlite3.Error) as error:
        return str(error)
    return ""


class Ask(ModalScreen[None]):
    """Asks for a line of text. Enter says it, Escape leaves everything as it is."""

    CSS = BOX.format(name="Ask")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "leave it")]

    def __init__(self, question: str, action: Callable[[str], object]) -> None:
        super().__init__()
        self.question, self.said = question, action

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical():
            yield Static(Text(self.question, style="bold"))
            yield Input()
            yield Static(classes="wrong")
            yield Static("Enter says it, Escape leaves everything as it is", classes="keys")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Say it, or tell what is wrong and keep the line."""
        wrong = tried(lambda: self.said(event.value))
        self.query_one(".wrong", Static).update(Text(wrong))
        if not wrong:
            self.dismiss()


class Sure(ModalScreen[None]):
    """What may set something in motion takes a second key."""

    CSS = BOX.format(name="Sure")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "yes", "yes"), Binding("escape,n", "dismiss", "no")]

    def __init__(self, question: str, action: Callable[[], object]) -> None:
        super().__init__()
        self.question, self.said = question, action

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical():
            yield Static(Text(self.question, style="bold"))
            yield Static(classes="wrong")
            yield Static("y: yes, it is so    Escape: not now", classes="keys")

    def action_yes(self) -> None:
        """Say it, or tell what is wrong."""
        wrong = tried(self.said)
        self.query_one(".wrong", Static).update(Text(wrong))
        if not wrong:
            self.dismiss()
