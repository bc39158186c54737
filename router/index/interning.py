# SPDX-License-Identifier: AGPL-3.0-or-later
"""Equal descriptions share one small number, so that columns hold numbers and a rule is asked once for all that are equal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

import numpy as np

from router.index.columns import Flags

Key = TypeVar("Key", bound=Hashable)


class Interned(Generic[Key]):
    """Numbers for keys, counted: a number whose last user left is given to the next new key."""

    def __init__(self) -> None:
        self._numbers: dict[Key, int] = {}
        self._keys: list[Key | None] = []
        self._users: list[int] = []
        self._free: list[int] = []

    def __len__(self) -> int:
        """One more than the highest number in use."""
        return len(self._keys)

    def number(self, key: Key) -> int | None:
        """The number of a key; None where nobody uses it."""
        return self._numbers.get(key)

    def key(self, number: int) -> Key:
        """The key of a number in use."""
        key = self._keys[number]
        assert key is not None
        return key

    def take(self, key: Key) -> tuple[int, bool]:
        """Use a key once more: its number, and whether it is new."""
        number = self._numbers.get(key)
        if number is not None:
            self._users[number] += 1
            return number, False
        number = self._free.pop() if self._free else self._append()
        self._numbers[key], self._keys[number], self._users[number] = number, key, 1
        return number, True

    def leave(self, number: int) -> bool:
        """Use a key once less; whether nobody uses it any more."""
        self._users[number] -= 1
        if self._users[number]:
            return False
        del self._numbers[self.key(number)]
        self._keys[number] = None
        self._free.append(number)
        return True

    @property
    def nbytes(self) -> int:
        """Memory that it takes, with the keys, bytes."""
        held: list[object] = [self._numbers, self._keys, self._users, self._free]
        return sum(map(sys.getsizeof, held)) + sum(map(deep_bytes, self._numbers)) + 32 * len(self._numbers)

    def _append(self) -> int:
        self._keys.append(None)
        self._users.append(0)
        return len(self._keys) - 1


class TermSets:
    """Sets of vocabulary terms, each with a number; and which of them hold a term that satisfies a wish.

    Parameters: `broader`, the terms that a term satisfies, itself among them.
    """

    def __init__(self, broader: Callable[[str], Iterable[str]]) -> None:
        self._broader = broader
        self._sets: Interned[tuple[str, ...]] = Interned()
        self._by_term: dict[str, set[int]] = {}

    def take(self, terms: Iterable[str]) -> int:
        """The number of the set of these terms, used once more."""
        number, new = self._sets.take(tuple(sorted(set(terms))))
        if new:
            for term in self._satisfied(number):
                self._by_term.setdefault(term, set()).add(number)
        return number

    def terms(self, number: int) -> tuple[str, ...]:
        """The terms of a set in use."""
        return self._sets.key(number)

    def number(self, terms: Iterable[str]) -> int | None:
        """The number of the set of these terms; None where nobody uses it."""
        return self._sets.number(tuple(sorted(set(terms))))

    def leave(self, number: int) -> None:
        """The set is used once less."""
        satisfied = self._satisfied(number)
        if self._sets.leave(number):
            for term in satisfied:
                holders = self._by_term[term]
                holders.discard(number)
                if not holders:
                    del self._by_term[term]

    def satisfying(self, wishes: Iterable[str]) -> Flags:
        """Which sets hold a term that satisfies one of the wishes, by number. The wishes are spelled as `broader` spells them."""
        flags = np.zeros(len(self._sets), bool)
        for wish in wishes:
            holders = self._by_term.get(wish)
            if holders:
                flags[np.fromiter(holders, np.int64, len(holders))] = True
        return flags

    def filled(self) -> Flags:
        """Which sets hold anything, by number."""
        flags = np.ones(len(self._sets), bool)
        empty = self._sets.number(())
        if empty is not None:
            flags[empty] = False
        return flags

    @property
    def nbytes(self) -> int:
        """Memory that it takes, bytes."""
        holders = sum(deep_bytes(term) + sys.getsizeof(sets) for term, sets in self._by_term.items())
        return self._sets.nbytes + sys.getsizeof(self._by_term) + holders

    def _satisfied(self, number: int) -> set[str]:
        return {broad for term in self._sets.key(number) for broad in self._broader(term)}


def deep_bytes(held: object) -> int:
    """Memory of a text, some bytes, or a tuple of them."""
    inside = sum(map(deep_bytes, held)) if isinstance(held, tuple) else 0
    return sys.getsizeof(held) + inside
