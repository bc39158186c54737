# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab shop`: from nothing to a shop that takes an offer because its owner said so."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_nodes import PROGRAM, Starter, UpNode, clean_environment, cube, run, until

SHOP_TOML = """
[shop]
id = "{name}"
name = "The owner's shop"
latitude = 48.14
longitude = 11.58

[router]
node = "{node}"
token_file = "shop.token"

[policy]
accept = "ask"

[[machine]]
id = "one"
process = "fdm"
envelope_mm = [200, 200, 200]
materials = ["{material}"]
control = "virtual"
speed_factor = 100000
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpNode]:
    """A node without any other shops and jobs than those of these tests."""
    starter = Starter()
    yield starter(tmp_path_factory.mktemp("shops") / "node")
    starter.end_all()


@pytest.fixture
def material(request: pytest.FixtureRequest) -> str:
    """What only the shop of this test has, so that none of the others is asked."""
    return str(getattr(request, "param", "asa"))


@pytest.mark.slow
def test_init_writes_a_description_that_passes_and_never_overwrites_one(tmp_path: Path) -> None:
    assert run("shop", "init", "--id", "lenas-garage", cwd=tmp_path).returncode == 0
    written = (tmp_path / "shop.toml").read_text(encoding="utf-8")
    assert "lenas-garage" in written
    again = run("shop", "init", "--id", "other", cwd=tmp_path)
    assert again.returncode == 1
    assert (tmp_path / "shop.toml").read_text(encoding="utf-8") == written


@pytest.mark.slow
def test_check_names_what_is_missing_and_what_to_do(tmp_path: Path) -> None:
    run("shop", "init", "--node", "127.0.0.1:1", cwd=tmp_path)
    done = run("shop", "check", cwd=tmp_path)
    assert done.returncode == 1
    assert "node" in done.stderr
    found = json.loads(run("shop", "check", "--json", cwd=tmp_path).stdout)
    assert any(not finding["ok"] and finding["remedy"] for finding in found)


@pytest.fixture
def owner(node: UpNode, material: str, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """The owner of a shop whose agent runs: a function that runs `commonfab shop …` beside it."""
    name = f"{material}-shop"
    (tmp_path / "shop.toml").write_text(SHOP_TOML.format(name=name, material=material, node=node.address), encoding="utf-8")
    (tmp_path / "shop.token").write_text(node.token("shop", name), encoding="utf-8")
    with (tmp_path / "agent.log").open("wb") as log:
        agent = subprocess.Popen([PROGRAM, "shop", "run"], cwd=tmp_path, env=clean_environment(), stdout=log, stderr=log)

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run("shop", *arguments, cwd=tmp_path)

    until(lambda: list(tmp_path.rglob("live.json")))  # it is open, and hears signals
    yield command
    agent.terminate()
    assert agent.wait(90) == 0, (tmp_path / "agent.log").read_text(encoding="utf-8")


@pytest.fixture
def cube_design(node: UpNode, material: str, tmp_path: Path) -> str:
    """A design to be made."""
    (tmp_path / "cube.stl").write_bytes(cube())
    arguments = ("--title", "Cube", "--licence", "CC0-1.0", "--unit", "mm", "--material", material, "--json")
    done = node.run("design", "publish", str(tmp_path / "cube.stl"), *arguments)
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["design"]["id"])


def offered(owner: Callable[..., Any], job: str) -> str:
    """The work order of `job` that is offered to the owner; empty while there is none."""
    offers = [record["offer"] for record in json.loads(owner("offers", "--json").stdout)]
    return next((str(offer["work_order_id"]) for offer in offers if offer["job_id"] == job), "")


@pytest.mark.slow
@pytest.mark.parametrize("material", ["pla"], indirect=True)
def test_an_offer_waits_for_the_owner_who_takes_it_and_says_when_the_machine_is_ready(
    node: UpNode, cube_design: str, owner: Callable[..., Any], tmp_path: Path
) -> None:
    job = json.loads(node.run("job", "request", cube_design, "--json").stdout)["id"]
    order = until(lambda: offered(owner, job))
    assert order in owner("offers").stdout
    assert owner("accept", order).returncode == 0
    until(lambda: "commonfab shop ready one" in (tmp_path / "agent.log").read_text(encoding="utf-8"))
    assert json.loads(node.run("job", "show", job, "--json").stdout)["work_orders"][0]["state"] == "WORK_ORDER_STATE_ACCEPTED"
    assert owner("ready", "one", "--who", "Lena").returncode == 0
    until(lambda: json.loads(node.run("job", "show", job, "--json").stdout)["state"] == "JOB_STATE_DONE")
    entries = until(lambda: json.loads(node.run("ledger", "show", "--job", job, "--json").stdout))  # written a moment after the job's end
    assert [entry["work"]["pieces_good"] for entry in entries] == [1]
    assert entries[0]["work"]["control"] == "virtual"
    assert "every hash and signature is right" in node.run("ledger", "show").stdout
    assert "The owner's shop" in node.run("shop", "list").stdout


@pytest.mark.parametrize("material", ["petg"], indirect=True)
@pytest.mark.slow
def test_an_offer_that_is_declined_leaves_the_job_waiting(node: UpNode, cube_design: str, owner: Callable[..., Any]) -> None:
    job = json.loads(node.run("job", "request", cube_design, "--json").stdout)["id"]
    order = until(lambda: offered(owner, job))
    assert owner("decline", order, "--note", "on holiday").returncode == 0

    def declined() -> bool:
        orders = json.loads(node.run("job", "show", job, "--json").stdout)["work_orders"]
        return any(one["id"] == order and one["state"] == "WORK_ORDER_STATE_DECLINED" for one in orders)

    until(declined)
    assert owner("accept", order).returncode == 1
    assert node.run("job", "cancel", job).returncode == 0


def test_an_offer_or_a_machine_that_is_not_there_is_named(owner: Callable[..., Any]) -> None:
    assert "order-000" in owner("accept", "order-000").stderr
    assert "command.machine" in owner("ready", "two").stderr
