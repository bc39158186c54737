# SPDX-License-Identifier: AGPL-3.0-or-later
"""What was accepted and is not made yet: no second order counts on the same spool."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_shop import offer, write_shop

from commonfab import v1
from shop_agent.answering import answer_to
from shop_agent.config import ShopConfig, load_config
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.records import Toolpath
from shop_agent.journal.settling import note_offers, settle
from shop_agent.people.stock_left import StockLeft, note_listed
from shop_agent.policy import Answer
from shop_agent.shop_toml.machine_section import described


@pytest.fixture
def config(tmp_path: Path) -> ShopConfig:
    """A shop with 105 g of PLA on its one machine."""
    file = write_shop(tmp_path)
    told = file.read_text(encoding="utf-8").replace("speed_factor", 'stock = [{ material = "pla", grams = 105 }]\nspeed_factor', 1)
    file.write_text(told, encoding="utf-8")
    return load_config(file)


@pytest.fixture
def journal(config: ShopConfig) -> Iterator[Journal]:
    with contextlib.closing(open_journal(config)) as opened:
        note_listed(opened, config.machine[0])
        yield opened


def offered(journal: Journal, *orders: str, grams: float = 20) -> None:
    """Offers of three pieces, each measured."""
    with journal.change() as connection:
        note_offers(connection, [offer(order, quantity=3) for order in orders], 0.0)
    for order in orders:
        journal.note_quote(order, Toolpath("f", "s", 600, grams))


def answers(journal: Journal, config: ShopConfig) -> dict[str, Answer]:
    return {record.offer.work_order_id: answer_to(record, config, journal).answer for record in journal.unconsidered()}


def test_of_two_orders_that_both_fit_the_spool_alone_only_the_first_is_taken(journal: Journal, config: ShopConfig) -> None:
    offered(journal, "wo-1", "wo-2")
    assert answers(journal, config) == {"wo-1": Answer.ACCEPT, "wo-2": Answer.ACCEPT}
    journal.decide("wo-1", accept=True)  # the router has not even heard it
    assert answers(journal, config) == {"wo-2": Answer.DECLINE}


def test_what_lies_on_the_bench_is_promised_until_it_is_used_and_then_it_is_counted_once(journal: Journal, config: ShopConfig) -> None:
    offered(journal, "wo-1")
    journal.decide("wo-1", accept=True)
    (event,) = journal.unsettled()
    accepted = v1.Receipt(event_id=event.id, attempt=v1.AttemptRef(work_order_id="wo-1", number=1, epoch=1))
    with journal.change() as connection:
        settle(connection, accepted)
    free = StockLeft(journal, config.machine[0])
    assert [one.grams for one in described(free.now()).stock] == [40]  # 105 less 60, in steps of ten
    with journal.change() as connection:
        connection.execute("INSERT INTO pieces (attempt, number, state, began_at, grams) VALUES (1, 1, 'good', 0, 20)")
        connection.execute("INSERT INTO pieces (attempt, number, state, began_at, grams) VALUES (1, 2, 'scrap', 0, 5)")
    assert [one.grams for one in described(free.now()).stock] == [40]  # 105 less 25 used, less 40 for two more
    with journal.change() as connection:
        connection.execute("UPDATE attempts SET ended = 'release'")
    assert [one.grams for one in described(free.now()).stock] == [80]


def test_what_is_left_is_weighed_to_the_gram_where_an_order_is_answered(journal: Journal, config: ShopConfig) -> None:
    """105 g less 60 g are 45 g, of which the router hears 40: three pieces of 15 g still fit."""
    offered(journal, "wo-1", "wo-2")
    journal.note_quote("wo-2", Toolpath("f", "s", 600, 15))
    journal.decide("wo-1", accept=True)
    assert answers(journal, config) == {"wo-2": Answer.ACCEPT}
