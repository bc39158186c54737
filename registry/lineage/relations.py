# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a manifest says of its design and of what it belongs to, checked and put into one form: description, references, bill. Pure.

Kinds, terms and fields that this version does not know are kept as they are.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from commonfab import v1
from commonfab.canonical import is_sha256
from commonfab.errors import Refused
from registry.limits import LONGEST_LINE, check_count, check_length

BILL_UNITS = ("", "mm", "m", "g", "kg", "ml", "l")
"""What a line of a bill is counted in; empty for pieces."""

LARGEST_QUANTITY = 1e9
LONGEST_ADDRESS = 2_000

DERIVED = (v1.RELATION_DERIVES_FROM, v1.RELATION_VARIANT_OF)
"""The relations that hand obligations on. What is only in the bill, or only a tool, keeps its own licence."""

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
"""The shape of a tag of BCP 47 (RFC 5646, section 2.1); whether it is registered is not looked up."""


def check(manifest: v1.Manifest) -> None:
    """Put references and bill into their one order, in place.

    Errors: `Refused` (`revision.*`, `bill.*`, `request.malformed`), which names the entry.
    """
    if manifest.HasField("description"):
        _check_description(manifest.description)
    _check_references(manifest)
    _check_bill(manifest)
    further = {named for named in manifest.also_derives_from if named != manifest.parent}
    manifest.also_derives_from[:] = sorted(further)
    manifest.made_with[:] = sorted(set(manifest.made_with))
    manifest.bill.sort(key=lambda line: line.name)


def references(manifest: v1.Manifest) -> Iterator[tuple[v1.Relation.ValueType, str, float]]:
    """Relation, digest and quantity of everything that a manifest refers to. One that is named twice comes twice."""
    for named in (*([manifest.parent] if manifest.parent else []), *manifest.also_derives_from):
        yield v1.RELATION_DERIVES_FROM, named, 1.0
    if manifest.variant_of.revision:
        yield v1.RELATION_VARIANT_OF, manifest.variant_of.revision, 1.0
    for named in manifest.made_with:
        yield v1.RELATION_MADE_WITH, named, 1.0
    for line in manifest.bill:
        if line.HasField("make"):
            yield v1.RELATION_USES, line.make.revision, line.quantity


def parents_of(manifest: v1.Manifest) -> list[str]:
    """What a manifest derives from or is a variant of, each digest once, in order."""
    return list(dict.fromkeys(named for relation, named, _ in references(manifest) if relation in DERIVED))


def _check_description(said: v1.Description) -> None:
    check_length("a title", said.title, LONGEST_LINE)
    check_length("a summary", said.summary)
    check_length("all tags together", " ".join(said.tags))
    _check_names("an author", said.authors)
    check_length("a version", said.version, LONGEST_LINE)
    if said.language and not _LANGUAGE.fullmatch(said.language):
        raise Refused("revision.language", repr(said.language[:LONGEST_LINE]))
    for what, items in (("fits", said.fits), ("replaces", said.replaces)):
        check_count(what, items)
        for item in items:
            _check_item(what, item)
    check_count("links", said.links)
    for link in said.links:
        check_length("the kind of a link", link.kind, LONGEST_LINE)
        _check_address(link.url)
    if said.HasField("yields"):
        _check_capability(said.yields)


def _check_capability(yields: v1.Capability) -> None:
    if not yields.processes:
        raise Refused("revision.yields")
    _check_names("a process", yields.processes)
    _check_names("a material", yields.materials)
    if yields.HasField("envelope_mm"):
        for side in (yields.envelope_mm.x, yields.envelope_mm.y, yields.envelope_mm.z):
            if not (math.isfinite(side) and side > 0):
                raise Refused("revision.envelope", f"{side:g} mm")


def _check_references(manifest: v1.Manifest) -> None:
    check_count("also_derives_from", manifest.also_derives_from)
    check_count("made_with", manifest.made_with)
    for named in (*manifest.also_derives_from, *manifest.made_with):
        _check_digest(named)
    if manifest.HasField("variant_of"):
        _check_digest(manifest.variant_of.revision)
        if not manifest.variant_of.reason.strip():
            raise Refused("revision.variant", manifest.variant_of.revision)
        check_length("the reason of a variant", manifest.variant_of.reason)


def _check_bill(manifest: v1.Manifest) -> None:
    check_count("the bill of materials", manifest.bill)
    times = Counter(line.name for line in manifest.bill)
    for line in manifest.bill:
        name = repr(line.name[:LONGEST_LINE])
        check_length("the name of a line", line.name, LONGEST_LINE)
        check_length("the note of a line", line.note)
        if not line.name.strip() or times[line.name] > 1:
            raise Refused("bill.name", name)
        if not 0 < line.quantity <= LARGEST_QUANTITY:  # and not: what is no number
            raise Refused("bill.quantity", name, quantity=line.quantity)
        if line.unit not in BILL_UNITS:
            raise Refused("bill.unit", name)
        _check_way(line, name)


def _check_way(line: v1.BillLine, name: str) -> None:
    way = line.WhichOneof("way")
    if way is None:
        raise Refused("bill.way", name)
    if way == "make":
        _check_digest(line.make.revision)
        check_length("the name of a part", line.make.part, LONGEST_LINE)
        if line.unit or not line.quantity.is_integer():
            raise Refused("bill.pieces", name)
    elif way == "buy":
        check_length("a standard", line.buy.standard, LONGEST_LINE)
        if line.buy.HasField("item"):
            _check_item(f"line {name} of the bill of materials", line.buy.item)
        if line.buy.url:
            _check_address(line.buy.url)
    else:
        check_length("the source of what is salvaged", line.salvage.source, LONGEST_LINE)


def _check_item(what: str, item: v1.Item) -> None:
    texts = (item.maker, item.model, item.part_number)
    if not any(text.strip() for text in texts):
        raise Refused("revision.item", what)
    _check_names(what, texts)


def _check_digest(named: str) -> None:
    if not is_sha256(named):
        raise Refused("revision.reference", repr(named[:LONGEST_LINE]))


def _check_address(url: str) -> None:
    check_length("an address", url, LONGEST_ADDRESS)
    try:
        split = urlsplit(url)
        good = split.scheme in ("http", "https") and bool(split.hostname)
    except ValueError:
        good = False
    if not good or not url.isprintable() or " " in url:
        raise Refused("revision.link", repr(url[:LONGEST_LINE]))


def _check_names(what: str, names: Iterable[str]) -> None:
    known = list(names)
    check_count(what, known)
    for name in known:
        check_length(what, name, LONGEST_LINE)
