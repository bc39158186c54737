# SPDX-License-Identifier: AGPL-3.0-or-later
"""Words that were asked for lately, with what each is worth in each design: the commonest words are asked for again and again.

A word that stands in half of all designs takes the database many milliseconds, however it is asked. What is kept holds for one state of
the index, and is forgotten with it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import sqlalchemy as sa

from registry.search import full_text
from registry.search.full_text import Levels
from registry.search.index import Index

MOST_BYTES = 32 * 1024 * 1024
"""A word takes one byte a design."""


class WordsInMemory:
    """What words are worth. Any number of threads may use it."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._version = -1
        self._kept: OrderedDict[str, Levels] = OrderedDict()

    def levels(self, connection: sa.Connection, words: Sequence[str], index: Index) -> list[Levels]:
        """As `full_text.levels`, for the designs of `index`. Errors: `sqlalchemy.exc.OperationalError`."""
        with self._turn:
            known = {word: self._kept[word] for word in words if word in self._kept} if self._version == index.version else {}
        asked = [word for word in words if word not in known]
        found = known | dict(zip(asked, full_text.levels(connection, asked, index.size), strict=True))
        with self._turn:
            if self._version < index.version:
                self._kept.clear()
                self._version = index.version
            if self._version == index.version:
                self._keep(found, index.size)
        return [found[word] for word in words]

    def _keep(self, found: dict[str, Levels], size: int) -> None:
        for word, of_word in found.items():
            self._kept[word] = of_word
            self._kept.move_to_end(word)
        while len(self._kept) * size > MOST_BYTES:
            self._kept.popitem(last=False)
