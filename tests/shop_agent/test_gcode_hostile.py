# SPDX-License-Identifier: AGPL-3.0-or-later
"""Toolpaths that are written so that a machine might read them otherwise than the gate does."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Iterator

import pytest
from gate_judging import BEGIN, CUT, END, codes, cut, found, klipper, linuxcnc, mill, printed, printer

from shop_agent.gcode import follow, rules_for

WHOLE = BEGIN + "G1 X5 Y5 E1" + END


@pytest.mark.parametrize(
    "content",
    [
        WHOLE.encode("utf-16"),
        WHOLE.encode("utf-16-le"),
        gzip.compress(WHOLE.encode(), mtime=0),
        b"GCDE\x01\x00\x00\x00" + WHOLE.encode(),
        WHOLE.encode().replace(b"\n", b"\r"),
        (BEGIN + "; a comment\rM500" + END).encode(),
        WHOLE.encode() + b"\x00",
        (BEGIN + ";\x0b" + END).encode(),
        b"\xef\xbb\xbf" + WHOLE.encode(),
        b"G1 X1 " * 100_000,
    ],
    ids=[
        "utf-16",
        "utf-16-le",
        "gzip",
        "binary G-code",
        "carriage returns",
        "a hidden one",
        "a nought",
        "a tabulator",
        "a mark",
        "one line",
    ],
)
def test_what_is_no_plain_text_in_lines_is_refused(content: bytes) -> None:
    assert "toolpath.ambiguous" in codes(content, printer())
    assert "toolpath.ambiguous" in codes(content, mill())


def test_the_line_of_a_control_character_is_named() -> None:
    assert ("toolpath.ambiguous", 6) in found(BEGIN + "G1 X1\x00\n" + END, printer())
    assert ("toolpath.ambiguous", 6) in found(BEGIN + "G1 X1\rG1 X2\n" + END, printer())


def test_lines_may_end_as_on_windows_and_the_last_not_at_all() -> None:
    assert codes(WHOLE.replace("\n", "\r\n"), printer()) == codes(WHOLE.rstrip("\n"), printer()) == []


@pytest.mark.parametrize(
    "line",
    ["G 1 X 1 0", "G1 X 10", "G1 X1 0", "G1 X1e5", "G1 X1E5", "N5 G1 X5", "N5 G1 X5*33", "G1 X5*33", "g1 x5", "G1 x5", "/G1 X5", "G1\tX5",
     "G1 X1 X2", "G1 X5 M500", "G1 X5 G92 X0", "G1 Xé", "M117 \"x", "; \u2028M500", "; \x85M500", "G1 X5 " + " " * 90 + "Y5"],
)  # fmt: skip
def test_what_firmwares_read_differently_is_refused_on_printers(line: str) -> None:
    told = [code for code, _ in printed(line)]
    assert told and set(told) <= {"toolpath.ambiguous", "toolpath.unreadable"}


@pytest.mark.parametrize(
    "line", ["(G1 X500)", "G1 X1 (note)", "G1 X--1", "G1 X", "G1 X.", "G1 Xnan", "G1 X1.2.3", "%", "$H", "G1 X1-2", "G1 X12345678901"]
)
def test_what_no_printer_understands_is_refused(line: str) -> None:
    assert printed(line)[0][0] in ("toolpath.unreadable", "toolpath.ambiguous")


@pytest.mark.parametrize(
    "line",
    ["G 1 X 1 0", "G1 X1 0", "G1 X1e5", "G1 X5*33", "/G1 X5", "G1\tX5", "(a (b) c) G1 X5", "(a", "a) G1 X5", "(a ; b) G1 X5",
     "G1 X5 F300." + "0" * 90],
)  # fmt: skip
def test_what_controllers_read_differently_is_refused_on_cutters(line: str) -> None:
    assert [code for code, _ in cut(line)] == ["toolpath.ambiguous"]


@pytest.mark.parametrize("line", ["G1 X5 A3", "G1 X5 E1", "G1 X--1", "G1 X", "@pause", "[x]", "G1 Xinf"])
def test_what_no_controller_understands_is_refused(line: str) -> None:
    assert cut(line)[0][0] in ("toolpath.unreadable", "toolpath.ambiguous", "toolpath.forbidden_command")


@pytest.mark.parametrize("comment", ["(LOGOPEN,/etc/passwd)", "(probeopen x)", ";py,import os", "(PY, x)"])
def test_comments_on_which_linuxcnc_acts_are_refused(comment: str) -> None:
    assert cut(comment, linuxcnc()) == [("toolpath.forbidden_command", 1)] and cut("(MSG, turn the part)", linuxcnc()) == []


def test_comments_are_each_dialects_own() -> None:
    assert printed("G1 X5 ; M500 (G1 X999") == printed("G1 X5 ; é ü") == []
    assert cut("G1 X5 (X999) ; X999 (") == [] and cut("(M500)G1(X999)X5") == []
    assert printed("M117 50 % done (or so), é") == [("toolpath.ambiguous", 1)] and printed("M117 50 % done (or so)") == []


def test_small_letters_count_for_klipper_as_for_grbl() -> None:
    assert printed("g1 x500", klipper()) == [("toolpath.outside", 1)] and cut("g1 x500") == [("toolpath.too_large", 1)]


@pytest.mark.parametrize("line", ["N5 M500", "m500", "M500;", "M0500", "M500 ", " M500", "M500.0"])
def test_stored_settings_are_seen_however_they_are_written(line: str) -> None:
    assert {code for code, _ in printed(line)} & {"toolpath.forbidden_command", "toolpath.ambiguous"}


def test_a_file_of_ever_longer_odd_lines_takes_no_more_memory_than_a_few_pieces() -> None:
    def pieces() -> Iterator[bytes]:
        yield BEGIN.encode()
        for _ in range(24):
            yield (b"G1 X1 Y1 E1 F600\n;" + b"x" * 1000 + b"\n") * 256

    tracemalloc.start()
    path = follow(pieces(), rules_for(printer()))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.lines > 12_000 and most < 8 * 1024 * 1024


def test_random_bytes_are_an_answer_and_no_error() -> None:
    for seed in range(200):
        content = bytes((seed * 7 + at * at * 31 + at) % 251 for at in range(400))
        assert codes(content, printer()) and codes(CUT.encode() + content, mill())
