# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a machine is, apart from which one it is: equal machines share one row of columns, on which a need is tried for all at once."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from commonfab import materials, processes, v1
from router.columns import Column, Columns, Flags, Rows
from router.interning import TermSets
from router.kind_rules import FIGURES, SOMETHING_UNSAID, excess, figures_of, rules

BLOCK = 64
"""Numbers are given out to a process by so many, so that the machines of one process lie together."""


@dataclass(frozen=True)
class Suiting:
    """Which kinds may suit a job, by number, and how many machines are of such a kind."""

    kinds: Flags
    machines: int


class MachineKinds:
    """Kinds of machine, by number."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._keys: list[bytes | None] = []
        self._free: dict[str, list[int]] = {}
        self._of_group: dict[str, Rows] = {}
        self._processes = TermSets(processes.broader_terms)
        self._materials = TermSets(materials.broader_terms)
        self._columns = Columns(machines=np.uint32, process=np.int32, materials=np.int32, **FIGURES)

    def __len__(self) -> int:
        """One more than the highest number."""
        return self._columns.length

    def take(self, machine: v1.Machine) -> int:
        """The number of its kind, used by one machine more."""
        key = _key(machine)
        number = self._numbers.get(key)
        if number is None:
            number = self._place(machine.process)
            self._describe(number, machine)
            self._numbers[key], self._keys[number] = number, key
        self._columns["machines"][number] += 1
        return number

    def leave(self, number: int) -> None:
        """The kind is used by one machine less."""
        columns = self._columns
        columns["machines"][number] -= 1
        key = self._keys[number]
        if columns["machines"][number] or key is None:
            return
        del self._numbers[key]
        self._keys[number] = None
        process = int(columns["process"][number])
        self._free[_group(self._processes.terms(process)[0])].append(number)
        self._processes.leave(process)
        self._materials.leave(int(columns["materials"][number]))

    def suiting(self, needs: Iterable[v1.Requirement]) -> Suiting:
        """The kinds that may suit at least one of the needs."""
        return self._together(self._suiting(need) for need in needs)

    def misses(self, need: v1.Requirement) -> Column:
        """By how many of the columns' rules each kind misses a need, by number; the fraction says by how much the part is too large.
        Kinds of another process miss by an infinite number."""
        missed, kinds = np.full(len(self), np.inf), self._of_process(need, or_broader=True)
        passed = [rule(kinds) for rule in rules(need, self._columns, self._with_material(need))]
        missed[kinds] = sum(~one for one in passed) + np.minimum(excess(need, self._columns, kinds), 0.99)
        return missed

    def unsaid(self) -> Flags:
        """The kinds of which something is not known that a need may turn on, so that their owners may have to be asked."""
        return np.asarray(self._columns["flags"] & SOMETHING_UNSAID != 0)

    @property
    def nbytes(self) -> int:
        """Memory that it takes, bytes."""
        held: list[object] = [self._numbers, self._keys, self._free, *self._free.values(), self._of_group]
        keys = sum(sys.getsizeof(key) + sys.getsizeof(number) for key, number in self._numbers.items())
        keys += sum(kinds.nbytes for kinds in self._of_group.values())
        return self._columns.nbytes + self._processes.nbytes + self._materials.nbytes + sum(map(sys.getsizeof, held)) + keys

    def _place(self, process: str) -> int:
        free = self._free.setdefault(_group(process), [])
        if not free:
            first = self._columns.extend(BLOCK)
            self._keys += [None] * BLOCK
            block = np.arange(first, first + BLOCK)
            self._of_group[_group(process)] = np.concatenate([self._of_group.get(_group(process), block[:0]), block])
            free.extend(block[::-1].tolist())
        return free.pop()

    def _describe(self, number: int, machine: v1.Machine) -> None:
        for name, value in figures_of(machine).items():
            self._columns[name][number] = value
        self._columns["process"][number] = self._processes.take([machine.process])
        self._columns["materials"][number] = self._materials.take(machine.materials)

    def _together(self, found: Iterable[Rows]) -> Suiting:
        # Numbers that are free are among them; no machine has one.
        flags = np.zeros(len(self), bool)
        for kinds in found:
            flags[kinds] = True
        return Suiting(flags, int(self._columns["machines"][np.flatnonzero(flags)].sum()))

    def _suiting(self, need: v1.Requirement) -> Rows:
        kinds = self._of_process(need)
        for rule in rules(need, self._columns, self._with_material(need)):
            kinds = kinds[rule(kinds)]
        return kinds

    def _of_process(self, need: v1.Requirement, or_broader: bool = False) -> Rows:
        known = need.process in processes.BROADER
        broader = set(processes.broader_terms(need.process)) if or_broader else set()
        if known:
            groups = (group for group in self._of_group if processes.satisfies(group, need.process) or group in broader)
            return np.concatenate([np.zeros(0, np.int64), *(self._of_group[group] for group in groups)])
        unknown = self._of_group.get("", np.zeros(0, np.int64))
        return unknown[self._processes.satisfying([need.process])[self._columns["process"][unknown]]]

    def _with_material(self, need: v1.Requirement) -> Flags:
        wishes = [need.material] if need.material else list(need.materials_allowed)
        if not all(wishes) or not wishes:
            return self._materials.filled()
        return self._materials.satisfying(map(materials.canonical, wishes))


def _group(process: str) -> str:
    """Processes that the vocabulary does not know lie together, so that nobody's inventions take a block each."""
    return process if process in processes.BROADER else ""


def _key(machine: v1.Machine) -> bytes:
    """What is equal for equal machines: all but which one it is, what it is called, and what it is doing."""
    kind = v1.Machine()
    kind.CopyFrom(machine)
    for field in ("id", "name", "state", "state_reason", "free_in"):
        kind.ClearField(field)
    return blake2b(kind.SerializeToString(deterministic=True), digest_size=16).digest()
