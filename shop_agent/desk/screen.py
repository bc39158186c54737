# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bench on a terminal, over ssh too: machines, offers, what lies on the benches, what waits to be sent. Each key does one thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Footer, Header, Static

from shop_agent.config import ShopConfig
from shop_agent.desk import actions
from shop_agent.desk.actions import Bench
from shop_agent.desk.of_machines import CONFIRMED
from shop_agent.desk.plain import ago_text, grams_text, minutes_text
from shop_agent.desk.screen_asks import Ask, Sure, tried
from shop_agent.desk.view import BenchCard, Desk, MachineCard, OfferCard, OutboxCard, look
from shop_agent.journal import EVERYTHING, open_journal
from shop_agent.machine_section import GO

REFRESH_SECONDS = 1.0

COLUMNS = {
    "machines": ("machine", "stands", "what runs", "waits for"),
    "offers": ("offer", "what", "time", "material", "km", "why"),
    "benches": ("order", "what", "machine", "made", "stands"),
}

STATE_STYLES = {"good": "bold green", "busy": "bold cyan", "person": "bold yellow", "off": "dim"}


def show(config: ShopConfig, who: str) -> None:
    """Show the bench until `q`. Errors: `Refused` (`shop.data`)."""
    with closing(open_journal(config)) as journal:
        BenchScreen(Bench(config, journal), who).run()


class BenchScreen(App[None]):
    """Three tables and a line; a key says something of the row that is marked. `who`: who sits there."""

    CSS = """
    Screen { background: $surface; }
    .heading { color: $text-muted; text-style: bold; padding: 1 1 0 1; }
    DataTable { height: auto; max-height: 14; background: $surface; }
    DataTable:focus { background: $boost; }
    #loud { padding: 0 1; } #outbox { padding: 1 1; color: $text-muted; }
    """
    TITLE = "commonfab"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "accept", "accept"),
        Binding("x", "decline", "decline"),
        Binding("r", "ready", "ready"),
        Binding("g", "start", "start"),
        Binding("p", "pause", "pause"),
        Binding("u", "resume", "resume"),
        Binding("s", "stop", "STOP"),
        Binding("plus", "good", "good", key_display="+"),
        Binding("minus", "scrap", "scrap", key_display="-"),
        Binding("h", "made", "by hand"),
        Binding("m", "measured", "measured"),
        Binding("t", "minutes", "minutes"),
        Binding("f", "photograph", "photo"),
        Binding("w", "withdraw", "take off"),
        Binding("o", "out_of_order", "broken"),
        Binding("b", "in_service", "back"),
        Binding("q", "quit", "quit"),
    ]

    def __init__(self, bench: Bench, who: str) -> None:
        super().__init__()
        self.bench, self.who = bench, who
        self.desk: Desk = look(bench.config, bench.journal)
        self._shown: dict[str, tuple[tuple[str, ...], ...]] = {}

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield Header(show_clock=True)
        with VerticalScroll(can_focus=False):
            yield Static(id="loud")
            for name, heading in (("machines", "Machines"), ("offers", "Offers"), ("benches", "On the benches")):
                yield Static(heading, classes="heading")
                yield DataTable(id=name, cursor_type="row", zebra_stripes=True)
            yield Static(id="outbox")
        yield Footer()

    def on_mount(self) -> None:
        """Show it, and again every second."""
        self.sub_title = self.desk.shop
        for name, columns in COLUMNS.items():
            self._table(name).add_columns(*columns)
        self.show_desk()
        self._table("machines").focus()
        self.set_interval(REFRESH_SECONDS, self.show_desk)

    def show_desk(self) -> None:
        """Bring everything up to date; tables are written anew only where something differs."""
        self.desk = look(self.bench.config, self.bench.journal)
        loud = [f"RECALLED: {card.title}. {card.why}. Nothing of it starts here any more." for card in self.desk.recalls]
        self.query_one("#loud", Static).update(Text("\n".join(filter(None, [self.desk.agent, *loud])), style="bold red"))
        self._fill("machines", [(card.id, _machine(card)) for card in self.desk.machines])
        self._fill("offers", [(card.order, _offer(card)) for card in self.desk.open_offers])
        self._fill("benches", [(card.order, _bench(card)) for card in self.desk.benches])
        self.query_one("#outbox", Static).update(Text(_outbox(self.desk.outbox)))

    # What the keys say.

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
        if card := self._machine():
            self._sure(f"Start {card.name}: {CONFIRMED[GO]}", lambda: actions.start(self.bench, card.id, self.who))

    def action_resume(self) -> None:
        """Let the marked machine go on."""
        if card := self._machine():
            self._sure(f"Let {card.name} go on: {CONFIRMED[GO]}", lambda: actions.resume(self.bench, card.id, self.who))

    def action_pause(self) -> None:
        """Hold what runs on the marked machine."""
        if card := self._machine():
            self._do(f"{card.id} is told to pause.", actions.pause, card.id, self.who)

    def action_stop(self) -> None:
        """Stop what runs on the marked machine: one key, and nothing is asked."""
        if card := self._machine():
            self._do(f"{card.id} is told to stop.", actions.stop, card.id, self.who)

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

        if order := self._marked("benches"):
            self._ask(f"{order}: how many more are good? Spoiled ones after a stroke: 3/1", made)

    def action_measured(self) -> None:
        """A size as drawn and as it came out."""
        if order := self._marked("benches"):
            self._ask(f"{order}: bore=8.0/8.03", lambda told: actions.measured(self.bench, order, *actions.size_in(told)))

    def action_minutes(self) -> None:
        """Minutes of work, by task."""

        def spent(told: str) -> None:
            task, _, minutes = told.strip().rpartition(" ")
            actions.spent(self.bench, order, task or "finishing", actions.minutes_in(minutes))

        if order := self._marked("benches"):
            self._ask(f"{order}: which task, and how many minutes? finishing 12", spent)

    def action_photograph(self) -> None:
        """A picture that lies on this computer."""
        if order := self._marked("benches"):
            self._ask(f"{order}: the picture's file", lambda told: actions.photograph(self.bench, order, Path(told.strip()).expanduser()))

    def action_withdraw(self) -> None:
        """Take the marked order off the bench."""
        if order := self._marked("benches"):
            self._ask(f"Why is {order} taken off the bench?", lambda note: actions.withdraw(self.bench, order, note))

    def action_out_of_order(self) -> None:
        """Take the marked machine out of service."""
        if card := self._machine():
            self._ask(f"What is wrong with {card.name}?", lambda why: actions.out_of_order(self.bench, card.id, self.who, why))

    def action_in_service(self) -> None:
        """It works again."""
        if card := self._machine():
            self._do(f"{card.id} is back.", actions.back, card.id)

    def _judge(self, good: bool) -> None:
        if order := self._marked("benches"):
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

    def _table(self, name: str) -> DataTable[Text]:
        return self.query_one(f"#{name}", DataTable)

    def _marked(self, name: str) -> str:
        table = self._table(name)
        if not table.row_count:
            self.notify("There is none.", severity="warning")
            return ""
        return str(table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value)

    def _machine(self) -> MachineCard | None:
        return self.desk.machine(self._marked("machines"))

    def _fill(self, name: str, rows: Sequence[tuple[str, tuple[Text, ...]]]) -> None:
        now = tuple((key, *(cell.plain for cell in cells)) for key, cells in rows)
        if self._shown.get(name) == now:
            return
        self._shown[name] = now
        table = self._table(name)
        row = table.cursor_row
        table.clear()
        for key, cells in rows:
            table.add_row(*cells, key=key, height=None)
        table.move_cursor(row=min(row, max(len(rows) - 1, 0)))


