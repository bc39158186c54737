# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reads the board's Lua scripts as text: which keys a script touches, by which commands, itself and through the functions of common.lua."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "router" / "scripts"

CALL = re.compile(r"redis\.call\('(\w+)'(?:, key\(([^()]*)\))?")
FUNCTION = re.compile(r"^(?:local )?function (\w+)\(.*?^end$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^-- (:\S+) +(string|hash|set|zset|list|stream|channel) +(?:(read|changed) +)?(\S.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Use:
    """One command on one key. In the key's name, whatever is not fixed is a star."""

    command: str
    key: str


@dataclass(frozen=True)
class Row:
    """What a table at the head of a script says of a key; `use` is "read", "changed", or "" in the list of common.lua."""

    key: str
    kind: str
    use: str
    what_for: str


def text_of(name: str) -> str:
    return (SCRIPTS / f"{name}.lua").read_text(encoding="utf-8")


def code_of(name: str) -> str:
    """The script without its comments."""
    return re.sub(r"--.*", "", text_of(name))


def script_names() -> list[str]:
    return sorted(path.stem for path in SCRIPTS.glob("*.lua") if path.stem != "common")


def table_of(name: str) -> list[Row]:
    """The rows of the table at the head of a script."""
    head = text_of(name).split("\nlocal ", 1)[0]
    return [Row(_starred(key), kind, use, what_for) for key, kind, use, what_for in ROW.findall(head)]


def uses_of(name: str) -> set[Use]:
    """Everything that a script does to keys."""
    functions = {found.group(1): found.group(0) for found in FUNCTION.finditer(code_of("common"))}
    return {use for text in _reached(code_of(name), functions) for use in _uses_in(text)}


def commands() -> dict[str, set[str]]:
    """Every command that any script gives, with the scripts (or "common") in whose text it stands."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in [*script_names(), "common"]:
        for command in re.findall(r"redis\.p?call\('(\w+)'", code_of(name)):
            found[command].add(name)
    return found


def calls_without_a_plain_key(name: str) -> list[str]:
    """Calls of Redis whose key this reader cannot see."""
    lines = [line.strip() for line in code_of(name).splitlines() if re.search(r"redis\.p?call\((?!'TIME')", line)]
    return [
        line for line in lines if len(re.findall(r"redis\.p?call\((?!'TIME')", line)) != len(re.findall(r"redis\.call\('\w+', key\(", line))
    ]


def _reached(text: str, functions: dict[str, str]) -> Iterator[str]:
    """A script's own text and every function of common.lua that it may come to call."""
    seen: set[str] = set()
    waiting = [text]
    while waiting:
        here = waiting.pop()
        yield here
        called = {name for name in re.findall(r"\b(\w+)\(", here) if name in functions} - seen
        seen |= called
        waiting += [functions[name] for name in called]


def _uses_in(text: str) -> Iterator[Use]:
    for command, arguments in CALL.findall(text):
        if arguments:
            parts = [part.strip() for part in arguments.split(",")]
            yield Use(command, ":" + ":".join(part[1:-1] if part.startswith("'") else "*" for part in parts))


def _starred(name: str) -> str:
    return re.sub(r"<[^>]+>", "*", name)
