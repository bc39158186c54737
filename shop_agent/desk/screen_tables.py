# SPDX-License-Identifier: AGPL-3.0-or-later
"""The tables of the terminal screen: a row is a line, and what does not fit there stands below in full for the row that is marked. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from rich.text import Text

from shop_agent.desk.cards import BenchCard, Desk, GivenBackCard, MachineCard, OfferCard, OutboxCard
from shop_agent.desk.of_machines import lies_there
from shop_agent.desk.plain import ago_text, due_text, grams_text, minutes_text, sentence

UPKEEP_HOURS = 10.0

GIVEN_BACK = "given back: "
"""Before the key of what came to nothing: the same order may have been taken once more and be on the benches besides."""


@dataclass(frozen=True)
class Row:
    """One row: its key, its cells, and all of it in words."""

    key: str
    cells: tuple[Text, ...]
    detail: str


@dataclass(frozen=True)
class Table:
    """One table. `columns`: each with its share of the width; `empty`: instead of rows."""

    heading: str
    columns: tuple[tuple[str, int], ...]
    empty: str


TABLES: Mapping[str, Table] = MappingProxyType(
    {
        "machines": Table(
            "Machines",
            (("machine", 5), ("stands", 5), ("what runs", 6), ("waits for", 7)),
            "There are no machines.",
        ),
        "offers": Table(
            "Offers",
            (("what", 8), ("time", 4), ("material", 4), ("km", 2)),
            "No offers now. They come by themselves while the agent runs.",
        ),
        "benches": Table(
            "On the benches",
            (("what", 8), ("machine", 5), ("made", 4), ("stands", 6)),
            "Nothing is on the benches. Accept an offer, or take a walk-in with n.",
        ),
    }
)

STYLES: Mapping[str, str] = MappingProxyType({"good": "bold green", "busy": "bold cyan", "person": "bold yellow", "off": "dim"})


def rows_of(desk: Desk) -> dict[str, list[Row]]:
    """The rows of every table, by its name."""
    return {
        "machines": [_machine(card) for card in desk.machines],
        "offers": [_offer(card) for card in desk.open_offers],
        "benches": [*map(_given_back, desk.given_back), *map(_bench, desk.benches)],
    }


def heading_of(name: str, rows: Sequence[Row], desk: Desk) -> str:
    """A table's heading, with how many there are and how many of them need somebody."""
    needs = sum(card.needs_person for card in desk.machines) if name == "machines" else 0
    return f"{TABLES[name].heading} ({len(rows)}{f', {needs} need somebody' if needs else ''})"


