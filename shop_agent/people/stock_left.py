# SPDX-License-Identifier: AGPL-3.0-or-later
"""How much of each stock is left: what shop.toml says, or a person counted last, less what pieces have used since then.

What is weighed goes down by the grams of each piece that was made or spoiled. Sheets, bars and other pieces are counted by people only: how
much of a sheet a job took, nobody but them sees. What is used up is no longer on hand, because an amount of 0 would mean "not said".
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from commonfab import materials, v1
from commonfab.errors import Refused
from shop_agent.journal.book import Journal
from shop_agent.journal.sums import used_by
from shop_agent.people.promised import promised_grams
from shop_agent.shop_toml.machine_section import MachineSection
from shop_agent.shop_toml.sections import StockSection

STEP_GRAMS = 10.0
"""What is left is told in such steps, rounded down: a router plans anew whenever a shop says something else."""

OF_CONFIG = "shop.toml"


@dataclass(frozen=True)
class Count:
    """How much there was. `used_grams`: what pieces had used until then; `listed_grams` and `listed_pieces`: what shop.toml said then."""

    grams: float
    pieces: int
    used_grams: float
    listed_grams: float
    listed_pieces: int


def note_listed(journal: Journal, facts: MachineSection) -> None:
    """At the agent's start: an amount that is new in shop.toml counts from now on, whatever was counted before."""
    counts, used = _counts(journal, facts.id), _used(journal, facts)
    for material, listed in _listed(facts).items():
        found = counts.get(material)
        if _is_said(listed) and (found is None or not _is_of(found, listed)):
            _write(journal, facts.id, material, OF_CONFIG, _grams(listed), _pieces(listed), listed, used[material])


def count(journal: Journal, facts: MachineSection, material: str, grams: float, pieces: int, who: str) -> None:
    """A person says how much there is: grams of what is weighed, or pieces of what is counted; 0 of both is nothing.

    Errors: `Refused` (`shop.no_stock`) where the machine has no such material, or has it in several sizes.
    """
    name = materials.canonical(material)
    listed = _listed(facts).get(name, [])
    if name not in map(materials.canonical, facts.on_hand):
        raise Refused("shop.no_stock", f"'{material}' (it knows {', '.join(facts.on_hand)})")
    if len({(one.thickness_mm, one.size_mm) for one in listed}) > 1:
        raise Refused("shop.no_stock", f"'{material}' in one size only")
    _write(journal, facts.id, name, who, max(grams, 0.0), max(pieces, 0), listed, _used(journal, facts)[name])


def as_left(journal: Journal, facts: MachineSection, step_grams: float = STEP_GRAMS) -> MachineSection:
    """The machine with what is left of its stock, and without what is used up. Parameters: `step_grams`, as for `as_free`."""
    return _without(journal, facts, {}, step_grams)


def as_free(journal: Journal, facts: MachineSection, step_grams: float = 0.0) -> MachineSection:
    """The machine with what is left of its stock and not promised to accepted work, without what is all gone or promised.

    Parameters: `step_grams`, what is left is rounded down to a multiple of it; 0 for not at all.
    """
    return _without(journal, facts, promised_grams(journal, facts), step_grams)


def _without(journal: Journal, facts: MachineSection, promised: Mapping[str, float], step_grams: float) -> MachineSection:
    counts = _counts(journal, facts.id)
    if not facts.stock and not counts:
        return facts
    used, gone = _used(journal, facts), set[str]()
    stock: list[StockSection] = []
    listed = _listed(facts)
    for material in dict.fromkeys([*listed, *sorted(counts)]):
        entries, found = listed.get(material, []), counts.get(material)
        left = _left(material, entries, found, used[material] + promised.get(material, 0.0), step_grams)
        if left is None:
            gone.add(material)
        else:
            stock += left
    on_hand = tuple(one for one in facts.materials if materials.canonical(one) not in gone)
    loaded = "" if materials.canonical(facts.loaded) in gone else facts.loaded
    return facts.model_copy(
        update={
            "stock": tuple(stock),
            "materials": on_hand,
            "loaded": loaded,
        }
    )


def grams_left(journal: Journal, facts: MachineSection) -> dict[str, float]:
    """Grams of each material that is weighed, not rounded; 0 where it is used up."""
    counts, used = _counts(journal, facts.id), _used(journal, facts)
    listed = _listed(facts)
    found = {}
    for material in listed.keys() | counts.keys():
        entries, counted = listed.get(material, []), counts.get(material)
        if counted is not None and _is_of(counted, entries):
            if counted.grams or (counted.listed_grams and not counted.pieces):
                found[material] = max(counted.grams - (used[material] - counted.used_grams), 0.0)
        elif _grams(entries):
            found[material] = _grams(entries)
    return found


