# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the tests of the desk share: a shop with three machines, and its journal as an agent would have left it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from clocks import ManualClock
from small_shop import offer

from commonfab import v1
from shop_agent.config import ShopConfig, load_config
from shop_agent.desk.actions import Bench
from shop_agent.journal import attempt_steps, settling
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.records import AttemptRecord, PieceRecord, PieceState, Toolpath
from shop_agent.live import Live, LiveFile, LiveMachine

SHOP_TOML = """
[shop]
id = "garage"
name = "Lena's garage"
[router]
node = "{node}"
token = "cfab_test"
[policy]
accept = "ask"
[desk]
people = ["Lena", "Jo"]
[[machine]]
id = "mk3"
name = "the printer"
envelope_mm = [120, 120, 100]
materials = ["pla"]
control = "virtual"
speed_factor = {speed}
upkeep = [{{ what = "grease the rails", every_hours = 200 }}]
[[machine]]
id = "mill"
name = "the mill"
process = "milling"
envelope_mm = [300, 200, 80]
materials = ["aluminium"]
control = "hot_folder"
folder = "mill"
outside_toolpaths = true
[[machine]]
id = "saw"
name = "the saw"
process = "sawing"
envelope_mm = [600, 300, 50]
materials = ["plywood"]
control = "by_hand"
"""


def desk_shop(folder: Path, node: str = "127.0.0.1:1", speed: float = 600) -> ShopConfig:
    """A shop with a printer, a mill and a saw."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mill").mkdir(exist_ok=True)
    (folder / "shop.toml").write_text(SHOP_TOML.format(node=node, speed=speed), encoding="utf-8")
    return load_config(folder / "shop.toml")


def offered(journal: Journal, *offers: v1.Offer) -> None:
    """These offers stand."""
    with journal.change() as connection:
        settling.note_offers(connection, offers, journal.clock.now())


def accepted(journal: Journal, wanted: v1.Offer, number: int = 1) -> AttemptRecord:
    """An offer that was taken and whose attempt is on the bench."""
    offered(journal, wanted)
    journal.decide(wanted.work_order_id, accept=True)
    (event,) = journal.unsettled()
    ref = v1.AttemptRef(work_order_id=wanted.work_order_id, number=number, epoch=7)
    with journal.change() as connection:
        settling.settle(connection, v1.Receipt(event_id=event.id, attempt=ref))
    return journal.attempts()[-1]


def heard(journal: Journal) -> None:
    """The router has heard all that was to be told it."""
    for event in journal.unsettled():
        with journal.change() as connection:
            settling.settle(connection, v1.Receipt(event_id=event.id))


def made(journal: Journal, attempt: AttemptRecord, *states: PieceState) -> AttemptRecord:
    """The attempt has leave, and these pieces of it were made; a piece in the state BEGUN is on the machine."""
    attempt_steps.note_toolpath(journal, attempt, Toolpath("", "", 600.0, 4.0))
    with journal.change() as connection:
        connection.execute("UPDATE attempts SET leave = 1 WHERE row = ?", (attempt.row,))
    for number, state in enumerate(states, 1):
        assert attempt_steps.begin_piece(journal, journal.attempt(attempt.row))
        if state is not PieceState.BEGUN:
            attempt_steps.finish_piece(journal, attempt, PieceRecord(number, state, 3600.0, 4.0))
    return journal.attempt(attempt.row)


def alive(config: ShopConfig, clock: ManualClock, *machines: LiveMachine, **what: Any) -> None:
    """The agent runs, and says this of its machines."""
    known = {machine.id for machine in machines}
    rest = tuple(LiveMachine(facts.id, "ready") for facts in config.machine if facts.id not in known)
    LiveFile(config.data_dir, clock).write(Live(at=clock.now(), machines=(*machines, *rest), **what))


def said(bench: Bench, machine_id: str) -> Sequence[str]:
    """Words that wait for the agent, "kind amount by whom"."""
    rows = bench.journal.connection.execute("SELECT * FROM words WHERE machine_id = ? ORDER BY sequence", (machine_id,))
    return [f"{row['kind']} {row['amount']} {row['who']}" for row in rows]


PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)
"""The beginning of a picture."""


@pytest.fixture
def bench(tmp_path: Path, manual_clock: ManualClock) -> Any:
    """The shop and its journal."""
    config = desk_shop(tmp_path)
    with closing(open_journal(config, manual_clock)) as journal:
        yield Bench(config, journal)


__all__ = ["bench", "offer"]
