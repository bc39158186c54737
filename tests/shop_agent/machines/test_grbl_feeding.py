# SPDX-License-Identifier: AGPL-3.0-or-later
"""Character counting, and what Grbl's words mean: without a port."""

from __future__ import annotations

import pytest

from commonfab.errors import Refused
from shop_agent.machines.grbl.feeding import WINDOW, Feed, bare, bare_lines, fit_to_feed
from shop_agent.machines.grbl.reports import Status, alarm_text, notes_on, status_of, trouble_of


def feed(*lines: str) -> Feed:
    content = [line.encode() for line in lines]
    return Feed("p", bare_lines(content), fit_to_feed(content))


def test_a_comment_that_would_hold_or_reset_the_machine_is_not_sent() -> None:
    assert bare(b"g1 x1 (hold! now?~) f100 ; again ~!\r\n") == b"g1x1f100"
    assert bare(b"(never closed ! \n") == b"" and bare(b"%\n") == b""


def test_no_more_characters_are_under_way_than_fit_and_each_answer_makes_room() -> None:
    fed = feed(*[f"G1 X{number} F1000" for number in range(100, 200)])
    first = fed.due()
    assert WINDOW - 12 <= len(first) <= WINDOW and fed.due() == b""
    fed.answered("ok")
    assert len(fed.due()) == len(b"G1X100F1000\n")


def test_an_error_ends_the_feed_and_names_the_line_of_the_file() -> None:
    fed = feed("; head", "G21", "G1 X1", "G1 Y1")
    fed.due()
    fed.answered("ok")
    fed.answered("error:22")
    assert fed.trouble == "error:22 (no feed rate was set) at line 3: G1X1" and fed.due() == b""


def test_everything_parsed_is_not_everything_made() -> None:
    fed = feed("G1 X1", "G1 X2", "G1 X3", "G1 X4")
    fed.due()
    for _ in range(4):
        fed.answered("ok")
    fed.planner_holds(3)
    assert fed.all_parsed and fed.progress == pytest.approx(0.25)


@pytest.mark.parametrize("line", ["$X", "G1 X1 ! Y2", "\x18", "G1 X1 ?", "?" * 3, "G1 " + "X1" * 50, "é"])
def test_a_line_that_is_no_plain_line_is_refused_before_anything_is_sent(line: str) -> None:
    with pytest.raises(Refused) as refused:
        fit_to_feed([b"G21", line.encode("utf-8")])
    assert refused.value.code == "toolpath.unreadable" and "line 2" in str(refused.value)


def test_a_toolpath_of_comments_is_empty() -> None:
    with pytest.raises(Refused) as refused:
        fit_to_feed([b"(nothing)", b"%"])
    assert refused.value.code == "toolpath.empty"


def test_dwells_under_way_are_known() -> None:
    fed = feed("G4 P2.5", "G04P1", "G1 X4 P3", "G40")
    fed.due()
    assert fed.dwells_seconds == 3.5
    fed.answered("ok")
    assert fed.dwells_seconds == 1.0


def test_a_damaged_status_report_is_none() -> None:
    whole = "<Hold:1|MPos:1.000,-2.500,0.000|Bf:12,90|FS:500,8000|WCO:0.000,0.000,0.000>"
    assert status_of(whole) == Status("Hold", 1, (1.0, -2.5, 0.0), 500, 8000, 12)
    for damaged in (whole[:-1], whole[1:], whole.replace("Hold", "Hxld"), whole.replace("1.000", "1.0x0", 1)):
        assert status_of(damaged) is None


def test_a_state_in_which_it_cannot_work_is_a_fault_in_words() -> None:
    assert "a limit switch was hit" in trouble_of(Status("Alarm"), alarm_text(1))
    assert "only seem to work" in trouble_of(Status("Check"), "")
    assert "open" in trouble_of(Status("Door", 1), "") and not trouble_of(Status("Idle"), "")


def test_a_laser_without_laser_mode_is_told_to_its_owner() -> None:
    assert "beam stays on" in notes_on({32: 0}, burns=True) and "spindle" in notes_on({32: 1}, burns=False)
