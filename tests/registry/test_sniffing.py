# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a file is, by its content alone."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

import pytest
from drawings import ascii_stl, ball, binary_stl, box, write_3mf, write_step
from hypothesis import given
from hypothesis import strategies as st

from commonfab import v1
from registry.geometry.faults import Unmeasurable
from registry.geometry.sniff import sniff

BINARY = binary_stl(ball(10, 6))
TRIANGLES = len(ball(10, 6))
ASCII = ascii_stl(box(10, 10, 10))


def sniffed(content: bytes) -> v1.FileFormat.ValueType:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "whatever.txt"
        path.write_bytes(content)
        return sniff(path)


def fault(content: bytes) -> v1.Reason:
    with pytest.raises(Unmeasurable) as caught:
        sniffed(content)
    return caught.value.reason


def test_stl_is_recognised_in_both_its_forms() -> None:
    assert sniffed(BINARY) == v1.FILE_FORMAT_STL_BINARY
    assert sniffed(ASCII) == v1.FILE_FORMAT_STL_ASCII


def test_a_header_that_begins_with_solid_does_not_make_a_binary_stl_ascii() -> None:
    assert sniffed(binary_stl(box(1, 2, 3), b"solid facet endsolid made by a CAD program")) == v1.FILE_FORMAT_STL_BINARY


def test_an_ascii_stl_may_begin_with_a_mark_and_blank_lines() -> None:
    assert sniffed(b"\xef\xbb\xbf\r\n  " + ASCII.replace(b"\n", b"\r\n")) == v1.FILE_FORMAT_STL_ASCII


def test_a_binary_stl_with_bytes_behind_its_last_triangle_is_still_one() -> None:
    assert sniffed(BINARY + b"\0") == v1.FILE_FORMAT_STL_BINARY


def test_3mf_and_step_are_recognised(tmp_path: Path) -> None:
    write_3mf(tmp_path / "a", box(1, 2, 3))
    write_step(tmp_path / "b.step", 10, 10, 10)
    assert sniff(tmp_path / "a") == v1.FILE_FORMAT_3MF
    assert sniff(tmp_path / "b.step") == v1.FILE_FORMAT_STEP


@given(st.integers(0, len(BINARY) - 1))
def test_a_binary_stl_cut_off_anywhere_is_never_taken_for_whole(length: int) -> None:
    reason = fault(BINARY[:length])
    if length >= 84:
        there = (length - 84) // 50
        assert reason.code == "file.truncated"
        figures = {figure.name: figure.value for figure in reason.figures}
        assert figures == {"announced": TRIANGLES, "has": there, "missing": TRIANGLES - there}
        assert str(TRIANGLES) in reason.message and str(TRIANGLES - there) in reason.message


@given(st.integers(0, ASCII.rindex(b"endsolid")))
def test_an_ascii_stl_cut_off_anywhere_is_never_taken_for_whole(length: int) -> None:
    assert fault(ASCII[:length]).code in ("file.empty", "file.text", "file.breaks_off")


@given(st.binary(max_size=400))
def test_any_bytes_are_either_recognised_or_refused_with_a_reason(content: bytes) -> None:
    try:
        assert sniffed(content) != v1.FILE_FORMAT_UNSPECIFIED
    except Unmeasurable as refused:
        assert refused.reason.message


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file.empty"),
        (b"please find the drawing attached\n", "file.text"),
        ("schön gruß\n".encode(), "file.text"),
        (b"<!DOCTYPE html>\n<title>404</title>", "file.web_page"),
        (b"  <HTML><body>sign in</body></HTML>", "file.web_page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "file.lfs_pointer"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "file.unrecognised"),
        (b"PK\x03\x04 and then nothing", "file.zip_broken"),
        (b"ISO-10303-21;\nHEADER;\n", "file.breaks_off"),
    ],
)
def test_what_cannot_be_a_part_is_told_apart(content: bytes, code: str) -> None:
    assert fault(content).code == code


def test_a_zip_without_a_model_is_no_3mf(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "photos.3mf", "w") as archive:
        archive.writestr("photo.jpg", b"\xff\xd8")
    with pytest.raises(Unmeasurable) as caught:
        sniff(tmp_path / "photos.3mf")
    assert caught.value.reason.code == "file.unrecognised"
