# SPDX-License-Identifier: AGPL-3.0-or-later
"""What was paused for long goes on only where the printer can: warm, and knowing where it stands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from clocks import ManualClock
from small_shop import offer, shop

from shop_agent.bench import steps
from shop_agent.bench.obeying import obey
from shop_agent.bench.warmth import Warmth, hottest, in_words
from shop_agent.journal import attempt_steps, words
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.records import AttemptRecord, Toolpath
from shop_agent.journal.words import Kind
from shop_agent.machines import Look, Standing
from shop_agent.machines.klipper_status import look_at_ours
from shop_agent.machines.virtual import VirtualMachine

HELD = Look(Standing.RUNNING, busy_with="x", paused=True)
PRINT = "; M104 S300\nM104 S150 ; while it probes\nN3 M109 R215\nG1 X1 E1\nM104 S0\n"


class Held(VirtualMachine):
    """One that holds our piece, as warm as the test says."""

    look = HELD
    resumed = 0

    async def state(self, name: str) -> Look:
        return self.look

    async def resume(self, name: str) -> None:
        self.resumed += 1


class Printer:
    """A printer with one piece of ours begun."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        config = shop(folder)
        self.journal: Journal = open_journal(config, clock)
        self.machine = Held(config.machine[0], folder, clock)
        file = folder / "part.gcode"
        file.write_text(PRINT, encoding="utf-8")
        with self.journal.change() as connection:
            connection.execute(
                "INSERT INTO attempts (work_order_id, number, epoch, offer, machine_id, start_asked, leave)"
                " VALUES ('wo-1', 1, 1, ?, 'mk3', 1, 1)",
                (offer().SerializeToString(),),
            )
        attempt_steps.note_toolpath(self.journal, self.attempt, Toolpath(str(file), "a" * 64, 60, 1))
        attempt_steps.begin_piece(self.journal, self.attempt)
        self.said: list[str] = []

    @property
    def attempt(self) -> AttemptRecord:
        return self.journal.attempts()[0]

    async def resume(self, nozzle: tuple[float, float] | None, adrift: bool = False) -> int:
        self.machine.look = replace(HELD, nozzle=nozzle, adrift=adrift)
        words.say(self.journal, "mk3", Kind.RESUME, "Lena")
        await obey(self.journal, self.machine, [self.attempt], lambda about, what: self.said.append(what), Warmth())
        assert words.unheard(self.journal, "mk3") == []
        return self.machine.resumed


@pytest.fixture
def printer(tmp_path: Path, manual_clock: ManualClock) -> Printer:
    return Printer(tmp_path, manual_clock)


@pytest.mark.parametrize("nozzle", [(25, 0), (190, 0), (180, 215)], ids=["cold", "cooling down", "heating up"])
async def test_a_nozzle_that_went_cold_does_not_go_on(printer: Printer, nozzle: tuple[float, float]) -> None:
    assert await printer.resume(nozzle) == 0
    assert f"has {nozzle[0]} °C" in printer.said[-1] and "needs 215 °C" in printer.said[-1]
    assert await printer.resume((212, 215)) == 1


@pytest.mark.parametrize("nozzle", [(214, 215), (200, 0), (185, 200), None], ids=["warm", "nearly", "set lower by hand", "not told"])
async def test_one_that_is_warm_enough_does(printer: Printer, nozzle: tuple[float, float] | None) -> None:
    assert await printer.resume(nozzle) == 1


async def test_a_printer_that_does_not_know_where_it_stands_does_not_go_on(printer: Printer) -> None:
    assert await printer.resume((215, 215), adrift=True) == 0
    assert "where it stands" in printer.said[-1]


async def test_whoever_looks_on_is_told_what_to_do_before_anybody_says_resume(printer: Printer) -> None:
    against = await Warmth().against_resuming(printer.attempt, replace(HELD, nozzle=(60, 0)))
    assert against is not None and against.code == "machine.cold" and "Heat it" in against.remedy
    assert await Warmth().against_resuming(printer.attempt, replace(HELD, nozzle=(60, 0), paused=False)) is None
    scene = steps.Scene(HELD, printer.machine.facts, False, None, False, True, True, 1, against_resuming=in_words(against))
    step = steps.next_step(printer.attempt, scene)
    assert isinstance(step, steps.Wait) and step.person and "60 °C" in step.why and "Heat it" in step.why


def test_a_toolpath_says_how_hot_it_gets(tmp_path: Path) -> None:
    (tmp_path / "a.gcode").write_text(PRINT, encoding="utf-8")
    assert hottest(tmp_path / "a.gcode") == 215 and hottest(tmp_path / "gone.gcode") == 0


@pytest.mark.parametrize(
    ("toolhead", "adrift"),
    [
        ({"homed_axes": "xyz", "axis_maximum": [220, 220, 250, 0]}, False),
        ({"homed_axes": "", "axis_maximum": [220, 220, 250, 0]}, True),
        ({"homed_axes": "", "axis_maximum": [0, 0, 0, 0]}, False),
        ({}, False),
    ],
    ids=["homed", "motors off", "without axes", "not told"],
)
def test_klipper_whose_motors_went_off_in_a_pause_does_not_know_where_it_stands(toolhead: dict[str, object], adrift: bool) -> None:
    status: dict[str, dict[str, object]] = {"print_stats": {"state": "paused"}, "toolhead": toolhead}
    assert look_at_ours("x", status, "").adrift is adrift
