# SPDX-License-Identifier: AGPL-3.0-or-later
"""The words of designs, in the full text search of the database: FTS5 of SQLite, `tsvector` of PostgreSQL, with the same answers.

Both are given words that `words.py` made: letters and digits only. Neither ever sees what a user typed, so there is no syntax to go wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from registry.search.words import ANYWHERE, SUMMARY, TITLE

Levels = npt.NDArray[np.int8]

PLACES = ((ANYWHERE, True), (SUMMARY, True), (TITLE, True), (TITLE, False))
"""Where a word may stand, the best last, and whether it is enough that a word there begins with it.

In the first place it is worth 1, in the next 2, and so on; a design is worth the sum over all words. That depends on nothing but the
design, so that a list stays in its order while designs arrive.
"""


def keep(connection: sa.Connection, number: int, before: str | None, now: str) -> None:
    """Within a transaction: find the design of this number by the words `now`, and not any more by those it had.

    Parameters: `before`, what was kept; None where nothing was; both as `words.stored` has them.
    """
    if before == now:
        return
    if connection.dialect.name == "sqlite":
        # FTS5 keeps no words, so it must be told what it has to forget.
        if before is not None:
            forget = "INSERT INTO search_words(search_words, rowid, words) VALUES ('delete', ?, ?)"
            connection.exec_driver_sql(forget, (number, before))
        connection.exec_driver_sql("INSERT INTO search_words(rowid, words) VALUES (?, ?)", (number, now))
        return
    connection.exec_driver_sql(
        "INSERT INTO search_words (number, words) VALUES (%s, array_to_tsvector(%s::text[])) "
        "ON CONFLICT (number) DO UPDATE SET words = EXCLUDED.words",
        (number, now.split()),
    )


def levels(connection: sa.Connection, words: Sequence[str], size: int) -> list[Levels]:
    """For each word what it is worth in each design, by its number: 0 where it does not stand in it.

    Parameters: `words`, as `words_of` has them; `size`, one more than the largest number that matters.
    """
    found = iter(_found(connection, [(place + word, begins) for word in words for place, begins in PLACES])) if words else iter(())
    every = []
    for _ in words:
        of_word = np.zeros(size, np.int8)
        for level, numbers in zip(range(1, len(PLACES) + 1), found, strict=False):
            of_word[numbers[numbers < size]] = level
        every.append(of_word)
    return every


def worth(every: Sequence[Levels], size: int) -> npt.NDArray[np.int32]:
    """What each design is worth for some words together: 0 where one of them does not stand in it."""
    all_there, total = np.ones(size, bool), np.zeros(size, np.int32)
    for of_word in every:
        all_there &= of_word > 0
        total += of_word
    return np.where(all_there, total, 0)


def _found(connection: sa.Connection, terms: Sequence[tuple[str, bool]]) -> list[npt.NDArray[np.int64]]:
    """For each stored word, or beginning of words, the numbers of the designs that have it.

    All in one statement: nothing changes in between. The numbers come as one text, which is read ten times as fast as rows.
    """
    if connection.dialect.name == "sqlite":
        query = "(SELECT group_concat(rowid) FROM search_words WHERE search_words MATCH ?)"
        values = [f'"{word}" *' if begins else f'"{word}"' for word, begins in terms]
    else:
        query = "(SELECT string_agg(number::text, ',') FROM search_words WHERE words @@ %s::tsquery)"
        values = [f"'{word}':*" if begins else f"'{word}'" for word, begins in terms]
    row = connection.exec_driver_sql(f"SELECT {', '.join([query] * len(terms))}", tuple(values)).one()
    return [np.fromstring(text or "", np.int64, sep=",") for text in row]
