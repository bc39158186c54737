# SPDX-License-Identifier: AGPL-3.0-or-later
"""All that some products take: multiplied out, merged, and with what is missing told."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clocks import ManualClock
from commons import Commons, publication, refused
from drawings import binary_stl, box
from graphs import Graph, bought, files, made, named, parts

from commonfab import v1
from commonfab.database import open_database
from commonfab.errors import Refused
from registry.catalogue import Catalogue
from registry.inspection import Inspections, make_broker
from registry.licences import Licences
from registry.lineage.bills import multiplied
from registry.lineage.closure import closure
from registry.tables import RECALLS, writing

Closure = Callable[..., v1.GetClosureResponse]


@pytest.fixture(scope="module")
def licences() -> Licences:
    return Licences()


@pytest.fixture
def graph(tmp_path: Path, empty_commons: Path) -> Iterator[Graph]:
    engine = open_database(f"sqlite:///{shutil.copy(empty_commons, tmp_path / 'commons.db')}")
    yield Graph(engine)
    engine.dispose()


@pytest.fixture
def closed(graph: Graph, licences: Licences, redis_url: str, manual_clock: ManualClock) -> Closure:
    catalogue = Catalogue(graph.engine, Inspections(graph.engine, make_broker(redis_url), manual_clock), licences)

    def ask(name: str, quantity: int = 0) -> v1.GetClosureResponse:
        return closure(catalogue, v1.GetClosureRequest(revision=named(name), quantity=quantity))

    return ask


def pieces(of: v1.GetClosureResponse) -> dict[tuple[str, str], int]:
    return {(one.title, one.part.part.name): one.quantity for one in of.make}


def amounts(lines: list[v1.LineToGet]) -> dict[tuple[str, str], float]:
    return {(one.line.name, one.line.unit): one.line.quantity for one in lines}


def test_a_product_within_a_product_is_multiplied_and_a_single_part_is_taken_alone(graph: Graph, closed: Closure) -> None:
    wheel = v1.Manifest(files=files("rim", "hub"), parts=parts(rim=1, hub=2), bill=[bought("bearing", 2)])
    graph.add("wheel", wheel)
    bill = [made("wheel", 4), made("wheel", 3, part="hub", name="spare hub")]
    graph.add("cart", v1.Manifest(files=files("bed"), parts=parts(bed=1), bill=bill))
    found = closed("cart", 10)
    assert pieces(found) == {("cart", "bed"): 10, ("wheel", "rim"): 40, ("wheel", "hub"): 110}
    assert amounts(list(found.buy)) == {("bearing", ""): 80}
    assert found.make[0].title == "cart" and not found.missing


def test_one_product_is_meant_where_no_quantity_is_said(graph: Graph, closed: Closure) -> None:
    graph.add("box", v1.Manifest(files=files("lid"), parts=parts(lid=2)))
    assert pieces(closed("box")) == {("box", "lid"): 2}


def test_equal_things_are_bought_together_and_others_apart(graph: Graph, closed: Closure) -> None:
    screw = v1.Item(maker="Bossard", model="M3")
    graph.add("frame", v1.Manifest(bill=[bought("screw", 4, standard="ISO 4762  m3x10"), bought("rod", 0.3, "m"), bought("felt", 1)]))
    bill = [
        made("frame", 2),
        bought("M3 screw", 2, standard="iso 4762 M3x10"),
        bought("long screw", 2, standard="ISO 4762 M3x30"),
        bought("Rod", 0.1, "m"),
        bought("rod in pieces", 5),
        bought("chosen screw", 1, item=screw),
        v1.BillLine(name="motor", quantity=1, salvage=v1.Salvage(source="car wiper")),
    ]
    graph.add("press", v1.Manifest(bill=bill))
    found = closed("press", 3)
    told = amounts(list(found.buy))
    assert told == {
        ("chosen screw", ""): 3,
        ("felt", ""): 6,
        ("long screw", ""): 6,
        ("M3 screw", ""): 30,
        ("Rod", "m"): 2.1,
        ("rod in pieces", ""): 15,
    }
    assert amounts(list(found.salvage)) == {("motor", ""): 3}
    (screws,) = (one for one in found.buy if one.line.name == "M3 screw")
    assert list(screws.revisions) == [named("press"), named("frame")]


@pytest.mark.parametrize(("each", "times", "whole"), [(0.1, 30, 3.0), (0.7, 10, 7.0), (2.675, 3, 8.025)])
def test_fractions_add_up_exactly_enough(each: float, times: int, whole: float) -> None:
    total = multiplied("a", times, {"a": v1.Manifest(bill=[bought("rod", each, "m")])})
    assert total.buy[0].line.quantity == whole


def test_a_tenth_and_two_tenths_are_three_tenths() -> None:
    bill = [bought("a rod", 0.1, "m", standard="DIN 976 M5"), bought("a longer rod", 0.2, "m", standard="DIN 976 M5")]
    (line,) = multiplied("a", 1, {"a": v1.Manifest(bill=bill)}).buy
    assert line.line.quantity == 0.3 != 0.1 + 0.2


def test_what_is_missing_is_told_with_how_much_of_it(graph: Graph, closed: Closure) -> None:
    graph.add("wheel", v1.Manifest(files=files("rim"), parts=parts(rim=1)))
    graph.add("cart", v1.Manifest(bill=[made("wheel", 4), made("wheel", 1, part="hub", name="hub"), made("trailer", 2)]))
    found = closed("cart", 5)
    told = {(one.line.name, one.line.quantity, one.reason.code) for one in found.missing}
    assert told == {("hub", 5, "closure.part"), ("a trailer", 10, "closure.not_here")}
    assert all(one.named_by == named("cart") for one in found.missing)
    assert pieces(found) == {("wheel", "rim"): 20}


def test_bills_that_branch_and_meet_forty_times_are_multiplied_in_a_moment(graph: Graph, closed: Closure) -> None:
    graph.add("0", v1.Manifest(files=files("pin"), parts=parts(pin=1)))
    for level in range(1, 31):
        graph.add(str(level), v1.Manifest(bill=[made(str(level - 1), 1, name="left"), made(str(level - 1), 1, name="right")]))
    assert pieces(closed("30")) == {("0", "pin"): 2**30}
    with pytest.raises(Refused) as caught:
        closed("30", 100)
    assert caught.value.code == "closure.too_many" and "pin" in str(caught.value)


def test_a_circle_is_told_with_its_way_round_and_the_rest_is_counted(graph: Graph, closed: Closure) -> None:
    graph.add("egg", v1.Manifest(files=files("shell"), parts=parts(shell=1), bill=[made("hen")]))
    graph.add("hen", v1.Manifest(files=files("beak"), parts=parts(beak=1), bill=[made("egg"), bought("straw", 2)]))
    found = closed("egg", 3)
    (circle,) = found.missing
    assert circle.reason.code == "closure.circle"
    assert circle.reason.subject == f"{named('egg')} → {named('hen')} → {named('egg')}"
    assert pieces(found) == {("egg", "shell"): 3, ("hen", "beak"): 3}
    assert amounts(list(found.buy)) == {("straw", ""): 6}


@pytest.mark.parametrize("seed", range(8))
def test_multiplying_is_what_walking_every_path_gives(seed: int) -> None:
    dice = random.Random(seed)
    manifests: dict[str, v1.Manifest] = {}
    for number in range(9):
        bill = [made(str(dice.randrange(number)), dice.randint(1, 3), name=f"{n}") for n in range(dice.randint(0, 3))] if number else []
        bill += [bought("screw", dice.choice((0.1, 1, 2.5)), "m")]
        manifests[named(str(number))] = v1.Manifest(parts=parts(body=dice.randint(1, 3)), bill=bill)

    expected: dict[str, int] = {}
    metres = 0.0

    def walk(digest: str, count: int) -> None:
        nonlocal metres
        for line in manifests[digest].bill:
            if line.HasField("make"):
                walk(line.make.revision, count * int(line.quantity))
            else:
                metres += count * line.quantity
        expected[digest] = expected.get(digest, 0) + count * manifests[digest].parts[0].quantity_per_product

    walk(named("8"), 2)
    total = multiplied(named("8"), 2, manifests)
    assert {digest: count for (digest, _), count in total.make.items()} == expected
    assert total.buy[0].line.quantity == pytest.approx(metres)


def test_a_deep_line_of_bills_needs_no_deep_stack() -> None:
    manifests = {str(n): v1.Manifest(bill=[v1.BillLine(name="next", quantity=1, make=v1.Make(revision=str(n + 1)))]) for n in range(4000)}
    manifests["4000"] = v1.Manifest(parts=parts(end=1))
    assert multiplied("0", 7, manifests).make == {("4000", "end"): 7}


def test_whether_the_licences_of_all_go_together_is_told_with_the_rule(graph: Graph, closed: Closure) -> None:
    graph.add("bearing", v1.Manifest(licence="CC-BY-NC-4.0", files=files("ring"), parts=parts(ring=1)))
    graph.add("wheel", v1.Manifest(licence="MIT", files=files("rim"), parts=parts(rim=1), bill=[made("bearing", 2)]))
    graph.add("cart", v1.Manifest(licence="MIT", bill=[made("wheel", 4)]))
    graph.add("box", v1.Manifest(licence="MIT", bill=[bought("screw", 4)]))
    (rule,) = closed("cart").licences
    assert rule.code == "licence.bill_non_commercial" and "bearing" in rule.message
    assert [rule.code for rule in closed("box").licences] == ["licence.bill_empty"]


def test_what_was_recalled_or_has_no_known_licence_is_hindered(graph: Graph, closed: Closure) -> None:
    graph.add("wheel", v1.Manifest(licence="all mine", files=files("rim"), parts=parts(rim=1)))
    graph.add("cart", v1.Manifest(files=files("bed"), parts=parts(bed=1), bill=[made("wheel", 4)]))
    recall = v1.Recall(revision_digest=named("cart"), reason="it tips over")
    with writing(graph.engine) as connection:
        connection.execute(RECALLS.insert().values(digest=named("cart"), recalled_at=0.0, message=recall.SerializeToString()))
    told = {one.title: [why.code for why in one.hindrances] for one in closed("cart").make}
    assert told == {"cart": ["revision.recalled"], "wheel": ["licence.not_routable"]}


async def test_the_closure_is_asked_for_over_the_network(commons: Commons, tmp_path: Path) -> None:
    part = tmp_path / "rim.stl"
    part.write_bytes(binary_stl(box(20, 20, 20)))
    node = commons.node("ada")
    wheel = await commons.publish_file(node, part)
    part = part.rename(tmp_path / "bed.stl")
    request = publication(part)
    request.manifest.bill.extend(
        [bought("axle", 0.4, "m"), v1.BillLine(name="wheel", quantity=4, make=v1.Make(revision=wheel.revision.digest))]
    )
    cart = await node.registry.PublishRevision(request)
    found = await node.registry.GetClosure(v1.GetClosureRequest(revision=cart.design.id, quantity=2))
    assert found.revision == cart.revision.digest
    assert pieces(found) == {("bed", "bed"): 2, ("rim", "rim"): 8}
    assert amounts(list(found.buy)) == {("axle", "m"): 0.8}
    assert found.make[0].part.state == v1.INSPECTION_STATE_QUEUED
    unknown = v1.GetClosureRequest(revision="nothing")
    assert (await refused(node.registry.GetClosure(unknown))).reason.code == "revision.unknown"
