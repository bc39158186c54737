# SPDX-License-Identifier: AGPL-3.0-or-later
"""An offer is measured before anybody answers it, and what was measured is what is made."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from clocks import ManualClock
from small_shop import SmallRouter, offer, seconds, served, shop, until
from stl_boxes import stl_box

from commonfab import v1
from commonfab.client import connect
from commonfab.errors import Refused
from commonfab.rpc_client import Endpoint
from shop_agent import agent as agent_module
from shop_agent.answering import answer_to
from shop_agent.config import ShopConfig
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.records import AttemptRecord, OfferRecord, Toolpath
from shop_agent.journal.settling import note_offers
from shop_agent.policy import Answer
from shop_agent.preparing.preparer import Preparer, content_key
from shop_agent.preparing.quoting import Quoter
from shop_agent.preparing.storeroom import MOST_BYTES, Needed, tidy
from shop_agent.shop_toml.machine_section import MachineSection
from shop_agent.slicing import find_slicer

needs_slicer = pytest.mark.usefixtures("prusa_slicer")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@dataclass
class Scene:
    """A journal with a quoter on a clock that a test moves. `measures` takes the place of slicing."""

    config: ShopConfig
    journal: Journal
    clock: ManualClock
    measures: Callable[[v1.Offer], Awaitable[Toolpath]]
    asked: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.quoter = Quoter(self.config, self.journal, self.measure, self.picture, self.cannot)

    async def measure(self, wanted: v1.Offer) -> Toolpath:
        self.asked.append(wanted.work_order_id)
        return await self.measures(wanted)

    async def picture(self, sha256: str) -> None:
        self.pictures.append(sha256)

    def cannot(self, record: OfferRecord) -> bool:
        return answer_to(record, self.config, self.journal).answer is Answer.DECLINE

    def heard(self, *offers: v1.Offer) -> None:
        with self.journal.change() as connection:
            note_offers(connection, offers, self.clock.now())

    async def turn(self) -> bool:
        pending = self.quoter.look()
        for _ in range(5):
            await asyncio.sleep(0)
        return pending

    def record(self, order: str = "wo-1") -> OfferRecord:
        return next(record for record in self.journal.offers() if record.offer.work_order_id == order)


async def at_once(wanted: v1.Offer) -> Toolpath:
    return Toolpath("made.gcode", "a" * 64, 720, 6.5)


async def node_is_away(wanted: v1.Offer) -> Toolpath:
    raise OSError("the node does not answer")


@asynccontextmanager
async def scene(folder: Path, measures: Callable[[v1.Offer], Awaitable[Toolpath]] = at_once, **what: Any) -> AsyncIterator[Scene]:
    clock, config = ManualClock(), shop(folder, **what)
    with closing(open_journal(config, clock)) as journal:
        yield (made := Scene(config, journal, clock, measures))
        running = asyncio.create_task(made.quoter.run())
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_what_was_measured_is_in_the_journal_before_anybody_answers(tmp_path: Path) -> None:
    async with scene(tmp_path) as now:
        now.heard(offer(picture_sha256="b" * 64))
        assert not now.record().measured
        await now.turn()
        found = now.record()
        assert found.measured and found.toolpath == Toolpath("made.gcode", "a" * 64, 720, 6.5) and not found.answer
        assert now.pictures == ["b" * 64] and not await now.turn() and now.asked == ["wo-1"]


async def test_what_cannot_be_made_is_known_with_its_reasons(tmp_path: Path) -> None:
    async def refuses(wanted: v1.Offer) -> Toolpath:
        raise Refused("slicer.mesh", "a hole")

    async with scene(tmp_path, refuses) as now:
        now.heard(offer())
        await now.turn()
        assert now.cannot(now.record()) and [one.code for one in now.record().refused] == ["slicer.mesh"]


async def test_what_would_be_declined_anyway_is_not_sliced(tmp_path: Path) -> None:
    async with scene(tmp_path, policy="max_pieces = 1") as now:
        now.heard(offer(quantity=2))
        assert not await now.turn() and now.asked == []


async def test_a_node_that_is_away_does_not_hold_an_answer_for_ever_and_measuring_goes_on(tmp_path: Path) -> None:
    async with scene(tmp_path, node_is_away) as now:
        now.heard(offer())
        await now.turn()
        now.clock.advance(100)
        await now.turn()
        assert not now.record().measured
        now.clock.advance(21)
        await now.turn()
        guessed = now.record().toolpath
        assert guessed is not None and (guessed.sha256, guessed.seconds) == ("", 600) and "the node does not answer" in guessed.note
        decision = answer_to(now.record(), now.config, now.journal)
        assert decision.answer is Answer.ACCEPT and "the node does not answer" in decision.note
        now.measures = at_once
        now.clock.advance(60)
        await now.turn()
        assert now.record().toolpath == Toolpath("made.gcode", "a" * 64, 720, 6.5)


async def test_a_queue_of_slicing_costs_no_offer_its_answer(tmp_path: Path) -> None:
    """The offer stands for ten minutes, and other work is sliced for twenty."""

    async def never(wanted: v1.Offer) -> Toolpath:
        return await asyncio.Future[Toolpath]()

    async with scene(tmp_path, never) as now:
        now.heard(offer(expires_in=seconds(600)))
        await now.turn()
        now.clock.advance(299)
        await now.turn()
        assert not now.record().measured
        now.clock.advance(1)
        await now.turn()
        assert now.record().measured and "other work" in now.record().toolpath.note  # type: ignore[union-attr]


async def test_an_offer_that_is_gone_is_measured_no_longer(tmp_path: Path) -> None:
    async with scene(tmp_path, node_is_away) as now:
        now.heard(offer())
        await now.turn()
        now.heard()
        assert not await now.turn() and len(now.asked) == 1
        now.clock.advance(60)
        await now.turn()
        assert len(now.asked) == 1


@dataclass
class Kitchen:
    """A preparer before a real node and the real slicer."""

    config: ShopConfig
    router: SmallRouter
    prepare: Preparer
    quotes: dict[str, Toolpath] = field(default_factory=dict)

    @property
    def machine(self) -> MachineSection:
        return self.config.machine[0]


@asynccontextmanager
async def kitchen(folder: Path, **machine: Any) -> AsyncIterator[Kitchen]:
    router = SmallRouter()
    async with served(router) as address:
        config, quotes = shop(folder, node=address, **machine), dict[str, Toolpath]()
        async with connect(Endpoint(address, "cfab_test")) as node:
            yield Kitchen(config, router, Preparer(config, node, asyncio.Semaphore(1), quotes.get), quotes)


def accepted(wanted: v1.Offer, source: str = "") -> AttemptRecord:
    ref = v1.AttemptRef(work_order_id=wanted.work_order_id, number=1, epoch=1)
    rest: dict[str, Any] = {"go_after": 0, "go_by": "", "start_asked": False, "leave": False, "wish": 0, "wish_reason": v1.Reason()}
    return AttemptRecord(1, ref, wanted, "mk3", None, withdrawn="", ended="", settled=False, pieces=(), source=source, **rest)


@needs_slicer
async def test_the_bytes_that_were_measured_are_the_bytes_that_are_made(tmp_path: Path) -> None:
    async with kitchen(tmp_path) as here:
        here.router.put_up(offer())
        quote = here.quotes["wo-1"] = await here.prepare.measure(offer())
        content = Path(quote.file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == quote.sha256 and quote.seconds > 0 and quote.grams > 0
        here.router.files.clear()  # nothing is fetched or sliced again
        assert await here.prepare(accepted(offer())) == quote
        assert Path(quote.file).read_bytes() == content


@needs_slicer
async def test_a_measured_toolpath_that_was_meddled_with_is_made_again_through_the_gate(tmp_path: Path) -> None:
    async with kitchen(tmp_path) as here:
        here.router.put_up(offer())
        quote = here.quotes["wo-1"] = await here.prepare.measure(offer())
        Path(quote.file).write_bytes(Path(quote.file).read_bytes() + b"M104 S400\n")
        again = await here.prepare(accepted(offer()))
        content = Path(again.file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == again.sha256 and b"S400" not in content


@needs_slicer
async def test_the_same_part_is_sliced_once_for_many_offers_and_anew_for_other_settings(tmp_path: Path) -> None:
    async with kitchen(tmp_path) as here:
        here.router.put_up(offer())
        first = await here.prepare.measure(offer())
        assert await here.prepare.measure(offer("wo-2", quantity=9)) == first
        other = offer("wo-3")
        other.requirement.settings.add(key="infill_percent", value="70")
        denser = await here.prepare.measure(other)
        assert denser.sha256 != first.sha256 and denser.grams > first.grams
        assert len(list((tmp_path / "shop-data" / "toolpaths").glob("*.gcode"))) == 2


def test_a_toolpath_is_named_by_all_that_it_is_made_from(tmp_path: Path) -> None:
    program, profile = tmp_path / "slicer", tmp_path / "own.ini"
    program.write_text("", encoding="utf-8")
    profile.write_text("perimeters = 2", encoding="utf-8")
    machine = shop(tmp_path, slicer_profile="own.ini").machine[0]
    need = offer().requirement

    def key(mesh: str = "m", material: str = "pla", facts: MachineSection = machine) -> str:
        return content_key(str(program), mesh, facts, material, need)

    first = key()
    smaller, renamed = machine.model_copy(update={"max_nozzle_c": 200.0}), machine.model_copy(update={"api_key": "x", "loaded": "pla"})
    assert key() == first == key(facts=renamed)
    assert len({first, key("n"), key(material="petg"), key(facts=smaller)}) == 4
    profile.write_text("perimeters = 3", encoding="utf-8")
    assert key() != first


async def test_a_file_name_from_outside_cannot_leave_the_folder_of_meshes(tmp_path: Path, prusa_slicer: str) -> None:
    async with kitchen(tmp_path) as here:
        with pytest.raises(Refused) as refused:
            await here.prepare.measure(offer(mesh_sha256="../../escaped"))
        assert refused.value.code == "file.unknown"


def test_the_storeroom_keeps_what_is_needed_and_the_newest_of_the_rest(tmp_path: Path) -> None:
    now = 1_800_000_000.0
    made: dict[str, Path] = {}

    def put(folder: str, name: str, days_ago: float, size: int = 1) -> None:
        import os

        made[name] = tmp_path / folder / name
        made[name].parent.mkdir(parents=True, exist_ok=True)
        with made[name].open("wb") as file:
            file.truncate(size)
        os.utime(made[name], (now - days_ago * 86400,) * 2)

    put("toolpaths", "needed-1.gcode", 90)
    put("toolpaths", "needed.json", 90)
    put("toolpaths", "spare-1.gcode", 6)
    put("toolpaths", "old-1.gcode", 8)
    put("toolpaths", "old.json", 8)
    put("meshes", "large", 3, MOST_BYTES - 100)
    put("meshes", "older", 4, 1000)
    put("work/wo-1-a1-e1", "sheet.md", 30)
    put("work/wo-2-a1-e1", "drawing.pdf", 0)
    put("pictures", "seen.png", 2)
    tidy(tmp_path, Needed({made["needed-1.gcode"]}, {"wo-1-a1-e1"}), now)
    assert {name for name, file in made.items() if file.exists()} == {"needed-1.gcode", "needed.json", "large", "sheet.md"}


@needs_slicer
async def test_the_whole_agent_accepts_with_measured_figures_and_runs_what_it_measured(tmp_path: Path) -> None:
    router = SmallRouter()
    picture = hashlib.sha256(PNG).hexdigest()
    router.files[picture] = PNG
    router.put_up(offer(minutes=1, picture_sha256=picture))
    async with served(router) as address:
        config = shop(tmp_path, node=address)
        running = asyncio.create_task(agent_module.run(config))
        try:
            await until(lambda: router.ended.get("wo-1") == "complete", 40)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    with closing(open_journal(config)) as journal:
        (record,) = journal.offers()
    work = v1.CompletedWork.FromString(router.reports[0].work)
    assert record.toolpath is not None and work.toolpath_sha256 == record.toolpath.sha256 != ""
    assert work.machine_time.ToTimedelta().total_seconds() == pytest.approx(record.toolpath.seconds)
    assert (tmp_path / "shop-data" / "pictures" / f"{picture}.png").read_bytes() == PNG and find_slicer()
    assert stl_box(20, 20, 10) == (tmp_path / "shop-data" / "meshes" / offer().mesh_sha256).read_bytes()


@needs_slicer
async def test_what_somebody_at_the_door_brought_is_sliced_without_a_node(tmp_path: Path) -> None:
    async with kitchen(tmp_path) as here:
        source = tmp_path / "vase.stl"
        source.write_bytes(stl_box(15, 15, 5))
        wanted = offer("walk-in_1", mesh_sha256="")
        wanted.requirement.ClearField("size_mm")
        toolpath = await here.prepare(accepted(wanted, str(source)))
        assert toolpath.sha256 and toolpath.grams > 0 and not (tmp_path / "shop-data" / "meshes").exists()


def test_the_command_line_shows_measured_figures_and_says_which_are_estimates(tmp_path: Path) -> None:
    import json

    from typer.testing import CliRunner

    from cli.shop.command import app

    def said(*more: str) -> str:
        return CliRunner().invoke(app, ["offers", "--config", str(tmp_path / "shop.toml"), *more], env={"COLUMNS": "200"}).output

    with closing(open_journal(shop(tmp_path))) as journal:
        with journal.change() as connection:
            note_offers(connection, [offer(minutes=10)], 0.0)
        assert "about 10 min 0 s, 4.5 g a piece" in said()
        journal.note_quote("wo-1", Toolpath("made.gcode", "a" * 64, 754, 6.52))
        assert " 12 min 34 s, 6.5 g a piece" in said() and "about" not in said()
        (told,) = json.loads(said("--json"))
    assert (told["measured"]["seconds"], told["measured"]["is_estimate"], told["refused"]) == (754, False, [])


async def test_a_journal_that_takes_nothing_for_a_while_costs_no_offer_its_measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full: the shop stays open, and what was measured is written down once there is room."""

    def full(*what: Any, **more: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    async with scene(tmp_path) as now:
        now.heard(offer())
        with monkeypatch.context() as patched:
            patched.setattr(now.journal, "note_quote", full)
            await now.turn()
        assert not now.record().measured
        now.clock.advance(2)
        await now.turn()
        assert now.record().toolpath == Toolpath("made.gcode", "a" * 64, 720, 6.5)
