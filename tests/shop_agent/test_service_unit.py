# SPDX-License-Identifier: AGPL-3.0-or-later
"""The systemd unit starts what there is, and systemd understands it."""

from __future__ import annotations

import configparser
import importlib.util
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from peers.required import peer_missing
from small_shop import write_shop

from commonfab.errors import Refused
from shop_agent import __main__ as agent_alone

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT = DEPLOY / "commonfab-shop.service"


def read_unit() -> configparser.ConfigParser:
    unit = configparser.ConfigParser(strict=False, interpolation=None, comment_prefixes=("#",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNIT, encoding="utf-8")
    return unit


def test_what_the_unit_starts_exists_and_says_so_where_there_is_no_shop(tmp_path: Path) -> None:
    """The command of the unit, with the Python of this test in the place of the Pi's."""
    _python, *arguments = shlex.split(read_unit()["Service"]["ExecStart"])
    assert importlib.util.find_spec(arguments[arguments.index("-m") + 1])
    done = subprocess.run([sys.executable, *arguments], cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 1 and "commonfab shop init" in done.stderr


def test_the_unit_comes_back_after_a_failure_and_waits_for_the_network() -> None:
    unit = read_unit()
    assert unit["Service"]["Restart"] == "on-failure" and "network-online.target" in unit["Unit"]["After"]
    assert "dialout" in unit["Service"]["SupplementaryGroups"], "or a Grbl port cannot be opened"


def test_an_agent_that_a_newer_one_replaced_stays_down(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Started again it would be the newer one, and the two would end each other for ever."""

    def replaced(_: object) -> None:
        raise Refused("shop.replaced", "garage")

    monkeypatch.setattr("shop_agent.agent.run_until_stopped", replaced)
    monkeypatch.setattr(sys, "argv", ["shop_agent", str(write_shop(tmp_path))])
    assert str(agent_alone.main()) == read_unit()["Service"]["RestartPreventExitStatus"]


def test_the_desks_unit_starts_a_command_that_exists_in_the_agents_folder() -> None:
    desk = configparser.ConfigParser(strict=False, interpolation=None, comment_prefixes=("#",))
    desk.optionxform = str  # type: ignore[assignment,method-assign]
    desk.read(DEPLOY / "commonfab-desk.service", encoding="utf-8")
    _program, *arguments = shlex.split(desk["Service"]["ExecStart"])
    told = subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments[:2], "--help"], capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert told.returncode == 0 and "--config" in told.stdout
    assert all(desk["Service"][key] == read_unit()["Service"][key] for key in ("User", "StateDirectory", "WorkingDirectory", "UMask"))


@pytest.mark.parametrize("name", ["commonfab-shop.service", "commonfab-desk.service"])
def test_systemd_understands_every_line_of_the_units(tmp_path: Path, name: str) -> None:
    program = shutil.which("systemd-analyze") or peer_missing("systemd-analyze is not here")
    here = tmp_path / name
    text = (DEPLOY / name).read_text(encoding="utf-8")
    for installed in ("/opt/commonfab/bin/python", "/opt/commonfab/bin/commonfab"):
        text = text.replace(installed, sys.executable)
    here.write_text(text, encoding="utf-8")
    done = subprocess.run([program, "verify", "--man=no", str(here)], capture_output=True, encoding="utf-8", timeout=60, check=False)
    ours = [line for line in done.stderr.splitlines() if name in line]
    assert ours == [] and done.returncode == 0, done.stderr
