# SPDX-License-Identifier: AGPL-3.0-or-later
"""Designs are found by what they are, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from clocks import ManualClock
from commons import Commons, publication
from drawings import binary_stl, box
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from search_street import Street, Toy, ToyPart, compared, enter, expected_facets, insert, random_request, random_toy

from commonfab import v1
from commonfab.database import migrate, open_database
from commonfab.errors import Refused
from registry.inspection import Inspections, make_broker
from registry.search.finding import Search
from registry.search.question import question_of
from registry.search.reindexing import Reindexing
from registry.search.tables import SEARCH_DESIGNS
from registry.search.words import words_of
from registry.tables import writing


@pytest.fixture(scope="module")
def migrated_postgres(postgres_server: int) -> Iterator[sa.Engine]:
    """One database for all tests of this file: making one takes longer than most of them."""
    server = sa.create_engine(f"postgresql+psycopg://postgres@127.0.0.1:{postgres_server}/postgres", isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE searched")
        opened = open_database(f"postgresql://postgres@127.0.0.1:{postgres_server}/searched")
        migrate(opened, "registry")
        yield opened
        opened.dispose()
        connection.exec_driver_sql("DROP DATABASE searched")
    server.dispose()


@pytest.fixture
def postgres(migrated_postgres: sa.Engine) -> sa.Engine:
    """An empty commons in a real PostgreSQL."""
    with migrated_postgres.begin() as connection:
        connection.exec_driver_sql("TRUNCATE designs, search_designs CASCADE")
    return migrated_postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """An empty commons in each kind of database."""
    if request.param == "postgresql":
        yield request.getfixturevalue("postgres")
        return
    opened = open_database(f"sqlite:///{tmp_path / 'node.db'}")
    migrate(opened, "registry")
    yield opened
    opened.dispose()


@pytest.fixture
def street(engine: sa.Engine) -> Street:
    return Street(engine)


def ids(answer: v1.SearchDesignsResponse) -> list[str]:
    return [design.id for design in answer.designs]


def every_page(search: Search, asked: v1.SearchDesignsRequest, size: int) -> list[str]:
    page, found = v1.SearchDesignsRequest(), []
    page.CopyFrom(asked)
    page.page_size = size
    while True:
        answer = search.find(page)
        found += ids(answer)
        assert len(answer.designs) <= size
        if not answer.next_page_token:
            return found
        page.page_token = answer.next_page_token


@pytest.mark.parametrize(("seed", "steps"), [(1, 4), pytest.param(2, 40, marks=pytest.mark.slow)])
def test_whatever_is_asked_the_answer_is_that_of_looking_at_every_design(street: Street, seed: int, steps: int) -> None:
    chance, search = random.Random(seed), Search(street.engine)
    for step in range(steps):
        street.publish(*(random_toy(chance, f"d{step:02}{place}") for place in range(5)))
        older = chance.choice(list(street.toys.values()))  # and one gets a new revision
        street.publish(replace(random_toy(chance, older.id, older.number + 1, older.created_at), keeper=older.keeper))
        for _ in range(10):
            asked = random_request(chance)
            expected = street.expected(asked)
            answer = search.find(asked)
            assert ids(answer) == [toy.id for toy in expected[:20]], asked
            assert answer.total == len(expected)
            told = {facet.name: {count.value: count.count for count in facet.counts} for facet in answer.facets}
            assert told == expected_facets(expected)
    asked = random_request(chance)
    assert every_page(search, asked, 3) == [toy.id for toy in street.expected(asked)]


def test_nothing_that_is_typed_is_syntax(street: Street) -> None:
    titles = [
        'an "odd" title',
        "NOT near* OR",
        "title : gear",
        "{a b}",
        "🦄 unicorn",
        "per-cent % _",
        "l'été",
        "ΐota ŉ ǰ",
        "ｆｕｌｌ",
    ]
    street.publish(*(Toy(f"d{place}", title=title) for place, title in enumerate(titles)))
    search = Search(street.engine)

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    @given(st.text(max_size=30) | st.sampled_from(titles).flatmap(lambda title: st.sampled_from([title, "\x00" + title, *title.split()])))
    def holds(words: str) -> None:
        found = set(ids(search.find(v1.SearchDesignsRequest(words=words))))
        asked = words_of(words)
        for toy in street.toys.values():
            has = words_of(toy.title)
            met = all(any(word.startswith(one) for word in has) for one in asked) and (bool(asked) or not words.strip())
            assert (toy.id in found) == met

    holds()


def test_words_are_compared_without_case_accents_and_widths() -> None:
    assert words_of("Größe ＫＷ-715564, L'Été ½ ΑΘΉΝΑ") == ["grosse", "kw", "715564", "l", "ete", "1", "2", "αθηνα"]
    assert words_of("歯車 gear") == ["歯", "車", "gear"]  # no blanks between Japanese words: each sign is found
    assert words_of("🦄 \x00 ''") == []
    assert compared("Größe KW-715") == words_of("Größe KW-715")


def test_the_title_counts_more_than_the_summary_and_the_summary_more_than_the_rest(street: Street) -> None:
    street.publish(
        Toy("tag", title="a", tags=("gear",), created_at=9),
        Toy("summary", title="b", summary="with a gear", created_at=8),
        Toy("longer", title="gearbox", created_at=7),
        Toy("title", title="a gear", created_at=6),
        Toy("older", title="gear", created_at=5),
    )
    assert ids(Search(street.engine).find(v1.SearchDesignsRequest(words="GEAR"))) == ["title", "older", "longer", "summary", "tag"]


def test_two_machines_together_make_what_neither_makes_alone(street: Street) -> None:
    printed, cut = ToyPart("knob", ("fdm",), "", (10, 10, 10)), ToyPart("plate", ("co2_laser_cutting",), "", (300, 200, 3))
    street.publish(Toy("both", parts=(printed, cut)), Toy("printed", parts=(printed,)))
    search = Search(street.engine)
    assert ids(search.find(v1.SearchDesignsRequest(processes=["additive"]))) == ["printed"]
    assert ids(search.find(v1.SearchDesignsRequest(processes=["FDM", "Laser cutting"]))) == ["printed", "both"]


def test_a_part_is_turned_until_it_fits_and_an_unsure_size_fits_nowhere(street: Street) -> None:
    long = ToyPart("rod", ("fdm",), "", (10, 240, 15))
    street.publish(
        Toy("rod", parts=(long,)), Toy("unsure", parts=(replace(long, suspect=True),)), Toy("waits", parts=(replace(long, waits=True),))
    )
    search = Search(street.engine)
    assert ids(search.find(v1.SearchDesignsRequest(fits_into_mm=v1.Size(x=220, y=220, z=240)))) == ["rod"]
    assert not ids(search.find(v1.SearchDesignsRequest(fits_into_mm=v1.Size(x=220, y=220, z=239))))
    with pytest.raises(Refused, match="longer than 0 mm"):
        search.find(v1.SearchDesignsRequest(fits_into_mm=v1.Size(x=220, y=220)))


def test_pages_go_on_where_they_were_while_designs_arrive_and_change(street: Street) -> None:
    search = Search(street.engine)
    street.publish(*(Toy(f"d{place:02}", title="gear", created_at=float(place // 3)) for place in range(20)))
    expected = [toy.id for toy in street.expected(v1.SearchDesignsRequest(words="gear"))]
    asked, walked = v1.SearchDesignsRequest(words="gear", page_size=3, with_facets=True), []
    while True:
        answer = search.find(asked)
        assert bool(answer.facets) == (not walked)  # on the first page only
        walked += ids(answer)
        number = len(street.toys)
        street.publish(Toy(f"new{number}", title="gear gear", created_at=100.0 + number))
        last = street.toys[walked[-1]]
        street.publish(replace(last, number=last.number + 1, title="another name now", summary="a gear"))
        if not answer.next_page_token:
            break
        asked.page_token = answer.next_page_token
    # What lost its place by a new revision may come again further down; nothing is left out, and nothing new pushes in.
    assert list(dict.fromkeys(walked)) == expected


def test_a_token_of_another_list_is_refused(street: Street) -> None:
    search = Search(street.engine)
    street.publish(*(Toy(f"d{place}", title="gear") for place in range(5)))
    mark = search.find(v1.SearchDesignsRequest(words="gear", page_size=2)).next_page_token
    same = v1.SearchDesignsRequest(words="gear", page_size=3, page_token=mark)
    assert ids(search.find(same)) == ["d2", "d1", "d0"]
    others = [("gear", token) for token in ("x", "0" * 16 + "-1-1", "1-1", "\x00", "9" * 400, mark + "7", mark[:-1] + "99999")]
    for words, wrong in [*others, ("gea", mark)]:
        with pytest.raises(Refused) as refused:
            search.find(v1.SearchDesignsRequest(words=words, page_token=wrong))
        assert refused.value.code == "page.token"


def test_too_many_words_are_refused_and_pages_have_an_end() -> None:
    assert question_of(v1.SearchDesignsRequest()).size == 20
    assert question_of(v1.SearchDesignsRequest(page_size=4_000_000_000)).size == 200
    for words in ("a " * 600, " ".join(f"w{place}" for place in range(40))):
        with pytest.raises(Refused) as refused:
            question_of(v1.SearchDesignsRequest(words=words))
        assert refused.value.code == "request.malformed"


def test_a_long_text_is_kept_whole_as_far_as_a_database_takes_it(street: Street) -> None:
    many = " ".join(f"w{place:06}" + "\U00010428" * 60 for place in range(4_000))  # letters of four bytes
    street.publish(Toy("long", title="gear", summary=many))
    assert ids(Search(street.engine).find(v1.SearchDesignsRequest(words="gear w002500"))) == ["long"]


def test_an_old_revision_that_is_inspected_late_changes_nothing(street: Street) -> None:
    first, second = Toy("d", title="first"), Toy("d", number=2, title="second")
    street.publish(first)
    street.publish(second)
    with writing(street.engine) as connection:
        enter(connection, first)
    search = Search(street.engine)
    assert not ids(search.find(v1.SearchDesignsRequest(words="first")))
    assert ids(search.find(v1.SearchDesignsRequest(words="second"))) == ["d"]


def test_what_is_committed_later_than_what_began_later_is_found_too(postgres: sa.Engine) -> None:
    search = Search(postgres)
    with postgres.connect() as slow, slow.begin() as its_end, postgres.connect() as fast:
        insert(slow, Toy("slow"))
        for number in range(3):
            with fast.begin():
                insert(fast, Toy(f"fast{number}"))
            assert search.find(v1.SearchDesignsRequest()).total == number + 1
        its_end.commit()
    assert search.find(v1.SearchDesignsRequest()).total == 4


@pytest.mark.slow
def test_a_search_while_others_publish_sees_each_design_once(street: Street) -> None:
    search, wrong = Search(street.engine), []

    def look() -> None:
        before = 0
        while before < 12:
            now = search.find(v1.SearchDesignsRequest(words="gear", page_size=100))
            if len(set(ids(now))) != now.total or now.total < before:
                wrong.append(now)
                return
            before = now.total

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for place in range(12):
        street.publish(Toy(f"d{place:02}"))
    for thread in threads:
        thread.join(120)
    assert not wrong and not any(thread.is_alive() for thread in threads)


def test_designs_from_before_and_those_of_other_rules_are_entered_at_the_start(street: Street, redis_url: str) -> None:
    inspections = Inspections(street.engine, make_broker(redis_url), ManualClock())
    street.publish(*(Toy(f"d{place:02}", title="gear") for place in range(12)))
    with writing(street.engine) as connection:
        connection.execute(SEARCH_DESIGNS.update().values(rules="of yesterday", maturity=v1.MATURITY_BUILT))
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("INSERT INTO search_words(search_words) VALUES ('delete-all')")
        else:
            connection.exec_driver_sql("DELETE FROM search_words")
        connection.execute(SEARCH_DESIGNS.delete())
    search = Search(street.engine)
    assert not search.find(v1.SearchDesignsRequest()).total
    reindexing, reached = Reindexing(street.engine, inspections), ""
    while reached := reindexing.enter_more(reached):
        pass
    assert search.find(v1.SearchDesignsRequest(words="gear")).total == 12
    with writing(street.engine) as connection:
        connection.execute(
            SEARCH_DESIGNS.update().values(rules="of yesterday", maturity=v1.MATURITY_BUILT, changed=SEARCH_DESIGNS.c.changed + 1)
        )
    while reached := reindexing.enter_more(reached):
        pass
    assert not search.find(v1.SearchDesignsRequest(at_least=v1.MATURITY_BUILT)).total
    assert not reindexing.enter_more("")  # nothing is left to do


async def test_what_is_published_is_found_at_once_and_by_its_processes_once_inspected(
    commons: Commons, worker: None, tmp_path: Path
) -> None:
    node, path = commons.node("ada"), tmp_path / "bracket.stl"
    path.write_bytes(binary_stl(box(20, 30, 40)))
    await node.upload(path)
    done = await node.registry.PublishRevision(publication(path, "mm", title="Bracket for a shelf"))
    found = await node.registry.SearchDesigns(v1.SearchDesignsRequest(words="shelf brack"))
    assert [design.id for design in found.designs] == [done.design.id] and found.total == 1
    await commons.inspected(node, done.revision.digest)
    room = v1.Size(x=40, y=20, z=30)
    asked = v1.SearchDesignsRequest(processes=["additive"], fits_into_mm=room)
    found = await node.registry.SearchDesigns(asked)  # what follows from a report is stored with it
    assert found.total == 1
    assert found.designs[0].maturity == v1.MATURITY_CHECKED
