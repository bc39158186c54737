# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is wrong with a `shop.toml`, in words for whoever wrote it: line, key, what was found, and how it is written instead. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from shop_agent.shop_toml.sections import ID, SensorSection, StockSection, ToolSection, UpkeepSection
from shop_agent.shop_toml.toml_lines import Location, line_of

AT = re.compile(r"\s*\(at (?:line (?P<line>\d+), column \d+|end of document)\)$")
"""Where Python's parser says that it stopped."""

INNER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "stock": tuple(StockSection.model_fields),
        "tools": tuple(ToolSection.model_fields),
        "sensor": tuple(SensorSection.model_fields),
        "upkeep": tuple(UpkeepSection.model_fields),
    }
)
"""The keys of the small tables inside [[machine]]."""

LISTS: Mapping[str, str] = MappingProxyType(
    {
        "envelope_mm": "three lengths in mm, x, y, z: [250, 210, 210]",
        "reach_min_mm": "three lengths in mm, x, y, z: [0, -4, 0]",
        "reach_max_mm": "three lengths in mm, x, y, z: [255, 212, 212]",
        "size_mm": "two lengths in mm: [600, 300]",
        "stock": 'a list of tables: [{ material = "pla", grams = 750 }]',
        "tools": 'a list of tables: [{ kind = "end_mill", diameter_mm = 3 }]',
        "sensor": 'a list of tables: [{ confirms = "bed", file = "/run/bed-clear" }]',
        "upkeep": 'a list of tables: [{ what = "grease the rails", every_hours = 200 }]',
    }
)
"""How lists are written that are no lists of words."""


def told_of_value(text: str, error: Any, keys_of: Mapping[str, Sequence[str]]) -> tuple[int, str]:
    """The line, 0 for the whole file, and what is wrong there.

    Parameters: `error`, one of `pydantic.ValidationError.errors()`; `keys_of`, the keys of each table, those of the file under "".
    """
    location: Location = tuple(error["loc"])
    line, kind = line_of(text, location), error["type"]
    if kind == "missing" and len(location) == 1:
        return 0, f"{_headed(str(location[0]))} is missing"
    if kind == "extra_forbidden":
        return line, _unknown(location, keys_of)
    if kind == "value_error":
        return line, str(error["ctx"]["error"])
    key = next((str(step) for step in reversed(location) if isinstance(step, str)), "")
    if kind == "missing" and isinstance(location[-1], str):
        outer = next((f"{step} of " for step in location[1:-1] if str(step) in INNER), "")
        return line, f"{outer}{_table(location[:-1])} lacks '{key}'"
    if key in keys_of[""] and len(location) < 3 and kind != "missing":
        return line, f"{_headed(key)} is a table of its own, with its keys below it" + (
            ", one for each machine" if key == "machine" else ""
        )
    named = ".".join(str(step) for step in location[2 if location[0] == "machine" else 1 :])
    return line, f"'{named}' in {_table(location)}: {_wanted(kind, key, error)}"


def told_of_syntax(path: object, text: str, error: Exception) -> str:
    """What is wrong with a file that is not TOML: the line, what the parser says, and how it is written where the line tells that."""
    said = str(error)
    found = AT.search(said)
    lines = text.splitlines()
    number = int(found["line"]) if found and found["line"] else len(lines)
    line = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    hint = next((_filled_in(hint, match) for pattern, hint in _SLIPS if (match := pattern.search(line))), "")
    if "Cannot overwrite" in said and (key := re.match(r"([A-Za-z0-9_-]+)\s*=", line)):
        hint = f"'{key[1]}' is said twice in this table"
    elif "Cannot overwrite" in said or "Cannot declare" in said or "twice" in said:
        hint = "every machine begins with [[machine]], in double brackets" if "machine" in line else "this table is there already"
    return f"{path} line {number}: not TOML: {AT.sub('', said).lower()}{f'; {hint}' if hint else ''}"


def _unknown(location: Location, keys_of: Mapping[str, Sequence[str]]) -> str:
    key, outer = str(location[-1]), next((str(step) for step in reversed(location[1:-1]) if str(step) in INNER), "")
    known = INNER[outer] if outer else keys_of[str(location[0]) if len(location) > 1 else ""]
    elsewhere = [table for table, keys in keys_of.items() if table and key in keys and not outer]
    near = _close_to(key, known, 0.5)
    if elsewhere:
        hint = f"; it belongs under {_headed(elsewhere[0])}"
    else:
        hint = f"; did you mean '{near[0]}'?" if near else f"; known here: {', '.join(sorted(known))}"
    return f"unknown key '{key}' in {f'{outer} of ' if outer else ''}{_table(location)}{hint}"


