# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every machine in columns, so that one job is tried on all of them at once.

The rules stand in `fitness.py`, `willingness.py` and `matching.py`, and nowhere else: columns only sort out what those would refuse
(`kind_rules.py`), and what is left is given to `matching.tried`, the nearest ring first. So the index is never of another opinion than
`matching.match`; it only stops looking once it has found enough.

Which rings are looked at: shops lie in rings of distance around the requester (`rings.py`). A ring is looked at only where the rings inside
it did not hold enough of the able; inside a ring, the machine comes first that is free soonest with the way there counted. A machine
farther out that is free sooner is therefore not found where enough were found nearer: a part is fetched by somebody, and who can make it
next door is not passed over for an hour. Shops that left an offer unanswered do not count towards enough, since they are asked only where
nobody else can be. The shop that made the first article is always tried.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from router import matching
from router.index.all_machines import explained
from router.index.search import Search
from router.index.shop_rows import ShopRows
from router.matching import Able, Match, Wanted
from router.shop_on_board import ShopOnBoard

LEAST_ENOUGH, MOST_ENOUGH = 16, 64
"""How many able machines a job is given to choose from: one for each piece, within these limits. Of five pieces, no plan over 100,000
machines became better with more than 16; of 40 pieces, plans with 16 ended a fifth later on average than plans with 128, those with 64 not
at all, because so many are made side by side."""

SMALL_STREET = 2000
"""Up to so many machines, `match` tries every one by the rules themselves."""


def enough_for(pieces: int) -> int:
    """How many able machines suffice to plan so many pieces."""
    return min(max(pieces, LEAST_ENOUGH), MOST_ENOUGH)


class CapabilityIndex:
    """All shops that a router knows, changed in place. Not for several threads."""

    def __init__(self) -> None:
        self._rows = ShopRows()

    def put(self, known: ShopOnBoard, heard_at_ms: int) -> None:
        """Insert or replace a shop, heard at that time of the board's clock. `known.heard_ago` does not count.

        Errors: `ValueError` where its place is no cell; then nothing has changed.
        """
        self._rows.put(known, heard_at_ms)

    def heard(self, shop_id: str, heard_at_ms: int) -> None:
        """A shop called again; unknown ids are ignored."""
        self._rows.heard(shop_id, heard_at_ms)

    def drop(self, shop_id: str) -> None:
        """Forget a shop; unknown ids are ignored."""
        self._rows.drop(shop_id)

    def shop(self, shop_id: str, now_ms: int) -> ShopOnBoard | None:
        """A shop as it was last put, `heard_ago` reckoned from `now_ms`; None where there is none of that id."""
        number = self._rows.number(shop_id)
        return None if number is None else self._rows.shop(number, now_ms)

    def shops(self, now_ms: int) -> Iterator[ShopOnBoard]:
        """Every shop, in the order of their ids."""
        for shop_id in self._rows.ids():
            known = self.shop(shop_id, now_ms)
            if known is not None:
                yield known

    def find(
        self, wanted: Wanted, now_ms: int, present_seconds: float, enough: int | None = None, only: Collection[str] | None = None
    ) -> list[Able]:
        """The able of the nearest rings, at least `enough` of them where there are so many; all, where `enough` is larger than `len`.

        Parameters: `enough`, where it is None, as `enough_for` the pieces that are wanted; `only`, the ids of the shops to try, where the
        others were tried before.
        """
        return Search(self._rows, wanted, now_ms, present_seconds).able(enough_for(wanted.quantity) if enough is None else enough, only)

    def match(self, wanted: Wanted, now_ms: int, present_seconds: float, shown: int = 50) -> Match:
        """The able as `find` finds them, those that cannot or must be asked, and how many fail which rule.

        Up to `SMALL_STREET` machines it is `matching.match`, exact in every figure. With more, `all_machines.explained` says what of it is
        counted and what is reckoned from a sample; then only the `shown` nearest misses are in `unable` and in `ask`.
        """
        if len(self) <= SMALL_STREET:
            return matching.match(wanted, list(self.shops(now_ms)), present_seconds)
        able = self.find(wanted, now_ms, present_seconds, max(shown, enough_for(wanted.quantity)))
        return explained(self._rows, wanted, able, now_ms, present_seconds, shown)

    def __len__(self) -> int:
        """How many machines there are."""
        return self._rows.in_use

    def machine_bytes(self) -> int:
        """All memory that the index holds, bytes: columns as reserved, texts, numbers and tables of interned descriptions."""
        return self._rows.nbytes
