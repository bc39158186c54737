# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is left of the stock: counted by people, used by pieces, told to the router in steps."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clocks import ManualClock
from small_shop import offer, shop

from commonfab import v1
from commonfab.errors import Refused
from shop_agent.journal.book import Journal, open_journal
from shop_agent.people.stock_left import StockLeft, as_left, count, grams_left, note_listed
from shop_agent.shop_toml.machine_section import MachineSection, described


@pytest.fixture
def journal(tmp_path: Path, manual_clock: ManualClock) -> Iterator[Journal]:
    with contextlib.closing(open_journal(shop(tmp_path), manual_clock)) as opened:
        yield opened


def printer(**told: Any) -> MachineSection:
    keys = {"id": "mk3", "envelope_mm": (200, 200, 200), "stock": ({"material": "pla", "grams": 755}, {"material": "petg"})}
    return MachineSection.model_validate(keys | told)


def make(journal: Journal, order: str, *grams: float, material: str = "pla", machine: str = "mk3") -> None:
    """Pieces of an order that used so much."""
    wanted = offer(order, requirement=v1.Requirement(process="fdm", material=material))
    with journal.change() as connection:
        row = connection.execute(
            "INSERT INTO attempts (work_order_id, number, epoch, offer, machine_id) VALUES (?, 1, 1, ?, ?)",
            (order, wanted.SerializeToString(), machine),
        ).lastrowid
        rows = [(row, number, used) for number, used in enumerate(grams)]
        connection.executemany("INSERT INTO pieces (attempt, number, state, began_at, grams) VALUES (?, ?, 'good', 0, ?)", rows)


def stock(journal: Journal, facts: MachineSection) -> list[tuple[str, float, int]]:
    """As the router hears it."""
    return [(one.material, one.grams, one.pieces) for one in described(as_left(journal, facts)).stock]


def test_an_amount_of_shop_toml_goes_down_by_what_pieces_use_in_steps_of_ten_grams(journal: Journal) -> None:
    facts = printer()
    make(journal, "wo-0", 300)  # before that amount was written down
    note_listed(journal, facts)
    assert stock(journal, facts) == [("pla", 755, 0), ("petg", 0, 0)]
    make(journal, "wo-1", 4.5, 4.5)
    make(journal, "wo-2", 90, material="petg")
    make(journal, "wo-3", 90, machine="another")
    assert stock(journal, facts) == [("pla", 740, 0), ("petg", 0, 0)]
    note_listed(journal, facts)  # an agent that starts again with the same file counts nothing anew
    assert stock(journal, facts) == [("pla", 740, 0), ("petg", 0, 0)]
    assert grams_left(journal, facts) == {"pla": 746}


def test_what_a_person_counted_last_holds_until_shop_toml_says_something_new(journal: Journal) -> None:
    facts = printer()
    note_listed(journal, facts)
    make(journal, "wo-1", 100)
    count(journal, facts, "PLA", 1000, 0, "Lena")
    make(journal, "wo-2", 50)
    assert stock(journal, facts) == [("pla", 950, 0), ("petg", 0, 0)]
    note_listed(journal, facts)
    assert stock(journal, facts)[0] == ("pla", 950, 0)
    bought = printer(stock=({"material": "pla", "grams": 2000},))
    note_listed(journal, bought)
    assert stock(journal, bought) == [("pla", 2000, 0)]


def test_what_is_used_up_is_not_on_hand_and_never_an_amount_of_nothing(journal: Journal) -> None:
    facts = printer(stock=({"material": "pla", "grams": 100},), materials=("pla", "asa"), loaded="pla")
    note_listed(journal, facts)
    make(journal, "wo-1", 95)
    told = described(as_left(journal, facts))
    assert list(told.materials) == ["asa"] and not told.stock and not told.loaded
    only = printer(stock=({"material": "pla", "grams": 100},))
    assert list(described(as_left(journal, only)).materials) == []


def test_of_two_spools_the_first_is_used_up_first(journal: Journal) -> None:
    facts = printer(stock=({"material": "pla", "grams": 100}, {"material": "pla", "grams": 750}))
    note_listed(journal, facts)
    make(journal, "wo-1", 30)
    assert stock(journal, facts) == [("pla", 70, 0), ("pla", 750, 0)]
    make(journal, "wo-2", 80)
    assert stock(journal, facts) == [("pla", 740, 0)]


def test_sheets_are_counted_by_people_only(journal: Journal) -> None:
    facts = printer(stock=({"material": "plywood", "thickness_mm": 4, "size_mm": (600, 300), "pieces": 3},), materials=("card",))
    note_listed(journal, facts)
    make(journal, "wo-1", 500, material="plywood")
    assert stock(journal, facts) == [("plywood", 0, 3)]
    count(journal, facts, "plywood", 0, 1, "Lena")
    (sheet,) = described(as_left(journal, facts)).stock
    assert (sheet.pieces, sheet.thickness_mm, sheet.size_mm.x) == (1, 4, 600)
    count(journal, facts, "plywood", 0, 0, "Lena")
    assert list(described(as_left(journal, facts)).materials) == ["card"]


def test_what_is_not_there_or_lies_there_in_several_sizes_cannot_be_counted(journal: Journal) -> None:
    sheets = tuple({"material": "plywood", "thickness_mm": thick, "pieces": 3} for thick in (4, 6))
    for material in ("steel", "plywood"):
        with pytest.raises(Refused) as refused:
            count(journal, printer(stock=sheets), material, 0, 2, "Lena")
        assert refused.value.code == "shop.no_stock"


def test_it_is_worked_out_again_only_where_the_journal_changed(journal: Journal) -> None:
    left = StockLeft(journal, printer())
    first = left.now()
    assert left.now() is first
    note_listed(journal, printer())
    make(journal, "wo-1", 100)
    assert left.now().stock[0].grams == 650


def test_a_material_that_nobody_listed_can_be_counted_and_is_told_then(journal: Journal) -> None:
    facts = printer(stock=(), materials=("pla",))
    assert as_left(journal, facts) is facts
    count(journal, facts, "pla", 500, 0, "Lena")
    assert stock(journal, facts) == [("pla", 500, 0)]
    make(journal, "wo-1", 495)
    assert list(described(as_left(journal, facts)).materials) == []
