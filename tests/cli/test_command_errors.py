# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a person sees who did something wrong: two lines, what is wrong and what to do, and never a traceback."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest
from cli_nodes import PROGRAM, UpNode, clean_environment, cube, run, until
from redis_servers import free_port


def told(done: subprocess.CompletedProcess[str], code: str) -> str:
    """The two lines of an error, after checking that there are just these two."""
    assert done.returncode == 1, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 2, done.stderr
    assert lines[0].startswith("Error: ")
    assert lines[0].endswith(f"({code})")
    assert lines[1].startswith("Do:    ")
    return done.stderr


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """A sound file."""
    (tmp_path / "cube.stl").write_bytes(cube())
    return tmp_path / "cube.stl"


def test_a_design_without_a_licence_is_refused_with_licences_to_choose_from_and_nothing_is_sent(shared_node: UpNode, part: Path) -> None:
    done = shared_node.run("design", "publish", str(part), "--title", "Cube without licence")
    assert "CERN-OHL-S-2.0" in told(done, "licence.missing")
    assert "Cube without licence" not in shared_node.run("design", "list", "--json").stdout


def test_a_licence_that_is_none_is_told_and_stored(shared_node: UpNode, part: Path) -> None:
    done = shared_node.run("design", "publish", str(part), "--title", "Cube", "--licence", "Mine-1.0", "--no-wait")
    assert done.returncode == 0 and "(licence.unknown)" in done.stderr and "Mine-1.0, by" in done.stdout


def test_a_design_without_a_title_is_refused(shared_node: UpNode, part: Path) -> None:
    assert "--title" in told(shared_node.run("design", "publish", str(part), "--licence", "CC0-1.0"), "request.missing")


def test_an_empty_file_is_refused_by_its_name(shared_node: UpNode, tmp_path: Path) -> None:
    (tmp_path / "lid.stl").touch()
    told(shared_node.run("design", "publish", str(tmp_path), "--title", "Lid", "--licence", "CC0-1.0"), "file.empty")


def test_a_truncated_stl_is_told_with_how_many_triangles_are_missing(shared_node: UpNode, tmp_path: Path) -> None:
    (tmp_path / "cube.stl").write_bytes(cube()[: 84 + 50 * 5])
    done = shared_node.run("design", "publish", str(tmp_path / "cube.stl"), "--title", "Cut cube", "--licence", "CC0-1.0")
    assert "7 are missing" in told(done, "file.truncated")
    assert "Cut cube" not in shared_node.run("design", "list").stdout, "nothing was published"


def test_a_text_file_named_stl_is_told_to_be_text(shared_node: UpNode, tmp_path: Path) -> None:
    (tmp_path / "cube.stl").write_text("Dear maker, the cube is attached.\n", encoding="utf-8")
    done = shared_node.run("design", "publish", str(tmp_path / "cube.stl"), "--title", "Letter", "--licence", "CC0-1.0")
    assert "cube.stl" in told(done, "file.text")
    assert "Letter" not in shared_node.run("design", "list").stdout, "nothing was published"


@pytest.mark.parametrize("command", [["design", "show"], ["job", "request"]])
def test_an_unknown_design_is_named(shared_node: UpNode, command: list[str]) -> None:
    done = shared_node.run(*command, "design-000")
    assert done.returncode == 1
    assert "design-000" in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_an_unknown_job_is_named(shared_node: UpNode) -> None:
    assert "job-000" in told(shared_node.run("job", "show", "job-000"), "job.unknown")
    assert "job-000" in told(shared_node.run("job", "watch", "job-000"), "job.unknown")


def test_a_token_that_nobody_issued_is_refused(shared_node: UpNode) -> None:
    told(shared_node.run("design", "list", token="cfab_nobody"), "token.unknown")


def test_no_token_at_all_is_refused(shared_node: UpNode, tmp_path: Path) -> None:
    told(run("design", "list", "--node", shared_node.address, COMMONFAB_DATA_DIR=str(tmp_path)), "token.missing")


def test_a_token_that_was_revoked_is_refused(shared_node: UpNode) -> None:
    secret = shared_node.token("maker", "leaver")
    tokens = shared_node.run("token", "list").stdout
    token_id = next(line.split()[0] for line in tokens.splitlines() if "leaver" in line)
    assert shared_node.run("token", "revoke", token_id).returncode == 0
    told(shared_node.run("design", "list", token=secret), "token.revoked")


@pytest.mark.parametrize(
    ("scope", "command"),
    [
        ("maker", ["job", "list"]),
        ("requester", ["token", "list"]),
        ("shop", ["job", "list"]),
        ("maker", ["token", "issue", "steward", "me"]),
    ],
)
def test_a_token_of_the_wrong_scope_is_refused_by_its_scope(shared_node: UpNode, scope: str, command: list[str]) -> None:
    secret = shared_node.token(scope, f"a-{scope}")
    assert f"scope {scope}" in told(shared_node.run(*command, token=secret), "token.scope")


def test_a_token_subject_that_is_none_is_refused(shared_node: UpNode) -> None:
    told(shared_node.run("token", "issue", "maker", "Ada Lovelace"), "request.malformed")


