# SPDX-License-Identifier: AGPL-3.0-or-later
"""Writing a record as a manifest of version 2.4, in TOML; the same record gives the same text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tomli_w

from registry.okh.fields import AGENT, IMAGE, PART, RECORD, SOFTWARE, agent_of
from registry.okh.reading import WRITTEN_VERSION
from registry.okh.record import Agent, Dimensions, Image, OkhPart, Record, Software
from registry.okh.tables import Field


def write(record: Record) -> str:
    """The manifest: the keys of the specification in its order, then the others in the order of the alphabet."""
    return tomli_w.dumps({"okhv": WRITTEN_VERSION, **_table(record, RECORD)})


def _table(of: Any, fields: Sequence[Field]) -> dict[str, Any]:
    said = {field.key: _plain(value) for field in fields if (value := getattr(of, field.attribute))}
    return {**said, **{key: of.unknown[key] for key in sorted(of.unknown) if key not in said}}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        entries = [_plain(one) for one in value]
        return entries[0] if len(entries) == 1 and isinstance(entries[0], str) else entries
    if isinstance(value, Dimensions):
        return {"width": _number(value.width), "depth": _number(value.depth), "height": _number(value.height)}
    if isinstance(value, Agent):
        return _agent(value)
    if isinstance(value, Image):
        return value.location if value == Image(value.location) else _table(value, IMAGE)
    if isinstance(value, OkhPart):
        return _table(value, PART)
    if isinstance(value, Software):
        return _table(value, SOFTWARE)
    return _number(value) if isinstance(value, float) else value


def _agent(agent: Agent) -> str | dict[str, Any]:
    line = f"{agent.name} <{agent.email}>" if agent.email else agent.name
    return line if agent_of(line) == agent else _table(agent, AGENT)


def _number(value: float) -> float | int:
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def unread(record: Record) -> list[str]:
    """The keys of a record that no version of the specification names, each with where it stands."""
    tables: list[tuple[str, Mapping[str, Any]]] = [("", record.unknown)]
    tables += [(f"part {place}.", part.unknown) for place, part in enumerate(record.part, 1)]
    tables += [("software.", one.unknown) for one in record.software]
    tables += [("image.", one.unknown) for one in (*record.image, *(image for part in record.part for image in part.image))]
    people = {"licensor": record.licensor, "organization": record.organization, "contributors": record.contributors}
    tables += [(f"{kind}.", one.unknown) for kind, agents in people.items() for one in agents]
    return [f"{where}{key}" for where, keys in tables for key in keys]