def _machine(card: MachineCard) -> tuple[Text, ...]:
    runs = card.running
    what = ""
    if runs is not None:
        piece = f" {runs.piece}/{runs.pieces}" if runs.pieces else ""
        left = f", {minutes_text(runs.remaining_seconds / 60)} left" if runs.remaining_seconds else ""
        what = f"{runs.what}{piece} {runs.progress:.0%}{left}"
    waits = "; ".join([*(one.text for one in card.waits), *(filter(None, [card.fault, card.out_of_service]))])
    return Text(card.name), Text(card.state, STATE_STYLES.get(card.tone, "")), Text(what), Text(waits)


def _offer(card: OfferCard) -> tuple[Text, ...]:
    what = f"{card.quantity} × {card.part or card.title} of {card.title}, {card.size}"
    time = f"{'' if card.measured else 'about '}{minutes_text(card.minutes * card.quantity)}"
    material = f"{card.material} {grams_text(card.grams * card.quantity)}"
    km = "?" if card.km is None else f"{card.km:.1f}"
    return Text(card.order), Text(what), Text(time), Text(material), Text(km), Text("; ".join((*card.why, *card.asks, *card.cannot)))


def _bench(card: BenchCard) -> tuple[Text, ...]:
    made = ", ".join(_counts(card))
    return Text(card.order), Text(card.what), Text(card.machine), Text(made), Text(card.stands)


def _counts(card: BenchCard) -> Iterator[str]:
    yield f"{card.good}/{card.quantity} good"
    if card.scrap:
        yield f"{card.scrap} scrap"
    if card.unjudged:
        yield f"{card.unjudged} to be judged (+ or -)"


def _outbox(card: OutboxCard) -> str:
    since = "not yet been" if card.silent_seconds is None else f"been ({ago_text(card.silent_seconds)})"
    heard = f"The router has {since} heard"
    waits = f"Waits to be sent: {', '.join(card.unsent)}" if card.unsent else "Nothing waits to be sent"
    return f"{heard}{f': {card.trouble}' if card.trouble else ''}. {waits}."
