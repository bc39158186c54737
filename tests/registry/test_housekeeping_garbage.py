# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files that nothing names are removed, and never one that anything names, whoever does what at the same time."""

from __future__ import annotations

import hashlib
import random
import shutil
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa
from clocks import ManualClock
from commons import Commons
from drawings import write_step
from housekeeping_aids import House
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from commonfab import v1
from commonfab.database import migrate, open_database
from commonfab.errors import Refused
from registry.housekeeping.garbage import DAY, Garbage
from registry.tables import BUILD_REPORTS, DEFECTS, INSPECTIONS

WEEK = 7 * DAY
PUBLISHERS = 3


@pytest.fixture
def house(tmp_path: Path, redis_url: str, manual_clock: ManualClock) -> Iterator[House]:
    url = f"sqlite:///{tmp_path / 'node.db'}"
    engine = open_database(url)
    migrate(engine, "registry")
    engine.dispose()
    opened = House.open(tmp_path / "node", url, redis_url, manual_clock)
    yield opened
    opened.close()


def sent(house: House, content: bytes) -> str:
    sha256 = house.upload(content)
    house.date(sha256)
    return sha256


def test_what_nothing_names_is_marked_after_a_week_and_removed_a_day_later(house: House) -> None:
    loose, kept = sent(house, b"loose"), sent(house, b"kept")
    house.publish("Kept", kept)
    assert house.garbage.collect() == v1.CollectGarbageResponse(files=2), "it may yet be published"
    house.clock.advance(WEEK + 1)
    assert house.garbage.collect() == v1.CollectGarbageResponse(files=2, marked=1)
    house.clock.advance(DAY - 1)
    assert house.garbage.collect() == v1.CollectGarbageResponse(files=2), "a mark is a day old before it counts"
    house.clock.advance(1)
    assert house.garbage.collect(dry_run=True) == v1.CollectGarbageResponse(files=2, removed=1, removed_bytes=5)
    assert house.here(loose), "a dry run only says what would be"
    assert house.garbage.collect() == v1.CollectGarbageResponse(files=2, removed=1, removed_bytes=5)
    assert not house.here(loose) and house.here(kept)
    assert house.upload(b"loose") == loose and house.here(loose), "it can be sent again"
    house.publish("Loose", loose)


def test_a_file_that_is_named_after_all_is_spared(house: House) -> None:
    late = sent(house, b"late")
    house.clock.advance(WEEK + 1)
    assert house.garbage.collect().marked == 1
    house.publish("Late", late)
    house.clock.advance(2 * DAY)
    assert house.garbage.collect() == v1.CollectGarbageResponse(files=1)
    assert house.here(late)


def test_whoever_is_told_that_a_file_is_here_has_a_day_to_name_it(house: House) -> None:
    asked = sent(house, b"asked")
    house.clock.advance(WEEK + 1)
    house.garbage.collect()
    house.clock.advance(2 * DAY)
    assert house.intake.stat("ada", v1.StatFileRequest(sha256=asked)).complete
    assert house.garbage.collect().removed == 0
    house.clock.advance(DAY - 1)
    assert house.garbage.collect().removed == 0
    house.publish("Asked", asked)


def test_publishing_a_file_that_goes_at_that_very_moment_is_refused(house: House) -> None:
    gone = sent(house, b"gone")
    house.clock.advance(WEEK + 1)
    house.garbage.collect()
    house.clock.advance(DAY)

    def go() -> None:
        house.date(gone)  # publishing touches a file; the rounds of a slower process had seen it before
        assert house.garbage.collect().removed == 1

    house.blobs.meanwhile.append(go)
    with pytest.raises(Refused) as refused:
        house.publish("Gone", gone)
    assert refused.value.code == "file.unknown"
    assert not house.named()
    house.upload(b"gone")
    house.publish("Gone", gone)


def test_photographs_of_evidence_and_what_inspection_drew_are_named_too(house: House) -> None:
    part, drawn, picture, photo, snap = (sent(house, name) for name in (b"part", b"drawn", b"picture", b"photo", b"snap"))
    digest = house.publish("Part", part).revision.digest
    report = v1.GeometryReport(mesh_sha256=drawn, previews=[v1.Preview(sha256=picture)])
    built = v1.KeptBuildReport(report=v1.BuildReport(photographs=[photo]))
    defect = v1.Defect(photographs=[snap])
    with house.engine.begin() as connection:
        row = {"sha256": part, "unit": "", "enqueued_at": 0.0, "done_at": 0.0, "report": report.SerializeToString()}
        connection.execute(INSPECTIONS.insert().values(row))
        evidence = {"digest": digest, "design_id": "d", "message": built.SerializeToString()}
        connection.execute(BUILD_REPORTS.insert().values(id="b", shop_id="s", received_at=0.0, **evidence))
        evidence["message"] = defect.SerializeToString()
        connection.execute(DEFECTS.insert().values(id="f", origin="o", filed_at=0.0, **evidence))
    for days in (8, 2):
        house.clock.advance(days * DAY)
        told = house.garbage.collect()
    assert (told.files, told.removed, told.marked) == (5, 0, 0)


