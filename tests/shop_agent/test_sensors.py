# SPDX-License-Identifier: AGPL-3.0-or-later
"""Declared sensors: a file, and a real web server on this computer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from clocks import ManualClock
from small_shop import shop

from shop_agent.journal.book import Journal, open_journal
from shop_agent.people.sensors import URL_AGAIN_SECONDS, Sensors, read_sensor
from shop_agent.shop_toml.machine_section import GO, MachineSection
from shop_agent.shop_toml.sections import SensorSection

BUSY, IDLE = "cf-wo-1-a1-e1-p1.gcode", ""


@pytest.fixture
def journal(tmp_path: Path, manual_clock: ManualClock) -> Iterator[Journal]:
    with contextlib.closing(open_journal(shop(tmp_path), manual_clock)) as opened:
        yield opened


@pytest.fixture
def bed(tmp_path: Path) -> Path:
    file = tmp_path / "bed"
    file.write_text("clear\n", encoding="utf-8")
    return file


def printer(*sensors: SensorSection) -> MachineSection:
    return MachineSection(id="mk3", envelope_mm=(200, 200, 200), materials=("pla",), control="virtual", sensor=sensors)


def watching(file: Path, confirms: str = "bed") -> SensorSection:
    return SensorSection.model_validate({"confirms": confirms, "file": file})


def said(journal: Journal) -> set[str]:
    ready = journal.ready("mk3")
    return set(ready.confirms) if ready else set()


class Switch:
    """A web server that answers one text to everybody, and counts how often it was asked."""

    def __init__(self) -> None:
        self.text, self.status, self.asked, self.url = "1", 200, 0, ""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        head = f"HTTP/1.1 {self.status} Fine\r\nLocation: /elsewhere\r\nContent-Length: {len(self.text)}\r\nConnection: close\r\n\r\n"
        writer.write((head + self.text).encode())
        await writer.drain()
        writer.close()


@pytest.fixture
async def switch() -> AsyncIterator[Switch]:
    switch = Switch()
    async with await asyncio.start_server(switch, "127.0.0.1", 0) as server:
        switch.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/bed"
        yield switch


@pytest.mark.parametrize(
    ("text", "sees"), [("1", True), (" Clear \n", True), ("TRUE", True), ("0", False), ("", False), ("11", False), ("1" * 100, False)]
)
async def test_a_file_says_whether_it_is_so(bed: Path, text: str, sees: bool) -> None:
    bed.write_text(text, encoding="utf-8")
    assert await read_sensor(watching(bed)) is sees


async def test_a_file_that_is_not_there_or_is_no_text_sees_nothing(tmp_path: Path, bed: Path) -> None:
    assert not await read_sensor(watching(tmp_path / "unplugged"))
    assert not await read_sensor(watching(tmp_path))
    bed.write_bytes(b"\xff\xfe1")
    assert not await read_sensor(watching(bed))


async def test_a_web_address_says_whether_it_is_so(switch: Switch) -> None:
    sensor = SensorSection(confirms="bed", url=switch.url)
    assert await read_sensor(sensor)
    for switch.text, switch.status in (("0", 200), ("1", 404), ("1", 302), ("\x00", 200)):
        assert not await read_sensor(sensor)
    assert switch.asked == 5  # nobody followed it elsewhere


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/bed", "file:///etc/hostname", "nonsense", "http://[::1"])
async def test_an_address_that_does_not_answer_sees_nothing(url: str) -> None:
    assert not await read_sensor(SensorSection(confirms="bed", url=url))


async def test_what_it_sees_is_said_in_its_own_name_and_is_no_persons_word(journal: Journal, bed: Path) -> None:
    await Sensors(journal)(printer(watching(bed), watching(bed, "stock")))
    ready = journal.ready("mk3")
    assert ready is not None and ready.confirms == {"bed", "stock"} and GO not in ready.confirms
    assert not ready.by_person and ready.who == f"sensor {bed}"


def test_no_sensor_can_be_declared_for_go(bed: Path) -> None:
    with pytest.raises(ValueError, match="confirms"):
        watching(bed, GO)


async def test_when_it_sees_it_no_longer_its_word_is_taken_back_and_that_of_people_stands(
    journal: Journal, bed: Path, manual_clock: ManualClock
) -> None:
    sensors, facts = Sensors(journal), printer(watching(bed))
    journal.mark_ready("mk3", "Lena", ("stock",))
    await sensors(facts)
    assert said(journal) == {"bed", "stock"}
    bed.unlink()  # unplugged
    manual_clock.advance(1)
    await sensors(facts)
    assert said(journal) == {"stock"}


async def test_what_it_saw_before_the_piece_ended_does_not_count_for_the_next(
    journal: Journal, bed: Path, manual_clock: ManualClock
) -> None:
    sensors, facts = Sensors(journal), printer(watching(bed))
    await sensors(facts)
    journal.note_busy("mk3", BUSY)
    manual_clock.advance(1)
    await sensors(facts)  # it still says clear: the bed moved away under it
    assert said(journal) == set()
    journal.note_busy("mk3", IDLE)
    await sensors(facts)  # what was read a moment ago, while it worked
    assert said(journal) == set()
    manual_clock.advance(1)
    bed.write_text("0", encoding="utf-8")
    await sensors(facts)
    assert said(journal) == set()
    manual_clock.advance(1)
    bed.write_text("1", encoding="utf-8")
    await sensors(facts)
    assert said(journal) == {"bed"}


async def test_two_that_confirm_the_same_must_both_see_it_and_do_not_quarrel(
    journal: Journal, bed: Path, manual_clock: ManualClock
) -> None:
    other = bed.with_name("other")
    sensors, facts = Sensors(journal), printer(watching(bed), watching(other))
    before = journal.connection.total_changes
    for _ in range(5):
        await sensors(facts)
        manual_clock.advance(1)
    assert said(journal) == set() and journal.connection.total_changes == before  # nothing was written to the card
    other.write_text("1", encoding="utf-8")
    await sensors(facts)
    assert said(journal) == {"bed"}


async def test_it_is_asked_now_and_then_however_often_the_bench_looks(journal: Journal, switch: Switch, manual_clock: ManualClock) -> None:
    sensors, facts = Sensors(journal), printer(SensorSection(confirms="bed", url=switch.url))
    for _ in range(100):
        await sensors(facts)
    assert switch.asked == 1 and said(journal) == {"bed"}
    await sensors(replace_id(facts))
    assert switch.asked == 2  # of another machine
    manual_clock.advance(URL_AGAIN_SECONDS)
    await sensors(facts)
    assert switch.asked == 3


def replace_id(facts: MachineSection) -> MachineSection:
    return facts.model_copy(update={"id": "mini"})
