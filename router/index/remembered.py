# SPDX-License-Identifier: AGPL-3.0-or-later
"""`fitness.fits`, asked once for machines that are equal, in houses that are equal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from commonfab import v1
from router import fitness


class Remembered:
    """`fitness.fits`, asked once for machines that are equal, in houses that are equal."""

    def __init__(self, needs: Sequence[v1.Requirement]) -> None:
        # As long as they are held here, a job's way answers with the same objects, which are faster to tell apart than what they say.
        self._needs = {id(need): need for need in needs}
        self._fits: dict[tuple[tuple[int, ...], int], tuple[str, ...]] = {}
        self._subject: tuple[int, ...] = ()
        self._refused: set[tuple[int, ...]] = set()
        self._asked = self._suited = False

    def about(self, kind: int, house: int, state: int, shop: int) -> bool:
        """From here on it is asked about such a machine; False where every such machine has been refused already."""
        self._subject, self._asked, self._suited = (kind, house, state, shop), False, False
        return self._subject not in self._refused

    def fits(self, need: v1.Requirement, machine: v1.Machine, shop: v1.Shop, today: date | None) -> tuple[str, ...]:
        """What `fitness.fits` says."""
        key = (self._subject, id(need))
        fit = self._fits.get(key)
        if fit is None:
            fit = fitness.fits(need, machine, shop, today)
            if key[1] in self._needs:
                self._fits[key] = fit
        self._asked, self._suited = True, self._suited or bool(fit)
        return fit

    def refused(self) -> None:
        """The machine was not able: neither are its equals, if that lies in the machine and its house, and not in where its shop is or in
        when that was heard."""
        if self._asked and not self._suited:
            self._refused.add(self._subject)
