# SPDX-License-Identifier: AGPL-3.0-or-later
"""A bill of materials that lies in a file: TOML as we write it, or a table (CSV, TSV) with columns that people usually give it."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from commonfab import v1
from commonfab.errors import Refused

MOST_LINES = 2_000
UNITS = frozenset(("", "mm", "m", "g", "kg", "ml", "l"))
PIECES = frozenset(("pcs", "pc", "piece", "pieces", "ea", "each", "x", "no", "nos", "stk", "stück"))

COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "name": ("name", "item", "part", "partname", "component", "description", "designation", "bezeichnung"),
        "quantity": ("quantity", "qty", "count", "amount", "number", "pieces", "menge", "anzahl"),
        "unit": ("unit", "units", "uom", "einheit"),
        "standard": ("standard", "norm", "din", "iso"),
        "maker": ("maker", "manufacturer", "mfr", "brand", "hersteller"),
        "model": ("model", "type"),
        "part_number": ("partnumber", "partno", "mpn", "manufacturerpartnumber", "sku", "articlenumber", "ordernumber"),
        "url": ("url", "link", "supplierlink", "supplierurl", "weblink", "buy", "shop"),
        "revision": ("revision", "make", "digest"),
        "revision_part": ("revisionpart", "makepart"),
        "salvage": ("salvage", "salvagedfrom", "from"),
        "note": ("note", "notes", "comment", "comments", "remark", "remarks", "bemerkung"),
    }
)
"""What a column is called, in lower case and without anything but letters; the first that is there counts."""

STANDARD = re.compile(r"\b(?:ISO|DIN(?: EN)?(?: ISO)?|EN|ANSI|ASME|JIS|BS)[ -]?\d{2,6}\b", re.IGNORECASE)


def read_bill(text: str, name: str) -> list[v1.BillLine]:
    """The lines of a bill, in the order of their names.

    Parameters: `name`, the name of its file: what ends in .toml is TOML, anything else a table.
    Errors: `Refused` (`bill.unreadable`), which names the line.
    """
    lines = _of_toml(text, name) if name.lower().endswith(".toml") else _of_table(text, name)
    if not lines or len(lines) > MOST_LINES:
        raise Refused("bill.unreadable", f"{name}: it has {len(lines)} lines, and a bill has 1 to {MOST_LINES}")
    seen: dict[str, int] = {}
    for number, line in lines:
        if line.name in seen:
            raise Refused("bill.unreadable", f"{name}, line {number}: {line.name!r} stands in line {seen[line.name]} already")
        seen[line.name] = number
    return sorted((line for _, line in lines), key=lambda line: line.name)


def _of_toml(text: str, name: str) -> list[tuple[int, v1.BillLine]]:
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused("bill.unreadable", f"{name}: {error}") from None
    entries = told.get("line", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Refused("bill.unreadable", f"{name}: each line stands under [[line]]")
    return [(number, _toml_line(entry, f"{name}, line {number}")) for number, entry in enumerate(entries, 1)]


def _toml_line(entry: dict[str, Any], where: str) -> v1.BillLine:
    ways = [way for way in ("make", "buy", "salvage") if way in entry]
    cells = {key: str(value) for key, value in entry.items() if not isinstance(value, dict)}
    for way in ways:
        table = entry[way] if isinstance(entry[way], dict) else {}
        cells.pop(way, None)
        cells |= {_BY_KEY.get((way, key), key): str(value) for key, value in table.items()}
    unknown = set(cells) - set(COLUMNS)
    if len(ways) > 1 or unknown:
        raise Refused(
            "bill.unreadable", f"{where}: " + (f"{' and '.join(ways)}" if len(ways) > 1 else f"{sorted(unknown)[0]!r} is not known")
        )
    return _line(cells, where)


_BY_KEY: Mapping[tuple[str, str], str] = MappingProxyType({("make", "part"): "revision_part", ("salvage", "source"): "salvage"})


def _of_table(text: str, name: str) -> list[tuple[int, v1.BillLine]]:
    sample = text[:4096]
    first = sample.splitlines()[0] if sample.splitlines() else ""
    delimiter = max("\t;,", key=first.count)
    rows = list(csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=delimiter))
    header = [re.sub(r"[^a-zäöüß]", "", title.lower()) for title in rows[0]] if rows else []
    columns = {
        field: next(header.index(title) for title in titles if title in header)
        for field, titles in COLUMNS.items()
        if set(titles) & set(header)
    }
    if not {"name", "quantity"} <= columns.keys():
        raise Refused("bill.unreadable", f"{name}: it needs a column for the name and one for the quantity in its first line")
    found = []
    for number, row in enumerate(rows[1:], 2):
        cells = {field: row[index].strip() for field, index in columns.items() if index < len(row)}
        if cells.get("name"):
            found.append((number, _line(cells, f"{name}, line {number}")))
    return found


def _line(cells: Mapping[str, str], where: str) -> v1.BillLine:
    name = cells.get("name", "").strip()
    unit = cells.get("unit", "").strip().lower().rstrip(".")
    unit = "" if unit in PIECES else unit
    written = cells.get("quantity", "1").strip().rstrip("xX×").strip().replace(",", ".")
    try:
        quantity = float(written)
    except ValueError:
        quantity = 0.0
    if not name or not 0 < quantity < 1e9 or unit not in UNITS:
        raise Refused("bill.unreadable", f"{where}: {name!r}, quantity {written!r}, unit {unit!r}")
    line = v1.BillLine(name=name, quantity=quantity, unit=unit, note=cells.get("note", ""))
    if cells.get("revision"):
        line.make.CopyFrom(v1.Make(revision=cells["revision"], part=cells.get("revision_part", "")))
    elif cells.get("salvage"):
        line.salvage.source = cells["salvage"]
    else:
        line.buy.CopyFrom(_buy(name, cells))
    return line


def _buy(name: str, cells: Mapping[str, str]) -> v1.Buy:
    buy = v1.Buy(standard=cells.get("standard", "") or (name if STANDARD.search(name) else ""))
    if cells.get("url", "").startswith(("http://", "https://")):
        buy.url = cells["url"]
    item = v1.Item(maker=cells.get("maker", ""), model=cells.get("model", ""), part_number=cells.get("part_number", ""))
    if item != v1.Item():
        buy.item.CopyFrom(item)
    return buy
