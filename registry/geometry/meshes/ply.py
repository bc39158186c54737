# SPDX-License-Identifier: AGPL-3.0-or-later
"""PLY, as text or binary in either byte order (Turk, "The PLY Polygon File Format", 1994). It names no unit.

A text file is turned into numbers at once and then read like a binary one whose every property is a 64-bit number.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from commonfab.reasons import reason
from registry.geometry.faults import Unmeasurable
from registry.geometry.meshes.drawn import Drawn
from registry.geometry.meshes.faces import draw, strip, whole
from registry.geometry.meshes.texts import Values, decoded, first_wrong, numbers, rows, shown
from registry.geometry.triangles import Numbers

KINDS = MappingProxyType(
    {name: kind for names, kind in (
        (("char", "int8"), "i1"), (("uchar", "uint8"), "u1"), (("short", "int16"), "i2"), (("ushort", "uint16"), "u2"),
        (("int", "int32"), "i4"), (("uint", "uint32"), "u4"), (("float", "float32"), "f4"), (("double", "float64"), "f8"),
    ) for name in names}
)  # fmt: skip
"""The types of the format, by both of their names, as numpy writes them."""

ORDERS = MappingProxyType({"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"})
HEADER_END = re.compile(rb"(?:^|[\r\n])[ \t]*end_header[ \t]*(\r\n|\n|\r)")
MOST_HEADER_BYTES = 1024 * 1024
CORNER_LISTS = ("vertex_indices", "vertex_index")
STRIP_END = -1


@dataclass(frozen=True)
class _Property:
    """A number of each row; a list of numbers where `counted` is not empty, which then is the type of its length."""

    name: str
    kind: str
    counted: str = ""


@dataclass(frozen=True)
class _Element:
    """A table: so many rows of the same properties."""

    name: str
    count: int
    properties: tuple[_Property, ...]

    @property
    def lists(self) -> list[_Property]:
        return [p for p in self.properties if p.counted]


@dataclass(frozen=True)
class _Table:
    """What was read of an element: columns of numbers; lists as (all values one after another, how many each row has)."""

    columns: dict[str, Values]
    lists: dict[str, tuple[Values, Numbers]]


def read(path: Path) -> Drawn:
    """The triangles of a PLY file; strips of triangles are taken apart. Errors: `Unmeasurable` (`file.unreadable`, `mesh.empty`)."""
    data = path.read_bytes()
    end = HEADER_END.search(data[:MOST_HEADER_BYTES])
    if end is None:
        raise Unmeasurable("file.unreadable", "the line end_header of its header is missing")
    order, elements = _header(data[: end.start()].decode("latin-1"))
    if order != "=":
        return _drawn(_tables(memoryview(data)[end.end() :], elements, order))
    text = _uncommented(data[end.end() :])
    wide = [_as_numbers(element) for element in elements]
    try:
        return _drawn(_tables(_numbers(text), wide, order))
    except Unmeasurable:
        trimmed = _trimmed(text, wide)
        if trimmed is None:
            raise
    return replace(_drawn(_tables(trimmed, wide, order)), remarks=(reason("file.sloppy", "its rows are longer than its header says"),))


def _tables(body: memoryview, elements: list[_Element], order: str) -> dict[str, _Table]:
    tables, at = {}, 0
    for element in elements:
        tables[element.name], at = _table(body, at, element, order)
    if order == "=" and at < len(body):
        raise Unmeasurable("file.unreadable", f"it holds {(len(body) - at) // 8} numbers more than its header announces")
    return tables


def _header(text: str) -> tuple[str, list[_Element]]:
    order, elements = "", list[_Element]()
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        match line.split():
            case ["format", name, *_] if name in ORDERS:
                order = ORDERS[name]
            case ["element", name, count] if count.isascii() and count.isdigit():
                elements.append(_Element(name.lower(), int(count), ()))
            case ["property", "list", counted, kind, name] if elements and counted in KINDS and kind in KINDS:
                elements[-1] = _with(elements[-1], _Property(name.lower(), KINDS[kind], KINDS[counted]))
            case ["property", kind, name] if elements and kind in KINDS:
                elements[-1] = _with(elements[-1], _Property(name.lower(), KINDS[kind]))
            case ["format" | "element" | "property", *_]:
                raise Unmeasurable("file.unreadable", f"line {number}: {shown(line.encode())} is no line of a PLY header")
            case _:  # comments, obj_info, what a program adds
                pass
    if not order:
        raise Unmeasurable("file.unreadable", "its header names no format")
    return order, elements


def _with(element: _Element, added: _Property) -> _Element:
    return _Element(element.name, element.count, (*element.properties, added))


def _as_numbers(element: _Element) -> _Element:
    """An element as it looks once its text has become 64-bit numbers."""
    return _Element(element.name, element.count, tuple(_Property(p.name, "f8", "f8" if p.counted else "") for p in element.properties))


def _uncommented(body: bytes) -> bytes:
    text = decoded(body)
    return re.sub(rb"(?m)^[ \t]*comment\b[^\n]*", b"", text) if b"comment" in text else text


def _numbers(text: bytes) -> memoryview:
    """The text behind the header as 64-bit numbers."""
    try:
        values = numbers(text) if text.strip() else np.empty(0)
    except ValueError:
        lines = text.split(b"\n")
        raise Unmeasurable("file.unreadable", first_wrong(lines, range(1, len(lines) + 1), "behind the header, a row")) from None
    return values.data.cast("B") if len(values) else memoryview(b"")


def _trimmed(text: bytes, elements: list[_Element]) -> memoryview | None:
    """The numbers of a file with a row on each line, without those at the ends of rows that its header does not announce.

    VCGLIB (MeshLab) once wrote colours of faces as lists and announced single numbers. None where that does not explain the file.
    """
    lines = [line for line in text.split(b"\n") if line and not line.isspace()]
    if sum(element.count for element in elements) != len(lines):
        return None
    read = rows(lines, range(1, len(lines) + 1), 1, "behind the header, a row")
    kept, starts = np.zeros(len(read.values), dtype=bool), read.starts
    number = 0
    for element in elements:
        for _ in range(element.count):
            start, has = int(starts[number]), int(read.counts[number])
            taken = _row_length(read.values[start : start + has], element)
            if taken > has:
                return None
            kept[start : start + taken] = True
            number += 1
    return read.values[kept].data.cast("B")


def _row_length(row: Values, element: _Element) -> int:
    """How many numbers a row has by its header."""
    at = 0
    for p in element.properties:
        at += 1 + (max(int(row[at]), 0) if p.counted and at < len(row) and np.isfinite(row[at]) else 0)
    return at


def _table(body: memoryview, at: int, element: _Element, order: str) -> tuple[_Table, int]:
    """Read an element that begins at byte `at`; and the byte behind it."""
    if not element.count or not element.properties:
        return _Table(
            {p.name: np.empty(0) for p in element.properties}, {p.name: (np.empty(0), np.empty(0, np.int64)) for p in element.lists}
        ), at
    if (table := _even_table(body, at, element, order)) is not None:
        return table
    if not element.lists or element.count > len(body) - at:
        raise _cut_short(element)
    return _uneven_table(body, at, element, order)


def _even_table(body: memoryview, at: int, element: _Element, order: str) -> tuple[_Table, int] | None:
    """Read a table whose lists are as long in every row as in its first; None where they are not, or the file is too short for it."""
    fields: list[tuple[str, str, int] | tuple[str, str]] = []
    lengths: dict[int, int] = {}
    for index, p in enumerate(element.properties):
        if p.counted:
            start = at + np.dtype(fields).itemsize
            width = int(p.counted[1])
            length = np.frombuffer(body[start : start + width], order + p.counted) if start + width <= len(body) else np.empty(0)
            if len(length) == 0 or not 0 <= length[0] <= len(body):
                return None
            lengths[index] = int(length[0])
            fields += [(f"c{index}", order + p.counted), (f"p{index}", order + p.kind, lengths[index])]
        else:
            fields.append((f"p{index}", order + p.kind))
    row = np.dtype(fields)
    end = at + row.itemsize * element.count
    if end > len(body):
        return None
    read = np.frombuffer(body[at:end], row)
    if any((read[f"c{index}"] != length).any() for index, length in lengths.items()):
        return None
    columns = {p.name: read[f"p{i}"] for i, p in enumerate(element.properties) if i not in lengths}
    lists = {
        element.properties[i].name: (read[f"p{i}"].reshape(-1), np.full(element.count, length, np.int64)) for i, length in lengths.items()
    }
    return _Table(columns, lists), end


def _uneven_table(body: memoryview, at: int, element: _Element, order: str) -> tuple[_Table, int]:
    """Read a table by walking its rows: only the lengths of the lists say where the next row begins."""
    steps = [(struct.Struct(_struct_of(p, order)), int(p.kind[1]), bool(p.counted)) for p in element.properties]
    places = np.empty((element.count, len(steps)), np.int64)
    lengths = np.ones((element.count, len(steps)), np.int64)
    try:
        for row in range(element.count):
            for column, (head, width, listed) in enumerate(steps):
                if listed:
                    length = int(head.unpack_from(body, at)[0])
                    if length < 0:
                        raise Unmeasurable("file.unreadable", f"row {row + 1} of {element.name} has {length} entries in a list")
                    at += head.size
                    lengths[row, column] = length
                    places[row, column] = at
                    at += width * length
                else:
                    places[row, column] = at
                    at += width
            if at > len(body):
                raise _cut_short(element, row)
    except (struct.error, OverflowError, ValueError):
        raise _cut_short(element, row) from None
    columns, lists = {}, {}
    for column, p in enumerate(element.properties):
        values = _gathered(body, places[:, column], lengths[:, column], order + p.kind)
        if p.counted:
            lists[p.name] = (values, lengths[:, column])
        else:
            columns[p.name] = values
    return _Table(columns, lists), at


def _struct_of(p: _Property, order: str) -> str:
    """The type of a list's length, as the module struct writes it."""
    letters = {"i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "f4": "f", "f8": "d"}
    return order + letters[p.counted or p.kind]


def _gathered(body: memoryview, places: Numbers, lengths: Numbers, kind: str) -> Values:
    """All values of a list, row by row, that begin at the bytes `places`."""
    dtype = np.dtype(kind)
    before = np.cumsum(lengths) - lengths
    starts = np.repeat(places - before * dtype.itemsize, lengths) + np.arange(int(lengths.sum())) * dtype.itemsize
    read: Values = np.frombuffer(body, np.uint8)[starts[:, None] + np.arange(dtype.itemsize)].reshape(-1).view(dtype)
    return read


def _cut_short(element: _Element, row: int | None = None) -> Unmeasurable:
    where = "" if row is None else f" and breaks off in row {row + 1}"
    return Unmeasurable("file.unreadable", f"it announces {element.count} rows of {element.name}{where or ' and is too short for them'}")


def _drawn(tables: dict[str, _Table]) -> Drawn:
    vertices = tables.get("vertex")
    if vertices is None or not all(axis in vertices.columns for axis in "xyz"):
        raise Unmeasurable("file.unreadable", "it has no corners with x, y and z")
    corners = np.stack([vertices.columns[axis].astype(np.float64) for axis in "xyz"], axis=1)
    flat, counts = _list(tables.get("face"))
    for corner_strip in _strips(*_list(tables.get("tristrips"))):
        sides = strip(corner_strip)
        flat, counts = np.concatenate([flat, sides.reshape(-1)]), np.concatenate([counts, np.full(len(sides), 3)])
    triangles, _ = draw(corners, flat, counts)
    if len(triangles) == 0:
        raise Unmeasurable("mesh.empty")
    return Drawn(triangles)


def _list(table: _Table | None) -> tuple[Numbers, Numbers]:
    """The corner numbers of faces or strips, and how many each has."""
    found = [table.lists[name] for name in CORNER_LISTS if name in table.lists] if table else []
    if not found:
        if table and len(table.columns):
            raise Unmeasurable("file.unreadable", "its faces name no corners")
        return np.empty(0, np.int64), np.empty(0, np.int64)
    values, counts = found[0]
    return whole(values, "corner number") if values.dtype.kind == "f" else values.astype(np.int64), counts


def _strips(flat: Numbers, counts: Numbers) -> list[Numbers]:
    """The strips one by one: each row may hold several, parted by -1."""
    found = []
    for row in np.split(flat, np.cumsum(counts)[:-1]):
        pieces = np.split(row, np.flatnonzero(row == STRIP_END))
        found += [piece[piece != STRIP_END] for piece in pieces]
    return [piece for piece in found if len(piece) >= 3]
