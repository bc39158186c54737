# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a desk shows is what the journal, the machines and shop.toml say."""

from __future__ import annotations

import hashlib
from pathlib import Path

from clocks import ManualClock
from desk_shops import accepted, alive, bench, desk_shop, made, offered
from small_shop import offer, until

from commonfab import v1
from commonfab.reasons import reason
from shop_agent.desk.actions import Bench
from shop_agent.desk.cards import MachineCard
from shop_agent.desk.of_work import pictures_wanted
from shop_agent.desk.pictures import pictures_folder
from shop_agent.desk.plain import ago_text, due_text, minutes_text
from shop_agent.desk.view import look
from shop_agent.journal import settling
from shop_agent.journal.records import PieceState
from shop_agent.live import STALE_SECONDS, LiveMachine
from shop_agent.people import service_modes

__all__ = ["bench"]


def card(bench: Bench, machine: str = "mk3") -> MachineCard:
    found = look(bench.config, bench.journal).machine(machine)
    assert found is not None
    return found


def test_an_offer_shows_what_an_owner_decides_by(bench: Bench) -> None:
    why = [v1.Reason(code="place.near", message="you are the nearest of three shops")]
    offered(bench.journal, offer(quantity=4, minutes=25, why=why, purpose="for the kitchen", notice="© Ana"))
    bench.journal.note_reasons("wo-1", (reason("policy.ask"), reason("policy.tried")))
    (shown,) = look(bench.config, bench.journal).open_offers
    assert (shown.quantity, shown.part, shown.title, shown.machine) == (4, "gear", "Coffee grinder", "the printer")
    assert (shown.size, shown.material, shown.minutes, shown.grams, shown.km) == ("20 × 20 × 10 mm", "pla", 25.0, 4.5, 2.0)
    assert not shown.measured
    assert shown.why == ("You are the nearest of three shops",)
    assert len(shown.asks) == 1 and "policy" not in shown.asks[0]
    assert (shown.purpose, shown.notice, shown.licence) == ("for the kitchen", "© Ana", "CERN-OHL-S-2.0")


def test_a_measured_time_takes_the_place_of_the_estimate(bench: Bench) -> None:
    offered(bench.journal, offer(minutes=25))
    with bench.journal.change() as connection:
        connection.execute(
            "UPDATE offers SET measured = 1, toolpath_file = 'x', toolpath_sha256 = 'ab', toolpath_seconds = 900, toolpath_grams = 3.5,"
            " toolpath_note = ''"
        )
    (shown,) = look(bench.config, bench.journal).open_offers
    assert (shown.minutes, shown.grams, shown.measured) == (15.0, 3.5, True)


def test_an_unknown_distance_stays_unknown_and_an_answer_closes_the_offer(bench: Bench) -> None:
    without = offer()
    without.ClearField("distance_km")
    offered(bench.journal, without)
    assert look(bench.config, bench.journal).open_offers[0].km is None
    bench.journal.decide("wo-1", accept=True)
    desk = look(bench.config, bench.journal)
    assert not desk.open_offers and desk.offers[0].answer == "accept"
    assert desk.outbox.unsent == ("our yes to wo-1",)


def test_a_picture_is_shown_once_it_is_here_and_never_by_a_name_from_outside(bench: Bench) -> None:
    sha256 = hashlib.sha256(b"picture").hexdigest()
    offered(bench.journal, offer(picture_sha256=sha256), offer("wo-2", picture_sha256="../../shop.toml"))
    data = bench.config.data_dir
    assert list(pictures_wanted(bench.journal, data)) == [sha256]
    assert look(bench.config, bench.journal).offers[0].picture is None
    pictures_folder(data).mkdir(parents=True)
    (pictures_folder(data) / f"{sha256}.png").write_bytes(b"picture")
    shown = {one.order: one.picture for one in look(bench.config, bench.journal).offers}
    assert list(pictures_wanted(bench.journal, data)) == []
    assert shown == {"wo-1": pictures_folder(data) / f"{sha256}.png", "wo-2": None}


def test_without_a_word_of_the_agent_no_machine_is_said_to_be_anything(bench: Bench, manual_clock: ManualClock) -> None:
    assert card(bench).state == "not known" and "not running" in look(bench.config, bench.journal).agent
    alive(bench.config, manual_clock)
    assert card(bench).state == "ready" and not look(bench.config, bench.journal).agent
    manual_clock.advance(STALE_SECONDS + 1)
    assert card(bench).state == "not known" and "not running" in look(bench.config, bench.journal).agent


def test_a_running_machine_shows_the_piece_and_how_far_it_is(bench: Bench, manual_clock: ManualClock) -> None:
    attempt = made(bench.journal, accepted(bench.journal, offer(quantity=3)), PieceState.GOOD, PieceState.SCRAP, PieceState.BEGUN)
    name = attempt.file_name(3)
    alive(
        bench.config,
        manual_clock,
        LiveMachine("mk3", "busy", busy_with=name, attempt=attempt.key, piece=3, progress=0.4, remaining_seconds=60, paused=True),
    )
    runs = card(bench).running
    assert runs is not None
    # The third that is begun is to be the second good one.
    assert (runs.order, runs.what, runs.piece, runs.pieces, runs.progress) == ("wo-1", "gear of Coffee grinder", 2, 3, 0.4)
    assert card(bench).state == "paused"
    (on_bench,) = look(bench.config, bench.journal).benches
    assert (on_bench.good, on_bench.scrap, on_bench.stands) == (1, 1, "piece 3 is on the machine, because 1 was scrap, paused")
    assert on_bench.pieces == ((1, "good"), (2, "scrap"), (3, "on the machine"))


