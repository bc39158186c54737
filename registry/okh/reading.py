# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reading a manifest of any version into a record, with every repair that it took."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from commonfab import v1
from commonfab.errors import Refused
from registry.okh.fields import RECORD
from registry.okh.first_version import carried_over, is_first_version
from registry.okh.notes import Notes
from registry.okh.record import Record
from registry.okh.syntax import parsed
from registry.okh.tables import canonical, table

WRITTEN_VERSION = "2.4"

_VERSIONS = (
    ("1.0", re.compile(r"(okh)?v?1(\.0){0,2}", re.IGNORECASE)),
    ("LOSH 1.0", re.compile(r"okh-losh-?v?1(\.\d+){0,2}", re.IGNORECASE)),
    ("2.3", re.compile(r"(okh)?v?2\.3(\.\d+)?", re.IGNORECASE)),
    ("2.4", re.compile(r"(okh)?v?2\.4(\.\d+)?", re.IGNORECASE)),
)


@dataclass(frozen=True)
class Read:
    """A manifest that was read. `version`: "1.0", "LOSH 1.0", "2.3" or "2.4"; `repairs`: what had to be put right, in order."""

    record: Record
    repairs: tuple[v1.Reason, ...]
    version: str


def read(text: str, name: str = "", *, whole: bool = True) -> Read:
    """A manifest's record.

    Parameters: `text`, TOML or YAML; `name`, the name of its file, whose ending says which; `whole`: False for a note beside files that
    tells of parts and need not say what the whole is called.
    Errors: `okh.unreadable`, which names line or key; `okh.large`; `okh.no_name`.
    """
    raw, is_yaml = parsed(text, name)
    notes = Notes(texts_only=is_yaml)
    version = _version(raw, notes)
    later = {key: value for key, value in raw.items() if canonical(key) != "okhv"}
    if version == "1.0":
        later = carried_over(later, notes)
    held = table(later, RECORD, "", notes)
    if whole and "name" not in held:
        raise Refused("okh.no_name", name or "the manifest")
    return Read(Record(**{"name": "", **held}), notes.made(), version)


def _version(raw: dict[str, Any], notes: Notes) -> str:
    said = next((str(raw[key]).strip() for key in sorted(raw) if canonical(key) == "okhv" and raw[key]), "")
    for version, pattern in _VERSIONS:
        if pattern.fullmatch(said):
            return version
    if not said and is_first_version(raw):
        return "1.0"
    notes.add("okh.version", "okhv", said, WRITTEN_VERSION)
    return WRITTEN_VERSION
