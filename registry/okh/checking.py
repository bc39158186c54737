# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether a manifest can be read, and whether it comes back the same after it was written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from commonfab import v1
from commonfab.errors import Refused
from registry.okh.files import read_text
from registry.okh.reading import read
from registry.okh.writing import unread, write


@dataclass(frozen=True)
class Checked:
    """A manifest that was tried.

    `same`: written as 2.4 and read again, it gave the same record with no repair; `problem`: why it cannot be read, else None;
    `unread`: keys that no version names, kept as they are.
    """

    file: Path
    same: bool
    version: str = ""
    repairs: tuple[v1.Reason, ...] = ()
    unread: tuple[str, ...] = ()
    problem: v1.Reason | None = None


def check(file: Path) -> Checked:
    """Read, write and read again. Errors: `OSError`."""
    try:
        first = read(read_text(file), file.name)
    except Refused as refused:
        return Checked(file, same=False, problem=refused.reason)
    again = read(write(first.record), "okh.toml")
    same = again.record == first.record and not again.repairs
    return Checked(file, same, first.version, first.repairs, tuple(unread(first.record)))
