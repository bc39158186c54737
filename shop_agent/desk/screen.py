# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bench on a terminal, over ssh too: machines, offers, what lies on the benches, what waits to be sent. Each key does one thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from types import MappingProxyType
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import DataTable, Header, Static

from shop_agent.config import ShopConfig
from shop_agent.desk.actions import Bench
from shop_agent.desk.cards import Desk, MachineCard
from shop_agent.desk.screen_asks import Ask, Form, Sure
from shop_agent.desk.screen_keys import KEYS, hints
from shop_agent.desk.screen_tables import GIVEN_BACK, TABLES, Row, heading_of, outbox_line, rows_of, widths
from shop_agent.desk.view import look
from shop_agent.desk.wrong import tried
from shop_agent.journal.book import open_journal

REFRESH_SECONDS = 1.0

TALL = 34
"""From so many lines all three tables are shown; on fewer, the one that is looked at."""

SCROLL_BAR = 2

NAMED: Mapping[str, str] = MappingProxyType({"+": "plus", "-": "minus"})
"""Keys that the terminal calls by a name."""


def show(config: ShopConfig, who: str) -> None:
    """Show the bench until `q`. Errors: `Refused` (`shop.data`)."""
    with closing(open_journal(config)) as journal:
        BenchScreen(Bench(config, journal), who).run()


