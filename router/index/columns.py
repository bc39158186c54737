# SPDX-License-Identifier: AGPL-3.0-or-later
"""NumPy columns that grow together, and row numbers from spans: what the capability index is built of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]
Column = NDArray[Any]

GROWTH = 1.25
"""A table that is full grows by a quarter: never more than a fifth of it is unused, and a row is copied five times at most on average."""


class Columns:
    """A table of equally long columns, each of one type. Rows are given out one after another; a new row holds zeros."""

    def __init__(self, **types: DTypeLike) -> None:
        self._columns: dict[str, Column] = {name: np.zeros(0, kind) for name, kind in types.items()}
        self._room = 0
        self.length = 0

    def __getitem__(self, name: str) -> Column:
        """The column, of as many rows as were given out. It is a view until the next `extend`."""
        return self._columns[name][: self.length]

    def extend(self, rows: int) -> int:
        """Give out so many rows; answers the first."""
        first = self.length
        self.length += rows
        if self.length > self._room:
            self._room = max(self.length, int(self._room * GROWTH), 64)
            for name, column in self._columns.items():
                self._columns[name] = np.concatenate([column, np.zeros(self._room - len(column), column.dtype)])
        return first

    @property
    def nbytes(self) -> int:
        """Memory that the columns take, with what is reserved, bytes."""
        return sum(column.nbytes for column in self._columns.values())


def spans(firsts: NDArray[Any], counts: NDArray[Any]) -> Rows:
    """The numbers first, first + 1, … of every span, one span after another."""
    ends = np.cumsum(counts, dtype=np.int64)
    if not len(ends):
        return ends
    return np.asarray(np.arange(ends[-1], dtype=np.int64) + np.repeat(firsts - (ends - counts), counts))
