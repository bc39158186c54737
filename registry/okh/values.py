# SPDX-License-Identifier: AGPL-3.0-or-later
"""The simple values of a manifest, as real files have them: texts, lists of them, paths, numbers, masses, levels and languages.

Each function takes what stands under a key, the key, and the notes; it gives what the field holds, or raises `Unheld`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time
from types import MappingProxyType
from typing import Any

from registry.okh.notes import Notes
from registry.okh.syntax import Decimal

GRAMS_PER: Mapping[str, float] = MappingProxyType({"g": 1.0, "kg": 1000.0, "mg": 0.001, "lb": 453.59237, "oz": 28.349523125})
"""Units of mass. The pound is 0.45359237 kg (international yard and pound agreement, 1959), the ounce its sixteenth."""

LEVELS: Mapping[str, str] = MappingProxyType(
    {
        **{"ideation": "OTRL-1", "conception": "OTRL-2", "technicaldesign": "OTRL-3", "productdesign": "OTRL-4", "safeproduct": "OTRL-5"},
        **{"started": "ODRL-1", "minimal": "ODRL-2", "full": "ODRL-3", "audited": "ODRL-3*", "auditedpluscedocs": "ODRL-4"},
    }
)
"""Names by which OKH-LOSH's converter wrote the readiness levels (https://github.com/OPEN-NEXT/LOSH-OKH-tool, src/oxrl.rs)."""

LANGUAGES: Mapping[str, str] = MappingProxyType(
    {
        **{"english": "en", "french": "fr", "german": "de", "spanish": "es", "italian": "it", "portuguese": "pt", "dutch": "nl"},
        **{"swahili": "sw", "chinese": "zh", "japanese": "ja", "arabic": "ar", "russian": "ru", "polish": "pl", "turkish": "tr"},
    }
)
"""English names of languages and their ISO 639-1 codes."""

_LEVEL = re.compile(r"(?i)o?\s*([td])rl[\s_-]*([1-6])(\*?)")
_LANGUAGE = re.compile(r"([A-Za-z]{2,8})(?:[-_]([A-Za-z]{2}))?")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?")
_WITH_UNIT = re.compile(rf"({_NUMBER.pattern})\s*([A-Za-z]*)")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_DRIVE = re.compile(r"^[A-Za-z]:(?=/|$)")


class Unheld(Exception):
    """The value has a shape that its field cannot hold; it is kept as it is."""


def text(value: Any, key: str, notes: Notes) -> str:
    """A text without space around it. Numbers, truths and dates become texts as they were written; several texts become one."""
    if isinstance(value, list):
        joined = ", ".join(one for one in (text(entry, key, notes) for entry in value) if one)
        notes.add("okh.several", key, value, joined)
        return joined
    if not isinstance(value, str):
        written = _written(value)
        if not notes.texts_only:
            notes.add("okh.as_text", key, value, written)
        return written
    trimmed = value.strip()
    if trimmed != value and trimmed:
        notes.add("okh.spaces", key, value, trimmed)
    return trimmed


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return value.written
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    raise Unheld


def texts(value: Any, key: str, notes: Notes) -> tuple[str, ...]:
    """One text or a list of them; empty ones are left out."""
    if isinstance(value, list):
        if any(isinstance(one, list | dict) for one in value):
            raise Unheld
        return tuple(one for one in (text(entry, key, notes) for entry in value) if one)
    one = text(value, key, notes)
    return (one,) if one else ()


def path(value: Any, key: str, notes: Notes) -> str:
    """A path in the repository, or an address. Windows' separators, drives and the root's '/' are put right (2.4 takes relative paths)."""
    written = text(value, key, notes)
    if _ADDRESS.match(written):
        return written
    if "\\" in written:
        notes.add("okh.windows_path", key, written, written := written.replace("\\", "/"))
    relative = _relative(written)
    if relative != written:
        notes.add("okh.absolute_path", key, written, relative)
    return relative


def _relative(written: str) -> str:
    before, now = None, written
    while now != before:
        before, now = now, _DRIVE.sub("", now, count=1).lstrip("/").strip() if _rooted(now) else now
    return now or ("." if written else "")


def _rooted(written: str) -> bool:
    return written.startswith("/") or _DRIVE.match(written) is not None


def paths(value: Any, key: str, notes: Notes) -> tuple[str, ...]:
    """One path or a list of them."""
    entries = value if isinstance(value, list) else [value]
    if any(isinstance(one, list | dict) for one in entries):
        raise Unheld
    return tuple(one for one in (path(entry, key, notes) for entry in entries) if one)


def number(value: Any, key: str, notes: Notes) -> float:
    """A finite number above 0; a text that is one is taken for it."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        read = _positive(value.strip().replace(",", "."))
        if not notes.texts_only:
            notes.add("okh.as_number", key, value, read)
        return read
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unheld
    return _positive(value)


def _positive(value: Any) -> float:
    try:
        read = float(value)
    except (ValueError, OverflowError):
        raise Unheld from None
    if not 0 < read < math.inf:
        raise Unheld
    return read


def mass(value: Any, key: str, notes: Notes) -> float:
    """A mass in grams, from a number (2.4), a table of value and unit (OKH-LOSH 1.0), or a text with a unit."""
    if isinstance(value, dict) and set(value) == {"value", "unit"}:
        grams = _positive(number(value["value"], key, notes) * _grams_per(value["unit"]))
        notes.add("okh.mass", key, value, grams)
        return grams
    found = _WITH_UNIT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found and found[2]:
        grams = _positive(_positive(found[1].replace(",", ".")) * _grams_per(found[2]))
        notes.add("okh.mass", key, value, grams)
        return grams
    return number(value, key, notes)


def _grams_per(unit: Any) -> float:
    if not isinstance(unit, str) or unit.strip() not in GRAMS_PER:
        raise Unheld
    return GRAMS_PER[unit.strip()]


def level(value: Any, key: str, notes: Notes) -> str:
    """A readiness level by its identifier, "OTRL-3"; a name that OKH-LOSH's converter wrote is looked up, others stay as they are."""
    said = text(value, key, notes)
    found = _LEVEL.fullmatch(said)
    known = f"O{found[1].upper()}RL-{found[2]}{found[3]}" if found else LEVELS.get(said.replace(" ", "").lower(), said)
    if known != said:
        notes.add("okh.level", key, said, known)
    return known


def languages(value: Any, key: str, notes: Notes) -> tuple[str, ...]:
    """Language tags after BCP 47: "en-GB"."""
    return tuple(_language(one, key, notes) for one in texts(value, key, notes))


def _language(said: str, key: str, notes: Notes) -> str:
    found = _LANGUAGE.fullmatch(said)
    if not found:
        return said
    language = LANGUAGES.get(found[1].lower(), found[1].lower() if len(found[1]) <= 3 else found[1])
    region = (found[2] or "").upper()
    tag = f"{language}-{'GB' if region == 'UK' else region}" if region else language  # UK is reserved, but no region of ISO 3166-1
    if tag != said:
        notes.add("okh.language", key, said, tag)
    return tag
