# SPDX-License-Identifier: AGPL-3.0-or-later
"""Work for somebody at the door, toolpaths that people bring, and their files: at every desk by the same rules."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from clocks import ManualClock
from desk_shops import accepted, alive, bench, made
from small_shop import offer
from stl_boxes import stl_box

from commonfab.errors import Refused
from shop_agent.desk import actions, walk_ins
from shop_agent.desk.actions import Bench
from shop_agent.desk.cards import BenchCard, MachineCard
from shop_agent.desk.view import look
from shop_agent.desk.work_files import file_of
from shop_agent.gcode import ToolpathRefused
from shop_agent.journal.records import PieceState
from shop_agent.live import LiveMachine
from shop_agent.machines.grbl.reports import Status, trouble_of
from shop_agent.people.picture_kinds import picture_ending
from shop_agent.people.walk_in import Wanted

__all__ = ["bench"]

MILLED = "G21\nG90\nG17\nG94\nG54\nG0 Z5\nM3 S8000\nG0 X0 Y0\nG1 X10 Y10 Z1 F300\nG0 Z5\nM5\nM30\n"


def on_bench(bench: Bench, order: str) -> BenchCard:
    return next(card for card in look(bench.config, bench.journal).benches if card.order == order)


def machine(bench: Bench, machine_id: str) -> MachineCard:
    found = look(bench.config, bench.journal).machine(machine_id)
    assert found is not None
    return found


def test_a_walk_in_keeps_a_copy_of_its_file_because_a_stick_is_soon_gone(bench: Bench, tmp_path: Path) -> None:
    stick = tmp_path / "Door hook (2).STL"
    stick.write_bytes(stl_box(20, 20, 10))
    order = walk_ins.take(bench, "mk3", Wanted(" a  hook ", 2, stick, "PLA", 15))
    stick.unlink()
    (attempt,) = bench.journal.attempts()
    assert Path(attempt.source).read_bytes() == stl_box(20, 20, 10) and attempt.source.endswith("Door-hook-2.stl")
    card = on_bench(bench, order)
    assert (card.walk_in, card.what, card.quantity, card.stands) == (True, "a hook", 2, "preparing")


def test_files_of_walk_ins_that_are_over_are_cleared_away(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "a.stl").write_bytes(stl_box(20, 20, 10))
    walk_ins.take(bench, "mk3", Wanted("a hook", 1, tmp_path / "a.stl"))
    (kept,) = (bench.config.data_dir / walk_ins.FILES).iterdir()
    left = kept.with_name("left-behind.stl")
    left.write_bytes(b"old")
    now = bench.journal.clock.now()
    for file in (kept, left):
        os.utime(file, (now - 7200, now - 7200))
    walk_ins.take(bench, "mk3", Wanted("another", 1, tmp_path / "a.stl"))
    assert kept.exists() and not left.exists()


@pytest.mark.parametrize(
    ("machine_id", "wanted", "code"),
    [
        ("mk3", Wanted(" ", 1), "walk_in.what"),
        ("mk3", Wanted("a hook", 0), "desk.number"),
        ("mk3", Wanted("a hook", 1, minutes=float("nan")), "desk.number"),
        ("mk3", Wanted("a hook", 1, material="gold"), "walk_in.material"),
        ("mk3", Wanted("a hook", 1, Path("hook.doc")), "walk_in.file"),
        ("saw", Wanted("a board", 1, Path("board.stl")), "walk_in.file"),
        ("nowhere", Wanted("a board", 1), "command.machine"),
    ],
)
def test_what_the_agent_would_only_give_back_later_is_refused_at_once(bench: Bench, machine_id: str, wanted: Wanted, code: str) -> None:
    with pytest.raises(Refused) as refused:
        walk_ins.take(bench, machine_id, wanted)
    assert refused.value.code == code and bench.journal.attempts() == []


def test_a_walk_ins_toolpath_passes_the_gate_before_it_is_taken(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "bad.nc").write_text(MILLED.replace("X10", "X4000"), encoding="utf-8")
    with pytest.raises(ToolpathRefused, match="line 9"):
        walk_ins.take(bench, "mill", Wanted("a plate", 1, tmp_path / "bad.nc"))
    (tmp_path / "good.nc").write_text(MILLED, encoding="utf-8")
    walk_ins.take(bench, "mill", Wanted("a plate", 1, tmp_path / "good.nc"))
    assert len(bench.journal.attempts()) == 1


def test_each_machine_says_what_it_makes_a_walk_in_from(bench: Bench) -> None:
    told = [walk_ins.makes_from(bench.machine(one)) for one in ("mk3", "mill", "saw")]
    assert told == ["an STL or 3MF file", "a toolpath", ""]


def test_what_waits_for_a_toolpath_says_so_and_leads_to_its_files(bench: Bench, manual_clock: ManualClock, tmp_path: Path) -> None:
    attempt = accepted(bench.journal, offer(machine_id="mill"))
    why = f"somebody to bring a toolpath, from the files in {tmp_path}: commonfab shop toolpath wo-1 FILE"
    alive(bench.config, manual_clock, LiveMachine("mill", "needs_person", waits={attempt.key: why}, waits_for_person=(attempt.key,)))
    folder = bench.config.data_dir / "work" / attempt.key
    (folder / "drawings").mkdir(parents=True)
    for name in ("sheet.md", "drawings/plate.pdf"):
        (folder / name).write_text(name, encoding="utf-8")
    (folder / "link").symlink_to(bench.config.path)
    card, (waits,) = on_bench(bench, "wo-1"), machine(bench, "mill").waits
    assert (waits.text, waits.button) == ("somebody to bring a toolpath", "toolpath")
    assert (card.needs_toolpath, card.brings, card.files) == (True, True, ("sheet.md", "drawings/plate.pdf"))
    assert file_of(bench.config, "wo-1", "drawings/plate.pdf") == folder / "drawings" / "plate.pdf"
    for path in ("../../agent.db", "link", "drawings", "", "/etc/passwd", "drawings/../sheet.md"):
        assert file_of(bench.config, "wo-1", path) is None
    assert file_of(bench.config, "wo-9", "sheet.md") is None
    (tmp_path / "plate.nc").write_text(MILLED, encoding="utf-8")
    actions.bring(bench, "wo-1", tmp_path / "plate.nc")
    card = on_bench(bench, "wo-1")
    assert (card.needs_toolpath, card.brings, card.toolpath) == (False, True, "brought by somebody, and checked")


def test_a_machine_that_takes_no_toolpaths_is_not_asked_for_one(bench: Bench) -> None:
    accepted(bench.journal, offer())
    assert not on_bench(bench, "wo-1").brings


def test_only_an_alarm_brings_the_buttons_that_help_it(bench: Bench, manual_clock: ManualClock) -> None:
    cnc = bench.config.machine[1].model_copy(update={"id": "cnc", "control": "grbl", "port": "/dev/null"})
    at_cnc = Bench(bench.config.model_copy(update={"machine": (cnc,)}), bench.journal)
    for state, cares in (("Alarm", ("unlock", "home")), ("Door", ()), ("Idle", ())):
        alive(at_cnc.config, manual_clock, LiveMachine("cnc", "needs_person", fault=trouble_of(Status(state), "Alarm 1")))
        assert machine(at_cnc, "cnc").cares == cares, state


def test_what_only_its_person_can_count_has_its_button_on_the_machine(bench: Bench, manual_clock: ManualClock) -> None:
    attempt = made(bench.journal, accepted(bench.journal, offer(machine_id="saw", quantity=3)), PieceState.BEGUN)
    why = {attempt.key: "somebody at saw to say that piece 1 is made: commonfab shop made saw"}
    alive(bench.config, manual_clock, LiveMachine("saw", "busy", busy_with="x", attempt=attempt.key, piece=1, waits=why))
    assert machine(bench, "saw").buttons == {"made"} and not machine(bench, "saw").needs_person


@pytest.mark.parametrize(
    ("head", "ending"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(8), ".png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", ".jpg"),
        (b"\xff\xd8\xff\xdb", ".jpg"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", ".webp"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", ".heic"),
        (b"\x00\x00\x00\x1cftypMSNV\x00\x00\x00\x00heicmif1MSNV", ".heic"),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2", ""),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", ""),
        (b"<svg xmlns=", ""),
        (b"GIF89a", ""),
        (b"", ""),
    ],
)
def test_a_picture_is_known_by_its_first_bytes(head: bytes, ending: str) -> None:
    assert picture_ending(head) == ending


def test_what_is_no_picture_is_refused_by_its_name_and_nothing_is_kept(bench: Bench) -> None:
    accepted(bench.journal, offer())
    with pytest.raises(Refused, match=r"holiday\.jpg") as refused:
        actions.photograph_sent(bench, "wo-1", "holiday.jpg", b"<html>")
    assert refused.value.code == "shop.not_a_picture" and not (bench.config.data_dir / "photographs").exists()
