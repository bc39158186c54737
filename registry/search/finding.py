# SPDX-License-Identifier: AGPL-3.0-or-later
"""Finds designs: which meet all that is asked, the best or newest of them page by page, and how many have which property."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from commonfab import v1
from commonfab.envelope import TOLERANCE_MM
from commonfab.paging import not_a_token
from registry.rows import designs_of
from registry.search import full_text
from registry.search.columns import Bools
from registry.search.index import Index, caught_up
from registry.search.question import Mark, Question, question_of
from registry.search.tables import SEARCH_ITEMS
from registry.search.words_in_memory import WordsInMemory

MOST_COUNTS = 20
"""Values of one property that are told."""


class Search:
    """The search of one node. Any number of threads may use it."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._index = Index()
        self._words = WordsInMemory()
        self._turn = threading.Lock()

    def find(self, request: v1.SearchDesignsRequest) -> v1.SearchDesignsResponse:
        """A page of what was asked for. Errors: `Refused` (`request.malformed`, `page.token`), `sqlalchemy.exc.OperationalError`."""
        asked = question_of(request)
        with self._engine.connect() as connection:
            index = self.up_to_date(connection)
            worth = full_text.worth(self._words.levels(connection, asked.words, index), index.size)
            found = np.flatnonzero(_meeting(index, asked, connection) & ((worth > 0) | (not asked.text)))
            page, token = _page(index, asked, found, worth)
            designs = designs_of(connection, [str(index.ids[number]) for number in page])
        facets = _facets(index, found) if request.with_facets and asked.after is None else []
        return v1.SearchDesignsResponse(designs=designs, next_page_token=token, total=len(found), facets=facets)

    async def warm_up(self) -> None:
        """Read all designs, so that the first search need not. Where the database is away, that first search does it after all."""
        with contextlib.suppress(sa.exc.SQLAlchemyError):
            await asyncio.to_thread(self._read_all)

    def _read_all(self) -> None:
        with self._engine.connect() as connection:
            self.up_to_date(connection)

    def up_to_date(self, connection: sa.Connection) -> Index:
        """All designs as they were committed before this call. One thread brings in what is new; it never changes what others look at."""
        with self._turn:
            self._index = caught_up(self._index, connection)
            return self._index


def _meeting(index: Index, asked: Question, connection: sa.Connection) -> Bools:
    """Which designs meet all that is asked but for the words."""
    columns, met = index.columns, index.there.copy()
    if not asked.recalled_too:
        met &= ~index.recalled
    if asked.processes:
        wanted = asked.processes
        met &= columns["process"].where(lambda parts: bool(parts) and not any(wanted.isdisjoint(part) for part in parts))
    if asked.materials:
        fitting = asked.materials | {""}
        met &= columns["material"].where(lambda names: not fitting.isdisjoint(names))
    if asked.licences:
        met &= columns["licence"].where(lambda names: not asked.licences.isdisjoint(names))
    if asked.kinds:
        met &= columns["kind"].where(asked.kinds.__contains__)
    if asked.keepers:
        met &= columns["keeper"].among(asked.keepers)
    met &= columns["maturity"].where(lambda maturity: bool(maturity >= asked.at_least))
    if asked.room_mm is not None:
        for axis, side in enumerate(asked.room_mm):
            met &= index.sides[:, axis] <= side + TOLERANCE_MM
    if asked.item is not None:
        met &= _belonging(connection, asked.item, index.size)
    return met


def _belonging(connection: sa.Connection, item: tuple[str, str, str], size: int) -> Bools:
    """Which designs fit or replace this: maker, model and part number; what is empty may be anything."""
    columns = (SEARCH_ITEMS.c.maker, SEARCH_ITEMS.c.model, SEARCH_ITEMS.c.part_number)
    same = [column == name for column, name in zip(columns, item, strict=True) if name]
    numbers = np.array(connection.execute(sa.select(SEARCH_ITEMS.c.number).where(*same)).scalars().all(), np.int64)
    belonging = np.zeros(size, bool)
    belonging[numbers[numbers < size]] = True
    return belonging


def _page(index: Index, asked: Question, found: npt.NDArray[np.int64], worth: npt.NDArray[np.int32]) -> tuple[list[int], str]:
    """The designs of the page, the most worth first, then the newest; and the token of the next page, empty where there is none."""
    # One number says what comes first. Newer designs push the others on, and both sides of the mark alike.
    keys = worth[found].astype(np.int64) * index.size + index.age[found]
    if asked.after is not None:
        last = asked.after
        if last.number >= index.size or not index.there[last.number]:
            raise not_a_token(asked.token(last))
        rest = keys < last.worth * index.size + index.age[last.number]
        found, keys = found[rest], keys[rest]
    rest_too = len(keys) - asked.size
    best = np.argpartition(keys, rest_too)[rest_too:] if rest_too > 0 else np.arange(len(keys))
    page = found[best[np.argsort(keys[best])[::-1]]]
    if rest_too <= 0:
        return page.tolist(), ""
    return page.tolist(), asked.token(Mark(int(worth[page[-1]]), int(page[-1])))


def _facets(index: Index, found: npt.NDArray[np.int64]) -> list[v1.Facet]:
    counted = ((name, column.counted(found, MOST_COUNTS)) for name, column in index.columns.items())
    return [v1.Facet(name=name, counts=[v1.FacetCount(value=value, count=times) for value, times in some]) for name, some in counted]
