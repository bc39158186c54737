# SPDX-License-Identifier: AGPL-3.0-or-later
"""A manifest's text as plain tables: TOML or YAML, whatever somebody made of it, within limits of length, depth and count.

YAML's scalars stay texts, but for `true` and `false`: a version 1.10 is no number and 2021-05-04 no date. What is empty in YAML is as if it
were not there; of the outermost keys it is None, so that it can be seen that they stand there. Aliases are followed, and what they multiply
counts.
"""

from __future__ import annotations

import tomllib
from pathlib import PurePosixPath
from typing import Any

import yaml

from commonfab.errors import Refused

LONGEST = 256 * 1024
"""Characters, after YAML's aliases were followed. None of 1,088 manifests of the LOSH list has 32,768."""
MOST_VALUES = 50_000
DEEPEST = 32
MOST_DOTS = 2_000
"""On one line of TOML: the library takes time with the square of the parts of a dotted key."""

_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NOTHING = frozenset(("", "~", "null", "Null", "NULL"))
_PREAMBLE = "%Open Know-How"
"""The first line of a 1.0 manifest, which is no directive that YAML knows."""


class Decimal(float):
    """A decimal number of TOML that remembers how it was written: as a version, 1.10 is not 1.1."""

    written: str

    def __new__(cls, written: str) -> Decimal:
        """The number that `written` says."""
        made = super().__new__(cls, written.replace("_", ""))
        made.written = written
        return made


def parsed(text: str, name: str) -> tuple[dict[str, Any], bool]:
    """The tables of a manifest, and whether it is YAML. The ending of `name` says which it is; else TOML is tried first.

    Errors: `okh.large`; `okh.unreadable`, which names the line.
    """
    if len(text) > LONGEST:
        raise Refused("okh.large", name)
    text = text.removeprefix("\ufeff").encode("utf-8", "replace").decode("utf-8")
    ending = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    if ending in (".yml", ".yaml"):
        return _yaml(text, name), True
    if ending == ".toml":
        return _toml(text, name), False
    try:
        return _toml(text, name), False
    except Refused:
        return _yaml(text, name), True


def _toml(text: str, name: str) -> dict[str, Any]:
    if any(line.count(".") > MOST_DOTS for line in text.splitlines()):
        raise Refused("okh.large", name)
    try:
        read = tomllib.loads(text, parse_float=Decimal)
    except (ValueError, OverflowError, RecursionError) as error:
        raise Refused("okh.unreadable", f"{name or 'the manifest'}: {error}") from error
    _count(read, name, 0, 0)
    return read


def _count(value: Any, name: str, depth: int, before: int) -> int:
    """How many values there are up to and with this one."""
    before += 1
    if depth > DEEPEST or before > MOST_VALUES:
        raise Refused("okh.large", name)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        before = _count(one, name, depth + 1, before)
    return before


def _yaml(text: str, name: str) -> dict[str, Any]:
    if text.startswith(_PREAMBLE):
        text = "#" + text[1:]
    try:
        loader = yaml.BaseLoader(text)
        document = loader.get_node() if loader.check_node() else None
    except yaml.MarkedYAMLError as error:
        where = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        raise Refused("okh.unreadable", f"{name or 'the manifest'}: {error.problem or error.context}{where}") from error
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise Refused("okh.unreadable", f"{name or 'the manifest'}: {error}") from error
    read = _Walk(name).plain(document, 0) if document is not None else None
    if not isinstance(read, dict):
        raise Refused("okh.unreadable", f"{name or 'the manifest'}: it holds no keys with values")
    return read


class _Walk:
    """One walk over the nodes of a YAML document; it ends where aliases made too much of them."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen = 0
        self._length = 0

    def plain(self, node: yaml.Node, depth: int) -> Any:
        self._seen += 1
        self._length += len(node.value) if isinstance(node, yaml.ScalarNode) else 0
        if depth > DEEPEST or self._seen > MOST_VALUES or self._length > LONGEST:
            raise Refused("okh.large", self._name)
        if isinstance(node, yaml.MappingNode):
            return self._table(node, depth)
        if isinstance(node, yaml.SequenceNode):
            return [one for one in (self.plain(entry, depth + 1) for entry in node.value) if one is not None]
        return _scalar(node) if isinstance(node, yaml.ScalarNode) else None

    def _table(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        table: dict[str, Any] = {}
        for key_node, value in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise Refused("okh.unreadable", f"{self._name or 'the manifest'}: a key is no text (line {line})")
            key = _sound(str(key_node.value))
            if key in table:
                raise Refused("okh.unreadable", f"{self._name or 'the manifest'}: the key {key!r} stands twice (line {line})")
            table[key] = self.plain(value, depth + 1)
        return table if depth == 0 else {key: value for key, value in table.items() if value is not None}


def _scalar(node: yaml.ScalarNode) -> Any:
    text = _sound(str(node.value))
    if node.style in ("|", ">"):  # the line end of its last line belongs to the form
        return text.rstrip("\n")
    if node.style is not None:  # quoted: meant as text
        return text
    return None if text in _NOTHING else _TRUTHS.get(text, text)


def _sound(text: str) -> str:
    """Halves of characters, which YAML lets somebody escape, cannot be written to any file."""
    return text.encode("utf-8", "replace").decode("utf-8")
