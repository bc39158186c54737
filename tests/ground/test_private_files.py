# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files with secrets: whole or not at all, and on a full disk nothing of them is left."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

import pytest
from small_disks import disk_of, fill

from commonfab.identity import load_or_make_key, write_private

SECRET = b"cfab_secret" * 10_000


def test_it_replaces_what_was_there_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("older", encoding="utf-8")
    write_private(file, SECRET)
    assert file.read_bytes() == SECRET and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_on_a_full_disk_nothing_of_a_secret_is_left_and_what_was_there_stays(tmp_path: Path) -> None:
    with disk_of(1 << 20, tmp_path / "disk") as disk:
        file = disk / "token"
        write_private(file, b"older")
        fill(disk, leave_bytes=20_000)
        with pytest.raises(OSError) as full:
            write_private(file, SECRET)
        assert full.value.errno == errno.ENOSPC
        assert {one.name for one in disk.iterdir()} == {"token", "ballast"} and file.read_bytes() == b"older"


def test_a_secret_that_cannot_take_its_name_is_not_left_under_another(tmp_path: Path) -> None:
    (tmp_path / "key").mkdir()
    with pytest.raises(OSError):
        write_private(tmp_path / "key", SECRET)
    assert [one.name for one in tmp_path.iterdir()] == ["key"]
    (tmp_path / "key").rmdir()
    assert load_or_make_key(tmp_path / "key").public_key() == load_or_make_key(tmp_path / "key").public_key()
