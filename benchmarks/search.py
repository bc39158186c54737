# SPDX-License-Identifier: AGPL-3.0-or-later
"""How long a search takes among many designs, beside a bare query of the database's full text search in the same run.

    python benchmarks/search.py                      # 100,000 designs on SQLite
    python benchmarks/search.py --designs 20000 --postgres postgresql://postgres@127.0.0.1:5432/empty_database

The designs are made up: few words are in many designs, most are in few, and some as "for" are nearly everywhere, in questions too. What
they are found by is what the product's own `facts_of` makes of them. Each question is asked of `Search.find` as the service does, from the
request to the finished answer with its designs, its exact total and, where asked, its facets. The bare query is the first 20 rows that the
full text search happens to find for the same words: no order, no filter, no total, no design. No answer is kept for the next question.
"""

from __future__ import annotations

import argparse
import bisect
import itertools
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import sqlalchemy as sa

from commonfab import v1
from commonfab.database import migrate, open_database
from commonfab.ids import ALPHABET
from registry.known import Known
from registry.rows import moment
from registry.search.facts import RULES, facts_of
from registry.search.finding import Search
from registry.search.tables import SEARCH_DESIGNS, SEARCH_ITEMS
from registry.search.words import ANYWHERE, words_of
from registry.tables import DESIGNS, REVISIONS, writing

BEGINS = (
    "b",
    "br",
    "c",
    "ch",
    "d",
    "dr",
    "f",
    "fl",
    "g",
    "gr",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "r",
    "s",
    "sh",
    "st",
    "t",
    "tr",
    "v",
    "w",
)
ENDS = ("a", "ab", "an", "e", "el", "en", "i", "il", "is", "o", "on", "or", "u", "ut")
KNOWN = ("bracket", "gear", "holder", "mount", "case", "knob", "clip", "cover", "hinge", "spacer", "adapter", "stand", "lamp", "wheel")
EVERYWHERE = ("for", "the", "with", "and", "a")
LICENCES = (
    ("CERN-OHL-S-2.0", 30),
    ("CC-BY-SA-4.0", 30),
    ("CC0-1.0", 15),
    ("MIT OR Apache-2.0", 10),
    ("GPL-3.0-or-later", 10),
    ("all mine", 5),
)
WAYS = ((("fdm", "sla"), 60), (("fdm",), 15), (("co2_laser_cutting", "cnc_routing"), 12), (("milling", "fdm"), 8), (("turning",), 5))
MATERIALS = (("", 55), ("pla", 15), ("petg", 10), ("abs", 5), ("plywood", 8), ("acrylic", 4), ("aluminium", 3))
PAGE = 20
BATCH = 1000


