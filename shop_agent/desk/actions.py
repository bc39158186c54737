# SPDX-License-Identifier: AGPL-3.0-or-later
"""What people say at a desk: each a plain function that writes it into the journal. The web page, the terminal screen and the command
line call these and nothing else, so whatever one of them may do the others may, by the same rules.
"""

from __future__ import annotations

import math
import sqlite3
import tempfile
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from commonfab.errors import Refused
from shop_agent import answering
from shop_agent.bench.obeying import CARES, CARES_OF
from shop_agent.config import ShopConfig
from shop_agent.desk.cards import PEOPLE_TELL
from shop_agent.journal import given_back, reports, words
from shop_agent.journal.book import EVERYTHING, Journal, open_journal
from shop_agent.journal.records import Toolpath
from shop_agent.journal.store import impatient
from shop_agent.journal.words import Kind
from shop_agent.people import accounts, bringing, judging, service_modes, stock_left, upkeep
from shop_agent.people.picture_kinds import HEAD_BYTES, picture_ending, picture_ending_of
from shop_agent.people.service_modes import Mode
from shop_agent.people.shouting import Shout, shout
from shop_agent.shop_toml.machine_section import GO, MachineSection

MOST_PIECES = 10_000
MOST_MINUTES = 100_000.0
MOST_GRAMS = 1_000_000.0


@dataclass(frozen=True)
class Bench:
    """Where things are said: the shop and its journal."""

    config: ShopConfig
    journal: Journal

    def machine(self, machine_id: str) -> MachineSection:
        """A machine of the shop. Errors: `Refused` (`command.machine`)."""
        facts = self.config.machine_of(machine_id)
        if facts is None:
            raise Refused("command.machine", machine_id)
        return facts


# Offers.


def accept(bench: Bench, order: str) -> None:
    """Take an offer. Errors: `Refused` (`shop.unanswered`, or why it cannot be made here as things stand)."""
    answering.accept(order, bench.config, bench.journal)


def decline(bench: Bench, order: str, note: str = "") -> None:
    """Do not take it. `note`: why; the requester sees it. Errors: `Refused` (`shop.unanswered`)."""
    bench.journal.decide(order, accept=False, note=note.strip())


def withdraw(bench: Bench, order: str, note: str = "") -> None:
    """Take accepted work off the bench. Errors: `Refused` (`shop.no_attempt`)."""
    bench.journal.withdraw(order, note.strip())


def dismiss(bench: Bench, order: str) -> None:
    """Somebody has read why it came to nothing. Errors: `Refused` (`shop.not_given_back`)."""
    given_back.dismiss(bench.journal, order)


def resend(bench: Bench, order: str) -> None:
    """Send the signed report of an order again, as after a router was mended or restored. Errors: `Refused` (`shop.no_report`)."""
    reports.resend(bench.journal, order)


# Machines.


def ready(bench: Bench, machine_id: str, who: str, confirms: Iterable[str] = EVERYTHING) -> None:
    """Say what is so at a machine: "bed", "stock", "tool". An additive machine for which an order waits starts thereupon.

    Errors: `Refused` (`command.machine`, `machine.busy`).
    """
    bench.journal.mark_ready(bench.machine(machine_id).id, _name(who), set(confirms) - {GO})


def start(bench: Bench, machine_id: str, who: str) -> None:
    """Say, standing at the machine, that it may begin now. Good for a minute and for one start.

    Errors: `Refused` (`command.machine`, `machine.busy`).
    """
    bench.journal.mark_ready(bench.machine(machine_id).id, _name(who), {GO})


def pause(bench: Bench, machine_id: str, who: str) -> bool:
    """Hold what runs. Answers and errors: as `stop`."""
    return _halt(bench, machine_id, Kind.PAUSE, who)


def resume(bench: Bench, machine_id: str, who: str) -> None:
    """Go on with what is held; good for a minute. Errors: `Refused` (`command.machine`)."""
    words.say(bench.journal, bench.machine(machine_id).id, Kind.RESUME, _name(who))


def stop(bench: Bench, machine_id: str, who: str) -> bool:
    """Stop what runs of ours, and begin nothing before that is done. It is no emergency stop.

    Answers whether it stands in the journal; where that cannot be written, the running agent was told past it. Errors: `Refused`
    (`command.machine`; `shop.unwritten`, where no agent runs that could be told).
    """
    return _halt(bench, machine_id, Kind.STOP, who)


def home(bench: Bench, machine_id: str, who: str) -> None:
    """Let a machine that is not at work find its zero again; good for a minute.

    Errors: `Refused` (`command.machine`, `machine.no_such_care`).
    """
    _care(bench, machine_id, Kind.HOME, who)