def test_what_was_drawn_from_a_file_goes_after_the_file(house: House) -> None:
    part, drawn = sent(house, b"part"), sent(house, b"drawn")
    report = v1.GeometryReport(mesh_sha256=drawn).SerializeToString()
    with house.engine.begin() as connection:
        connection.execute(INSPECTIONS.insert().values(sha256=part, unit="", enqueued_at=0.0, done_at=0.0, report=report))
    there = []
    for days in (8, 1, 1, 1):
        house.clock.advance(days * DAY)
        house.garbage.collect()
        there.append((house.here(part), house.here(drawn)))
    assert there == [(True, True), (False, True), (False, True), (False, False)]
    with house.engine.connect() as connection:
        assert connection.execute(sa.select(INSPECTIONS.c.sha256)).first() is None


@pytest.mark.slow
async def test_a_mesh_of_a_published_solid_survives_every_round(commons: Commons, worker: None, tmp_path: Path) -> None:
    write_step(tmp_path / "part.step", 10, 20, 30)
    node = commons.node()
    answer = await commons.publish_file(node, tmp_path / "part.step")
    [part] = await commons.inspected(node, answer.revision.digest)
    assert part.report.mesh_sha256 and part.report.previews
    clock = ManualClock()
    rounds = Garbage(commons.engine, commons.registry.blobs, clock)
    for _ in range(3):
        rounds.collect()
        clock.advance(8 * DAY)
    for sha256 in (part.report.mesh_sha256, *(preview.sha256 for preview in part.report.previews)):
        assert commons.registry.blobs.size(sha256)


FILES = st.sampled_from([b"a", b"b"])
STEPS = st.sampled_from(["round", "day", "two days", "upload a", "upload b", "publish a", "publish b"])
MEANWHILE = st.sampled_from([["round"], ["publish a"], ["publish b"]]) | st.lists(STEPS, max_size=3)


class Rounds(RuleBasedStateMachine):
    """Everybody does anything at any time, also between two steps of somebody else."""

    template: Path
    redis_url: str

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="commonfab-rounds-"))
        shutil.copyfile(self.template, self.folder / "node.db")
        clock = ManualClock()
        self.house = House.open(self.folder / "node", f"sqlite:///{self.folder / 'node.db'}", self.redis_url, clock)
        self.promised: dict[str, float] = {}
        self.titles = 0
        self.removed = 0

    def teardown(self) -> None:
        self.house.close()
        shutil.rmtree(self.folder)

    def _do(self, step: str) -> None:
        what, _, name = step.partition(" ")
        if what == "round":
            self.removed += self.house.garbage.collect().removed
        elif step.endswith(("day", "days")):
            self.house.clock.advance((2 if what == "two" else 1) * DAY)
        elif what == "week":
            self.house.clock.advance(WEEK)
        elif what == "upload":
            self._upload(name.encode())
        else:
            self._publish(name.encode())

    def _upload(self, content: bytes) -> None:
        sha256 = self._sha(content)
        here = self.house.here(sha256)
        self.house.upload(content)
        if not here:
            self.house.date(sha256)
        self.promised[sha256] = self.house.clock.now()

    def _sha(self, content: bytes) -> str:
        return hashlib.sha256(content).hexdigest()

    def _publish(self, content: bytes) -> None:
        self.titles += 1
        sha256 = self._sha(content)
        try:
            self.house.publish(f"Title {self.titles}", sha256)
        except Refused as refused:
            assert refused.code == "file.unknown"
            assert self.promised.get(sha256, 0.0) <= self.house.clock.now() - DAY, "whoever was told that it is here has a day"

    @rule(content=FILES)
    def uploads(self, content: bytes) -> None:
        self._upload(content)

    @rule(content=FILES, forgotten=st.booleans(), meanwhile=MEANWHILE)
    def publishes(self, content: bytes, forgotten: bool, meanwhile: list[str]) -> None:
        if forgotten:
            self._forget(content)
        self.house.blobs.meanwhile[:] = [lambda step=step: self._do(step) for step in meanwhile]
        self._publish(content)
        self.house.blobs.meanwhile.clear()

    @rule(content=FILES, forgotten=st.booleans(), meanwhile=MEANWHILE)
    def round_is_made(self, content: bytes, forgotten: bool, meanwhile: list[str]) -> None:
        if forgotten:
            self._forget(content)
        self.house.garbage.meanwhile[:] = [lambda step=step: self._do(step) for step in meanwhile]
        self.removed += self.house.garbage.collect().removed
        self.house.garbage.meanwhile.clear()

    def _forget(self, content: bytes) -> None:
        """A file that is due to be removed, so that the moments around a removal come often."""
        self._upload(content)
        for step in ("week", "day", "round", "day"):
            self._do(step)

    @rule(days=st.sampled_from([0.5, 1.0, 8.0]))
    def time_passes(self, days: float) -> None:
        self.house.clock.advance(days * DAY)

    @invariant()
    def every_file_of_every_revision_is_here(self) -> None:
        assert all(self.house.here(sha256) for sha256 in self.house.named())