class StockLeft:
    """What is free of one machine's stock, as the router is told: worked out again only where the journal has changed."""

    def __init__(self, journal: Journal, facts: MachineSection) -> None:
        self._journal = journal
        self._facts = facts
        self._seen: tuple[int, int] | None = None
        self._left = facts

    def now(self) -> MachineSection:
        """The machine with what is left of its stock and promised to nobody."""
        stamp = (self._journal.stamp(), self._journal.connection.total_changes)
        if stamp != self._seen:
            self._left, self._seen = as_free(self._journal, self._facts, STEP_GRAMS), stamp
        return self._left


def _left(material: str, entries: list[StockSection], counted: Count | None, used: float, step_grams: float) -> list[StockSection] | None:
    """What is left of one material, entry by entry; None where it is used up."""
    if counted is None or not _is_of(counted, entries):
        return entries
    gone = max(used - counted.used_grams, 0.0)
    whole, left = _grams(entries), counted.grams - gone
    if _weighed(entries) and left <= whole and counted.pieces == _pieces(entries):
        return _taken_off(entries, whole - left, step_grams)
    if entries and not _weighed(entries) and counted.grams == whole and counted.pieces == _pieces(entries):
        return entries  # of some of it nobody said how much there is
    left = _rounded(left, step_grams)
    if left <= 0 and not counted.pieces:
        return None
    first = entries[0] if entries else StockSection(material=material)
    return [first.model_copy(update={"grams": max(left, 0.0), "pieces": counted.pieces})]


def _taken_off(entries: Iterable[StockSection], grams: float, step_grams: float) -> list[StockSection] | None:
    """What was used was taken from the first spool until it was empty, and then from the next."""
    found = []
    for one in entries:
        taken = min(one.grams, grams)
        grams -= taken
        left = _rounded(one.grams - taken, step_grams) if taken else one.grams
        if left > 0:
            found.append(one.model_copy(update={"grams": left}) if taken else one)
    return found or None


def _rounded(grams: float, step_grams: float) -> float:
    return math.floor(grams / step_grams) * step_grams if step_grams else grams


def _listed(facts: MachineSection) -> dict[str, list[StockSection]]:
    found: dict[str, list[StockSection]] = defaultdict(list)
    for one in facts.stock:
        found[materials.canonical(one.material)].append(one)
    return dict(found)


def _grams(entries: Iterable[StockSection]) -> float:
    return sum(one.grams for one in entries)


def _pieces(entries: Iterable[StockSection]) -> int:
    return sum(one.pieces for one in entries)


def _weighed(entries: list[StockSection]) -> bool:
    return bool(entries) and all(one.grams > 0 for one in entries)


def _is_said(entries: list[StockSection]) -> bool:
    return _grams(entries) > 0 or _pieces(entries) > 0


def _is_of(counted: Count, entries: list[StockSection]) -> bool:
    """Whether shop.toml still says what it said when that was counted."""
    return counted.listed_grams == _grams(entries) and counted.listed_pieces == _pieces(entries)


def _used(journal: Journal, facts: MachineSection) -> dict[str, float]:
    """Grams that pieces of a machine have used so far, by material."""
    found: dict[str, float] = defaultdict(float)
    for material, grams in used_by(journal.connection, facts.id).items():
        from shop_agent.slicing import material_for  # a machine that has made nothing yet does without the files of slicing

        found[materials.canonical(material_for(v1.Offer(requirement=v1.Requirement(material=material)), facts))] += grams
    return found


def _counts(journal: Journal, machine_id: str) -> dict[str, Count]:
    rows = journal.connection.execute("SELECT * FROM stock_counts WHERE machine_id = ?", (machine_id,))
    return {
        row["material"]: Count(row["grams"], row["pieces"], row["used_grams"], row["listed_grams"], row["listed_pieces"]) for row in rows
    }


def _write(
    journal: Journal, machine_id: str, material: str, who: str, grams: float, pieces: int, listed: list[StockSection], used: float
) -> None:
    with journal.change() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO stock_counts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (machine_id, material, grams, pieces, who, journal.clock.now(), used, _grams(listed), _pieces(listed)),
        )
