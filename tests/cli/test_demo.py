# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab demo`: the whole street on one laptop, and nothing of it left running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli_nodes import PROGRAM, clean_environment, is_alive, run, until

from cli.demo.outcome import check_outcome, read_outcome
from cli.demo.street import LENA, LOFT, SHED
from commonfab import v1
from commonfab.errors import Refused
from commonfab.reasons import reason
from commonfab.units import mm


def processes_in(folder: Path) -> list[int]:
    """Every process that names `folder` in its command line or its environment, or works in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            named = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in named and is_alive(int(entry.name)):
            found.append(int(entry.name))
    return found


Demo = subprocess.Popen[str]


@pytest.fixture
def start_demo() -> Iterator[Callable[..., Demo]]:
    """Starts demos, and ends those that the test left running."""
    started: list[Demo] = []

    def start(*options: str) -> Demo:
        pipe = subprocess.PIPE
        command = [PROGRAM, "demo", *options]
        demo = subprocess.Popen(command, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, encoding="utf-8")
        started.append(demo)
        return demo

    yield start
    for demo in started:
        if demo.poll() is None:
            demo.terminate()
            demo.communicate(timeout=120)


def until_shops_open(demo: Demo, folder: Path) -> None:
    """Return in the middle of the story: the node answers and the last shop is about to open."""

    def opened() -> bool:
        if demo.poll() is not None:
            pytest.fail("".join(demo.communicate()))
        return (folder / LOFT.id / "shop.toml").exists()

    until(opened)


@pytest.mark.slow
def test_five_gears_are_asked_for_split_made_and_recorded_and_nothing_is_left_running(tmp_path: Path) -> None:
    folder = tmp_path / "street"
    done = run("demo", "--once", "--folder", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["requested"] == summary["completed"] == 5
    assert set(summary["lots"]) == {LENA.id, SHED.id}
    assert sum(summary["lots"].values()) == 5
    assert summary["ledger_entries"] >= 2
    assert summary["refusals"][LENA.id] == ["size.x"]
    assert summary["refusals"][LOFT.id] == ["process.other"]
    until(lambda: not processes_in(folder))
    # The machines' own journals, which nobody else writes, have each piece once.
    made = {shop.id: (folder / shop.id / "data" / "made.jsonl").read_text(encoding="utf-8").splitlines() for shop in (LENA, SHED)}
    assert {shop: len(lines) for shop, lines in made.items()} == summary["lots"]
    assert not (folder / LOFT.id / "data" / "made.jsonl").exists()
    assert (folder / "designs" / "gear" / "gear.step").stat().st_size > 0


@pytest.mark.slow
def test_without_once_the_street_stays_up_until_ctrl_c(tmp_path: Path, start_demo: Callable[..., Demo]) -> None:
    folder = tmp_path / "street"
    running = start_demo("--folder", str(folder))
    assert running.stdout is not None
    tried = next(line for line in running.stdout if line.strip().endswith("job list")).split()
    settings = dict(word.split("=", 1) for word in tried if "=" in word)
    assert [job["pieces_good"] for job in json.loads(run("job", "list", "--json", **settings).stdout)] == [5]
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    until(lambda: not processes_in(folder))


@pytest.mark.slow
@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_broken_off_in_the_middle_it_leaves_nothing_running(
    tmp_path: Path, start_demo: Callable[..., Demo], sign: signal.Signals, code: int
) -> None:
    folder = tmp_path / "street"
    running = start_demo("--once", "--folder", str(folder))
    until_shops_open(running, folder)
    running.send_signal(sign)
    _, err = running.communicate(timeout=120)
    assert running.returncode == code
    assert "Traceback" not in err
    until(lambda: not processes_in(folder))


@pytest.mark.slow
def test_killed_in_the_middle_it_leaves_nothing_running_either(tmp_path: Path, start_demo: Callable[..., Demo]) -> None:
    folder = tmp_path / "street"
    running = start_demo("--once", "--folder", str(folder))
    until_shops_open(running, folder)
    running.kill()
    running.communicate()
    until(lambda: not processes_in(folder))


def test_a_folder_with_things_in_it_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    done = subprocess.run(
        [PROGRAM, "demo", "--folder", str(tmp_path)], env=clean_environment(), capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 1
    assert "demo.folder" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def finished_job(**made: int) -> v1.Job:
    """A job for five of which the shops made some."""
    orders = [v1.WorkOrder(shop_id=shop.replace("_", "-"), pieces_good=pieces) for shop, pieces in made.items()]
    return v1.Job(
        id="job-1", request=v1.JobRequest(quantity=5), state=v1.JOB_STATE_DONE, pieces_good=sum(made.values()), work_orders=orders
    )


def refusals(*codes_of_lena: str) -> v1.ExplainJobResponse:
    """Lena is refused for `codes_of_lena`, the laser for its process."""
    lena = v1.RefusedMachine(shop_id=LENA.id, reasons=[reason(code, needs=mm(330), has=mm(220)) for code in codes_of_lena])
    loft = v1.RefusedMachine(shop_id=LOFT.id, reasons=[reason("process.other", "fdm")])
    return v1.ExplainJobResponse(refused=[lena, loft] if codes_of_lena else [loft])


@pytest.mark.parametrize(
    ("job", "explanation", "complaint"),
    [
        (finished_job(lenas_garage=3, makers_shed=1), refusals("size.x"), "4 of 5"),
        (finished_job(makers_shed=5), refusals("size.x"), "not split"),
        (finished_job(lenas_garage=3, makers_shed=2), refusals(), "not refused"),
        (finished_job(lenas_garage=3, makers_shed=2), refusals("size.x"), "the ledger has"),
    ],
)
def test_an_outcome_that_is_not_as_it_should_be_is_refused_with_what_is_wrong(
    job: v1.Job, explanation: v1.ExplainJobResponse, complaint: str
) -> None:
    outcome = read_outcome(job, [], [explanation], 1.0)
    assert Counter(outcome.lots).total() == outcome.completed
    with pytest.raises(Refused, match=complaint):
        check_outcome(outcome, job, [], wanted=5)
