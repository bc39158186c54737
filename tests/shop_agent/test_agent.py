# SPDX-License-Identifier: AGPL-3.0-or-later
"""The whole agent as a process of its own, killed with kill -9 at every stage of an order's life."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from small_shop import SmallRouter, offer, served, until, write_shop
from stl_boxes import stl_box

from commonfab import v1
from commonfab.identity import signature_holds
from shop_agent.config import load_config
from shop_agent.journal.book import Journal, open_journal
from shop_agent.slicing import find_slicer

ROOT = Path(__file__).parents[2]


class AgentProcess:
    """`python -m shop_agent shop.toml`."""

    def __init__(self, file: Path, no_slicer: bool = False) -> None:
        self.log = file.parent / "agent.log"
        path = str(file.parent) if no_slicer else os.environ["PATH"]
        with self.log.open("ab") as log:
            arguments = [sys.executable, "-m", "shop_agent", str(file)]
            self.process = subprocess.Popen(arguments, cwd=ROOT, stdout=log, stderr=log, env={**os.environ, "PATH": path})

    def kill(self) -> None:
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")


@contextmanager
def running(file: Path, no_slicer: bool = False) -> Iterator[AgentProcess]:
    agent = AgentProcess(file, no_slicer)
    try:
        yield agent
    except BaseException:
        print(agent.said())
        raise
    finally:
        agent.process.kill()
        agent.process.wait()


def made(folder: Path) -> list[str]:
    file = folder / "shop-data" / "made.jsonl"
    return [json.loads(line)["name"] for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def on_virtual_machine(folder: Path) -> str:
    """What the machine is at work on."""
    file = folder / "shop-data" / "virtual-mk3.json"
    run = json.loads(file.read_text(encoding="utf-8"))["run"] if file.exists() else None
    return run["name"] if run else ""


async def its_time_is_over(folder: Path) -> None:
    """The machine goes on by itself and nobody looks at it, so that only the time tells when it is done."""
    run = json.loads((folder / "shop-data" / "virtual-mk3.json").read_text(encoding="utf-8"))["run"]
    await asyncio.sleep(max(0.0, run["started_at"] + run["duration"] - time.time()) + 0.1)


def journal(folder: Path) -> Journal:
    return open_journal(load_config(folder / "shop.toml"))


async def finished(router: SmallRouter, order: str = "wo-1") -> v1.CompletedWork:
    await until(lambda: router.ended.get(order) == "complete")
    (signed,) = router.reports
    assert signature_holds(signed)
    return v1.CompletedWork.FromString(signed.work)


async def test_an_order_goes_through_the_whole_house(tmp_path: Path) -> None:
    router = SmallRouter()
    async with served(router) as address:
        with running(write_shop(tmp_path, address)) as agent:
            await until(lambda: router.requests)
            router.put_up(offer(quantity=2))
            work = await finished(router)
            assert (work.pieces_good, work.pieces_scrap, work.control) == (2, 0, "virtual")
            sliced = bool(find_slicer())
            assert bool(work.toolpath_sha256) is sliced and ("estimate" in work.note) is not sliced
            assert made(tmp_path) == ["cf-wo-1-a1-e1-p1.gcode", "cf-wo-1-a1-e1-p2.gcode"]
            progress = [status.pieces_good for request in router.requests for status in request.attempts]
            assert progress == sorted(progress) and progress[-1] >= 1
            assert "leave to start" in agent.said() and "is complete, 2 good and 0 scrap; signed" in agent.said()


async def test_without_a_slicer_the_virtual_machine_works_from_the_estimate_and_says_so(tmp_path: Path) -> None:
    router = SmallRouter()
    router.put_up(offer(minutes=10))
    async with served(router) as address:
        with running(write_shop(tmp_path, address), no_slicer=True):
            work = await finished(router)
    assert work.toolpath_sha256 == "" and "PrusaSlicer is not installed" in work.note
    assert (work.machine_time.seconds, work.grams) == (600, 4.5)


MOMENTS: dict[str, Callable[[SmallRouter, Path], bool]] = {
    "the offer is accepted": lambda router, folder: bool(router.attempts),
    "leave to start is given": lambda router, folder: bool(router.started),
    "the first piece is on the machine": lambda router, folder: bool(on_virtual_machine(folder) or made(folder)),
    "the first piece is made": lambda router, folder: len(made(folder)) >= 1,
    "the last piece is on the machine": lambda router, folder: on_virtual_machine(folder).endswith("p3.gcode") or len(made(folder)) >= 3,
    "the last piece is made": lambda router, folder: len(made(folder)) >= 3,
    "the report is sent": lambda router, folder: bool(router.reports),
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.slow
async def test_killed_when(tmp_path: Path, moment: str) -> None:
    """kill -9, then a new agent on the same folder: every piece is made once and the order is reported once."""
    router = SmallRouter()
    router.put_up(offer(quantity=3))
    async with served(router) as address:
        file = write_shop(tmp_path, address, speed_factor=2000)
        with running(file) as agent:
            await until(lambda: MOMENTS[moment](router, tmp_path))
            agent.kill()
        with running(file):
            work = await finished(router)
            await until(lambda: not journal(tmp_path).attempts())
    assert work.pieces_good == 3
    assert sorted(made(tmp_path)) == [f"cf-wo-1-a1-e1-p{piece}.gcode" for piece in (1, 2, 3)]


@pytest.mark.slow
async def test_killed_again_and_again_at_odd_moments(tmp_path: Path) -> None:
    router = SmallRouter()
    router.put_up(offer(quantity=6))
    async with served(router) as address:
        file = write_shop(tmp_path, address, speed_factor=2000)
        for milliseconds in (700, 900, 1100, 830, 970, 1230):
            with running(file) as agent:
                await asyncio.sleep(milliseconds / 1000)
                agent.kill()
        with running(file):
            work = await finished(router)
    assert work.pieces_good == 6 and len(made(tmp_path)) == len(set(made(tmp_path))) == 6


@pytest.mark.slow
async def test_the_machine_goes_on_while_its_agent_is_dead_and_the_new_agent_counts_before_it_speaks(tmp_path: Path) -> None:
    router = SmallRouter()
    router.put_up(offer(quantity=1))
    async with served(router) as address:
        file = write_shop(tmp_path, address, speed_factor=100)
        with running(file) as agent:
            await until(lambda: on_virtual_machine(tmp_path))
            agent.kill()
        await its_time_is_over(tmp_path)
        before = len(router.requests)
        with running(file):
            await until(lambda: len(router.requests) > before)
            first = router.requests[before]
            assert [event.WhichOneof("event") for event in first.events] == ["complete"]
            await finished(router)
    assert len(made(tmp_path)) == 1


@pytest.mark.slow
async def test_after_a_restart_nothing_starts_before_the_router_was_heard(tmp_path: Path) -> None:
    """The router superseded the attempt while the agent was dead: the second piece must not start."""
    router = SmallRouter()
    router.put_up(offer(quantity=2))
    async with served(router) as address:
        file = write_shop(tmp_path, address, speed_factor=100)
        with running(file) as agent:
            await until(lambda: on_virtual_machine(tmp_path))
            agent.kill()
        router.wish("wo-1", v1.WISH_DROP)
        await its_time_is_over(tmp_path)
        with running(file) as agent:
            await until(lambda: "leaves the bench" in agent.said())
            await asyncio.sleep(1.5)
    assert len(made(tmp_path)) <= 1 and router.reports == []


async def test_a_machine_that_does_not_start_itself_waits_for_a_person_who_speaks_from_another_process(tmp_path: Path) -> None:
    router = SmallRouter()
    router.put_up(offer(quantity=1))
    async with served(router) as address:
        with running(write_shop(tmp_path, address, starts_itself=False)):
            phases = v1.ATTEMPT_PHASE_WAITING_FOR_PERSON
            await until(lambda: any(status.phase == phases for request in router.requests for status in request.attempts))
            assert router.requests[-1].shop.machines[0].state == v1.MACHINE_STATE_NEEDS_PERSON
            assert router.started == set() and not on_virtual_machine(tmp_path)
            journal(tmp_path).mark_ready("mk3", "Lena")
            await until(lambda: router.started, 15)  # before a call that is held comes to its end
            await finished(router)


@pytest.mark.slow
async def test_a_machine_that_does_not_clear_itself_waits_between_pieces(tmp_path: Path) -> None:
    router = SmallRouter()
    router.put_up(offer(quantity=2))
    async with served(router) as address:
        with running(write_shop(tmp_path, address, clears_itself=False)) as agent:
            await until(lambda: "clear the bed" in agent.said())
            journal(tmp_path).mark_ready("mk3", "Lena")
            await until(lambda: len(made(tmp_path)) == 1)
            await until(lambda: router.requests[-1].shop.machines[0].state == v1.MACHINE_STATE_NEEDS_PERSON)
            await asyncio.sleep(1.0)
            assert not on_virtual_machine(tmp_path) and len(made(tmp_path)) == 1
            journal(tmp_path).mark_ready("mk3", "Lena")
            assert (await finished(router)).pieces_good == 2


async def test_an_owner_who_wants_to_be_asked_answers_from_another_process(tmp_path: Path) -> None:
    router = SmallRouter()
    router.put_up(offer("wo-1"))
    router.put_up(offer("wo-2"))
    async with served(router) as address:
        with running(write_shop(tmp_path, address, accept="ask")):
            await until(lambda: (tmp_path / "shop-data" / "agent.db").exists())
            await until(lambda: len(journal(tmp_path).offers()) == 2 and journal(tmp_path).offers()[0].reasons)
            assert router.attempts == {}
            journal(tmp_path).decide("wo-2", accept=False, note="no time")
            journal(tmp_path).decide("wo-1", accept=True)
            await finished(router)
            assert router.declined == {"wo-2": "no time"}


async def test_a_withdrawn_job_stops_the_machine_and_the_good_pieces_count(tmp_path: Path) -> None:
    router = SmallRouter()
    router.put_up(offer(quantity=30))
    async with served(router) as address:
        with running(write_shop(tmp_path, address)):
            await until(lambda: len(made(tmp_path)) >= 1 and on_virtual_machine(tmp_path))
            router.wish("wo-1", v1.WISH_STOP)
            await until(lambda: router.ended.get("wo-1") == "fail")
            work = v1.CompletedWork.FromString(router.reports[0].work)
            assert work.pieces_good == len(made(tmp_path)) < 30 and work.pieces_scrap <= 1
            assert not on_virtual_machine(tmp_path)


async def test_leave_that_is_refused_moves_nothing(tmp_path: Path) -> None:
    router = SmallRouter(refuse_start="attempt.superseded")
    router.put_up(offer())
    async with served(router) as address:
        with running(write_shop(tmp_path, address)) as agent:
            await until(lambda: "no leave to start, so nothing moves" in agent.said())
    assert made(tmp_path) == [] and not on_virtual_machine(tmp_path)


@pytest.mark.usefixtures("prusa_slicer")
async def test_an_offer_whose_toolpath_leaves_the_machine_is_declined_with_the_reasons(tmp_path: Path) -> None:
    """The mesh is larger than the offer says: only slicing it shows that."""
    router = SmallRouter()
    router.put_up(offer(), mesh=stl_box(150, 20, 10))
    wanted = router.offers["wo-1"]
    content = router.files.pop(wanted.mesh_sha256)
    wanted.mesh_sha256 = hashlib.sha256(content).hexdigest()
    router.files[wanted.mesh_sha256] = content
    async with served(router) as address:
        with running(write_shop(tmp_path, address)):
            await until(lambda: router.declined)
            (record,) = journal(tmp_path).offers()
    assert {reason.code for reason in record.refused} == {"toolpath.outside"} and "the machine reaches 120 mm" in router.declined["wo-1"]
    assert router.attempts == {}


async def test_sigterm_ends_the_agent_in_order_and_the_machine_goes_on(tmp_path: Path) -> None:
    router = SmallRouter()
    router.put_up(offer())
    async with served(router) as address:
        with running(write_shop(tmp_path, address, speed_factor=10)) as agent:
            await until(lambda: on_virtual_machine(tmp_path))
            agent.process.terminate()
            assert await asyncio.to_thread(agent.process.wait, 60) == 0
            assert "machines go on" in agent.said() and on_virtual_machine(tmp_path)


async def test_a_printer_that_is_away_when_the_agent_starts_is_told_as_offline(tmp_path: Path) -> None:
    router = SmallRouter()
    async with served(router) as address:
        with running(write_shop(tmp_path, address, control="octoprint", url="http://127.0.0.1:9", api_key="x")):
            await until(lambda: router.requests)
            machine = router.requests[0].shop.machines[0]
    assert machine.state == v1.MACHINE_STATE_OFFLINE and "does not answer" in machine.state_reason


async def test_the_router_hears_what_the_shop_takes_with_the_first_call(tmp_path: Path) -> None:
    router = SmallRouter()
    async with served(router) as address:
        file = write_shop(tmp_path, address, policy="max_pieces = 4", may_run=["08:00-20:00"], loaded="pla")
        text = file.read_text(encoding="utf-8").replace("[router]", 'time_zone = "UTC"\nskills = ["forklift"]\n[router]', 1)
        file.write_text(text, encoding="utf-8")
        with running(file):
            await until(lambda: router.requests)
            told = router.requests[0].shop
    assert (told.policy.most_pieces, list(told.skills), told.machines[0].loaded) == (4, ["forklift"], "pla")
    assert told.public_key and told.agent_version and told.machines[0].may_run[0].from_minute == 480


def test_a_shop_with_a_typo_ends_at_once_with_the_line(tmp_path: Path) -> None:
    file = write_shop(tmp_path, envelop=1)
    ended = subprocess.run(
        [sys.executable, "-m", "shop_agent", str(file)], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=120, check=False
    )
    assert ended.returncode == 1 and "unknown key 'envelop'" in ended.stderr and "Traceback" not in ended.stderr


async def test_an_idle_agent_stays_small(tmp_path: Path) -> None:
    router = SmallRouter()
    async with served(router) as address:
        with running(write_shop(tmp_path, address)) as agent:
            await until(lambda: router.held)
            status = Path(f"/proc/{agent.process.pid}/status").read_text(encoding="utf-8")
            resident_mb = int(status.split("VmRSS:")[1].split()[0]) / 1024
            assert resident_mb < 75


def test_the_agent_loads_nothing_heavy() -> None:
    heavy = "sqlalchemy, trimesh, cadquery, numpy, redis, dramatiq, prometheus_client, pydantic_settings, httpx, h3, typer, rich"
    program = f"import sys, shop_agent.agent; print([m for m in '{heavy}'.split(', ') if m in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=120, check=True)
    assert ended.stdout.strip() == "[]"
