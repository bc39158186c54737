# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a fork owes, what a bill may mix, the notice that travels, and what refers to what."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from commons import Commons, publication, refused
from drawings import binary_stl, box
from graphs import Graph, bought, files, made, named, parts

from commonfab import v1
from commonfab.database import open_database
from commonfab.errors import Refused
from registry.lineage import references as lineage
from registry.lineage.where_used import where_used


@pytest.fixture
def graph(tmp_path: Path, empty_commons: Path) -> Iterator[Graph]:
    engine = open_database(f"sqlite:///{shutil.copy(empty_commons, tmp_path / 'commons.db')}")
    yield Graph(engine)
    engine.dispose()


def derived(*names: str, licence: str = "CC0-1.0", **more: object) -> v1.Manifest:
    first, *others = [named(name) for name in names]
    return v1.Manifest(parent=first, also_derives_from=others, licence=licence, **more)  # type: ignore[arg-type]


def codes(graph: Graph, manifest: v1.Manifest) -> list[str]:
    return [one.code for one in lineage.notes(graph.engine, manifest)]


def test_a_fork_may_not_forget_its_parent(graph: Graph) -> None:
    graph.add("gear")
    graph.add("fork 1", derived("gear"), design="fork", checked=True)
    with pytest.raises(Refused) as caught:
        graph.add("fork 2", v1.Manifest(), design="fork", checked=True)
    assert caught.value.code == "revision.parent_dropped" and named("gear") in str(caught.value) and "gear" in str(caught.value)


def test_a_fork_keeps_its_parent_by_way_of_its_own_earlier_revisions(graph: Graph) -> None:
    graph.add("gear")
    graph.add("fork 1", derived("gear"), design="fork", checked=True)
    graph.add("fork 2", derived("fork 1"), design="fork", checked=True)
    graph.add("fork 3", derived("fork 1", "fork 2"), design="fork", checked=True)
    graph.add("fork 4", derived("gear"), design="fork", checked=True)
    graph.add("fork 5", derived("fork 4"), design="fork", checked=True)
    with pytest.raises(Refused, match="does not any more"):
        graph.add("fork 6", v1.Manifest(), design="fork", checked=True)


def test_of_several_parents_none_may_be_dropped(graph: Graph) -> None:
    graph.add("gear")
    graph.add("shaft")
    graph.add("fork 1", derived("gear", "shaft"), design="fork", checked=True)
    with pytest.raises(Refused) as caught:
        graph.add("fork 2", derived("gear"), design="fork", checked=True)
    assert named("shaft") in caught.value.reason.subject


def test_a_fork_may_go_over_to_a_newer_revision_of_its_parent_that_derives_from_the_old_one(graph: Graph) -> None:
    graph.add("gear 1", design="gear")
    graph.add("fork 1", derived("gear 1"), design="fork", checked=True)
    graph.add("gear 2", derived("gear 1"), design="gear")
    graph.add("fork 2", derived("gear 2"), design="fork", checked=True)


def test_a_designs_own_earlier_revisions_need_not_be_named(graph: Graph) -> None:
    graph.add("gear 1", design="gear", checked=True)
    graph.add("gear 2", derived("gear 1"), design="gear", checked=True)
    graph.add("gear 3", v1.Manifest(), design="gear", checked=True)


def test_a_fork_under_a_licence_that_cannot_carry_its_parents_is_refused_with_the_rule(graph: Graph) -> None:
    graph.add("gear", v1.Manifest(licence="CC-BY-SA-4.0"))
    with pytest.raises(Refused) as caught:
        graph.add("fork", derived("gear", licence="MIT"), keeper="ben", checked=True)
    assert caught.value.code == "licence.share_alike" and "CC-BY-SA-4.0" in str(caught.value)
    graph.add("fork", derived("gear", licence="CC-BY-SA-4.0"), keeper="ben", checked=True)
    with pytest.raises(Refused):
        graph.add("fork of fork", derived("fork", licence="MIT"), keeper="cy", checked=True)


def test_what_is_inherited_reaches_a_revision_by_way_of_its_own_earlier_ones(graph: Graph) -> None:
    graph.add("gear", v1.Manifest(licence="CC-BY-SA-4.0"))
    graph.add("fork 1", derived("gear", licence="CC-BY-SA-4.0"), design="fork", keeper="ben", checked=True)
    with pytest.raises(Refused) as caught:
        graph.add("fork 2", derived("fork 1", licence="MIT"), design="fork", keeper="ben", checked=True)
    assert caught.value.code == "licence.share_alike"


def test_whose_work_it_is_may_put_it_under_another_licence(graph: Graph) -> None:
    graph.add("gear 1", v1.Manifest(licence="CC-BY-SA-4.0"), design="gear")
    graph.add("gear 2", derived("gear 1", licence="MIT"), design="gear", checked=True)
    graph.add("offspring", derived("gear 1", licence="MIT"), keeper="ada", checked=True)
    signed = bytes(range(32))
    graph.add("wheel", v1.Manifest(licence="CC-BY-SA-4.0"), key=signed, keeper="importer")
    graph.add("own fork", derived("wheel", licence="MIT"), key=signed, keeper="importer", checked=True)
    with pytest.raises(Refused):  # who imported somebody's signed work did not make it
        graph.add("theft", derived("wheel", licence="MIT"), keeper="importer", checked=True)


