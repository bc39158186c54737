# SPDX-License-Identifier: AGPL-3.0-or-later
"""Questions of the terminal screen. What is wrong stands below the line, and what was typed stays in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from shop_agent.desk.wrong import tried

BOX = """
{name} {{ align: center middle; }}
{name} > VerticalScroll {{ width: 90%; max-width: 96; height: auto; max-height: 90%; padding: 1 2; background: $panel; }}
{name} > VerticalScroll {{ border: round $accent; }}
{name} .wrong {{ color: $error; }} {name} .keys {{ color: $text-muted; }}
{name} Horizontal {{ height: 1; margin-top: 1; }} {name} .label {{ width: 24; color: $text-muted; }}
{name} Horizontal Input {{ width: 1fr; }}
"""


class Form(ModalScreen[None]):
    """Asks for one line or several. Enter goes to the next, and on the last says it; Escape leaves everything as it is.

    `fields`: label and what stands there already. `said`: what is done with the lines. `beside`: that is done in a thread, because a long
    toolpath takes some seconds, so it opens what it needs itself.
    """

    CSS = BOX.format(name="Form")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "leave it")]

    def __init__(self, question: str, fields: Sequence[tuple[str, str]], said: Callable[..., object], beside: bool) -> None:
        super().__init__()
        self.question, self.fields, self.said, self.beside = question, fields, said, beside

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with VerticalScroll(can_focus=False):
            yield Static(Text(self.question, style="bold"))
            for label, value in self.fields:
                with Horizontal():
                    yield Static(Text(label), classes="label")
                    yield Input(value, compact=True)
            yield Static(classes="wrong")
            yield Static("Enter: the next line; after the last, say it. Escape: leave it", classes="keys")

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """The next line; or say it, or tell what is wrong and keep the lines."""
        lines = list(self.query(Input))
        if event.input is not lines[-1]:
            self.focus_next()
            return
        told, shown = [one.value for one in lines], self.query_one(".wrong", Static)
        if self.beside:
            shown.update("It is looked at …")
            wrong = await asyncio.to_thread(tried, self.said, *told)
        else:
            wrong = tried(self.said, *told)
        shown.update(Text(wrong))
        if not wrong:
            self.dismiss()


class Ask(ModalScreen[None]):
    """Asks for a line of text, in which `value` stands already. Enter says it, Escape leaves everything as it is."""

    CSS = BOX.format(name="Ask")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "leave it")]

    def __init__(self, question: str, action: Callable[[str], object], value: str) -> None:
        super().__init__()
        self.question, self.said, self.value = question, action, value

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with VerticalScroll(can_focus=False):
            yield Static(Text(self.question, style="bold"))
            yield Input(self.value)
            yield Static(classes="wrong")
            yield Static("Enter: say it. Escape: leave everything as it is", classes="keys")

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
        with VerticalScroll(can_focus=False):
            yield Static(Text(self.question, style="bold"))
            yield Static(classes="wrong")
            yield Static("y: yes, it is so    Escape: not now", classes="keys")

    def action_yes(self) -> None:
        """Say it, or tell what is wrong."""
        wrong = tried(self.said)
        self.query_one(".wrong", Static).update(Text(wrong))
        if not wrong:
            self.dismiss()
