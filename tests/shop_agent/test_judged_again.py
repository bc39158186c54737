# SPDX-License-Identifier: AGPL-3.0-or-later
"""An offer that waits for its owner is judged as things stand when it is shown and when it is taken, and not as they stood when it came."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_shop import offer, write_shop

from commonfab.errors import Refused
from shop_agent import answering
from shop_agent.answering import answer_offers
from shop_agent.config import PolicySection, ShopConfig, load_config
from shop_agent.desk import actions
from shop_agent.desk.actions import Bench
from shop_agent.desk.view import look
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.records import OfferRecord, Toolpath
from shop_agent.journal.settling import note_offers
from shop_agent.people.service_modes import Mode, take_out
from shop_agent.people.stock_left import note_listed
from shop_agent.shop_toml.machine_section import MachineSection


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An owner who wants to be asked, 105 g of PLA, and two offers of 60 g each that she was shown."""
    file = write_shop(tmp_path, accept="ask")
    told = file.read_text(encoding="utf-8").replace("speed_factor", 'stock = [{ material = "pla", grams = 105 }]\nspeed_factor', 1)
    file.write_text(told, encoding="utf-8")
    config = load_config(file)
    with contextlib.closing(open_journal(config)) as journal:
        note_listed(journal, config.machine[0])
        with journal.change() as connection:
            note_offers(connection, [offer(order, quantity=3) for order in ("wo-1", "wo-2")], 0.0)
        for order in ("wo-1", "wo-2"):
            journal.note_quote(order, Toolpath("f", "s", 600, 20))
        answer_offers(journal, config)
        yield Bench(config, journal)


def against(bench: Bench) -> dict[str, tuple[str, ...]]:
    return {card.order: card.against for card in look(bench.config, bench.journal).open_offers}


def test_an_offer_whose_spool_went_to_another_order_says_so_and_is_not_taken(bench: Bench) -> None:
    assert against(bench) == {"wo-1": (), "wo-2": ()}
    actions.accept(bench, "wo-1")
    why = "3 pieces take 60 g of pla; 105 g are there, and 60 g of them are promised to work that was accepted"
    assert against(bench) == {"wo-2": (why,)}
    with pytest.raises(Refused) as refused:
        actions.accept(bench, "wo-2")
    assert refused.value.code == "stock.promised" and "commonfab shop stock" in refused.value.remedy
    assert [card.order for card in look(bench.config, bench.journal).open_offers] == ["wo-2"]  # it still waits for her answer


@pytest.mark.parametrize("first", ["the owner", "the policy"])
def test_two_who_take_two_offers_at_the_same_moment_do_not_both_count_on_the_last_spool(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    """The other one, on a connection of her own, says yes at the worst moment: while this one has judged and not yet answered."""
    config = bench.config.model_copy(update={"policy": PolicySection(accept="always")})
    stocked, said = answering._stock_of, threading.Event()
    others: list[threading.Thread] = []

    def other() -> None:
        with contextlib.closing(open_journal(config)) as journal, contextlib.suppress(Refused):
            answering.accept("wo-2", config, journal)
        said.set()

    def stock_and_wait(record: OfferRecord, config: ShopConfig, journal: Journal) -> tuple[ShopConfig, MachineSection | None]:
        found = stocked(record, config, journal)
        if not others:
            others.append(threading.Thread(target=other))
            others[0].start()
            said.wait(0.5)  # where nothing holds her back she is done by then
        return found

    with bench.journal.change() as connection:
        connection.execute("UPDATE offers SET considered = (work_order_id != 'wo-1')")
    monkeypatch.setattr(answering, "_stock_of", stock_and_wait)
    with contextlib.suppress(Refused):
        if first == "the owner":
            answering.accept("wo-1", config, bench.journal)
        else:
            answer_offers(bench.journal, config)
    others[0].join()
    answers = [record.answer for record in bench.journal.offers()]
    assert sorted(answers) == ["", "accept"]


def test_once_more_lies_there_the_same_offer_is_taken(bench: Bench) -> None:
    actions.accept(bench, "wo-1")
    actions.counted(bench, "mk3", "pla", 130, 0, "Lena")
    assert against(bench) == {"wo-2": ()}
    actions.accept(bench, "wo-2")
    assert not look(bench.config, bench.journal).open_offers


def test_a_spool_that_is_promised_to_the_last_gram_is_still_said_to_be_there(bench: Bench) -> None:
    actions.counted(bench, "mk3", "pla", 60, 0, "Lena")
    actions.accept(bench, "wo-1")
    assert "60 g are there, and 60 g of them are promised" in against(bench)["wo-2"][0]


def test_a_machine_that_rests_is_said_to_rest_and_its_owner_may_take_the_work_all_the_same(bench: Bench) -> None:
    take_out(bench.journal, "mk3", Mode.OUT_OF_ORDER, "the belt is torn", "Lena")
    assert "the belt is torn" in against(bench)["wo-1"][0]
    actions.accept(bench, "wo-1")  # she knows, and mends it
