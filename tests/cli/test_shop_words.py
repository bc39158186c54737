# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is said at the bench on the command line, with no node and no agent: it stands in the journal, and nobody is misled."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.main import app
from commonfab import v1
from commonfab.clock import SystemClock
from commonfab.errors import Refused
from shop_agent.config import load_config
from shop_agent.journal import settling, words
from shop_agent.journal.book import Journal, journal_in, open_journal
from shop_agent.live import Live, LiveFile, LiveMachine
from shop_agent.people.accounts import account_of
from shop_agent.people.service_modes import service_of

SHOP_TOML = """
[shop]
id = "garage"
[[machine]]
id = "mk3"
envelope_mm = [120, 120, 100]
materials = ["pla"]
control = "virtual"
upkeep = [{ what = "grease the rails", every_hours = 200 }]
[[machine]]
id = "saw"
process = "sawing"
envelope_mm = [600, 300, 50]
materials = ["plywood"]
"""

Command = Callable[..., Result]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """The journal of a shop with an order on the saw's bench."""
    (tmp_path / "shop.toml").write_text(SHOP_TOML, encoding="utf-8")
    with closing(open_journal(load_config(tmp_path / "shop.toml"))) as opened:
        order = v1.Offer(work_order_id="wo-1", machine_id="saw", title="Shelf", part_name="board", quantity=4)
        with opened.change() as connection:
            settling.note_offers(connection, [order], 1.0)
        opened.decide("wo-1", accept=True)
        (event,) = opened.unsettled()
        with opened.change() as connection:
            settling.settle(connection, v1.Receipt(event_id=event.id, attempt=v1.AttemptRef(work_order_id="wo-1", number=1, epoch=1)))
        yield opened


@pytest.fixture
def shop(journal: Journal, tmp_path: Path) -> Command:
    """`commonfab shop …` in that shop."""

    def command(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["shop", *arguments, "--config", str(tmp_path / "shop.toml")])

    return command


def said(journal: Journal) -> list[str]:
    rows = journal.connection.execute("SELECT * FROM words ORDER BY sequence")
    return [f"{row['machine_id']} {row['kind']} {row['amount']} {row['who']}" for row in rows]


def test_ready_says_all_of_it_or_only_what_is_named(shop: Command, journal: Journal) -> None:
    assert shop("ready", "mk3", "--stock", "--who", "Lena").exit_code == 0
    ready = journal.ready("mk3")
    assert ready is not None and ready.confirms == {"stock"} and ready.who == "Lena"
    assert shop("ready", "mk3").exit_code == 0
    ready = journal.ready("mk3")
    assert ready is not None and ready.confirms == {"bed", "stock", "tool"}
    assert shop("start", "mk3").exit_code == 0
    ready = journal.ready("mk3")
    assert ready is not None and "go" in ready.confirms


def test_whoever_says_stop_is_told_where_no_agent_hears_it(shop: Command, journal: Journal) -> None:
    done = shop("stop", "mk3", "--who", "Lena")
    assert done.exit_code == 0 and "No agent is running that knows mk3" in done.stderr
    told = json.loads(shop("pause", "mk3", "--who", "Lena", "--json").stdout)
    assert told == {"machine": "mk3", "agent_runs": False, "told": "mk3 is told to pause."}
    assert shop("resume", "mk3", "--who", "Lena").exit_code == 0
    assert said(journal) == ["mk3 stop 1 Lena", "mk3 pause 1 Lena", "mk3 resume 1 Lena"]


def test_work_by_hand_is_counted(shop: Command, journal: Journal) -> None:
    not_begun = shop("made", "wo-1", "--good", "3").exception
    assert isinstance(not_begun, Refused) and not_begun.code == "shop.not_begun"
    with journal.change() as connection:
        connection.execute("UPDATE attempts SET leave = 1")
    told = shop("made", "wo-1", "--good", "3", "--scrap", "1", "--who", "Jo")
    assert told.exit_code == 0 and "agent is not running" in told.stderr
    too_many = shop("made", "wo-1", "--good", "2").exception
    assert isinstance(too_many, Refused) and "1 are wanted" in str(too_many)
    assert said(journal) == ["saw good 3 Jo", "saw scrap 1 Jo"]
    assert isinstance(shop("made", "wo-1").exception, Refused)


def test_a_machine_is_taken_out_of_service_and_comes_back(shop: Command, journal: Journal) -> None:
    for command, mode in (("drain", "drain"), ("maintenance", "maintenance"), ("out-of-order", "out_of_order")):
        assert shop(command, "mk3", "the belt is torn").exit_code == 0
        service = service_of(journal, "mk3")
        assert service is not None and (service.mode.value, service.why) == (mode, "the belt is torn")
    assert "the belt is torn" in shop("status").stdout
    assert shop("back", "mk3").exit_code == 0 and service_of(journal, "mk3") is None
    assert shop("out-of-order", "mk3").exit_code == 2  # why is not left out


def test_upkeep_is_named_as_shop_toml_names_it(shop: Command) -> None:
    assert shop("maintained", "mk3", "grease the rails").exit_code == 0
    refused = shop("maintained", "mk3", "polish it").exception
    assert isinstance(refused, Refused) and "grease the rails" in str(refused)


def test_minutes_sizes_and_photographs_go_to_the_account(shop: Command, journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "board.jpg").write_bytes(b"\x89PNG\r\n\x1a\n a picture")
    assert shop("spent", "wo-1", "--task", "finishing", "--minutes", "12").exit_code == 0
    assert shop("measured", "wo-1", "bore=8.0/8.03", "width=40/39.9").exit_code == 0
    assert shop("photo", "wo-1", str(tmp_path / "board.jpg")).exit_code == 0
    account = account_of(journal, journal.attempts()[0].row)
    assert account.person_seconds == (("finishing", 720.0),)
    assert [size.name for size in account.sizes] == ["bore", "width"]
    assert len(account.photographs) == 1


