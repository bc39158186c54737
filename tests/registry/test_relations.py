# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a manifest may say of its design and its bill, and the one order in which it is kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from graphs import bought, made, named

from commonfab import v1
from commonfab.errors import Refused
from registry.lineage import relations


def test_references_and_bill_have_one_order_and_nothing_twice() -> None:
    one, two, three = sorted(named(name) for name in "abc")
    manifest = v1.Manifest(parent=two, also_derives_from=[three, two, one, three], made_with=[two, one, two])
    manifest.bill.extend([bought("screw"), made("wheel", 4, name="Wheel"), bought("axle")])
    relations.check(manifest)
    assert list(manifest.also_derives_from) == [one, three]
    assert list(manifest.made_with) == [one, two]
    assert [line.name for line in manifest.bill] == ["Wheel", "axle", "screw"]


def test_a_full_description_is_taken_as_it_is() -> None:
    said = v1.Description(
        title="Mincer gear",
        kind=v1.DESIGN_KIND_REPLACEMENT_PART,
        fits=[v1.Item(maker="Kenwood", model="Chef A901")],
        replaces=[v1.Item(part_number="KW715564")],
        yields=v1.Capability(processes=["fdm", "a process of next year"], envelope_mm=v1.Size(x=200, y=200, z=180)),
        authors=["Ada", "Werkstatt Süd"],
        language="sr-Latn-RS",
        links=[v1.Link(kind="repository", url="https://example.org/gear?x=1#y")],
    )
    said.kind = 17  # type: ignore[assignment]  # a kind that a later version knows
    manifest = v1.Manifest(description=said, variant_of=v1.VariantOf(revision=named("a"), reason="for 608 bearings"))
    before = manifest.SerializeToString(deterministic=True)
    relations.check(manifest)
    assert manifest.SerializeToString(deterministic=True) == before


def _line(**changed: object) -> Callable[[v1.Manifest], object]:
    fields = {"name": "bolt", "quantity": 2.0, "buy": v1.Buy(), **changed}
    return lambda manifest: manifest.bill.append(v1.BillLine(**{name: value for name, value in fields.items() if value is not None}))  # type: ignore[arg-type]


def _twice(manifest: v1.Manifest) -> None:
    manifest.bill.extend([bought("bolt"), bought("bolt")])


MISTAKES: list[tuple[str, Callable[[v1.Manifest], object], str, str]] = [
    ("a line without a name", _line(name=" "), "bill.name", "' '"),
    ("two lines of one name", _twice, "bill.name", "'bolt'"),
    ("nothing of it", _line(quantity=0.0), "bill.quantity", "'bolt'"),
    ("less than nothing", _line(quantity=-1.0), "bill.quantity", "'bolt'"),
    ("no number", _line(quantity=float("nan")), "bill.quantity", "'bolt'"),
    ("without end", _line(quantity=float("inf")), "bill.quantity", "'bolt'"),
    ("more than there is", _line(quantity=1e10), "bill.quantity", "'bolt'"),
    ("an unknown unit", _line(unit="ell"), "bill.unit", "'bolt'"),
    ("no way to get it", _line(buy=None), "bill.way", "'bolt'"),
    ("half a made piece", _line(buy=None, make=v1.Make(revision=named("a")), quantity=0.5), "bill.pieces", "'bolt'"),
    ("metres of a made piece", _line(buy=None, make=v1.Make(revision=named("a")), unit="m"), "bill.pieces", "'bolt'"),
    ("made of nothing", _line(buy=None, make=v1.Make(revision="wheel")), "revision.reference", "'wheel'"),
    ("made of a digest in capitals", _line(buy=None, make=v1.Make(revision=named("a").upper())), "revision.reference", named("a").upper()),
    ("bought from nowhere", _line(buy=v1.Buy(url="ftp://example.org/bolt")), "revision.link", "ftp://example.org/bolt"),
    ("an item without a word", _line(buy=v1.Buy(item=v1.Item(maker=" "))), "revision.item", "'bolt'"),
    ("derived from a title", lambda m: m.also_derives_from.append("gear"), "revision.reference", "'gear'"),
    ("made with a title", lambda m: m.made_with.append("jig"), "revision.reference", "'jig'"),
    ("a variant of nothing", lambda m: m.variant_of.SetInParent(), "revision.reference", "''"),
    ("a variant without a reason", lambda m: m.variant_of.MergeFrom(v1.VariantOf(revision=named("a"))), "revision.variant", named("a")),
    ("a link that runs", lambda m: m.description.links.add(url="javascript:alert(1)"), "revision.link", "javascript"),
    ("a link without a host", lambda m: m.description.links.add(url="https:///x"), "revision.link", "https:///x"),
    ("a link with a broken host", lambda m: m.description.links.add(url="https://[::1"), "revision.link", "https://[::1"),
    ("a link of two lines", lambda m: m.description.links.add(url="https://a.org/\nb"), "revision.link", "a.org"),
    ("a language in words", lambda m: setattr(m.description, "language", "British English"), "revision.language", "British"),
    ("fits nothing", lambda m: m.description.fits.add(), "revision.item", "fits"),
    ("yields without a process", lambda m: m.description.yields.SetInParent(), "revision.yields", ""),
    (
        "a flat envelope",
        lambda m: m.description.yields.MergeFrom(v1.Capability(processes=["fdm"], envelope_mm=v1.Size(x=1, y=1))),
        "revision.envelope",
        "0 mm",
    ),
    ("a title without end", lambda m: setattr(m.description, "title", "x" * 201), "request.malformed", "title"),
    ("an author without end", lambda m: m.description.authors.append("x" * 201), "request.malformed", "author"),
    ("a bill without end", lambda m: m.bill.extend(bought(str(n)) for n in range(10_001)), "request.malformed", "bill"),
]


@pytest.mark.parametrize(("mistake", "code", "subject"), [case[1:] for case in MISTAKES], ids=[case[0] for case in MISTAKES])
def test_what_cannot_be_so_is_refused_and_named(mistake: Callable[[v1.Manifest], object], code: str, subject: str) -> None:
    manifest = v1.Manifest()
    mistake(manifest)
    with pytest.raises(Refused) as caught:
        relations.check(manifest)
    assert caught.value.code == code
    assert subject in caught.value.reason.message or subject in caught.value.reason.subject


def test_order_does_not_change_a_second_time() -> None:
    manifest = v1.Manifest(parent=named("p"), also_derives_from=[named("b"), named("a")], bill=[bought("b"), bought("a", 0.1, "m")])
    relations.check(manifest)
    again = v1.Manifest()
    again.CopyFrom(manifest)
    relations.check(again)
    assert again == manifest