def test_a_variant_owes_what_a_fork_owes(graph: Graph) -> None:
    graph.add("gear", v1.Manifest(licence="CC-BY-SA-4.0"))
    variant = v1.Manifest(variant_of=v1.VariantOf(revision=named("gear"), reason="for 608 bearings"), licence="MIT")
    with pytest.raises(Refused) as caught:
        graph.add("variant", variant, keeper="ben", checked=True)
    assert caught.value.code == "licence.share_alike"


def test_licences_that_only_a_person_can_compare_are_a_note(graph: Graph) -> None:
    graph.add("gear", v1.Manifest(licence="all mine, ask me"))
    fork = derived("gear", licence="MIT")
    graph.add("fork", fork, keeper="ben", checked=True)
    assert "licence.terms_unknown" in codes(graph, fork)
    graph.add("wheel", v1.Manifest(licence="CC-BY-NC-4.0"))
    cart = v1.Manifest(licence="MIT", bill=[made("wheel", 4), bought("screw", 8)])
    graph.add("cart", cart, checked=True)
    assert codes(graph, cart) == ["licence.bill_non_commercial"]


def test_a_bill_may_name_what_another_node_has(graph: Graph) -> None:
    cart = v1.Manifest(bill=[made("wheel of another node", 4)])
    graph.add("cart", cart, checked=True)
    assert codes(graph, cart) == ["bill.not_here"]


def test_a_new_design_of_somebody_elses_files_is_told_so_and_not_refused(graph: Graph) -> None:
    graph.add("gear", v1.Manifest(files=files("gear", "pin", "extra"), parts=parts(gear=1, pin=2)), keeper="ada")
    copy = v1.Manifest(design_id="design-copy", files=files("gear", "pin"), parts=parts(gear=1, pin=1), licence="CC0-1.0")
    graph.add("copy", copy, keeper="ben", checked=True)
    assert codes(graph, copy) == ["revision.same_files"]
    assert "design-gear" in lineage.notes(graph.engine, copy)[0].message
    copy.parent = named("gear")
    assert codes(graph, copy) == []
    other = v1.Manifest(design_id="design-other", files=files("gear", "own"), parts=parts(gear=1, own=1), licence="CC0-1.0")
    assert codes(graph, other) == []
    own = v1.Manifest(design_id="design-second", files=files("gear", "pin"), parts=parts(gear=1, pin=1), licence="CC0-1.0")
    graph.add("second", own, keeper="ada")
    assert "design-gear" not in " ".join(one.subject for one in lineage.notes(graph.engine, own))


def test_the_notice_names_every_work_that_a_revision_goes_back_to_and_is_built_of(graph: Graph) -> None:
    def by(author: str, licence: str, **more: object) -> v1.Manifest:
        return v1.Manifest(licence=licence, description=v1.Description(authors=[author]), **more)  # type: ignore[arg-type]

    graph.add("gear", by("Ada", "CC-BY-SA-4.0"))
    graph.add("fork", by("Ben", "CC-BY-SA-4.0", parent=named("gear"), note="wider teeth"))
    graph.add("wheel", by("Cleo", "CERN-OHL-S-2.0"))
    graph.add("cart", by("Dan", "MIT", parent=named("fork"), bill=[made("wheel", 4, name="front wheel")]))
    told = lineage.notice(graph.engine, named("cart"))
    for word in ("Ada", "Ben", "Cleo", "Dan", "CC-BY-SA-4.0", "CERN-OHL-S-2.0", "wider teeth", "front wheel", named("gear")):
        assert word in told
    assert told.count("Ada") == 1


def test_the_notice_of_a_long_and_much_branched_line_has_an_end(graph: Graph) -> None:
    graph.add("0 left", v1.Manifest())
    graph.add("0 right", v1.Manifest())
    for level in range(1, 40):  # 2 to the power of 40 ways lead back
        for side in ("left", "right"):
            graph.add(f"{level} {side}", derived(f"{level - 1} left", f"{level - 1} right"), checked=True)
    told = lineage.notice(graph.engine, named("39 left"))
    assert len(told) < 100_000 and '"0 left"' in told


def uses(graph: Graph, of: str, all_the_way: bool = True, relations: tuple[v1.Relation.ValueType, ...] = ()) -> list[v1.Use]:
    return list(where_used(graph.engine, v1.WhereUsedRequest(of=of, all_the_way=all_the_way, relations=relations)).uses)


