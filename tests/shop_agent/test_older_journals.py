# SPDX-License-Identifier: AGPL-3.0-or-later
"""A newer agent opens the journal of every older one, with the work that lies in it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from small_shop import offer, shop

from commonfab import v1
from commonfab.errors import Refused
from shop_agent.journal.book import journal_file, open_journal
from shop_agent.journal.records import PieceState
from shop_agent.journal.store import STEPS, VERSION

REF = v1.AttemptRef(work_order_id="wo-1", number=1, epoch=7)


def journal_of_version(path: Path, version: int) -> None:
    """As the agent of that version left it: an order with a piece on the machine, an offer, and a word of readiness."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    for step in STEPS[:version]:
        connection.executescript(step)
    body = offer().SerializeToString()
    connection.execute(
        "INSERT INTO attempts (work_order_id, number, epoch, offer, machine_id, start_asked, leave) VALUES ('wo-1', 1, 7, ?, 'mk3', 1, 1)",
        (body,),
    )
    connection.execute("INSERT INTO pieces (attempt, number, state, began_at) VALUES (1, 1, 'begun', 5.0)")
    connection.execute("INSERT INTO offers (work_order_id, body, stands, first_seen) VALUES ('wo-2', ?, 1, 1.0)", (body,))
    connection.execute("INSERT INTO readiness (machine_id, who, at) VALUES ('mk3', 'Lena', 2.0)")
    connection.execute("INSERT INTO events (id, body) VALUES ('event-1', ?)", (v1.ShopEvent(id="event-1").SerializeToString(),))
    connection.execute(f"PRAGMA user_version={version}")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_the_journal_of_an_older_agent_goes_on_with_what_it_holds(tmp_path: Path, version: int) -> None:
    config = shop(tmp_path)
    journal_of_version(journal_file(config), version)
    journal = open_journal(config)
    (attempt,) = journal.attempts()
    assert attempt.ref == REF and attempt.leave and not attempt.walk_in
    assert attempt.piece_begun is not None and attempt.piece_begun.state is PieceState.BEGUN
    assert [one.offer.work_order_id for one in journal.offers()] == ["wo-1"]  # the offer as it was told
    ready = journal.ready("mk3")
    assert ready is not None and ready.who == "Lena" and ready.confirms == {"bed", "stock", "tool"} and ready.by_person
    assert [event.id for event in journal.unsettled()] == ["event-1"]
    assert journal.recalls() == []
    journal.close()


def test_the_journal_of_a_newer_agent_is_left_alone(tmp_path: Path) -> None:
    config = shop(tmp_path)
    open_journal(config).close()
    with sqlite3.connect(journal_file(config)) as connection:
        connection.execute(f"PRAGMA user_version={VERSION + 1}")
    with pytest.raises(Refused) as refused:
        open_journal(config)
    assert refused.value.code == "shop.data"
