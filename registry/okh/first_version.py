# SPDX-License-Identifier: AGPL-3.0-or-later
"""A 1.0 manifest (https://standards.internetofproduction.org/pub/okh/release/1) with the keys of the later versions.

What goes where follows the mapping that OKH-LOSH 1.0 published (data_mapping/data-mapping-OKHv1.md in
https://github.com/OPEN-NEXT/OKH-LOSH), but that nothing is joined to `function` or guessed from `made`: such keys are carried as they are,
and so is every list whose entries say more than the later key can hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from registry.okh.notes import Notes
from registry.okh.tables import canonical

RENAMED: Mapping[str, str] = MappingProxyType(
    {"title": "name", "description": "function", "documentation-home": "repo", "archive-download": "release", "project-link": "repo"}
)
"""1.0's keys for the same thing. `project-link` comes last: it counts where there is no `documentation-home`, else it is carried."""

LISTS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "making-instructions": ("manufacturing-instructions", ("path",)),
        "operating-instructions": ("user-manual", ("path",)),
        "standards-used": ("standard-compliance", ("reference", "standard-title")),
        "derivative-of": ("forkOf", ("web", "manifest")),
        "variant-of": ("forkOf", ("web", "manifest")),
    }
)
"""1.0's lists of tables: the later key, and which of an entry's values is taken, the first that is there."""

LICENCES = ("hardware", "documentation", "software")


def is_first_version(raw: Mapping[str, Any]) -> bool:
    """Whether a manifest that does not say its version has the keys of 1.0."""
    keys = {canonical(key) for key in raw}
    return not keys.isdisjoint(("title", "okh-manifest-version", "making-instructions"))


def carried_over(raw: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    """The same with later keys. Parameters: `raw`, not changed; `notes`, told what was put right."""
    later = _spelled(raw, notes)
    _unindented(later, notes)
    _licences(later)
    for old, new in RENAMED.items():
        if later.get(old) and _blank(later.get(new)):
            later[new] = later.pop(old)
    for old, (new, choices) in LISTS.items():
        _list(later, old, new, choices)
    if isinstance(later.get("software"), list):
        later["software"] = [_software(entry) for entry in later["software"]]
    return later


def _spelled(raw: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    """With 1.0's own spelling of 1.0's keys; the later ones are the table reader's."""
    known = {*RENAMED, *LISTS}
    spelled = {}
    for key, value in raw.items():
        meant = canonical(key)
        if meant in known and key != meant and meant not in raw and meant not in spelled:
            notes.add("okh.key", "manifest", key, meant)
            spelled[meant] = value
        else:
            spelled[key] = value
    return spelled


def _unindented(later: dict[str, Any], notes: Notes) -> None:
    """A wiki's generator wrote the lines below `license:` and `licensor:` without their indentation."""
    if later.get("license", 0) is None and isinstance(later.get("documentation", later.get("hardware")), str):
        lost = {key: later.pop(key) for key in LICENCES if isinstance(later.get(key), str)}
        notes.add("okh.indentation", "license", "nothing", ", ".join(lost))
        later["license"] = lost
    if later.get("licensor", 0) is None and isinstance(later.get("name"), str):
        lost = {key: later.pop(key) for key in ("name", "affiliation", "email", "contact") if isinstance(later.get(key), str)}
        notes.add("okh.indentation", "licensor", "nothing", ", ".join(lost))
        later["licensor"] = lost


def _licences(later: dict[str, Any]) -> None:
    """The hardware's licence goes first, else that of the documents, else that of the software; the others have keys of their own."""
    said = later.get("license")
    if not isinstance(said, dict) or not set(said) <= set(LICENCES):
        return
    given = {kind: said[kind] for kind in LICENCES if said.get(kind)}
    first = next(iter(given), "")
    later["license"] = given.get(first)
    later.update({f"{kind}-license": licence for kind, licence in given.items() if kind != first})


def _list(later: dict[str, Any], old: str, new: str, choices: tuple[str, ...]) -> None:
    if old not in later or not _blank(later.get(new)):
        return
    entries = later[old] if isinstance(later[old], list) else [later[old]]
    taken = [_taken(entry, choices) for entry in entries]
    if not all(isinstance(one, str) for one in taken):
        return
    later[new] = taken if isinstance(later[old], list) else taken[0]
    if all(isinstance(entry, str) or len(entry) == 1 for entry in entries):
        del later[old]


def _blank(value: Any) -> bool:
    return not value or (isinstance(value, str) and not value.strip())


def _taken(entry: Any, choices: tuple[str, ...]) -> Any:
    if not isinstance(entry, dict):
        return entry
    return next((entry[key] for key in choices if entry.get(key)), None)


def _software(entry: Any) -> Any:
    """1.0 has `path` and `title` where later versions have `release` and LOSH manifests `label`."""
    names = {"path": "release", "title": "label"}
    return {names.get(key, key): value for key, value in entry.items()} if isinstance(entry, dict) else entry
