# SPDX-License-Identifier: AGPL-3.0-or-later
"""What runs is what was checked, against the machine as it is now, and what somebody who looked said go for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from clocks import ManualClock
from small_shop import offer, shop
from test_bringing_toolpaths import PRINT, a_file, put_on_bench
from test_prepared_again import Careful, no_sensors, unsigned

from commonfab.errors import Refused
from shop_agent.bench.waiting import Leases, Starts
from shop_agent.bench.work import Bench, Shopfloor
from shop_agent.config import ShopConfig
from shop_agent.journal import attempt_steps
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.records import AttemptRecord, Toolpath
from shop_agent.people import bringing
from shop_agent.preparing.storeroom import digest_of

KEYS: dict[str, Any] = {"starts_itself": False, "clears_itself": False, "outside_toolpaths": True}
HOT = PRINT.replace("S200", "S260")


def sliced(folder: Path, text: str = PRINT, name: str = "sliced.gcode") -> Toolpath:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return Toolpath(str(file), digest_of(file), 60, 1)


@asynccontextmanager
async def bench_of(config: ShopConfig, prepare: Any) -> AsyncIterator[tuple[Bench, Journal]]:
    """The bench of an agent that has just begun."""
    clock = ManualClock()
    with closing(open_journal(config, clock)) as journal:
        floor = Shopfloor(journal, Leases(clock), prepare, unsigned, 1, lambda: None, lambda facts, seconds: "", Starts(clock), no_sensors)
        one = Bench(Careful(config.machine[0], config.data_dir, clock), floor)
        yield one, journal
        await one.close()


async def never(attempt: AttemptRecord) -> Toolpath:
    raise AssertionError("it has its toolpath")


async def works(bench: Bench, times: int = 3) -> None:
    for _ in range(times):
        refs = [attempt.ref for attempt in bench.journal.attempts()]
        bench.floor.leases.renew(refs, bench.journal.clock.monotonic(), 60)
        await bench.work()
        await bench._preparation.settled()


def leave(journal: Journal) -> None:
    with journal.change() as connection:
        connection.execute("UPDATE attempts SET start_asked = 1, leave = 1, go_by = 'Lena'")


async def test_go_that_was_said_for_a_sliced_toolpath_is_none_for_one_that_is_brought_afterwards(tmp_path: Path) -> None:
    """Its bed was not clear yet, so nothing had started; and what comes from outside waits for somebody to look."""
    config = shop(tmp_path, **KEYS)
    async with bench_of(config, never) as (bench, journal):
        attempt = put_on_bench(journal, offer())
        attempt_steps.note_toolpath(journal, attempt, sliced(tmp_path))
        journal.mark_ready("mk3", "Lena", ("stock",))
        await works(bench)
        assert journal.attempt(attempt.row).go_by == "Lena"
        bringing.bring(journal, config, "wo-1", a_file(tmp_path, PRINT.replace("X40", "X50")))
        journal.mark_ready("mk3", "sensor", ("bed",), by_sensor=True)
        await works(bench)
        after = journal.attempt(attempt.row)
        assert after.go_by == "" and not after.start_asked and "say go" in bench.waits[attempt.key]


async def test_a_toolpath_that_is_brought_while_leave_is_asked_for_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long one takes a while to check; what is on the machine by then stays what it is."""
    config = shop(tmp_path, **KEYS)
    with closing(open_journal(config)) as journal:
        attempt = put_on_bench(journal, offer())
        first = sliced(tmp_path)
        attempt_steps.note_toolpath(journal, attempt, first)
        check = bringing.taken

        def slowly(*what: Any) -> Toolpath:
            toolpath = check(*what)
            leave(journal)
            return toolpath

        monkeypatch.setattr(bringing, "taken", slowly)
        with pytest.raises(Refused) as refused:
            bringing.bring(journal, config, "wo-1", a_file(tmp_path))
        assert refused.value.code == "toolpath.not_wanted" and journal.attempt(attempt.row).toolpath == first


@pytest.mark.parametrize("end", ["made", "refused"])
async def test_a_toolpath_that_is_brought_while_the_slicer_works_is_not_replaced_by_what_comes_of_that(tmp_path: Path, end: str) -> None:
    config = shop(tmp_path, **KEYS)
    slicing, go_on = asyncio.Event(), asyncio.Event()

    async def prepare(attempt: AttemptRecord) -> Toolpath:
        slicing.set()
        await go_on.wait()
        if end == "refused":
            raise Refused("slicer.failed", "the mesh has a hole")
        return sliced(tmp_path)

    async with bench_of(config, prepare) as (bench, journal):
        attempt = put_on_bench(journal, offer())
        await bench.work()
        await slicing.wait()
        brought = bringing.bring(journal, config, "wo-1", a_file(tmp_path))
        go_on.set()
        await works(bench)
        after = journal.attempt(attempt.row)
        assert after.toolpath == brought and not after.ended


async def test_a_toolpath_that_was_checked_against_an_older_shop_toml_is_checked_again(tmp_path: Path) -> None:
    """Its owner went back to a hot end that melts at 250 °C, and started the agent again."""
    config = shop(tmp_path, **KEYS)
    async with bench_of(config, never) as (bench, journal):
        attempt = put_on_bench(journal, offer())
        attempt_steps.note_toolpath(journal, attempt, sliced(tmp_path, HOT))
        await works(bench)
        assert isinstance(bench.machine, Careful) and bench.machine.taken == HOT.encode()

    async def sliced_anew(attempt: AttemptRecord) -> Toolpath:
        return sliced(tmp_path, PRINT, "anew.gcode")

    cooler = shop(tmp_path, **KEYS, max_nozzle_c=240)
    async with bench_of(cooler, sliced_anew) as (bench, journal):
        await works(bench)
        assert isinstance(bench.machine, Careful) and bench.machine.taken == PRINT.encode()
        assert journal.attempt(attempt.row).go_by == ""


async def test_with_leave_in_hand_it_ends_with_the_reason(tmp_path: Path) -> None:
    config = shop(tmp_path, **KEYS, max_nozzle_c=240)
    async with bench_of(config, never) as (bench, journal):
        attempt = put_on_bench(journal, offer())
        attempt_steps.note_toolpath(journal, attempt, sliced(tmp_path, HOT))
        leave(journal)
        journal.mark_ready("mk3", "Lena")
        await works(bench)
        after = journal.attempt(attempt.row)
        assert after.ended == "fail" and not after.pieces and not hasattr(bench.machine, "taken")
        (event,) = [event for event in journal.unsettled() if event.WhichOneof("event") == "fail"]
        assert [why.code for why in event.fail.reasons] == ["toolpath.too_hot"]


async def test_what_a_desk_with_an_older_shop_toml_took_is_checked_by_the_agent(tmp_path: Path) -> None:
    older, config = shop(tmp_path, **KEYS), shop(tmp_path, **KEYS, max_nozzle_c=240)
    lacks: Callable[[AttemptRecord], Any] = missing
    async with bench_of(config, lacks) as (bench, journal):
        attempt = put_on_bench(journal, offer())
        bringing.bring(journal, older, "wo-1", a_file(tmp_path, HOT))
        await works(bench)
        assert not hasattr(bench.machine, "taken") and journal.attempt(attempt.row).toolpath is None
        assert "somebody to bring" in bench.waits[attempt.key]


async def missing(attempt: AttemptRecord) -> Toolpath:
    raise bringing.NeedsPerson("somebody to bring a toolpath")