def unlock(bench: Bench, machine_id: str, who: str) -> None:
    """Take the lock of an alarm off; good for a minute. Errors: `Refused` (`command.machine`, `machine.no_such_care`)."""
    _care(bench, machine_id, Kind.UNLOCK, who)


def drain(bench: Bench, machine_id: str, who: str, why: str = "") -> None:
    """It takes no new work; what was accepted is made. Errors: `Refused` (`command.machine`)."""
    _take_out(bench, machine_id, Mode.DRAIN, why, who)


def out_of_order(bench: Bench, machine_id: str, who: str, why: str) -> None:
    """It is broken: nothing is started. Errors: `Refused` (`command.machine`)."""
    _take_out(bench, machine_id, Mode.OUT_OF_ORDER, why, who)


def maintenance(bench: Bench, machine_id: str, who: str, why: str = "") -> None:
    """It is being looked after: nothing is started. Errors: `Refused` (`command.machine`)."""
    _take_out(bench, machine_id, Mode.MAINTENANCE, why, who)


def back(bench: Bench, machine_id: str) -> None:
    """It takes work again, unless shop.toml says otherwise. Errors: `Refused` (`command.machine`)."""
    service_modes.bring_back(bench.journal, bench.machine(machine_id).id)


def maintained(bench: Bench, machine_id: str, what: str, who: str) -> None:
    """What must be done now and then was done. Errors: `Refused` (`command.machine`, `shop.no_upkeep`)."""
    upkeep.note_done(bench.journal, bench.machine(machine_id), what, _name(who))


def counted(bench: Bench, machine_id: str, material: str, grams: float, pieces: int, who: str) -> None:
    """So much of a material is left at a machine, by weight or by count. Errors: `Refused` (`command.machine`, `shop.no_stock`,
    `desk.number`)."""
    if not (math.isfinite(grams) and 0 <= grams <= MOST_GRAMS and 0 <= pieces <= MOST_PIECES):
        raise Refused("desk.number", f"{grams:g} g, {pieces} pieces")
    stock_left.count(bench.journal, bench.machine(machine_id), material, grams, pieces, _name(who))


# What was made.


def judge(bench: Bench, order: str, good: bool, who: str, piece: int | None = None) -> int:
    """Say whether a piece that was made is good; answers its number. Errors: `Refused` (`shop.no_attempt`, `shop.no_piece`)."""
    return judging.judge(bench.journal, order, good, _name(who), piece)


def made(bench: Bench, order: str, good: int, scrap: int, who: str) -> None:
    """So many more pieces were made by hand.

    Errors: `Refused` (`shop.no_attempt`, `machine.tells_itself`, `desk.number`; `shop.not_begun`, `shop.too_many`, because what is told
    then would not be counted, and nobody would know).
    """
    for amount in (good, scrap):
        if not 0 <= amount <= MOST_PIECES:
            raise Refused("desk.number", f"{amount} pieces")
    if not good and not scrap:
        raise Refused("desk.number", "0 pieces")
    attempt = next((one for one in bench.journal.attempts() if one.ref.work_order_id == order and not one.ended), None)
    if attempt is None:
        raise Refused("shop.no_attempt", order)
    machine = bench.machine(attempt.machine_id)
    if not person_tells(machine):
        raise Refused("machine.tells_itself", machine.id)
    if not attempt.leave:
        raise Refused("shop.not_begun", order)
    told = sum(word.amount for word in words.unheard(bench.journal, machine.id) if word.kind is Kind.GOOD)
    remain = max(attempt.offer.quantity - attempt.good - attempt.unjudged - told, 0)
    if good > remain:
        raise Refused("shop.too_many", order, remain=remain, told=good)
    # The report goes off with the last good piece: what was spoiled on the way to it is told before.
    last = 1 if scrap and good == remain else 0
    for kind, amount in ((Kind.GOOD, good - last), (Kind.SCRAP, scrap), (Kind.GOOD, last)):
        if amount > 0:
            words.say(bench.journal, machine.id, kind, _name(who), amount)


def spent(bench: Bench, order: str, task: str, minutes: float) -> None:
    """People spent so many minutes on a task; whose they were is not kept. Errors: `Refused` (`shop.no_attempt`, `desk.number`)."""
    if not (math.isfinite(minutes) and 0 < minutes <= MOST_MINUTES):
        raise Refused("desk.number", f"{minutes:g} minutes")
    accounts.note_time(bench.journal, order, task.strip() or accounts.TASKS[0], minutes)


