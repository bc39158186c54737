# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bench on a terminal, over ssh too: machines, offers, what lies on the benches, what waits to be sent. Each key does one thing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import DataTable, Header, Static

from shop_agent.config import ShopConfig
from shop_agent.desk import actions, walk_ins
from shop_agent.desk.actions import Bench
from shop_agent.desk.cards import Desk, MachineCard
from shop_agent.desk.of_machines import CONFIRMED
from shop_agent.desk.screen_asks import Ask, Form, Sure
from shop_agent.desk.screen_tables import ALWAYS, GIVEN_BACK, TABLES, Row, heading_of, outbox_line, rows_of, widths
from shop_agent.desk.view import look
from shop_agent.desk.wrong import tried
from shop_agent.journal.book import EVERYTHING, open_journal
from shop_agent.people.walk_in import Wanted
from shop_agent.shop_toml.machine_section import GO

REFRESH_SECONDS = 1.0

TALL = 34
"""From so many lines all three tables are shown; on fewer, the one that is looked at."""

SCROLL_BAR = 2


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
        *(Binding(key, name) for key, name in (("a", "accept"), ("x", "decline"), ("r", "ready"), ("g", "start"), ("p", "pause"))),
        *(Binding(key, name) for key, name in (("u", "resume"), ("s", "stop"), ("k", "unlock"), ("z", "home"), ("o", "out_of_order"))),
        *(Binding(key, name) for key, name in (("b", "in_service"), ("plus", "good"), ("minus", "scrap"), ("h", "made"))),
        *(Binding(key, name) for key, name in (("l", "toolpath"), ("m", "measured"), ("t", "minutes"), ("f", "photograph"))),
        *(Binding(key, name) for key, name in (("w", "withdraw"), ("d", "dismiss"), ("n", "walk_in"), ("q", "quit"))),
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

    # What the keys say.

    def action_next_table(self, step: int) -> None:
        """Go to the next table, or in a question to its next line."""
        if self.screen is not self.screen_stack[0]:
            self.screen.focus_next() if step > 0 else self.screen.focus_previous()
            return
        names = list(TABLES)
        self._go_to(names[(names.index(self.now) + step) % len(names)])

    def action_accept(self) -> None:
        """Take the marked offer."""
        if offer := self._marked("offers"):
            self._do(f"{offer} is accepted.", actions.accept, offer)

    def action_decline(self) -> None:
        """Decline the marked offer, with a note or without."""
        if offer := self._marked("offers"):
            self._ask(f"Why is {offer} declined? It may be left empty.", lambda note: actions.decline(self.bench, offer, note))

    def action_ready(self) -> None:
        """Say that the marked machine is ready."""
        if card := self._machine():
            names = [name for name in card.confirms if name != GO]
            said = [CONFIRMED[name] for name in names] or ["I have looked at it"]
            self._sure(f"{card.name}: {'; '.join(said)}", lambda: actions.ready(self.bench, card.id, self.who, names or EVERYTHING))

    def action_start(self) -> None:
        """Say, at the machine, that it may begin."""
        self._moves("Start", actions.start)

    def action_resume(self) -> None:
        """Let the marked machine go on."""
        self._moves("Let it go on:", actions.resume)

    def action_home(self) -> None:
        """Let the marked machine find its zero again."""
        self._moves("Home", actions.home)

    def action_unlock(self) -> None:
        """Take the lock of an alarm off the marked machine."""
        self._moves("Unlock", actions.unlock)

    def action_pause(self) -> None:
        """Hold what runs on the marked machine."""
        if card := self._machine():
            self._do(f"{card.name} is told to pause.", actions.pause, card.id, self.who)

    def action_stop(self) -> None:
        """Stop what runs on the marked machine: one key, and nothing is asked."""
        if card := self._machine():
            self._do(f"{card.name} is told to stop.", actions.stop, card.id, self.who)

    def action_out_of_order(self) -> None:
        """Take the marked machine out of service."""
        if card := self._machine():
            self._ask(f"What is wrong with {card.name}?", lambda why: actions.out_of_order(self.bench, card.id, self.who, why))

    def action_in_service(self) -> None:
        """It works again."""
        if card := self._machine():
            self._do(f"{card.name} is back.", actions.back, card.id)

    def action_good(self) -> None:
        """The oldest piece that is not judged is good."""
        self._judge(True)

    def action_scrap(self) -> None:
        """It is scrap."""
        self._judge(False)

    def action_made(self) -> None:
        """So many more pieces were made by hand."""

        def made(told: str) -> None:
            good, _, scrap = told.partition("/")
            actions.made(self.bench, order, actions.count_in(good), actions.count_in(scrap or "0"), self.who)

        if order := self._order():
            self._ask(f"{order}: how many more are good? Spoiled ones after a stroke: 3/1", made)

    def action_measured(self) -> None:
        """A size as drawn and as it came out."""
        if order := self._order():
            self._ask(f"{order}: bore=8.0/8.03", lambda told: actions.measured(self.bench, order, *actions.size_in(told)))

    def action_minutes(self) -> None:
        """Minutes of work, by task."""

        def spent(told: str) -> None:
            task, _, minutes = told.strip().rpartition(" ")
            actions.spent(self.bench, order, task or "finishing", actions.minutes_in(minutes))

        if order := self._order():
            self._ask(f"{order}: which task, and how many minutes? finishing 12", spent)

    def action_photograph(self) -> None:
        """A picture that lies on this computer."""
        if order := self._order():
            self._ask(f"{order}: the picture's file", lambda told: actions.photograph(self.bench, order, _path(told)))

    def action_toolpath(self) -> None:
        """A toolpath that lies on this computer, for the marked order."""
        if order := self._order():
            config = self.bench.config
            asked = Form(f"{order}: a toolpath for it", [("its file", "")], lambda file: actions.bring_beside(config, order, _path(file)))
            self.push_screen(asked, lambda _: self.show_desk())

    def action_withdraw(self) -> None:
        """Take the marked order off the bench."""
        if order := self._order():
            self._ask(f"Why is {order} taken off the bench?", lambda note: actions.withdraw(self.bench, order, note))

    def action_dismiss(self) -> None:
        """The marked order came to nothing, and somebody has read why."""
        if order := self._marked("benches").removeprefix(GIVEN_BACK):
            self._do(f"{order} is no longer shown.", actions.dismiss, order)

    def action_walk_in(self) -> None:
        """Take work for somebody at the door."""
        config = self.bench.config

        def take(what: str, machine: str, pieces: str, material: str, minutes: str, file: str) -> None:
            source = _path(file) if file.strip() else None
            wanted = Wanted(what, actions.count_in(pieces), source, material, actions.minutes_in(minutes or "0"))
            walk_ins.take_beside(config, machine.strip(), wanted)

        fields = [("what is made", ""), ("machine", self._key("machines")), ("pieces", "1"), ("material, if not loaded", "")]
        asked = Form("A walk-in", [*fields, ("minutes a piece, about", ""), ("file, if it needs one", "")], take)
        self.push_screen(asked, lambda _: self.show_desk())

    def _moves(self, word: str, action: Callable[[Bench, str, str], None]) -> None:
        if card := self._machine():
            self._sure(f"{word} {card.name}? {CONFIRMED[GO]}", lambda: action(self.bench, card.id, self.who))

    def _judge(self, good: bool) -> None:
        if order := self._order():
            self._do(f"{order}: {'good' if good else 'scrap'}", actions.judge, order, good, self.who)

    def _do(self, told: str, action: Callable[..., object], *arguments: object) -> None:
        wrong = tried(lambda: action(self.bench, *arguments))
        self.notify(wrong or told, severity="error" if wrong else "information", timeout=8 if wrong else 4, markup=False)
        self.show_desk()

    def _ask(self, question: str, action: Callable[[str], object]) -> None:
        self.push_screen(Ask(question, action), lambda _: self.show_desk())

    def _sure(self, question: str, action: Callable[[], object]) -> None:
        self.push_screen(Sure(question, action), lambda _: self.show_desk())

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
        self._static("keys").update(Text(f"{TABLES[self.now].keys}\n{ALWAYS}"))
        self._show_detail()

    def _show_detail(self) -> None:
        key = self._key(self.now)
        self._static("detail").update(Text(next((row.detail for row in self._rows.get(self.now, []) if row.key == key), "")))

    def _key(self, name: str) -> str:
        """The key of the marked row; empty where there is none."""
        table = self._table(name)
        return str(table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value) if table.row_count else ""

    def _marked(self, name: str) -> str:
        """The key of the marked row. Nothing is said of a row that cannot be seen: its table is shown first."""
        table, key = self._table(name), self._key(name)
        if not key:
            self.notify(TABLES[name].empty, severity="warning")
        elif not table.display:
            self._go_to(name)
            self.notify("Here it is. Mark the right one, then press the key again.", severity="warning")
            return ""
        return key

    def _order(self) -> str:
        """The marked order of the benches; empty where there is none, or where it came to nothing."""
        key = self._marked("benches")
        if key.startswith(GIVEN_BACK):
            self.notify("That came to nothing. Press d once you have read why.", severity="warning")
            return ""
        return key

    def _machine(self) -> MachineCard | None:
        return self.desk.machine(self._marked("machines"))

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


def _path(told: str) -> Path:
    return Path(told.strip()).expanduser()