def widths(name: str, room: int) -> list[int]:
    """How wide each column is, in `room` characters, which it fills: each has one character of space on either side."""
    shares = [share for _, share in TABLES[name].columns]
    free = max(room - 2 * len(shares), len(shares))
    made = [max(free * share // sum(shares), 1) for share in shares]
    made[-1] += max(free - sum(made), 0)
    return made


def one_line(words: str, style: str = "") -> Text:
    """Words on one line; what does not fit is cut with "…"."""
    return Text(words, style, no_wrap=True, overflow="ellipsis")


def _machine(card: MachineCard) -> Row:
    waits = [one.text for one in card.waits]
    due = [f"{one.what}: {due_text(one.in_hours)}" for one in card.upkeep if one.in_hours <= UPKEEP_HOURS]
    lacks = [*waits, *filter(None, (card.fault, card.out_of_service)), *due]
    cells = (
        one_line(card.name),
        one_line(card.state, STYLES.get(card.tone, "")),
        one_line(_runs(card)),
        one_line("; ".join(one.removeprefix("somebody to ") for one in lacks)),
    )
    cares = [f"{key} {one}" for one, key in (("unlock", "k"), ("home", "z")) if one in card.cares]
    told = [
        f"{card.name}: {card.state}.",
        *(f"{sentence(one)}." for one in filter(None, (_runs(card), card.reads, card.fault, card.out_of_service or card.why))),
        *(f"Waits for {one}." for one in waits),
        *(f"{sentence(one)}." for one in due),
        f"Help it: {', '.join(cares)}." if cares else "",
        f"There: {', '.join(lies_there(card))}.",
    ]
    return Row(card.id, cells, " ".join(filter(None, told)))


def _runs(card: MachineCard) -> str:
    runs = card.running
    if runs is None:
        return ""
    piece = f" {runs.piece}/{runs.pieces}" if runs.pieces else ""
    if card.by_hand:
        return f"{runs.what}{piece}"
    left = f", {minutes_text(runs.remaining_seconds / 60)} left" if runs.remaining_seconds else ""
    return f"{runs.what}{piece} {runs.progress:.0%}{left}{'' if runs.order else ', not one of ours'}"


def _offer(card: OfferCard) -> Row:
    about = "" if card.measured else "about "
    cells = (
        one_line(f"{card.quantity} × {card.part or card.title} of {card.title}"),
        one_line(f"{about}{minutes_text(card.minutes * card.quantity)}"),
        one_line(f"{card.material} {grams_text(card.grams * card.quantity)}"),
        one_line("?" if card.km is None else f"{card.km:.1f}"),
    )
    told = [
        f"{card.order}: {cells[0].plain} on {card.machine}, {card.size or 'size not known'}, {card.licence or 'no licence said'}.",
        f"“{card.purpose}”" if card.purpose else "",
        "First article." if card.first_article else "",
        *(f"{one}." for one in (*card.against, *card.why, *card.asks)),
        f"No toolpath can be made of it here: {'; '.join(card.cannot)}." if card.cannot else "",
        f"Goes with what is made: {card.notice}" if card.notice else "",
    ]
    return Row(card.order, cells, " ".join(filter(None, told)))


def _bench(card: BenchCard) -> Row:
    made = ", ".join(_counts(card))
    what = f"{'walk-in: ' if card.walk_in else ''}{card.what}"
    cells = (one_line(what), one_line(card.machine), one_line(made), one_line(card.stands))
    told = [
        f"{card.order}: {what}, on {card.machine}: {made}. {sentence(card.stands)}.",
        f"{card.cut_off_text} (+)." if card.cut_off else "",
        f"Toolpath: {card.toolpath}." if card.toolpath else "",
        "Bring a toolpath with l." if card.brings and card.needs_toolpath else "",
        f"{card.photographs} photographs, {len(card.sizes)} sizes." if card.photographs or card.sizes else "",
    ]
    return Row(card.order, cells, " ".join(filter(None, told)))


def _given_back(card: GivenBackCard) -> Row:
    what = f"{'walk-in: ' if card.walk_in else ''}{card.what}"
    cells = (one_line(what), one_line(card.machine), one_line(""), one_line(card.ended, STYLES["person"]))
    why = " ".join(f"{why}. {remedy}".strip() for why, remedy in card.why)
    again = "The signed report is kept: once the router is mended, e sends it again. " if card.resends else ""
    told = f"{card.order}: {what}, on {card.machine}: {card.ended}. {why} {again}Press d once you have read it."
    return Row(f"{GIVEN_BACK}{card.order}", cells, told)


def _counts(card: BenchCard) -> Iterator[str]:
    yield f"{card.good}/{card.quantity} good"
    if card.scrap:
        yield f"{card.scrap} scrap"
    if card.unjudged:
        yield f"{card.unjudged} to be judged (+ or -)"


def outbox_line(card: OutboxCard) -> str:
    """Whether the router is heard, and what waits to be sent."""
    known = card.silent_seconds is not None
    heard = f"The router was heard {ago_text(card.silent_seconds or 0.0)}" if known else "The router has not been heard yet"
    waits = f"Waits to be sent: {', '.join(card.unsent)}" if card.unsent else "Nothing waits to be sent"
    return f"{heard}{f': {card.trouble}' if card.trouble else ''}. {waits}."