def measured(bench: Bench, order: str, name: str, nominal_mm: float, measured_mm: float) -> None:
    """A size as drawn and as it came out, mm. Errors: `Refused` (`shop.no_attempt`, `desk.size`, `desk.number`)."""
    if not name.strip():
        raise Refused("desk.size", "a size without a name")
    for value in (nominal_mm, measured_mm):
        if not (math.isfinite(value) and 0 <= value <= 100_000):
            raise Refused("desk.number", f"{value:g} mm")
    accounts.note_size(bench.journal, order, accounts.Size(name.strip(), nominal_mm, measured_mm))


def count_in(text: str) -> int:
    """How many pieces a text says. Errors: `Refused` (`desk.number`)."""
    try:
        return int(text.strip())
    except ValueError:
        raise Refused("desk.number", f"'{text}'") from None


def minutes_in(text: str) -> float:
    """How many minutes a text says; a comma will do for the point. Errors: `Refused` (`desk.number`)."""
    return _figure_in(text)


def grams_in(text: str) -> float:
    """How many grams a text says. Errors: `Refused` (`desk.number`)."""
    return _figure_in(text)


def left_in(grams: str, pieces: str) -> tuple[float, int]:
    """How much a person says is left, by weight and by count.

    Errors: `Refused` (`desk.number`), also where neither is said: that nothing is left is a 0, and an empty line is a touch too early.
    """
    if not grams.strip() and not pieces.strip():
        raise Refused("desk.number", "''")
    return grams_in(grams.strip() or "0"), count_in(pieces.strip() or "0")


def _figure_in(text: str) -> float:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        raise Refused("desk.number", f"'{text}'") from None


def size_in(text: str) -> tuple[str, float, float]:
    """Name, nominal and measured mm of "bore=8.0/8.03"; a comma will do for the point. Errors: `Refused` (`desk.size`)."""
    name, equals, figures = text.partition("=")
    nominal, slash, came_out = figures.replace(",", ".").partition("/")
    try:
        if not (name.strip() and equals and slash):
            raise ValueError(text)
        return name.strip(), float(nominal), float(came_out)
    except ValueError:
        raise Refused("desk.size", f"'{text}'") from None


def photograph(bench: Bench, order: str, picture: Path) -> str:
    """Keep a picture of what was made, as it is; answers its SHA-256.

    Errors: `Refused` (`shop.no_attempt`, `shop.photograph`, `shop.not_a_picture`); `OSError`.
    """
    if not picture_ending_of(picture):
        raise Refused("shop.not_a_picture", picture.name)
    return accounts.note_photograph(bench.journal, order, picture, bench.config.data_dir)


def photograph_sent(bench: Bench, order: str, name: str, content: bytes) -> str:
    """The same for a picture that a browser sent, under the name it had there; its ending is that of what it is."""
    ending = picture_ending(content[:HEAD_BYTES])
    if not ending:
        raise Refused("shop.not_a_picture", name[:80])
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / f"photograph{ending}"
        picture.write_bytes(content)
        return photograph(bench, order, picture)


# Toolpaths that people bring.


def bring(bench: Bench, order: str, file: Path) -> Toolpath:
    """Take a toolpath that was made elsewhere; every line of it is checked, and it waits for a person.

    Errors: `Refused` (`shop.no_attempt`, `machine.gone`, `toolpath.not_wanted`); `gcode.ToolpathRefused`, with a reason a line; `OSError`.
    """
    return bringing.bring(bench.journal, bench.config, order, file)


def bring_beside(config: ShopConfig, order: str, file: Path) -> Toolpath:
    """The same from a thread of its own, so that a page goes on while a long toolpath is read."""
    with closing(open_journal(config)) as journal:
        return bring(Bench(config, journal), order, file)


def person_tells(facts: MachineSection) -> bool:
    """Whether people say when a piece is done on this machine, because it cannot."""
    return facts.control in PEOPLE_TELL


def _take_out(bench: Bench, machine_id: str, mode: Mode, why: str, who: str) -> None:
    service_modes.take_out(bench.journal, bench.machine(machine_id).id, mode, why.strip(), _name(who))


def _halt(bench: Bench, machine_id: str, kind: Kind, who: str) -> bool:
    machine = bench.machine(machine_id).id
    try:
        with impatient(bench.journal.connection):
            words.say(bench.journal, machine, kind, _name(who))
    except sqlite3.Error as error:
        shout(bench.config.data_dir, Shout(machine, kind, _name(who)), str(error))
        return False
    return True


def _name(who: str) -> str:
    return " ".join(who.split())[:80] or "somebody"


def _care(bench: Bench, machine_id: str, kind: Kind, who: str) -> None:
    facts = bench.machine(machine_id)
    if CARES[kind] not in CARES_OF.get(facts.control, ()):
        raise Refused("machine.no_such_care", f"{facts.id}: {kind}")
    words.say(bench.journal, facts.id, kind, _name(who))
