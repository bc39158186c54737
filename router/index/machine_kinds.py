# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a machine is, apart from which one it is: equal machines share one row of columns, on which a need is tried for all at once."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from commonfab import materials, processes, v1
from commonfab.process_names import folded
from router.index.columns import Column, Columns, Flags, Rows
from router.index.interning import TermSets
from router.index.kind_rules import FIGURES, SOMETHING_UNSAID, Rule, excess, figures_of, rules

BLOCK = 64
"""Numbers are given out to a process by so many, so that the machines of one process lie together."""


CALL_COSTS = 15_000
"""To ask about a few kinds takes as long as to have so many of all kinds sorted."""


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
            number = self._place(_named(machine.process))
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

    def sieve(self, needs: Iterable[v1.Requirement]) -> Sieve:
        """What sorts out the kinds that suit none of the needs. It holds until the next change."""
        return Sieve([self._mesh(need) for need in needs], self._columns)

    def misses(self, need: v1.Requirement) -> Column:
        """By how many of the columns' rules each kind misses a need, by number; the fraction says by how much the part is too large.
        Kinds of another process miss by an infinite number."""
        missed, kinds = np.full(len(self), np.inf), self._of_process(need)
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
        self._columns["process"][number] = self._processes.take([_named(machine.process)])
        self._columns["materials"][number] = self._materials.take(machine.materials)

    def _mesh(self, need: v1.Requirement) -> Mesh:
        wish = _named(need.process)
        does = self._processes.satisfying([wish])
        if wish in processes.BROADER:
            kinds = [self._of_group[group] for group in self._of_group if processes.satisfies(group, wish)]
        else:
            unknown = self._of_group.get("", np.zeros(0, np.int64))
            kinds = [unknown[does[self._columns["process"][unknown]]]]
        return Mesh(kinds, does, list(rules(need, self._columns, self._with_material(need))))

    def _of_process(self, need: v1.Requirement) -> Rows:
        """Kinds that do the process, or of which only a broader one is known."""
        mesh, broader = self._mesh(need), processes.broader_terms(need.process)[1:]
        groups = [self._of_group[term] for term in broader if term in self._of_group]
        kinds = np.concatenate([np.zeros(0, np.int64), *mesh.groups, *groups])
        numbers = (self._processes.number((term,)) for term in broader)
        above = mesh.does.copy()
        above[[number for number in numbers if number is not None]] = True
        return np.asarray(kinds[above[self._columns["process"][kinds]]])

    def _with_material(self, need: v1.Requirement) -> Flags:
        wishes = [need.material] if need.material else list(need.materials_allowed)
        if not all(wishes) or not wishes:
            return self._materials.filled()
        return self._materials.satisfying(map(materials.canonical, wishes))


@dataclass(frozen=True)
class Mesh:
    """What one need lets through: kinds of these groups, which are those whose process is one of those that do, if they pass all rules."""

    groups: list[Rows]
    does: Flags
    rules: list[Rule]


class Sieve:
    """The meshes of a job's needs. A few kinds are asked about one by one; who asks about many has all kinds sorted at once."""

    def __init__(self, meshes: Sequence[Mesh], columns: Columns) -> None:
        self._meshes, self._columns = meshes, columns
        self._left = columns.length
        self._suiting: Suiting | None = None

    def passes(self, kinds: Rows) -> Flags:
        """Which of these kinds may suit at least one of the needs; a kind may be named more than once."""
        if self._suiting is None and self._left > 0:
            self._left -= CALL_COSTS + 3 * len(kinds)
            return self._asked(kinds)
        return self.suiting().kinds[kinds]

    def has_cost(self) -> bool:
        """Whether so much was asked that it is time to have all kinds sorted."""
        return self._suiting is not None or self._left <= 0

    def suiting(self) -> Suiting:
        """All kinds that may suit at least one of the needs."""
        if self._suiting is None:
            # Numbers that are free are among them; no machine has one.
            flags = np.zeros(self._columns.length, bool)
            for mesh in self._meshes:
                for group in mesh.groups:
                    flags[_through(mesh, group)] = True
            self._suiting = Suiting(flags, int(self._columns["machines"][np.flatnonzero(flags)].sum()))
        return self._suiting

    def _asked(self, kinds: Rows) -> Flags:
        flags = np.zeros(len(kinds), bool)
        process = self._columns["process"][kinds]
        for mesh in self._meshes:
            places = np.flatnonzero(mesh.does[process])
            for rule in mesh.rules:
                places = places[rule(kinds[places])]
            flags[places] = True
        return flags


def _through(mesh: Mesh, kinds: Rows) -> Rows:
    for rule in mesh.rules:
        kinds = kinds[rule(kinds)]
    return kinds


def _named(process: str) -> str:
    """A process in the vocabulary's spelling; one that it does not know, without what is no difference."""
    term = processes.canonical(process)
    return term if term in processes.BROADER else folded(term)


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
