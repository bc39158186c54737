# SPDX-License-Identifier: AGPL-3.0-or-later
"""Machines whose work is not sliced here: the person's folder, and the toolpath that somebody brings."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from small_shop import SmallRouter, offer, served, shop, until
from stl_boxes import stl_box
from typer.testing import CliRunner

from cli.shop.command import app
from commonfab import v1
from commonfab.client import connect
from commonfab.errors import Refused
from commonfab.rpc_client import Endpoint
from shop_agent import agent as agent_module
from shop_agent.bench.steps import AskToStart, NoteGo, Scene, Wait, next_step
from shop_agent.config import ShopConfig
from shop_agent.gcode import ToolpathRefused
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.records import AttemptRecord, ReadyRecord
from shop_agent.machines import Look, Standing
from shop_agent.people.bringing import NeedsPerson, bring
from shop_agent.preparing.preparer import Preparer
from shop_agent.preparing.work_folder import lay_out

PRINT = "G21\nG90\nM82\nG28\nM109 S200\nG92 E0\nG1 X10 Y10 Z0.2 F1200\nG1 X40 Y10 E5\nM104 S0\nM140 S0\nM84\n"
DRAWING = b"%PDF-1.4 a drawing"


def put_on_bench(journal: Journal, wanted: v1.Offer, machine: str = "mk3") -> AttemptRecord:
    with journal.change() as connection:
        connection.execute(
            "INSERT INTO attempts (work_order_id, number, epoch, offer, machine_id) VALUES (?, 1, 1, ?, ?)",
            (wanted.work_order_id, wanted.SerializeToString(), machine),
        )
    return journal.attempts()[-1]


def a_file(folder: Path, text: str = PRINT) -> Path:
    file = folder / "brought.gcode"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_toolpath_from_outside_is_checked_copied_and_waits_for_a_person_on_any_machine(tmp_path: Path) -> None:
    config = shop(tmp_path, outside_toolpaths=True)
    file = a_file(tmp_path)
    with closing(open_journal(config)) as journal:
        row = put_on_bench(journal, offer()).row
        taken = bring(journal, config, "wo-1", file)
        attempt = journal.attempt(row)
    assert attempt.toolpath == taken and taken.sha256 == hashlib.sha256(PRINT.encode()).hexdigest()
    file.write_text("M500\n", encoding="utf-8")  # what happens to the original afterwards is nobody's concern
    assert Path(taken.file).read_text(encoding="utf-8") == PRINT
    ready = ReadyRecord(attempt.go_after + 1, "mk3", "Lena", 0.0)
    steps = [next_step(attempt, _scene(config, said)) for said in (None, ready)]
    assert isinstance(steps[0], Wait) and steps[0].person and isinstance(steps[1], NoteGo)
    assert config.machine[0].starts_itself


def _scene(config: ShopConfig, ready: ReadyRecord | None) -> Scene:
    look = Look(Standing.HERE)
    return Scene(look, config.machine[0], True, ready, bed_in_doubt=False, first_in_line=True, lease_holds=True, scrap_allowed=1)


def test_a_toolpath_of_the_agents_own_needs_no_go_on_a_printer_that_starts_itself(tmp_path: Path) -> None:
    from dataclasses import replace

    config = shop(tmp_path, outside_toolpaths=True)
    with closing(open_journal(config)) as journal:
        row = put_on_bench(journal, offer()).row
        bring(journal, config, "wo-1", a_file(tmp_path))
        attempt = journal.attempt(row)
    assert attempt.toolpath is not None
    own = replace(attempt, toolpath=replace(attempt.toolpath, note=""))
    assert isinstance(next_step(own, _scene(config, None)), AskToStart)


def test_without_the_owners_leave_no_toolpath_from_outside_is_taken(tmp_path: Path) -> None:
    config = shop(tmp_path)
    with closing(open_journal(config)) as journal:
        put_on_bench(journal, offer())
        with pytest.raises(ToolpathRefused) as refused:
            bring(journal, config, "wo-1", a_file(tmp_path))
        assert [one.code for one in refused.value.reasons] == ["toolpath.from_outside"]
        assert journal.attempts()[0].toolpath is None
    assert list((config.data_dir / "brought").iterdir()) == []


def test_a_toolpath_from_outside_passes_the_gate_or_is_not_taken(tmp_path: Path) -> None:
    config = shop(tmp_path, outside_toolpaths=True)
    with closing(open_journal(config)) as journal:
        put_on_bench(journal, offer())
        with pytest.raises(ToolpathRefused, match="line 8"):
            bring(journal, config, "wo-1", a_file(tmp_path, PRINT.replace("X40", "X400")))
        with pytest.raises(Refused) as refused:
            bring(journal, config, "wo-9", a_file(tmp_path))
    assert refused.value.code == "shop.no_attempt"


def test_the_command_line_takes_a_toolpath_and_says_what_is_wrong_with_one(tmp_path: Path) -> None:
    config = shop(tmp_path, outside_toolpaths=True)
    with closing(open_journal(config)) as journal:
        put_on_bench(journal, offer())
        bad = tmp_path / "bad.gcode"
        bad.write_text(PRINT + "M500\n", encoding="utf-8")
        told = CliRunner().invoke(app, ["toolpath", "wo-1", str(bad), "--config", str(tmp_path / "shop.toml")])
        assert told.exit_code == 1 and "M500" in told.output
        told = CliRunner().invoke(app, ["toolpath", "wo-1", str(a_file(tmp_path)), "--config", str(tmp_path / "shop.toml")])
        assert told.exit_code == 0 and "waits for somebody" in told.output
        assert journal.attempts()[0].toolpath is not None


def with_drawing(**what: Any) -> v1.Offer:
    file = v1.FileEntry(path="drawings/bracket.pdf", sha256=hashlib.sha256(DRAWING).hexdigest(), size_bytes=len(DRAWING))
    return offer(files=[file], **what)


async def test_work_by_hand_gets_its_files_and_a_sheet_and_no_toolpath(tmp_path: Path) -> None:
    router, wanted = SmallRouter(), with_drawing(minutes=25)
    router.put_up(wanted)
    router.files[wanted.files[0].sha256] = DRAWING
    async with served(router) as address:
        config = shop(tmp_path, node=address, control="by_hand", process="drilling", starts_itself=False, clears_itself=False)
        async with connect(Endpoint(address, "cfab_test")) as node:
            prepare = Preparer(config, node, asyncio.Semaphore(1), lambda order: None)
            with closing(open_journal(config)) as journal:
                attempt = put_on_bench(journal, wanted)
            quote, toolpath = await prepare.measure(wanted), await prepare(attempt)
    assert (toolpath.file, toolpath.sha256, toolpath.seconds) == ("", "", 1500) and toolpath == quote
    folder = config.data_dir / "work" / attempt.key
    assert (folder / "drawings" / "bracket.pdf").read_bytes() == DRAWING
    assert (folder / "mesh-in-millimetres.stl").read_bytes() == stl_box(20, 20, 10)
    assert "drawings/bracket.pdf" in (folder / "sheet.md").read_text(encoding="utf-8")


async def test_a_file_name_from_outside_stays_in_the_folder(tmp_path: Path) -> None:
    paths = ["../../escaped", "/etc/passwd", ".hidden", "a/../../b", "c:\\d", "sheet.md", "x" * 300, "good name.pdf"]
    entries = [v1.FileEntry(path=path, sha256=f"{number:064x}") for number, path in enumerate(paths)]
    with closing(open_journal(shop(tmp_path))) as journal:
        attempt = put_on_bench(journal, offer(files=entries, mesh_sha256=""))
    targets: list[Path] = []

    async def fetch(sha256: str, target: Path) -> None:
        targets.append(target)

    folder = await lay_out(tmp_path / "data", attempt, "garage", fetch)
    assert [target.relative_to(folder).as_posix() for target in targets] == [*(f"{n:064x}" for n in range(7)), "good name.pdf"]


async def test_a_router_without_a_toolpath_waits_for_somebody_to_bring_one(tmp_path: Path) -> None:
    router, wanted = SmallRouter(), with_drawing()
    router.put_up(wanted)
    router.files[wanted.files[0].sha256] = DRAWING
    facts: dict[str, Any] = {"control": "grbl", "port": "/dev/null", "process": "cnc_routing", "materials": ["plywood"]}
    async with served(router) as address:
        config = shop(tmp_path, node=address, starts_itself=False, clears_itself=False, outside_toolpaths=True, **facts)
        async with connect(Endpoint(address, "cfab_test")) as node:
            prepare = Preparer(config, node, asyncio.Semaphore(1), lambda order: None)
            with closing(open_journal(config)) as journal:
                attempt = put_on_bench(journal, wanted)
            assert (await prepare.measure(wanted)).seconds == 600
            with pytest.raises(NeedsPerson, match="bring a toolpath"):
                await prepare(attempt)
            assert (config.data_dir / "work" / attempt.key / "sheet.md").exists()
            strict = Preparer(shop(tmp_path / "strict", node=address, starts_itself=False, clears_itself=False, **facts), *_rest(prepare))
            with pytest.raises(Refused) as refused:
                await strict.measure(wanted)
    assert refused.value.code == "toolpath.nobody_makes"


def _rest(prepare: Preparer) -> tuple[Any, ...]:
    return prepare.node, prepare.slots, prepare.quoted


async def test_the_whole_agent_waits_for_a_toolpath_says_so_and_goes_on_once_it_is_brought(tmp_path: Path) -> None:
    """A laser that is not even switched on: what is needed of the person is told to the router, too."""
    router = SmallRouter()
    wanted = offer()
    wanted.requirement.process, wanted.requirement.material = "laser_cutting", "plywood"
    router.put_up(wanted)
    facts: dict[str, Any] = {"control": "grbl", "port": "/dev/ttyNONE", "process": "laser_cutting", "materials": ["plywood"]}
    async with served(router) as address:
        config = shop(tmp_path, node=address, starts_itself=False, clears_itself=False, outside_toolpaths=True, max_s=1000, **facts)
        running = asyncio.create_task(agent_module.run(config))
        try:
            with closing(open_journal(config)) as journal:
                waits = v1.ATTEMPT_PHASE_WAITING_FOR_PERSON
                await until(lambda: any(one.phase == waits for request in router.requests for one in request.attempts))
                (attempt,) = journal.attempts()
                assert attempt.toolpath is None and (config.data_dir / "work" / attempt.key / "sheet.md").exists()
                cut = a_file(tmp_path, "G21\nG90\nM4 S0\nG0 X0 Y0\nG1 X30 Y0 S800 F600\nM5\nM2\n")
                taken = bring(journal, config, "wo-1", cut)
                assert taken.seconds > 0 and journal.attempts()[0].toolpath == taken
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
