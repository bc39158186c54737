# SPDX-License-Identifier: AGPL-3.0-or-later
"""Designs to be searched, straight in the tables; and what a search must answer, by looking at each of them in plain Python."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from commonfab import v1
from registry.known import Known
from registry.rows import published
from registry.search.filling import put
from registry.tables import DESIGNS, RECALLS, REVISIONS, writing

BROADER = {
    "fdm": {"fdm", "material_extrusion", "additive"},
    "sla": {"sla", "vat_photopolymerization", "additive"},
    "co2_laser_cutting": {"co2_laser_cutting", "laser_cutting", "cutting"},
    "milling": {"milling", "machining"},
    "pla": {"pla", "thermoplastic", "plastic"},
    "petg": {"petg", "thermoplastic", "plastic"},
    "plywood": {"plywood", "wood"},
    "": {""},
}
ALTERNATIVES = {
    "MIT": {"MIT"},
    "CERN-OHL-S-2.0": {"CERN-OHL-S-2.0"},
    "MIT OR (Apache-2.0 AND CC0-1.0)": {"MIT OR (Apache-2.0 AND CC0-1.0)", "MIT", "Apache-2.0 AND CC0-1.0"},
    "all mine, really": {"all mine, really"},
}
WORDS = {
    "Gear": "gear",
    "gearbox": "gearbox",
    "Größe": "grosse",
    "naïve": "naive",
    "KW-715": "kw 715",
    "ge": "ge",
    "歯車": "歯 車",
    "608": "608",
}
"""Words as they are written, and as they are compared."""
ITEMS = (("Kenwood", "Chef", "KW-715"), ("kenwood", "Chef XL", ""), ("Bosch", "", "608"), ("", "Größe", ""))
ROOMS = ((220, 250, 210), (50, 60, 300), (10, 10, 10), (1000, 4, 700))


@dataclass(frozen=True)
class ToyPart:
    """One part: by what it can be made, of what, how large; not inspected yet, or of a size that nobody is sure of."""

    name: str
    processes: tuple[str, ...]
    material: str
    size: tuple[float, float, float]
    waits: bool = False
    suspect: bool = False

    def inspected(self) -> v1.InspectedPart:
        part = v1.Part(name=self.name, paths=["a.stl"], quantity_per_product=1, demands=v1.Demands(material=self.material))
        if self.waits:
            return v1.InspectedPart(part=part, state=v1.INSPECTION_STATE_QUEUED)
        certainty = v1.UNIT_CERTAINTY_SUSPECT if self.suspect else v1.UNIT_CERTAINTY_DECLARED
        report = v1.GeometryReport(size_mm=v1.Size(x=self.size[0], y=self.size[1], z=self.size[2]), unit_certainty=certainty)
        makeability = [v1.Makeability(process=process, verdict=v1.VERDICT_FEASIBLE) for process in self.processes]
        makeability.append(v1.Makeability(process="turning", verdict=v1.VERDICT_INFEASIBLE))
        return v1.InspectedPart(part=part, state=v1.INSPECTION_STATE_DONE, report=report, makeability=makeability)


@dataclass(frozen=True)
class Toy:
    """A design with its newest revision."""

    id: str
    number: int = 1
    created_at: float = 1.0
    title: str = "Gear"
    summary: str = ""
    tags: tuple[str, ...] = ()
    parts: tuple[ToyPart, ...] = ()
    licence: str = "MIT"
    kind: v1.DesignKind.ValueType = v1.DESIGN_KIND_UNSPECIFIED
    keeper: str = "ada"
    maturity: v1.Maturity.ValueType = v1.MATURITY_DRAFT
    recalled: bool = False
    items: tuple[tuple[str, str, str], ...] = ()

    @property
    def digest(self) -> str:
        return f"{self.id}-{self.number}".ljust(64, "0")


def insert(connection: sa.Connection, toy: Toy) -> None:
    """Within a transaction: the design, or its next revision, with what it is found by."""
    if toy.number == 1:
        row = {"id": toy.id, "origin": toy.digest, "title": toy.title, "keeper": toy.keeper, "message": b"", "created_at": toy.created_at}
        connection.execute(DESIGNS.insert().values(row))
    items = [v1.Item(maker=maker, model=model, part_number=number) for maker, model, number in toy.items]
    said = v1.Description(title=toy.title, summary=toy.summary, tags=toy.tags, kind=toy.kind, fits=items[::2], replaces=items[1::2])
    inspected = tuple(part.inspected() for part in toy.parts)
    manifest = v1.Manifest(design_id=toy.id, licence=toy.licence, description=said, parts=[part.part for part in inspected])
    values = {"digest": toy.digest, "design_id": toy.id, "number": toy.number, "content": toy.digest, "author": toy.keeper}
    values |= {"manifest": manifest.SerializeToString(), "published_at": toy.created_at, "maturity": toy.maturity}
    connection.execute(REVISIONS.insert().values(values))
    if toy.recalled:
        message = v1.Recall(reason="breaks").SerializeToString()
        connection.execute(RECALLS.insert().values(digest=toy.digest, recalled_at=1.0, message=message))
    enter(connection, toy)


def enter(connection: sa.Connection, toy: Toy) -> None:
    """Within a transaction: have it found by what is known of it, whichever revision of its design it is."""
    found = published(connection, toy.digest)
    put(connection, Known(found.design, found.revision, tuple(part.inspected() for part in toy.parts), ()))


@dataclass
class Street:
    """Designs in a database, and beside it."""

    engine: sa.Engine
    toys: dict[str, Toy] = field(default_factory=dict)

    def publish(self, *toys: Toy) -> None:
        with writing(self.engine) as connection:
            for toy in toys:
                insert(connection, toy)
        self.toys |= {toy.id: toy for toy in toys}

    def expected(self, asked: v1.SearchDesignsRequest) -> list[Toy]:
        """What must be found, in its order."""
        worth = {toy.id: _worth(toy, asked.words) for toy in self.toys.values()}
        met = [toy for toy in self.toys.values() if _meets(toy, asked) and (worth[toy.id] or not asked.words.strip())]
        return sorted(met, key=lambda toy: (worth[toy.id], toy.created_at, toy.id), reverse=True)


def compared(text: str) -> list[str]:
    """The words of texts that are put together from `WORDS`."""
    return [word for written in text.split() for word in WORDS.get(written, written.lower().replace("-", " ")).split()]


def _worth(toy: Toy, words: str) -> int:
    title, summary = compared(toy.title), compared(toy.summary)
    others = compared(" ".join([*toy.tags, *(part.name for part in toy.parts), *(text for item in toy.items for text in item)]))
    each = [_word_worth(word, title, summary, others) for word in dict.fromkeys(compared(words))]
    return sum(each) if each and all(each) else 0


def _word_worth(word: str, title: Sequence[str], summary: Sequence[str], others: Sequence[str]) -> int:
    if word in title:
        return 4
    return next((worth for worth, some in ((3, title), (2, summary), (1, others)) if any(one.startswith(word) for one in some)), 0)


def _meets(toy: Toy, asked: v1.SearchDesignsRequest) -> bool:
    inspected = all(not part.waits for part in toy.parts) and bool(toy.parts)
    made = all(any(process in BROADER[way] for way in part.processes for process in asked.processes) for part in toy.parts)
    room = sorted((asked.fits_into_mm.x, asked.fits_into_mm.y, asked.fits_into_mm.z))
    fits = all(not part.suspect and all(a <= b for a, b in zip(sorted(part.size), room, strict=True)) for part in toy.parts)
    of = any(not part.material or bool(BROADER[part.material] & set(asked.materials)) for part in toy.parts)
    wanted = (asked.belongs_to.maker, asked.belongs_to.model, asked.belongs_to.part_number)
    belongs = any(all(not a or _folded(a) == _folded(b) for a, b in zip(wanted, item, strict=True)) for item in toy.items)
    return all(
        (
            not asked.processes or (inspected and made),
            not asked.materials or of,
            not asked.HasField("fits_into_mm") or (inspected and fits),
            not asked.licences or bool(ALTERNATIVES[toy.licence] & set(asked.licences)),
            not asked.kinds or toy.kind in asked.kinds,
            not any(wanted) or belongs,
            not asked.keepers or toy.keeper in asked.keepers,
            toy.maturity >= asked.at_least,
            asked.recalled_too or not toy.recalled,
        )
    )


def _folded(text: str) -> str:
    return " ".join(compared(text))


def expected_facets(toys: Iterable[Toy]) -> dict[str, dict[str, int]]:
    """How many of these have each value."""
    counted: dict[str, Counter[str]] = {name: Counter() for name in ("process", "material", "licence", "kind", "maturity", "keeper")}
    for toy in toys:
        each = [set().union(*(BROADER[way] for way in part.processes)) if not part.waits else set() for part in toy.parts]
        counted["process"].update(set.intersection(*each) if each else ())
        counted["material"].update({name for part in toy.parts for name in BROADER[part.material]} - {""})
        counted["licence"].update(ALTERNATIVES[toy.licence])
        counted["kind"].update([v1.DesignKind.Name(toy.kind).removeprefix("DESIGN_KIND_")] if toy.kind else [])
        counted["maturity"].update([v1.Maturity.Name(toy.maturity).removeprefix("MATURITY_")] if toy.maturity else [])
        counted["keeper"].update([toy.keeper])
    return {name: dict(counts) for name, counts in counted.items()}


def some_words(random: random.Random, most: int) -> str:
    return " ".join(random.choice(list(WORDS)) for _ in range(random.randint(0, most)))


def random_toy(random: random.Random, design_id: str, number: int = 1, created_at: float | None = None) -> Toy:
    """Any design."""
    parts = [
        ToyPart(
            name=random.choice(list(WORDS)),
            processes=tuple(random.sample(("fdm", "sla", "co2_laser_cutting", "milling"), random.randint(0, 3))),
            material=random.choice(("", "pla", "petg", "plywood")),
            size=random.choice([(random.choice(room), room[0] / 2, room[2]) for room in ROOMS]),
            waits=random.random() < 0.1,
            suspect=random.random() < 0.1,
        )
        for _ in range(random.choice((0, 1, 1, 1, 2, 3)))
    ]
    return Toy(
        id=design_id,
        number=number,
        created_at=float(random.randint(1, 9)) if created_at is None else created_at,
        title=some_words(random, 3) or "x",
        summary=some_words(random, 4),
        tags=tuple(some_words(random, 2).split()),
        parts=tuple(parts),
        licence=random.choice(list(ALTERNATIVES)),
        kind=random.choice(v1.DesignKind.values()),
        keeper=random.choice(("ada", "grace")),
        maturity=random.choice(v1.Maturity.values()),
        recalled=random.random() < 0.1,
        items=tuple(random.sample(ITEMS, random.randint(0, 2))),
    )


def random_request(random: random.Random) -> v1.SearchDesignsRequest:
    """Any question; each thing is asked for now and then."""

    def now_and_then(of: Sequence[str], most: int = 2) -> list[str]:
        return random.sample(of, random.randint(1, most)) if random.random() < 0.25 else []

    room = random.choice(ROOMS) if random.random() < 0.25 else None
    item = random.choice(ITEMS) if random.random() < 0.2 else ("", "", "")
    maker, model, number = (text.upper() if text.isascii() and random.random() < 0.6 else "" for text in item)
    return v1.SearchDesignsRequest(
        words=some_words(random, 2) if random.random() < 0.6 else "",
        processes=now_and_then(("fdm", "additive", "sla", "cutting", "machining", "welding")),
        materials=now_and_then(("pla", "plastic", "wood", "metal")),
        fits_into_mm=v1.Size(x=room[0], y=room[1], z=room[2]) if room else None,
        licences=now_and_then(("MIT", "CERN-OHL-S-2.0", "Apache-2.0 AND CC0-1.0", "all mine, really")),
        kinds=random.sample(v1.DesignKind.values(), 2) if random.random() < 0.2 else [],
        belongs_to=v1.Item(maker=maker, model=model, part_number=number),
        keepers=now_and_then(("ada", "grace", "nobody"), 1),
        at_least=random.choice(v1.Maturity.values()) if random.random() < 0.2 else v1.MATURITY_UNSPECIFIED,
        recalled_too=random.random() < 0.3,
        with_facets=True,
    )
