# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a person has done to a machine whose port we hold: home, unlock. Only where nothing is at work, once, and soon or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from clocks import ManualClock
from small_shop import shop
from typer.testing import CliRunner

from commonfab.errors import Refused
from shop_agent.bench.obeying import CARES_OF, obey
from shop_agent.bench.warmth import Warmth
from shop_agent.config import ShopConfig
from shop_agent.desk import actions
from shop_agent.journal import words
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.freshness import GO_SECONDS
from shop_agent.journal.records import AttemptRecord
from shop_agent.journal.words import Kind
from shop_agent.machines import Care, Look, Standing
from shop_agent.machines.virtual import VirtualMachine
from shop_agent.shop_toml.machine_section import NEEDS, MachineSection

HERE = Look(Standing.NOT_HERE)


class Router(VirtualMachine):
    """A machine that stands as the test says, and writes down what it was told to do."""

    def __init__(self, facts: MachineSection, folder: Path, clock: ManualClock) -> None:
        super().__init__(facts, folder, clock)
        self.look = HERE
        self.cared: list[Care] = []
        self.refuses = False

    async def state(self, name: str) -> Look:
        return self.look

    async def see_to(self, care: Care) -> None:
        self.cared.append(care)
        if self.refuses:
            raise Refused("machine.care_failed", "mk3: ALARM:9")


class Garage:
    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self.clock = clock
        self.config: ShopConfig = shop(folder)
        self.journal: Journal = open_journal(self.config, clock)
        self.machine = Router(self.config.machine[0], folder, clock)
        self.said: list[str] = []

    def say(self, kind: Kind) -> None:
        words.say(self.journal, "mk3", kind, "Lena")

    async def obey(self, line: Sequence[AttemptRecord] = ()) -> list[Care]:
        await obey(self.journal, self.machine, line, lambda about, what: self.said.append(what), Warmth())
        return self.machine.cared


@pytest.fixture
def garage(tmp_path: Path, manual_clock: ManualClock) -> Garage:
    return Garage(tmp_path, manual_clock)


async def test_a_machine_that_stands_is_homed_and_unlocked_once_each(garage: Garage) -> None:
    garage.say(Kind.UNLOCK)
    garage.say(Kind.HOME)
    assert await garage.obey() == [Care.UNLOCK, Care.HOME]
    assert await garage.obey() == [Care.UNLOCK, Care.HOME]


async def test_one_that_stands_in_an_alarm_is_not_at_work(garage: Garage) -> None:
    garage.machine.look = replace(HERE, fault="ALARM:1")
    garage.say(Kind.UNLOCK)
    assert await garage.obey() == [Care.UNLOCK]


async def test_one_at_work_is_left_alone_and_the_word_is_not_kept_for_later(garage: Garage) -> None:
    garage.machine.look = replace(HERE, busy_with="vase.gcode")
    garage.say(Kind.HOME)
    assert await garage.obey() == []
    garage.machine.look = HERE
    assert await garage.obey() == [] and "at work" in garage.said[-1]


async def test_said_too_long_ago_nothing_moves(garage: Garage) -> None:
    """Nobody may stand there by now."""
    garage.say(Kind.HOME)
    garage.say(Kind.UNLOCK)
    garage.clock.advance(GO_SECONDS + 1)
    assert await garage.obey() == [] and words.unheard(garage.journal, "mk3") == []


@pytest.mark.parametrize("kind", [Kind.UNLOCK, Kind.HOME])
async def test_what_is_said_to_one_that_is_away_is_not_done_when_it_is_back(garage: Garage, kind: Kind) -> None:
    """Somebody plugs it in again, with his hands at the axes."""
    garage.machine.look = replace(HERE, reachable=False)
    garage.say(kind)
    assert await garage.obey() == [] and "away" in garage.said[-1]
    garage.machine.look = HERE
    assert await garage.obey() == []
    garage.say(kind)
    assert len(await garage.obey()) == 1


async def test_homing_that_failed_is_told_and_not_tried_again(garage: Garage) -> None:
    garage.machine.refuses = True
    garage.say(Kind.HOME)
    await garage.obey()
    assert await garage.obey() == [Care.HOME] and "ALARM:9" in garage.said[-1]


def test_whoever_says_it_of_a_machine_that_cannot_is_told_at_once(garage: Garage) -> None:
    with pytest.raises(Refused) as refused:
        actions.unlock(actions.Bench(garage.config, garage.journal), "mk3", "Lena")
    assert refused.value.code == "machine.no_such_care" and words.unheard(garage.journal, "mk3") == []


@pytest.mark.parametrize("care", Care)
async def test_a_machine_that_cannot_refuses_by_itself(garage: Garage, care: Care) -> None:
    virtual = VirtualMachine(garage.config.machine[0], garage.config.data_dir, garage.clock)
    with pytest.raises(Refused) as refused:
        await virtual.see_to(care)
    assert refused.value.code == "machine.no_such_care"


def test_only_what_drives_a_machine_can_be_told() -> None:
    assert set(CARES_OF) <= set(NEEDS)


@pytest.mark.parametrize("word", ["home", "unlock"])
def test_the_command_line_writes_it_down_for_the_agent(tmp_path: Path, word: str) -> None:
    from cli.main import app

    config = shop(
        tmp_path, control="grbl", process="milling", materials=["ply"], starts_itself=False, clears_itself=False, port=str(tmp_path / "tty")
    )
    told = CliRunner().invoke(app, ["shop", word, "mk3", "--who", "Lena", "--config", str(tmp_path / "shop.toml")])
    assert told.exit_code == 0, told.output
    journal = open_journal(config)
    assert [(said.kind, said.who) for said in words.unheard(journal, "mk3")] == [(Kind(word), "Lena")]
    journal.close()
