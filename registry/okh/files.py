# SPDX-License-Identifier: AGPL-3.0-or-later
"""Manifests as files: which names they have, and how their text is read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from commonfab.errors import Refused
from registry.okh.syntax import LONGEST

MANIFESTS = ("okh.toml", "okh.yml", "okh.yaml", "okh-*.toml", "okh-*.yml", "okh-*.yaml")
"""Names of the manifest beside a design: OKH-LOSH 1.0 asks for `okh.toml`; lists of manifests write `okh-<project>.toml`."""

_SOMEWHERE = re.compile(r"(okh|open_?-?know_?-?how).*\.(toml|ya?ml)$", re.IGNORECASE)
"""Names of manifests in a folder that somebody names as one of manifests; 1.0 asks only for "okh" in the name."""

MOST_BYTES_PER_CHARACTER = 4


def read_text(file: Path) -> str:
    """A manifest's text. Errors: `OSError`; `okh.large`; `okh.unreadable` where it is no UTF-8."""
    with file.open("rb") as content:
        return decoded(content, file.name)


def decoded(content: IO[bytes], name: str) -> str:
    """The same of an open file. Errors: `OSError`; `okh.large`; `okh.unreadable` where it is no UTF-8."""
    raw = content.read(LONGEST * MOST_BYTES_PER_CHARACTER + 1)
    if len(raw) > LONGEST * MOST_BYTES_PER_CHARACTER:
        raise Refused("okh.large", name)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise Refused("okh.unreadable", f"{name}: it is no UTF-8 (line {line})") from error


def found_under(paths: Iterable[Path]) -> list[Path]:
    """Files as they are given, and of folders every manifest inside, in the order of their paths; each once."""
    found: dict[Path, None] = {}
    for path in paths:
        inside = (file for file in sorted(path.rglob("*")) if _SOMEWHERE.search(file.name) and file.is_file())
        found.update(dict.fromkeys(inside if path.is_dir() else [path]))
    return list(found)