def test_where_no_node_runs_the_command_that_starts_one_is_named() -> None:
    done = run("design", "list", "--node", f"127.0.0.1:{free_port()}", "--token", "any")
    assert "commonfab up" in told(done, "node.unreachable")


def test_a_typo_in_shop_toml_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text('[shop]\nid = "mine"\nnmae = "Mine"\n', encoding="utf-8")
    for command in (["shop", "run"], ["shop", "offers"]):
        done = run(*command, cwd=tmp_path)
        assert done.returncode == 1
        assert "line 3" in done.stderr
        assert "nmae" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_missing_shop_toml_names_the_command_that_writes_one(tmp_path: Path) -> None:
    assert "commonfab shop init" in run("shop", "run", cwd=tmp_path).stderr


def test_a_place_of_half_coordinates_is_refused(shared_node: UpNode) -> None:
    told(shared_node.run("job", "request", "design-000", "--lat", "48.1"), "command.place")


@pytest.mark.slow
def test_degrees_are_read_with_a_decimal_comma_too(tmp_path: Path) -> None:
    place = ("--lat", "48,14", "--lon", "11,58")
    done = run("shop", "init", "--yes", "--id", "mine", *place, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "latitude = 48.14\nlongitude = 11.58" in (tmp_path / "shop.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("written", ["north", "91", "nan", "48,14,11"])
def test_a_latitude_that_is_none_is_said_in_plain_words(tmp_path: Path, written: str) -> None:
    done = run("shop", "init", "--yes", "--lat", written, "--lon", "11.58", cwd=tmp_path)
    assert done.returncode == 2 and f"'{written}' is no latitude. Write degrees from -90 to 90, such as 48.14" in done.stderr


def test_a_place_that_is_too_exact_is_refused_before_it_is_sent(shared_node: UpNode) -> None:
    told(shared_node.run("job", "request", "design-000", "--cell", "8a1fb46622dffff"), "request.malformed")


def test_asking_why_about_nothing_is_refused(shared_node: UpNode) -> None:
    told(shared_node.run("job", "explain"), "command.subject")


@pytest.mark.parametrize(
    "command",
    [["design", "publish"], ["job", "request"], ["token", "issue", "king", "me"], ["nonsense"], ["design", "check", "no-such-file"]],
)
def test_a_command_that_is_not_understood_ends_with_2(command: list[str]) -> None:
    done = run(*command)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
def test_ctrl_c_ends_a_watching_command_with_130_and_no_traceback(shared_node: UpNode, part: Path) -> None:
    shared_node.run("design", "publish", str(part), "--title", "Watched cube", "--licence", "CC0-1.0", "--unit", "mm")
    designs = shared_node.run("design", "list").stdout
    design = next(line.split()[0] for line in designs.splitlines() if "Watched cube" in line)
    job = shared_node.run("job", "request", design).stdout.split()[0]
    environment = clean_environment(COMMONFAB_NODE=shared_node.address, COMMONFAB_DATA_DIR=str(shared_node.data_dir))
    pipe = subprocess.PIPE
    watching = subprocess.Popen([PROGRAM, "job", "watch", job], env=environment, stdout=pipe, stderr=pipe, encoding="utf-8")
    assert watching.stdout is not None
    first = watching.stdout.readline()
    watching.send_signal(signal.SIGINT)
    _, err = watching.communicate(timeout=120)
    assert job in first
    assert watching.returncode == 130
    assert "Traceback" not in err


def test_a_reader_who_has_had_enough_is_no_error(shared_node: UpNode) -> None:
    environment = clean_environment(COMMONFAB_NODE=shared_node.address, COMMONFAB_DATA_DIR=str(shared_node.data_dir))
    done = subprocess.run(
        f"{PROGRAM} token list --json | head -c 1", shell=True, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.stdout == "["[:1] or done.stdout == "{"
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_a_design_from_outside_cannot_control_the_terminal(shared_node: UpNode, part: Path) -> None:
    evil = "Cube \x1b[2J\x1b]0;owned\x07 [red]sale[/red]"
    assert shared_node.run("design", "publish", str(part), "--title", evil, "--licence", "CC0-1.0", "--unit", "mm").returncode == 0
    leader, follower = pty.openpty()
    environment = clean_environment(COMMONFAB_NODE=shared_node.address, COMMONFAB_DATA_DIR=str(shared_node.data_dir), TERM="xterm")
    done = subprocess.Popen([PROGRAM, "design", "list"], env=environment, stdin=subprocess.DEVNULL, stdout=follower, stderr=follower)
    os.close(follower)
    shown = until(lambda: _read(leader))
    while more := _read(leader):
        shown += more
    os.close(leader)
    assert done.wait(120) == 0
    assert b"\x1b[2J" not in shown
    assert b"\x1b]0;" not in shown
    assert b"[red]sale[/red]" in shown.replace(b"\r\n", b"")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other side closed it
        return b""


def test_the_cause_is_shown_to_who_asks_for_it(tmp_path: Path) -> None:
    done = run("shop", "run", cwd=tmp_path, COMMONFAB_TRACEBACK="1")
    assert "Traceback" in done.stderr