@pytest.mark.slow
def test_no_order_of_events_removes_a_file_that_a_revision_names(tmp_path: Path, redis_url: str) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'template.db'}")
    migrate(engine, "registry")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
    engine.dispose()
    Rounds.template, Rounds.redis_url = tmp_path / "template.db", redis_url
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    run_state_machine_as_test(
        Rounds, settings=settings(max_examples=50, stateful_step_count=12, deadline=None, suppress_health_check=checks)
    )


@dataclass
class Race:
    """Processes that publish, and processes that collect, all at once. A day ends only between two publications; rounds go on in them."""

    clock: ManualClock
    told_to_stop: threading.Event = field(default_factory=threading.Event)
    days: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(PUBLISHERS))
    published: int = 0
    refused: int = 0
    removed: int = 0
    failed: list[BaseException] = field(default_factory=list)

    def start(self, work: Callable[..., None], *arguments: object) -> threading.Thread:
        def watched() -> None:
            try:
                work(*arguments)
            except BaseException as error:
                self.failed.append(error)
                self.told_to_stop.set()

        thread = threading.Thread(target=watched)
        thread.start()
        return thread

    def publish(self, house: House, seed: int) -> None:
        chance, number = random.Random(seed), 0
        while not self.told_to_stop.is_set():
            number += 1
            self.told_to_stop.wait(0.005)  # the disk is shared; who waits for it longest is chance
            with self.days:
                sha256 = house.upload(f"content {chance.randrange(60)}".encode(), f"maker-{seed}")
                if chance.random() < 0.1:
                    self._publish(house, f"{seed}-{number}", sha256, f"maker-{seed}")

    def _publish(self, house: House, title: str, sha256: str, subject: str) -> None:
        try:
            house.publish(title, sha256, subject=subject)
            self.published += 1
        except Refused as refused:
            assert refused.code == "file.unknown"
            self.refused += 1

    def collect(self, house: House) -> None:
        self.removed += house.garbage.collect().removed

    def end_the_day(self) -> None:
        for _ in range(PUBLISHERS):
            self.days.acquire()
        self.clock.advance(1.5 * DAY)
        self.days.release(PUBLISHERS)


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_processes_that_publish_and_collect_at_once_lose_nothing(
    database: str, tmp_path: Path, redis_url: str, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'node.db'}" if database == "sqlite" else request.getfixturevalue("postgres_url")
    engine = open_database(url)
    migrate(engine, "registry")
    engine.dispose()
    race = Race(ManualClock())
    houses = [House.open(tmp_path / "node", url, redis_url, race.clock) for _ in range(PUBLISHERS + 2)]
    publishers = [race.start(race.publish, house, seed) for seed, house in enumerate(houses[:PUBLISHERS])]
    # A file is old after a week, and goes a day later. On a busy machine little came in during the first days.
    for day in range(60):
        for thread in [race.start(race.collect, house) for house in houses[PUBLISHERS:]]:
            thread.join()
        race.end_the_day()
        if day >= 8 and race.removed and race.published:
            break
    race.told_to_stop.set()
    for thread in publishers:
        thread.join()
    lost = [sha256 for sha256 in houses[0].named() if not houses[0].here(sha256)]
    for house in houses:
        house.close()
    assert not race.failed, "".join(traceback.format_exception(race.failed[0]))
    assert race.removed and race.published, race
    assert lost == []