def test_where_a_module_is_used_is_told_with_distance_and_quantity(graph: Graph) -> None:
    graph.add("bearing")
    graph.add("wheel", v1.Manifest(bill=[made("bearing", 2), made("bearing", 1, name="spare")]))
    graph.add("cart", v1.Manifest(bill=[made("wheel", 4)], made_with=[named("bearing")]))
    told = [(use.title, use.relation, use.quantity, use.distance) for use in uses(graph, named("bearing"))]
    assert told == [
        ("cart", v1.RELATION_MADE_WITH, 1.0, 1),
        ("wheel", v1.RELATION_USES, 3.0, 1),
        ("cart", v1.RELATION_USES, 4.0, 2),
    ]
    assert [use.title for use in uses(graph, named("bearing"), all_the_way=False)] == ["cart", "wheel"]
    assert [use.title for use in uses(graph, named("bearing"), relations=(v1.RELATION_MADE_WITH,))] == ["cart"]


def test_a_use_that_the_newest_revision_gave_up_is_told_as_past(graph: Graph) -> None:
    graph.add("bearing")
    graph.add("wheel 1", v1.Manifest(bill=[made("bearing", 2)]), design="wheel")
    graph.add("wheel 2", v1.Manifest(bill=[made("bearing", 3)]), design="wheel")
    (use,) = uses(graph, named("bearing"))
    assert (use.digest, use.quantity, use.current) == (named("wheel 2"), 3.0, True)
    graph.add("wheel 3", v1.Manifest(), design="wheel")
    (use,) = uses(graph, named("bearing"))
    assert (use.digest, use.current) == (named("wheel 2"), False)


def test_asking_for_a_design_asks_for_all_its_revisions_and_leaves_out_its_own(graph: Graph) -> None:
    graph.add("gear 1", design="gear")
    graph.add("gear 2", derived("gear 1"), design="gear")
    graph.add("fork", derived("gear 1"))
    graph.add("box", v1.Manifest(bill=[made("gear 2")]))
    assert [use.title for use in uses(graph, "design-gear")] == ["box", "fork"]
    assert {use.digest for use in uses(graph, named("gear 1"))} == {named("gear 2"), named("fork"), named("box")}


def test_what_is_only_in_a_bill_can_be_asked_for_and_what_is_nowhere_not(graph: Graph) -> None:
    graph.add("cart", v1.Manifest(bill=[made("wheel of another node", 4)]))
    assert [use.title for use in uses(graph, named("wheel of another node"))] == ["cart"]
    for name in ("", "nothing", named("nothing")):
        with pytest.raises(Refused, match="no revision"):
            uses(graph, name)


@pytest.mark.parametrize("seed", range(6))
def test_where_used_finds_what_a_plain_walk_finds(graph: Graph, seed: int) -> None:
    dice = random.Random(seed)
    edges: list[tuple[str, str]] = []
    for number in range(25):
        older = dice.sample(range(number), k=min(number, dice.randint(0, 3)))
        edges += [(f"thing {number}", f"thing {one}") for one in older]
        graph.add(f"thing {number}", v1.Manifest(bill=[made(f"thing {one}") for one in older]))
    begin = f"thing {dice.randrange(5)}"
    distances, frontier, level = dict[tuple[str, str], int](), {begin}, 0
    seen = {begin}
    while frontier:
        level += 1
        found = [(user, used) for user, used in edges if used in frontier]
        for edge in found:
            distances.setdefault(edge, level)
        frontier = {user for user, _ in found} - seen
        seen |= frontier
    told = {(use.title, use.of): use.distance for use in uses(graph, named(begin))}
    assert told == {(user, named(used)): distance for (user, used), distance in distances.items()}


def test_a_circle_in_the_tables_ends_the_walk(graph: Graph) -> None:
    graph.add("egg", v1.Manifest(bill=[made("hen")], parent=named("hen")))
    graph.add("hen", v1.Manifest(bill=[made("egg")], parent=named("egg")))
    assert {use.title for use in uses(graph, named("egg"))} == {"egg", "hen"}
    assert lineage.notice(graph.engine, named("egg")) is not None


async def test_a_fork_over_the_network_is_held_to_its_parent(commons: Commons, tmp_path: Path) -> None:
    part = tmp_path / "gear.stl"
    part.write_bytes(binary_stl(box(20, 20, 20)))
    ada, ben = commons.node("ada"), commons.node("ben")
    first = await commons.publish_file(ada, part, licence="CC-BY-SA-4.0")
    part.write_bytes(binary_stl(box(20, 20, 25)))
    await ben.upload(part)
    request = publication(part, licence="MIT")
    request.manifest.parent = first.revision.digest
    assert (await refused(ben.registry.PublishRevision(request))).reason.code == "licence.share_alike"
    request.manifest.licence = "CC-BY-SA-4.0"
    fork = await ben.registry.PublishRevision(request)
    found = await ben.registry.GetRevision(v1.GetRevisionRequest(digest=fork.revision.digest))
    assert first.revision.digest in found.notice
    told = await ada.registry.WhereUsed(v1.WhereUsedRequest(of=first.design.id))
    assert [(use.design_id, use.relation) for use in told.uses] == [(fork.design.id, v1.RELATION_DERIVES_FROM)]
    with commons.engine.connect() as connection:
        assert connection.execute(sa.text("select count(*) from lineage")).scalar() == 1