def _close_to(word: str, known: Sequence[str], cutoff: float) -> list[str]:
    """The nearest of the known words, if any is near. Parameters: `cutoff`, how near, from 0 to 1."""
    import difflib  # an agent whose shop.toml is right does without

    return difflib.get_close_matches(word, known, n=1, cutoff=cutoff)


def _wanted(kind: str, key: str, error: Any) -> str:
    """What is wrong with a value, and how it is written."""
    found = error["input"]
    if key in ("pin", "token", "api_key"):
        return "a PIN is 4 to 12 digits, in quotes" if key == "pin" else "it stands in quotes"  # secret, even where it is wrong
    if kind in _PLAIN:
        return f"{_PLAIN[kind](key, found)} (found {_shown(found)})"
    if kind == "literal_error":
        expected = str(error["ctx"]["expected"])
        near = _close_to(str(found), re.findall(r"'([^']*)'", expected), 0.6)
        return f"{f'did you mean {chr(39)}{near[0]}{chr(39)}? ' if near else ''}there are {expected} (found {_shown(found)})"
    if kind == "string_pattern_mismatch" and error["ctx"]["pattern"] == ID:
        return f"an id has a-z, 0-9, '-' and '.', and begins with a letter or a figure (found {_shown(found)})"
    return f"{error['msg'].lower()} (found {_shown(found)})"


def _number(_: str, found: object) -> str:
    if isinstance(found, str) and re.fullmatch(r"\s*-?\d+(?:[.,]\d+)?\s*", found):
        return f"a number stands without quotes, with a point: {found.strip().replace(',', '.')}"
    return "a number is wanted"


def _list(key: str, found: object) -> str:
    if isinstance(found, str) and key not in LISTS:
        return f'a list is wanted: {key} = ["{found}"]'
    point = "; a decimal is written with a point: 250.5" if isinstance(found, (list, tuple)) and len(found) > 2 else ""
    return f"wanted is {LISTS.get(key, 'a list')}{point}"


def _text(key: str, found: object) -> str:
    return f'a text stands in quotes: {key} = "{found}"' if isinstance(found, (int, float)) else "a text in quotes is wanted"


_PLAIN: Mapping[str, Callable[[str, object], str]] = MappingProxyType(
    {
        "float_parsing": _number,
        "float_type": _number,
        "int_parsing": _number,
        "int_type": _number,
        "int_from_float": lambda key, found: "a whole number is wanted",
        "finite_number": _number,
        "bool_parsing": lambda key, found: "true or false is wanted, without quotes",
        "bool_type": lambda key, found: "true or false is wanted, without quotes",
        "tuple_type": _list,
        "too_long": _list,
        "missing": _list,
        "string_type": _text,
        "path_type": _text,
    }
)

_SLIPS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"=\s*(-?\d+),(\d+)\s*(?:#.*)?$"), "a decimal is written with a point: {0}.{1}"),
    (re.compile(r"=\s*(True|TRUE|yes|Yes|on|On)\s*(?:#.*)?$"), "write true, in small letters"),
    (re.compile(r"=\s*(False|FALSE|no|No|off|Off)\s*(?:#.*)?$"), "write false, in small letters"),
    (re.compile(r"=\s*[“”„‘’«]"), 'the quotation marks are the straight ones: "'),
    (re.compile(r"^[^\"]*=\s*\"[^\"]*$"), "a quotation mark is missing at its end"),
    (re.compile(r"=\s*([^\W\d][^\"'\[\]{}#]*?)\s*(?:#.*)?$"), 'text stands in quotes: "{0}"'),
    (re.compile(r"=\s*\[\s*([^\W\d][^\"'\[\]{},#]*?)\s*[,\]]"), 'text stands in quotes: ["{0}"]'),
    (re.compile(r"^[a-z_]+\s*:"), "a key and its value are joined by ="),
    (re.compile(r"=\s*(?:#.*)?$"), "there is no value behind the ="),
)
"""How lines look that people write, and what to say of them."""


def _filled_in(hint: str, match: re.Match[str]) -> str:
    for number, group in enumerate(match.groups()):
        hint = hint.replace(f"{{{number}}}", group)
    return hint


def _shown(found: object) -> str:
    return "nothing" if found is None or found == "" else repr(found)


def _headed(key: str) -> str:
    return "[[machine]]" if key == "machine" else f"[{key}]"


def _table(location: Location) -> str:
    return _headed(str(location[0])) if len(location) > 1 or location[:1] == ("machine",) else "the file"
