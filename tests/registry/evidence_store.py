# SPDX-License-Identifier: AGPL-3.0-or-later
"""Revisions in a database, and what is known of them, without a server: for tests on SQLite and PostgreSQL."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from commonfab import v1
from commonfab.canonical import digest
from commonfab.clock import Clock
from commonfab.database import open_database
from commonfab.identity import sign_build_report
from commonfab.ids import make_ids
from registry import knowledge
from registry.blobs.opening import open_store
from registry.evidence import events
from registry.evidence.defects import Defects
from registry.evidence.recalls import Recalls
from registry.evidence.reports import BuildReports
from registry.inspection import Inspections, make_broker
from registry.rows import published
from registry.tables import DESIGNS, LINEAGE, REVISIONS, writing

NOBODY_LISTENS = "redis://127.0.0.1:1/0"
NUMBERS = itertools.count(1)


def token(subject: str, scope: v1.Scope.ValueType = v1.SCOPE_SHOP) -> v1.Token:
    return v1.Token(subject=subject, scope=scope)


STEWARD = token("sam", v1.SCOPE_STEWARD)
BERLIN = v1.Place(cell="871f1d489ffffff")


def key_of(shop: str) -> Ed25519PrivateKey:
    """The same key for the same shop, whenever it is asked for."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(shop.encode()).digest())


@dataclass(frozen=True)
class Store:
    """A database with revisions in it."""

    engine: sa.Engine
    reports: BuildReports
    defects: Defects
    recalls: Recalls
    inspections: Inspections
    clock: Clock

    def revision(self, design_id: str, *parts: str, keeper: str = "ada", uses: tuple[str, ...] = ()) -> str:
        """Put a revision in, as publishing does; returns its digest."""
        manifest = v1.Manifest(design_id=design_id, note=f"{next(NUMBERS)}", parts=[v1.Part(name=name, paths=[name]) for name in parts])
        manifest.files.extend(v1.FileEntry(path=name, sha256=hashlib.sha256(name.encode()).hexdigest()) for name in parts)
        named = digest(manifest)
        with writing(self.engine) as connection:
            number = connection.execute(sa.select(sa.func.count()).where(REVISIONS.c.design_id == design_id)).scalar_one() + 1
            if number == 1:
                row = {"id": design_id, "origin": design_id, "title": design_id, "keeper": keeper, "created_at": self.clock.now()}
                connection.execute(DESIGNS.insert().values(**row, message=v1.Design(title=design_id).SerializeToString()))
            row = {"digest": named, "design_id": design_id, "number": number, "content": named, "author": keeper}
            written = manifest.SerializeToString()
            connection.execute(REVISIONS.insert().values(**row, manifest=written, published_at=self.clock.now()))
            for used in uses:
                connection.execute(LINEAGE.insert().values(digest=named, relation=v1.RELATION_USES, of_digest=used, quantity=1.0))
            knowledge.refresh(connection, self.inspections, [named])
            told = v1.CommonsEvent(revision_published=v1.RevisionPublished(digest=named, number=number))
            events.add(connection, self.clock.now(), published(connection, named).design, told)
        return named

    def maturity(self, named: str) -> v1.Maturity.ValueType:
        with self.engine.connect() as connection:
            return published(connection, named).revision.maturity

    def events(self) -> list[v1.CommonsEvent]:
        with self.engine.connect() as connection:
            return events.after(connection, 0, 100_000)

    def happened(self) -> list[str]:
        """What happened, by its kind, in order."""
        return [str(event.WhichOneof("event")) for event in self.events()]


def open_store_at(url: str, folder: Path, clock: Clock) -> Store:
    engine = open_database(url)
    inspections = Inspections(engine, make_broker(NOBODY_LISTENS), clock)
    blobs = open_store("", folder, 1024 * 1024)
    return Store(
        engine,
        BuildReports(engine, blobs, inspections, clock),
        Defects(engine, blobs, inspections, clock, make_ids(clock)),
        Recalls(engine, inspections, clock),
        inspections,
        clock,
    )


def build(revision: str, shop: str = "lenas-garage", part: str = "", good: int = 1, **more: object) -> v1.BuildReport:
    return v1.BuildReport(revision_digest=revision, shop_id=shop, part_name=part, pieces_good=good, **more)  # type: ignore[arg-type]


def signed(report: v1.BuildReport, key: str = "", **more: object) -> v1.ReportBuildRequest:
    """A report with its shop's signature, or with that of `key`."""
    return v1.ReportBuildRequest(report=sign_build_report(report, key_of(key or report.shop_id)), **more)  # type: ignore[arg-type]