class Town:
    """Makes designs and questions, the same in each run."""

    def __init__(self, seed: int, designs: int) -> None:
        self.random = random.Random(seed)
        syllables = ["".join(some) for some in itertools.product(BEGINS, ENDS)]
        made = {"".join(self.random.choices(syllables, k=self.random.randint(2, 3))) for _ in range(10_000)}
        self.words = [*KNOWN, *self.random.sample(sorted(made), 6_000)]
        # Zipf and Mandelbrot: the word in place r is used in proportion to 1 / (r + 30); the first is in one design of seven.
        self.weights = list(itertools.accumulate(1.0 / (place + 30) for place in range(len(self.words))))
        self.keepers = [f"maker{number}" for number in range(max(10, designs // 8))]

    def word(self) -> str:
        return self.words[bisect.bisect(self.weights, self.random.random() * self.weights[-1])]

    def text(self, least: int, most: int) -> str:
        """Words, and now and then one of those that are everywhere."""
        some = range(self.random.randint(least, most))
        return " ".join(self.random.choice(EVERYWHERE) if self.random.random() < 0.12 else self.word() for _ in some)

    def one_of(self, shares: Sequence[tuple[object, int]]) -> object:
        return self.random.choices([one for one, _ in shares], [share for _, share in shares])[0]

    def known(self, number: int) -> Known:
        """A design of one revision, as knowledge gathers it."""
        design_id, digest = f"design-{self._id(number)}", f"{number:064x}"
        items = [v1.Item(maker=self.word(), model=self.text(1, 2), part_number=str(self.random.randint(1000, 99999)))]
        said = v1.Description(
            title=self.text(2, 6),
            summary=self.text(10, 40),
            tags=self.text(2, 6).split(),
            kind=self.random.choice(v1.DesignKind.values()),
            fits=items if self.random.random() < 0.3 else [],
            authors=[self.word()],
        )
        licence, keeper = str(self.one_of(LICENCES)), self.random.choice(self.keepers)
        parts = [self.part(f"{self.word()}-{place}") for place in range(1 + int(self.random.expovariate(0.8)))]
        manifest = v1.Manifest(design_id=design_id, licence=licence, parts=[part.part for part in parts], description=said)
        at = 1_700_000_000.0 + number * 60.0
        maturity = self.random.choices((1, 2, 3, 4), (20, 60, 15, 5))[0]
        revision = v1.Revision(digest=digest, number=1, manifest=manifest, author=keeper, published_at=moment(at), maturity=maturity)
        design = v1.Design(id=design_id, title=said.title, summary=said.summary, tags=said.tags, keeper=keeper, latest_revision=digest)
        design.MergeFrom(v1.Design(licence=licence, created_at=moment(at), description=said, maturity=maturity))
        return Known(design, revision, tuple(parts), ())

    def part(self, name: str) -> v1.InspectedPart:
        size = v1.Size(**{axis: self.random.lognormvariate(4, 0.9) for axis in "xyz"})
        part = v1.Part(name=name, paths=["a.stl"], quantity_per_product=1, demands=v1.Demands(material=str(self.one_of(MATERIALS))))
        ways = [v1.Makeability(process=way, verdict=v1.VERDICT_FEASIBLE) for way in self.one_of(WAYS)]  # type: ignore[attr-defined]
        report = v1.GeometryReport(size_mm=size, unit_certainty=v1.UNIT_CERTAINTY_DECLARED)
        return v1.InspectedPart(part=part, state=v1.INSPECTION_STATE_DONE, report=report, makeability=ways)

    def _id(self, number: int) -> str:
        return "".join(ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(16)))


def fill(engine: sa.Engine, town: Town, designs: int) -> None:
    """Put so many designs into an empty database: what `put` would store, many rows in one statement."""
    started = time.perf_counter()
    for begin in range(1, designs + 1, BATCH):
        tables: dict[sa.Table, list[dict[str, object]]] = {DESIGNS: [], REVISIONS: [], SEARCH_DESIGNS: [], SEARCH_ITEMS: []}
        for number in range(begin, min(begin + BATCH, designs + 1)):
            for table, rows in rows_of(town.known(number), number).items():
                tables[table] += rows
        with writing(engine) as connection:
            for table, rows in tables.items():
                connection.execute(table.insert(), rows)
    with writing(engine) as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("INSERT INTO search_words(search_words) VALUES ('rebuild')")
        else:
            vector = "array_to_tsvector(string_to_array(words, ' '))"
            connection.exec_driver_sql(f"INSERT INTO search_words SELECT number, {vector} FROM search_designs")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    print(f"{designs} designs put in {time.perf_counter() - started:.0f} s")


def rows_of(known: Known, number: int) -> dict[sa.Table, list[dict[str, object]]]:
    """What stands in the tables for a design, but for its words."""
    design, revision, facts = known.design, known.revision, facts_of(known)
    names = json.loads(facts.items)
    designs = {"id": design.id, "origin": revision.digest, "title": design.title, "keeper": design.keeper, "message": b""}
    revisions = {"digest": revision.digest, "design_id": design.id, "number": 1, "content": revision.digest, "author": design.keeper}
    revisions |= {"manifest": revision.manifest.SerializeToString(), "published_at": 0.0, "maturity": revision.maturity}
    searched = facts.values() | {"number": number, "design_id": design.id, "rules": RULES, "changed": number}
    items = [{"number": number, "place": place, "maker": m, "model": o, "part_number": p} for place, (m, o, p) in enumerate(names)]
    return {
        DESIGNS: [designs | {"created_at": facts.created_at}],
        REVISIONS: [revisions],
        SEARCH_DESIGNS: [searched],
        SEARCH_ITEMS: items,
    }


def filters(town: Town) -> dict[str, object]:
    """One or two things besides words that people ask for."""
    sides = town.random.choice(((220, 220, 250), (250, 210, 210), (120, 120, 120), (600, 400, 50)))
    every: list[dict[str, object]] = [
        {"processes": [town.random.choice(("fdm", "additive", "laser_cutting", "milling"))]},
        {"materials": [town.random.choice(("pla", "petg", "plywood", "plastic"))]},
        {"fits_into_mm": v1.Size(x=sides[0] + town.random.random(), y=sides[1], z=sides[2])},
        {"licences": [town.random.choice(("CERN-OHL-S-2.0", "MIT", "CC0-1.0"))]},
        {"kinds": [town.random.choice(v1.DesignKind.values())]},
        {"at_least": v1.MATURITY_BUILT},
        {"keepers": [town.random.choice(town.keepers)]},
    ]
    return {name: value for some in town.random.sample(every, town.random.randint(1, 2)) for name, value in some.items()}


def typed(town: Town) -> str:
    """What somebody typed: one to three words, the last of them often not to its end."""
    words = town.text(1, 3).split()
    if town.random.random() < 0.5:
        words[-1] = words[-1][: town.random.randint(3, 6)]
    return " ".join(words)


MIX: dict[str, Callable[[Town], v1.SearchDesignsRequest]] = {
    "words": lambda town: v1.SearchDesignsRequest(words=typed(town)),
    "words and filters": lambda town: v1.SearchDesignsRequest(words=typed(town), **filters(town)),  # type: ignore[arg-type]
    "filters": lambda town: v1.SearchDesignsRequest(**filters(town)),  # type: ignore[arg-type]
    "what it fits": lambda town: v1.SearchDesignsRequest(belongs_to=v1.Item(maker=town.word())),
    "nothing": lambda town: v1.SearchDesignsRequest(),
    "one letter": lambda town: v1.SearchDesignsRequest(words=town.word()[:1]),
}
"""Sorts of questions; the last two are as wide as questions can be."""

SHARES = {"words": 45, "words and filters": 25, "filters": 15, "what it fits": 5, "nothing": 8, "one letter": 2}


def deep(search: Search, asked: v1.SearchDesignsRequest, pages: int) -> v1.SearchDesignsRequest:
    """The question for a page far down the list, as far as there is one."""
    page = v1.SearchDesignsRequest()
    page.CopyFrom(asked)
    page.page_size = 200
    for _ in range(pages):
        token = search.find(page).next_page_token
        if not token:
            break
        page.page_token = token
    page.page_size = PAGE
    return page


def bare(connection: sa.Connection, words: str) -> Callable[[], object]:
    """The database's own full text search for these words, first 20 rows."""
    some = words_of(words)
    if connection.dialect.name == "sqlite":
        query, value = (
            f"SELECT rowid FROM search_words WHERE search_words MATCH ? LIMIT {PAGE}",
            " AND ".join(f'"{ANYWHERE}{word}" *' for word in some),
        )
    else:
        query = f"SELECT number FROM search_words WHERE words @@ %s::tsquery LIMIT {PAGE}"
        value = " & ".join(f"'{ANYWHERE}{word}':*" for word in some)
    return lambda: connection.exec_driver_sql(query, (value,)).all()


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """How long it took by the wall clock, and of this thread's processor; ms. On a busy machine only the second can be compared."""
    started, worked = time.perf_counter(), time.thread_time()
    work()
    return (time.perf_counter() - started) * 1e3, (time.thread_time() - worked) * 1e3


def told(name: str, times: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Prints, and returns the two p95."""
    place = min(len(times) - 1, int(len(times) * 0.95))
    wall, processor = (sorted(some) for some in zip(*times, strict=True))
    figures = " ".join(f"{some[len(some) // 2]:7.2f} {some[place]:7.2f}" for some in (wall, processor))
    print(f"{name:38} {len(times):5} {figures}")
    return wall[place], processor[place]


def ask(engine: sa.Engine, town: Town, questions: int) -> None:
    """Ask, and print how long it took."""
    search = Search(engine)
    print(f"first search, which reads all designs: {timed(lambda: search.find(v1.SearchDesignsRequest()))[0]:.0f} ms")
    sorts = town.random.choices(list(SHARES), list(SHARES.values()), k=questions)
    asked = [(sort, MIX[sort](town)) for sort in sorts]
    times: dict[str, list[tuple[float, float]]] = {}
    with engine.connect() as connection:
        for sort, request in asked:
            if request.words:
                times.setdefault("bare full text query", []).append(timed(bare(connection, request.words)))
            for facets in (False, True):
                request.with_facets = facets
                took = timed(lambda request=request: search.find(request))  # type: ignore[misc]
                mark = "with facets" if facets else "without facets"
                times.setdefault(f"all, {mark}", []).append(took)
                times.setdefault(f"  {sort}, {mark}", []).append(took)
        for _, request in itertools.islice(((s, r) for s, r in asked if s in ("nothing", "filters")), 30):
            request.with_facets = False
            page = deep(search, request, 20)
            times.setdefault("  pages far down", []).append(timed(lambda page=page: search.find(page)))  # type: ignore[misc]
    print(f"{'ms':38} asked  wall p50  p95  processor p50  p95")
    p95 = {name: told(name, some) for name, some in sorted(times.items(), key=lambda one: (one[0].startswith("  "), one[0]))}
    for mark in ("without facets", "with facets"):
        wall, processor = (p95[f"all, {mark}"][which] / p95["bare full text query"][which] for which in (0, 1))
        print(f"p95 {mark} over p95 of the bare query: wall {wall:.1f}, processor {processor:.1f}")


def opened(arguments: argparse.Namespace, folder: Path) -> Iterator[sa.Engine]:
    yield open_database(f"sqlite:///{arguments.keep or folder / 'designs.db'}")
    if arguments.postgres:
        yield open_database(arguments.postgres)


def main() -> None:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--designs", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--postgres", metavar="URL", default="", help="an empty database, to be asked as well")
    parser.add_argument("--keep", metavar="FILE", default="", help="keep the SQLite database, and use it again where it is filled")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for engine in opened(arguments, Path(folder)):
            print(f"{engine.dialect.name}:")
            migrate(engine, "registry")
            with engine.connect() as connection:
                filled = connection.execute(sa.select(sa.func.count()).select_from(DESIGNS)).scalar_one()
            if not filled:
                fill(engine, Town(1, arguments.designs), arguments.designs)
            ask(engine, Town(2, arguments.designs), arguments.questions)
            engine.dispose()


if __name__ == "__main__":
    main()