def test_a_list_of_sizes_is_taken_whole_or_not_at_all(shop: Command, journal: Journal) -> None:
    assert isinstance(shop("measured", "wo-1", "bore=8.0/8.03", "width=40").exception, Refused)
    assert account_of(journal, journal.attempts()[0].row).sizes == ()


def test_what_nobody_made_is_not_judged(shop: Command) -> None:
    refused = shop("judge", "wo-1", "--good").exception
    assert isinstance(refused, Refused) and refused.code == "shop.no_piece"
    assert shop("judge", "wo-1").exit_code == 2  # good or scrap: neither is guessed


def test_status_tells_machines_benches_and_what_waits(shop: Command, journal: Journal) -> None:
    shown = shop("status").stdout
    assert "not running" in shown and "board of Shelf" in shown and "0/4" in shown
    told = json.loads(shop("status", "--json").stdout)
    assert [machine["id"] for machine in told["machines"]] == ["mk3", "saw"]
    assert told["agent_runs"] is False and told["outbox"]["unsent"] == []
    assert told["attempts"][0]["offer"]["work_order_id"] == "wo-1" and told["attempts"][0]["pieces_unjudged"] == 0


def test_a_desk_that_is_not_installed_says_what_to_install(shop: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shop_agent.desk.needs.find_spec", lambda name: None)
    for command in ("desk", "screen"):
        refused = shop(command).exception
        assert isinstance(refused, Refused) and refused.code == "desk.needs" and "pip install '.[desk]'" in refused.remedy


def test_a_desk_without_a_pin_stays_on_this_computer(shop: Command) -> None:
    refused = shop("desk", "--listen", "0.0.0.0:4790").exception
    assert isinstance(refused, Refused) and refused.code == "desk.pin"


def test_what_is_no_picture_is_refused_and_not_kept(shop: Command, journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "board.jpg").write_text("<svg onload='alert(1)'/>", encoding="utf-8")
    refused = shop("photo", "wo-1", str(tmp_path / "board.jpg")).exception
    assert isinstance(refused, Refused) and refused.code == "shop.not_a_picture" and "HEIC" in refused.remedy
    assert account_of(journal, journal.attempts()[0].row).photographs == ()


def test_a_walk_in_lies_on_the_bench_with_no_router_and_is_shown_as_one(shop: Command, journal: Journal) -> None:
    done = shop("walk-in", "saw", "a shelf for the kitchen", "--pieces", "2", "--minutes", "10", "--json")
    assert done.exit_code == 0, done.output
    order = json.loads(done.stdout)["work_order"]
    assert order.startswith("walk-in_garage_")
    attempt = journal.attempts()[-1]
    assert (attempt.walk_in, attempt.offer.quantity, attempt.offer.estimate.machine_time.seconds) == (True, 2, 600)
    assert "(walk-in)" in shop("status").stdout


def test_a_walk_in_that_cannot_be_made_is_refused_before_it_lies_there(shop: Command, journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "part.nc").write_text("M500\n", encoding="utf-8")
    told = shop("walk-in", "mk3", "a part", "--file", str(tmp_path / "part.nc"))
    assert told.exit_code == 1 and "made elsewhere" in told.stderr and "M500" in told.stderr
    for arguments, code in (
        (("walk-in", "lathe", "a part"), "command.machine"),
        (("walk-in", "saw", "a part", "--material", "gold"), "walk_in.material"),
        (("walk-in", "saw", " "), "walk_in.what"),
        (("walk-in", "saw", "a part", "--file", str(tmp_path / "part.nc")), "walk_in.file"),
    ):
        refused = shop(*arguments).exception
        assert isinstance(refused, Refused) and refused.code == code
    assert len(journal.attempts()) == 1


@pytest.mark.parametrize("break_it", ["[shop\n", 'nonsense = "x"\n'])
@pytest.mark.parametrize("word", ["stop", "pause"])
def test_stop_and_pause_are_heard_though_shop_toml_has_an_error(tmp_path: Path, word: str, break_it: str) -> None:
    """The agent read the file when it was right, and is still at work."""
    (tmp_path / "shop.toml").write_text(SHOP_TOML, encoding="utf-8")
    config = load_config(tmp_path / "shop.toml")
    open_journal(config).close()
    LiveFile(config.data_dir, SystemClock()).write(Live(time.time(), (LiveMachine("mk3", "busy"),)))
    config.path.write_text(break_it + config.path.read_text(encoding="utf-8"), encoding="utf-8")
    said = CliRunner().invoke(app, ["shop", word, "mk3", "--config", str(config.path), "--who", "Lena"])
    assert isinstance(said.exception, Refused) and said.exception.code == "shop.config"
    assert f"mk3 is told to {word}, though shop.toml has an error" in said.output
    with closing(journal_in(config.data_dir)) as journal:
        (heard,) = words.unheard(journal, "mk3")
    assert (heard.kind, heard.who) == (word, "Lena")
    other = CliRunner().invoke(app, ["shop", word, "mk4", "--config", str(config.path)])
    assert isinstance(other.exception, Refused) and "told to" not in other.output


def test_what_is_left_is_said_and_not_taken_for_nothing_where_it_is_left_out(shop: Command, journal: Journal) -> None:
    assert shop("stock", "mk3", "pla").exit_code == 2
    assert "640 g of pla" in shop("stock", "mk3", "pla", "--grams", "640").stdout
    assert "0 g of pla" in shop("stock", "mk3", "pla", "--grams", "0").stdout
