# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every shop as it was last put, in few bytes, and its machines as rows of columns. Changed in place."""

from __future__ import annotations

import marshal
import sys
from math import inf
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from commonfab import v1
from router.fitness import OUT_OF_SERVICE
from router.index.columns import Columns, Rows, spans
from router.index.interning import Interned
from router.index.lots import LotOrder
from router.index.machine_kinds import MachineKinds
from router.index.rings import ShopPlaces
from router.shop_on_board import ShopOnBoard

NO_MACHINE = -1
"""The shop of a row that no machine uses."""


class ShopRows:
    """Shops by number, machines by row; the machines of a shop have rows one after another, in its own order.

    `machines` holds, by row: `kind`, the number of its kind; `shop`; `free`, seconds until it is free of the work that is known; `state`;
    `out`, whether that is out of service. `shops` holds, by number: `first` and `count` of its rows; `heard`, ms; `lot`, a number drawn
    from its public key, by which shops that are placed alike come in an order that is nobody's choice; `house`, the number of what its
    people do and take; `closed`; `choosy`, whether it works for some requesters
    only; `reach`, the farthest that its policy allows, km; `had`, minutes, and `sequence` as they were put.
    """

    def __init__(self) -> None:
        self.kinds = MachineKinds()
        self.places = ShopPlaces()
        self.houses: Interned[bytes] = Interned()
        self.machines = Columns(kind=np.int32, shop=np.int32, free=np.float32, state=np.uint8, out=bool)
        self.shops = Columns(
            first=np.int32,
            count=np.int32,
            heard=np.int64,
            lot=np.uint32,
            house=np.int32,
            closed=bool,
            choosy=bool,
            reach=np.float32,
            had=np.float64,
            sequence=np.int64,
        )
        self.in_use = 0
        self._by_lot = LotOrder()
        self._numbers: dict[str, int] = {}
        self._texts: list[bytes] = []
        self._noticed: list[bytes] = []
        self._free_shops: list[int] = []
        self._free_rows: dict[int, list[int]] = {}

    def put(self, known: ShopOnBoard, heard_at_ms: int) -> None:
        """Insert or replace a shop. Errors: `ValueError` where its place is no cell; then nothing has changed."""
        shop_id = known.shop.id
        number = self._numbers.get(shop_id)
        new = number is None
        if number is None:
            number = self._free_shops[-1] if self._free_shops else self.shops.length
        self.places.put(number, known.shop.place)
        if new:
            self._numbers[shop_id] = number
            self._open(number)
        self._write(number, known, heard_at_ms, new)
        self._put_machines(number, known, new)

    def heard(self, shop_id: str, heard_at_ms: int) -> None:
        """It called again; unknown ids are ignored."""
        number = self._numbers.get(shop_id)
        if number is not None:
            self.shops["heard"][number] = heard_at_ms

    def drop(self, shop_id: str) -> None:
        """Forget a shop; unknown ids are ignored."""
        number = self._numbers.pop(shop_id, None)
        if number is None:
            return
        self.places.drop(number)
        self.houses.leave(int(self.shops["house"][number]))
        self._leave_rows(number)
        self._by_lot.drop(number)
        self._texts[number] = self._noticed[number] = b""
        self._free_shops.append(number)

    def ids(self) -> list[str]:
        """The ids of all shops, in order."""
        return sorted(self._numbers)

    def number(self, shop_id: str) -> int | None:
        """The number of a shop; None where there is none of that id."""
        return self._numbers.get(shop_id)

    def shop(self, number: int, now_ms: int) -> ShopOnBoard:
        """A shop as it was put. Its messages are new, so that a caller may change them."""
        shop = v1.Shop.FromString(self._texts[number])
        heard_ago = (now_ms - self.shops["heard"].item(number)) / 1000
        had, sequence = self.shops["had"].item(number), self.shops["sequence"].item(number)
        if not self._noticed[number]:
            return ShopOnBoard(shop, heard_ago, had_minutes=had, sequence=sequence)
        queued, pace, proven = marshal.loads(self._noticed[number])
        return ShopOnBoard(shop, heard_ago, queued, pace, had, proven, sequence)

    def rows_of(self, numbers: NDArray[np.int64]) -> tuple[Rows, NDArray[np.int32]]:
        """The rows of the machines of these shops, shop after shop, and how many each has."""
        counts = self.shops["count"][numbers]
        return spans(self.shops["first"][numbers], counts), counts

    def by_lot(self) -> Rows:
        """The numbers of all shops in the order of their lots. It is valid until the next change."""
        return self._by_lot.order(self.shops["lot"])

    @property
    def nbytes(self) -> int:
        """Memory that all of it takes, bytes, measured."""
        held: list[object] = [self._numbers, self._texts, self._noticed, self._free_shops, self._free_rows, *self._free_rows.values()]
        # An empty text is one object for all.
        texts = sum(sys.getsizeof(text) for texts in (self._texts, self._noticed) for text in texts if text)
        ids = sum(sys.getsizeof(shop_id) + sys.getsizeof(number) for shop_id, number in self._numbers.items())
        parts = self._by_lot.nbytes + self.kinds.nbytes + self.places.nbytes + self.houses.nbytes + self.machines.nbytes + self.shops.nbytes
        return parts + sum(map(sys.getsizeof, held)) + texts + ids

    def _open(self, number: int) -> None:
        if number == self.shops.length:
            self.shops.extend(1)
            self._texts.append(b"")
            self._noticed.append(b"")
        else:
            self._free_shops.pop()

    def _write(self, number: int, known: ShopOnBoard, heard_at_ms: int, new: bool) -> None:
        house = _house(known.shop)
        taken, _ = self.houses.take(house)
        if not new:
            self.houses.leave(int(self.shops["house"][number]))
        lot = crc32(known.shop.public_key or (known.shop.name + known.shop.place.cell).encode())
        if new or self.shops["lot"][number] != lot:
            self._by_lot.put(number)
        noticed = (dict(known.queued_minutes), dict(known.pace), dict(known.proven))
        self._texts[number] = known.shop.SerializeToString()
        self._noticed[number] = marshal.dumps(noticed) if any(noticed) else b""
        values = {
            "heard": heard_at_ms,
            "lot": lot,
            "house": taken,
            "closed": bool(known.shop.closed),
            "choosy": bool(known.shop.policy.requesters),
            "reach": known.shop.policy.within_km or inf,
            "had": known.had_minutes,
            "sequence": known.sequence,
        }
        for name, value in values.items():
            self.shops[name][number] = value

    def _put_machines(self, number: int, known: ShopOnBoard, new: bool) -> None:
        machines = known.shop.machines
        # Kinds are taken before the old ones are left, so that a kind that stays is not described anew.
        kinds = [self.kinds.take(machine) for machine in machines]
        if new or self.shops["count"][number] != len(machines):
            if not new:
                self._leave_rows(number)
            self._take_rows(number, len(machines))
        else:
            self._leave_kinds(number)
        first = int(self.shops["first"][number])
        rows = slice(first, first + len(machines))
        self.machines["kind"][rows] = kinds
        self.machines["free"][rows] = [_free_in_seconds(machine, known) for machine in machines]
        self.machines["state"][rows] = [min(machine.state, 255) for machine in machines]
        self.machines["out"][rows] = [machine.state in OUT_OF_SERVICE for machine in machines]

    def _take_rows(self, number: int, count: int) -> None:
        free = self._free_rows.get(count)
        first = free.pop() if free else self.machines.extend(count)
        self.machines["shop"][first : first + count] = number
        self.shops["first"][number], self.shops["count"][number] = first, count
        self.in_use += count

    def _leave_rows(self, number: int) -> None:
        self._leave_kinds(number)
        first, count = int(self.shops["first"][number]), int(self.shops["count"][number])
        self.machines["shop"][first : first + count] = NO_MACHINE
        self._free_rows.setdefault(count, []).append(first)
        self.in_use -= count

    def _leave_kinds(self, number: int) -> None:
        first, count = int(self.shops["first"][number]), int(self.shops["count"][number])
        for kind in self.machines["kind"][first : first + count].tolist():
            self.kinds.leave(kind)


def _house(shop: v1.Shop) -> bytes:
    """What the rules may ask of a shop besides its machines: what its people do and take. Equal for shops that are alike."""
    house = v1.Shop(operations=shop.operations, skills=shop.skills, closed=shop.closed)
    if shop.HasField("policy"):
        house.policy.CopyFrom(shop.policy)
    return house.SerializeToString(deterministic=True)


def _free_in_seconds(machine: v1.Machine, known: ShopOnBoard) -> float:
    free_in = machine.free_in
    return max(free_in.seconds + free_in.nanos * 1e-9, 60 * known.queued_minutes.get(machine.id, 0.0))
