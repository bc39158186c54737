# SPDX-License-Identifier: AGPL-3.0-or-later
"""All designs in memory, in columns: what SQL has in `search_designs` but for the words, brought up to date before every search.

SQL is the truth, and every registry process has its own copy, about 100 bytes a design. With an index of the database in its place,
a count of 100,000 designs by six properties would take some hundred milliseconds on either database; here it is a few.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from commonfab import v1
from registry.search.columns import Bools, Column, Reading
from registry.search.facts import material_names, process_names
from registry.search.tables import SEARCH_DESIGNS

ROW = tuple(column for column in SEARCH_DESIGNS.c if column.name not in ("words", "items", "rules", "changed"))


def _kind(value: int) -> tuple[Any, tuple[str, ...]]:
    return value, _name(v1.DesignKind, value, "DESIGN_KIND_")


def _maturity(value: int) -> tuple[Any, tuple[str, ...]]:
    return value, _name(v1.Maturity, value, "MATURITY_")


def _name(of: Any, value: int, prefix: str) -> tuple[str, ...]:
    """A value of an enum without what all have in common; none for "not said", and for one of a newer version."""
    return (of.Name(value).removeprefix(prefix),) if value and value in of.values() else ()


def _licence(raw: str) -> tuple[Any, tuple[str, ...]]:
    names = tuple(json.loads(raw))
    return frozenset(name.casefold() for name in names), names


READINGS: Mapping[str, Reading] = MappingProxyType(
    {
        "process": process_names,
        "material": material_names,
        "licence": _licence,
        "kind": _kind,
        "maturity": _maturity,
        "keeper": lambda raw: (raw, (raw,)),
    }
)
"""Each property that is counted, in the order in which they are told, and what stands in its column means."""

STORED: Mapping[str, str] = MappingProxyType({"process": "ways", "material": "materials", "licence": "licences"})
"""What the column in SQL is called where it is called otherwise."""


@dataclass(frozen=True)
class Index:
    """All designs, by their numbers."""

    since: int = 0  # what was written from here on is not in it, or not surely
    version: int = 0  # counts how often designs were brought in: with the same version, the same designs
    there: Bools = field(default_factory=lambda: np.zeros(0, bool))  # whether there is a design of this number
    ids: npt.NDArray[np.object_] = field(default_factory=lambda: np.zeros(0, object))
    created_at: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    age: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))  # 0 for the oldest design; by id where two are as old
    recalled: Bools = field(default_factory=lambda: np.zeros(0, bool))
    sides: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))  # shortest, middle, longest, mm; NaN if not known
    columns: Mapping[str, Column] = field(default_factory=lambda: {name: Column(reading) for name, reading in READINGS.items()})

    @property
    def size(self) -> int:
        """One more than the largest number."""
        return len(self.there)


def caught_up(index: Index, connection: sa.Connection) -> Index:
    """The index with everything that was committed before this call."""
    since, until = horizon(connection)
    query = sa.select(*ROW).where(SEARCH_DESIGNS.c.changed >= index.since, SEARCH_DESIGNS.c.changed > 0)
    if until is not None and index.since:
        query = query.where(SEARCH_DESIGNS.c.changed < until)
    rows = connection.execute(query).all()
    return _with_rows(index, since, rows) if rows or since != index.since else index


def horizon(connection: sa.Connection) -> tuple[int, int | None]:
    """From where on the next reader must read; and where this one may stop, None for nowhere.

    SQLite has one writer at a time, who counts up. PostgreSQL's transactions end in any order, so a row bears the number of its
    transaction, and the next reader begins with the oldest one that had not ended. Rows of transactions that are yet to come are there
    only where a dump of another server was restored: every first reader has them.
    """
    if connection.dialect.name == "sqlite":
        return (connection.execute(sa.select(sa.func.max(SEARCH_DESIGNS.c.changed))).scalar() or 0) + 1, None
    ends = connection.exec_driver_sql(
        "SELECT pg_snapshot_xmin(now)::text::bigint, pg_snapshot_xmax(now)::text::bigint FROM pg_current_snapshot() AS now"
    ).one()
    return ends[0], ends[1]


def _with_rows(index: Index, since: int, rows: Sequence[sa.Row[Any]]) -> Index:
    if not rows:
        return replace(index, since=since)
    # By columns, and not row by row: it is a hundred thousand rows for the first time.
    of = dict(zip((column.name for column in ROW), zip(*rows, strict=True), strict=True))
    numbers = np.array(of["number"], np.int64)
    size = max(index.size, int(numbers.max()) + 1)
    there, ids, created_at = (_longer(of, size) for of in (index.there, index.ids, index.created_at))
    recalled, sides = _longer(index.recalled, size), _longer(index.sides, size)
    known = bool(there[numbers].all())
    there[numbers] = True
    ids[numbers], created_at[numbers], recalled[numbers] = of["design_id"], of["created_at"], of["recalled"]
    for axis, side in enumerate(("short_mm", "middle_mm", "long_mm")):
        sides[numbers, axis] = np.array(of[side], float)  # None becomes NaN
    columns = {name: column.changed(size, numbers, of[STORED.get(name, name)]) for name, column in index.columns.items()}
    age = index.age if known else _ages(there, created_at, ids)
    return Index(since, index.version + 1, there, ids, created_at, age, recalled, sides, columns)


def _longer(of: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    longer = np.zeros((size, *of.shape[1:]), of.dtype)
    longer[: len(of)] = of
    return longer


def _ages(there: Bools, created_at: npt.NDArray[np.float64], ids: npt.NDArray[np.object_]) -> npt.NDArray[np.int64]:
    order = np.flatnonzero(there)
    order = order[np.argsort(created_at[order], kind="stable")]
    sorted_times = created_at[order]
    begins = np.flatnonzero(np.concatenate([[True], sorted_times[1:] != sorted_times[:-1]]))
    ends = np.append(begins[1:], len(order))
    for which in np.flatnonzero(ends - begins > 1):
        of_one_time = slice(begins[which], ends[which])
        order[of_one_time] = sorted(order[of_one_time], key=lambda number: ids[number])
    age = np.zeros(len(there), np.int64)
    age[order] = np.arange(len(order))
    return age