def test_what_waits_for_a_person_names_the_button_and_not_the_command(bench: Bench, manual_clock: ManualClock) -> None:
    attempt = accepted(bench.journal, offer())
    why = "somebody to clear the bed of and load the stock of mk3: commonfab shop ready mk3"
    alive(bench.config, manual_clock, LiveMachine("mk3", "needs_person", waits={attempt.key: why}, waits_for_person=(attempt.key,)))
    (waits,) = card(bench).waits
    assert (waits.order, waits.text, waits.button) == ("wo-1", "somebody to clear the bed and load the stock", "ready")
    bench.journal.mark_ready("mk3", "Jo", ["bed"])
    assert card(bench).missing == ("stock",)
    assert card(bench).waits[0].text == "somebody to load the stock"


def test_what_cuts_is_asked_for_the_tool_and_for_go(bench: Bench) -> None:
    assert card(bench, "mill").confirms == ("bed", "stock", "tool", "go")
    assert card(bench, "mill").attended and not card(bench).attended
    assert card(bench).confirms == ("bed", "stock")
    assert card(bench, "saw").confirms == () and card(bench, "saw").by_hand


def test_upkeep_and_service_are_on_the_card(bench: Bench, manual_clock: ManualClock) -> None:
    made(bench.journal, accepted(bench.journal, offer()), PieceState.GOOD)
    assert card(bench).upkeep[0].in_hours == 199.0
    service_modes.take_out(bench.journal, "mk3", service_modes.Mode.DRAIN, "holidays", "Lena")
    alive(bench.config, manual_clock, LiveMachine("mk3", "maintenance", why="holidays"))
    assert (card(bench).state, card(bench).out_of_service) == ("takes no new work", "takes no new work: holidays, says Lena")


def test_a_recall_says_what_this_shop_made_of_it_once(bench: Bench) -> None:
    made(bench.journal, accepted(bench.journal, offer(quantity=2)), PieceState.GOOD)
    notice = v1.RecallNotice(
        recall=v1.Recall(revision_digest="d" * 64, reason="the handle breaks"),
        title="Coffee grinder",
        made=[v1.RecalledWork(work_order_id="wo-0", job_id="job-0", part_name="gear", pieces_good=5)],
    )
    with bench.journal.change() as connection:
        settling.note_recalls(connection, [notice], 1.0)
    desk = look(bench.config, bench.journal)
    (shown,) = desk.recalls
    assert shown.made == ("5 × gear in wo-0, for job job-0", "1 × gear in wo-1, for job job-1")
    assert desk.benches[0].stands == "recalled"


def test_how_long_the_router_was_silent_is_said_of_the_running_agent(bench: Bench, manual_clock: ManualClock) -> None:
    heard = manual_clock.now() - 600
    alive(bench.config, manual_clock, router_heard=heard, router_trouble="connection refused")
    outbox = look(bench.config, bench.journal).outbox
    assert (outbox.silent_seconds, outbox.trouble) == (600.0, "connection refused")


def test_figures_are_said_as_people_say_them() -> None:
    assert [minutes_text(value) for value in (0.5, 1, 59.6, 60, 200)] == ["30 s", "1 min", "1 h", "1 h", "3 h 20 min"]
    assert [ago_text(value) for value in (5, 720, 400_000)] == ["just now", "12 min ago", "5 days ago"]
    assert [due_text(value) for value in (3, -2)] == ["in 3 h of running", "overdue by 2 h of running"]


def test_a_desk_looks_at_nothing_it_does_not_need(tmp_path: Path) -> None:
    """The pure part of the desk is what `shop status` uses: it must not bring a web server with it."""
    import subprocess
    import sys

    desk_shop(tmp_path)
    script = "import sys, shop_agent.desk.view, shop_agent.desk.actions; print({'nicegui', 'textual', 'fastapi'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "set()"


async def test_a_desk_at_which_nobody_looks_reads_nothing(bench: Bench) -> None:
    import asyncio

    from shop_agent.desk.web.server import Watch

    watch, asked = Watch(bench), list[str]()
    fetching = asyncio.create_task(watch.fetch_pictures())
    try:
        await asyncio.sleep(0)
        bench.journal.connection.set_trace_callback(asked.append)
        await asyncio.sleep(0.2)
        assert asked == []
        watch.look()
        asked.clear()
        await until(lambda: any("FROM offers" in one for one in asked))  # somebody looks, so that pictures are looked for
        asked.clear()
        watch.look()  # nothing was written meanwhile, so that the stamp alone is asked for
        assert not any("SELECT" in one for one in asked)
    finally:
        bench.journal.connection.set_trace_callback(None)
        fetching.cancel()
