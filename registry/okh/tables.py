# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reading one table of a manifest by the fields that it may have: which key is meant, what it holds, and what is kept as it is.

The outcome does not depend on the order of the keys, so what was kept and written again is read the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from registry.okh.notes import Notes
from registry.okh.syntax import Decimal
from registry.okh.values import Unheld

Reader = Callable[[Any, str, Notes], Any]

SPELLINGS: Mapping[str, str] = MappingProxyType(
    {
        **{"fork-of": "forkOf", "organisation": "organization", "organisations": "organization", "organizations": "organization"},
        **{"licence": "license", "licenser": "licensor", "licensors": "licensor", "images": "image", "parts": "part", "depict": "depicts"},
        **{"documentation-licence": "documentation-license", "software-licence": "software-license", "cpc-class": "cpc-patent-class"},
        **{"standards-compliance": "standard-compliance", "outer-dimension": "outer-dimensions", "sources": "source", "exports": "export"},
    }
)
"""Keys that stand for others, by their form with dashes. `forkOf` is what the schema of 2.4 says, alone among its keys."""


@dataclass(frozen=True)
class Field:
    """A key of the specification, the attribute that holds it here, and how it is read."""

    key: str
    attribute: str
    read: Reader


def dashed(key: str) -> str:
    """A key as the specification writes keys: `documentationLanguage`, `documentation_language` and `Documentation language` alike."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", key.strip())
    return re.sub(r"[\s_-]+", "-", parted).lower()


def canonical(key: str) -> str:
    """The key that is meant."""
    with_dashes = dashed(key)
    return SPELLINGS.get(with_dashes, with_dashes)


def table(raw: Mapping[str, Any], fields: Sequence[Field], within: str, notes: Notes) -> dict[str, Any]:
    """What the fields hold, by attribute, and under `unknown` what none of them does.

    Parameters: `within`, what stands before a key when it is named: "part 2.", or nothing.
    """
    by_key: dict[str, list[str]] = {}
    for key in sorted(raw, key=lambda key: (canonical(key) != key, key)):
        by_key.setdefault(canonical(key), []).append(key)
    held: dict[str, Any] = {}
    unknown = set(raw)
    for field in fields:
        spelled = by_key.get(field.key, [])
        done = _first(raw, spelled, field, within, notes, held)
        unknown.difference_update(done)
    held["unknown"] = {key: kept(raw[key], within + key, notes) for key in sorted(unknown) if raw[key] is not None}
    return held


def _first(raw: Mapping[str, Any], spelled: Sequence[str], field: Field, within: str, notes: Notes, held: dict[str, Any]) -> list[str]:
    """Read the first of the spellings that says something. Returns those that need not be kept."""
    done: list[str] = []
    for key in spelled:
        before = notes.count()
        try:
            value = field.read(raw[key], within + field.key, notes) if raw[key] is not None else None
        except Unheld:
            notes.forget_after(before)
            return done
        done.append(key)
        _tell(raw[key], value, key, field, within, notes)
        if value:
            held[field.attribute] = value
            return done
    return done


def _tell(before: Any, value: Any, key: str, field: Field, within: str, notes: Notes) -> None:
    if not value and before is not None:
        notes.add("okh.empty", within + key, before, None)
    elif value and key != field.key:
        notes.add("okh.key", within.rstrip(".") or "manifest", key, field.key)


def kept(value: Any, key: str, notes: Notes) -> Any:
    """A value that no field holds, as it was found; but for what no file can say again."""
    if isinstance(value, dict):
        return {name: kept(one, f"{key}.{name}", notes) for name, one in value.items()}
    if isinstance(value, list):
        return [kept(one, key, notes) for one in value]
    if isinstance(value, float) and math.isnan(value):  # it is not equal to itself, so no record with it would be
        notes.add("okh.as_text", key, value, "nan")
        return "nan"
    return float(value) if isinstance(value, Decimal) else value
