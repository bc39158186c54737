# SPDX-License-Identifier: AGPL-3.0-or-later
"""Shops in the order of their lots: an order that is nobody's choice, in which shops that are placed alike are asked."""

from __future__ import annotations

import sys

import numpy as np

from router.index.columns import Column

SORTED_ANEW = 1000
"""More changes than that are not put in one by one."""


class LotOrder:
    """Which shops there are, and which of them changed their lot since they were last put in order."""

    def __init__(self) -> None:
        self._order: Column = np.zeros(0, np.int32)
        self._changed: dict[int, bool] = {}

    def put(self, shop: int) -> None:
        """The shop is new, or has another lot."""
        self._changed[shop] = True

    def drop(self, shop: int) -> None:
        """The shop is no more."""
        self._changed[shop] = False

    def order(self, lots: Column) -> Column:
        """All shops, least lot first. Parameters: `lots`, by shop."""
        if self._changed:
            out = np.zeros(len(lots), bool)
            out[list(self._changed)] = True
            kept = self._order[~out[self._order]]
            here = np.array([shop for shop, there in self._changed.items() if there], np.int32)
            self._order = self._sorted(kept, here, lots)
            self._changed.clear()
        return self._order

    @property
    def nbytes(self) -> int:
        """Memory that it takes, bytes."""
        return self._order.nbytes + sys.getsizeof(self._changed) + 32 * len(self._changed)

    @staticmethod
    def _sorted(kept: Column, here: Column, lots: Column) -> Column:
        if len(here) > SORTED_ANEW:
            shops = np.concatenate([kept, here])
            return shops[np.argsort(lots[shops], kind="stable")]
        here = here[np.argsort(lots[here], kind="stable")]
        return np.insert(kept, np.searchsorted(lots[kept], lots[here]), here)
