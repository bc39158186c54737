# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab okw`: a directory of labs is checked on this machine, and the shops of a node are written as one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_nodes import UpNode

from cli.okw import without_virtual
from commonfab import v1

Run = Callable[..., tuple[int, str, str]]


LAB = {
    "facilities": [
        {
            "id": "lab",
            "name": "A lab",
            "location": {"gps_coordinates": "48.1, 11.5"},
            "equipment": [
                {"manufacturing_process": "fdm", "make": "prusa", "model": "mk3", "x_travel": "9.8in", "y_travel": 210, "z_travel": 210}
            ],
        }
    ]
}


@pytest.fixture
def labs(tmp_path: Path) -> Path:
    file = tmp_path / "labs.json"
    file.write_text(json.dumps(LAB), encoding="utf-8")
    return file


def test_what_had_to_be_converted_is_told_and_the_last_line_counts(run: Run, labs: Path) -> None:
    done = run("okw", "check", str(labs))
    assert done[0] == 0 and "A lab: prusa mk3: x_travel '9.8in' is read as 248.92 mm" in done[1]
    assert done[1].splitlines()[-1] == "1 of 1 import and come back the same"


def test_programs_get_the_notes(run: Run, labs: Path) -> None:
    told = json.loads(run("okw", "check", str(labs), "--json")[1])
    assert (told["same"], told["of"], told["directories"][0]["machines"], len(told["directories"][0]["notes"])) == (1, 1, 1, 1)


def test_a_file_that_is_no_directory_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "labs.json").write_bytes(b"\xff{")
    done = run("okw", "check", str(tmp_path / "labs.json"))
    assert done[0] == 1 and "cannot be read" in done[2]


def test_all_425_real_labs_come_back_the_same(run: Run, shared: Path) -> None:
    done = run("okw", "check", "--summary", str(shared / "okw" / "okw_labs_joined.json"))
    assert done[0] == 0 and done[1].splitlines()[-1] == "425 of 425 import and come back the same"


def test_the_shops_of_a_node_are_written_as_a_directory(shared_node: UpNode, tmp_path: Path) -> None:
    out = tmp_path / "labs.json"
    done = shared_node.run("okw", "export", "-o", str(out), "--licence", "CC0-1.0")
    assert done.returncode == 0, done.stderr
    written = json.loads(out.read_text(encoding="utf-8"))
    assert written["license"] == "CC0-1.0" and isinstance(written["facilities"], list)
    again = shared_node.run("okw", "export", "-o", str(out))
    assert again.returncode == 1 and "command.exists" in again.stderr


def test_a_machine_that_only_plays_is_no_machine_of_the_neighbourhood() -> None:
    shop = v1.Shop(
        id="a", machines=[v1.Machine(id="real", control="octoprint"), v1.Machine(id="toy", control="virtual"), v1.Machine(id="dir")]
    )
    assert [machine.id for machine in without_virtual(shop).machines] == ["real", "dir"]
    assert len(shop.machines) == 3