class BenchScreen(App[None]):
    """Three tables, what is marked in full, and the keys; a key says something of the row that is marked. `who`: who sits there."""

    CSS = """
    Screen { background: $surface; layout: vertical; }
    .heading { color: $text-muted; padding: 0 1; height: 1; } .heading.now { color: $text; text-style: bold; }
    #tables { height: 1fr; } DataTable { height: 1fr; background: $surface; scrollbar-size-horizontal: 0; }
    .empty { padding: 0 1; height: 1fr; }
    DataTable:focus { background: $boost; }
    #loud { padding: 0 1; max-height: 4; background: $error; color: $text; text-style: bold; }
    #detail { padding: 0 1; height: auto; min-height: 2; max-height: 4; border-top: solid $panel; }
    #outbox { padding: 0 1; max-height: 2; color: $text-muted; } #keys { background: $panel; max-height: 3; }
    """
    TITLE = "commonfab"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(NAMED.get(one.letter, one.letter), f"say('{name}')") for name, one in KEYS.items()),
        Binding("q", "quit"),
        Binding("tab", "next_table(1)", priority=True),
        Binding("shift+tab", "next_table(-1)", priority=True),
    ]

    def __init__(self, bench: Bench, who: str) -> None:
        super().__init__()
        self.bench, self.who = bench, who
        self.desk: Desk = look(bench.config, bench.journal)
        self.now = "machines"
        self._rows: dict[str, list[Row]] = {}
        self._width = 0

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield Header(show_clock=True)
        yield Static(id="loud")
        with Vertical(id="tables"):
            for name, table in TABLES.items():
                yield Static(id=f"{name}-heading", classes="heading")
                yield DataTable(id=name, cursor_type="row", zebra_stripes=True)
                yield Static(table.empty, id=f"{name}-empty", classes="empty")
        yield Static(id="detail")
        yield Static(id="outbox")
        yield Static(id="keys")

    def on_mount(self) -> None:
        """Show it, and again every second."""
        self.sub_title = self.desk.shop
        self.show_desk()
        self._table(self.now).focus()
        self.set_interval(REFRESH_SECONDS, self.show_desk)

    def on_resize(self, event: events.Resize) -> None:
        """Columns fill the width, whatever it is."""
        self.call_after_refresh(self.show_desk)

    def show_desk(self) -> None:
        """Bring everything up to date; a table is written anew only where something differs."""
        if not self.is_running:  # it is being left: its lines go one by one, and the timer may come round once more
            return
        self.desk = look(self.bench.config, self.bench.journal)
        loud = [f"RECALLED: {card.title}. {card.why}. Nothing of it starts here any more." for card in self.desk.recalls]
        self._static("loud").update(Text("\n".join(filter(None, [self.desk.agent, *loud]))))
        self._static("loud").display = bool(self.desk.agent or loud)
        wider, self._width = self.size.width != self._width, self.size.width
        for name, rows in rows_of(self.desk).items():
            if wider or self._rows.get(name) != rows:
                self._fill(name, rows, wider)
        self._static("outbox").update(Text(outbox_line(self.desk.outbox)))
        self._show_tables()

    # What the keys say, and how it is asked for.

    def action_next_table(self, step: int) -> None:
        """Go to the next table, or in a question to its next line."""
        if self.screen is not self.screen_stack[0]:
            self.screen.focus_next() if step > 0 else self.screen.focus_previous()
            return
        names = list(TABLES)
        self._go_to(names[(names.index(self.now) + step) % len(names)])

    def action_say(self, name: str) -> None:
        """What one of the `KEYS` says."""
        KEYS[name].says(self)

    def do(self, told: str, action: Callable[..., object], *arguments: object) -> None:
        """Say something at once, and tell that it is said, or what is wrong."""
        wrong = tried(lambda: action(self.bench, *arguments))
        self.notify(wrong or told, severity="error" if wrong else "information", timeout=8 if wrong else 4, markup=False)
        self.show_desk()

    def ask(self, question: str, action: Callable[[str], object], value: str = "") -> None:
        """Ask for a line of text first; `value` stands there already."""
        self.push_screen(Ask(question, action, value), lambda _: self.show_desk())

    def sure(self, question: str, action: Callable[[], object]) -> None:
        """Ask for a second key first."""
        self.push_screen(Sure(question, action), lambda _: self.show_desk())

    def fill_in(self, question: str, fields: Sequence[tuple[str, str]], said: Callable[..., object], beside: bool = False) -> None:
        """Ask for several lines first. `beside`: it is said in a thread, and opens what it needs itself."""
        self.push_screen(Form(question, fields, said, beside), lambda _: self.show_desk())

    # The tables.

    def _static(self, name: str) -> Static:
        return self.screen_stack[0].query_one(f"#{name}", Static)  # not of a question that lies over it

    def _table(self, name: str) -> DataTable[Text]:
        return self.screen_stack[0].query_one(f"#{name}", DataTable)

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Show all of what is marked."""
        self._show_detail()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A table that was clicked is the one that is looked at."""
        name = event.widget.id or ""
        if name in TABLES and name != self.now:
            self._go_to(name)

    def _go_to(self, name: str) -> None:
        self.now = name
        self._show_tables()
        self._table(name).focus()

    def _show_tables(self) -> None:
        """All of them where there is room, else the one that is looked at; an empty one says what to do."""
        tall = self.size.height >= TALL
        for name in TABLES:
            shown, rows = tall or name == self.now, self._rows.get(name, [])
            self._table(name).display = shown and bool(rows)
            self._static(f"{name}-empty").display = shown and not rows
            heading = self._static(f"{name}-heading")
            heading.update(Text(("▾ " if shown else "▸ ") + heading_of(name, rows, self.desk)))
            heading.set_class(name == self.now, "now")
        self._static("keys").update(Text(hints(self.now)))
        self._show_detail()

    def _show_detail(self) -> None:
        key = self.key(self.now)
        self._static("detail").update(Text(next((row.detail for row in self._rows.get(self.now, []) if row.key == key), "")))

    def key(self, name: str) -> str:
        """The key of the marked row; empty where there is none."""
        table = self._table(name)
        return str(table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value) if table.row_count else ""

    def marked(self, name: str) -> str:
        """The key of the marked row. Nothing is said of a row that cannot be seen: its table is shown first."""
        table, key = self._table(name), self.key(name)
        if not key:
            self.notify(TABLES[name].empty, severity="warning")
        elif not table.display:
            self._go_to(name)
            self.notify("Here it is. Mark the right one, then press the key again.", severity="warning")
            return ""
        return key

    def order(self) -> str:
        """The marked order of the benches; empty where there is none, or where it came to nothing."""
        key = self.marked("benches")
        if key.startswith(GIVEN_BACK):
            self.notify("That came to nothing. Press d once you have read why.", severity="warning")
            return ""
        return key

    def machine(self) -> MachineCard | None:
        """The marked machine; None where there is none."""
        return self.desk.machine(self.marked("machines"))

    def _fill(self, name: str, rows: Sequence[Row], wider: bool) -> None:
        self._rows[name] = list(rows)
        table = self._table(name)
        row, column_widths = table.cursor_row, widths(name, self.size.width - SCROLL_BAR)
        table.clear(columns=wider)
        if wider:
            for (label, _), width in zip(TABLES[name].columns, column_widths, strict=True):
                table.add_column(label, width=width)
        for one in rows:
            table.add_row(*one.cells, key=one.key)
        table.move_cursor(row=min(row, max(len(rows) - 1, 0)))
