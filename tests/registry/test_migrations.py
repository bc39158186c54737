# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whoever comes with the database of an older version finds everything again.

The rows are written as those versions wrote them: the columns they had, and serialized messages of the fields they knew.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from clocks import ManualClock
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from commonfab import tokens, v1
from commonfab.canonical import digest
from commonfab.chain import GENESIS, entry_hash
from commonfab.database import migrate, migrations_of, open_database
from commonfab.identity import content_digest, hash_secret, sign_work
from commonfab.ids import make_ids
from commonfab.settings import NodeSettings
from registry import tables as registry_tables
from registry.housekeeping.quotas import Quotas
from registry.housekeeping.verifying import Verifier, revision_fault
from registry.opening import open_registry
from registry.search import tables as search_tables
from registry.search.finding import Search
from registry.search.reindexing import Reindexing
from registry.service import DesignRegistryService
from router import tables as router_tables
from router.ledger import LedgerBook

# A manifest as version 0001 of the tables had it: licence, files with SHA-256 and length, a part; no description, no signature.
OLD_MANIFEST = v1.Manifest(
    licence="CERN-OHL-S-2.0",
    files=[
        v1.FileEntry(path="bracket.stl", sha256="a1" * 32, size_bytes=684),
        v1.FileEntry(path="README.md", sha256="b2" * 32, size_bytes=40),
    ],
    parts=[v1.Part(name="bracket", paths=["bracket.stl"], quantity_per_product=2, demands=v1.Demands(unit="mm", material="pla"))],
    design_id="design-0k3x000000000001",
)
OLD_DIGEST = digest(OLD_MANIFEST)
FORK = v1.Manifest(
    licence="CERN-OHL-S-2.0",
    files=[v1.FileEntry(path="bracket.stl", sha256="a1" * 32, size_bytes=684)],
    parts=[v1.Part(name="bracket", paths=["bracket.stl"], quantity_per_product=1)],
    design_id="design-0k3x000000000002",
    parent=OLD_DIGEST,
)
REPORT = v1.GeometryReport(sha256="a1" * 32, format=v1.FILE_FORMAT_STL_BINARY, bodies=1, size_mm=v1.Size(x=10, y=20, z=30), volume_mm3=6000)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    url = f"sqlite:///{tmp_path / 'old.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    opened = open_database(url)
    yield opened
    opened.dispose()


def versions(room: str) -> list[str]:
    """Every version of a room's tables, oldest first."""
    scripts = ScriptDirectory.from_config(migrations_of(room)).walk_revisions()
    return [script.revision for script in scripts][::-1]


def put(engine: sa.Engine, table: str, *rows: dict[str, Any]) -> None:
    """Insert by the names of columns alone, as the database has them now: no table of the present code has a say."""
    with engine.begin() as connection:
        connection.execute(sa.Table(table, sa.MetaData(), autoload_with=connection).insert(), list(rows))


def design(number: int, title: str, keeper: str) -> dict[str, Any]:
    message = v1.Design(title=title, summary="holds a shelf", tags=["shelf"])
    return {
        "id": f"design-0k3x00000000000{number}",
        "origin": f"{number:064}",
        "title": title,
        "keeper": keeper,
        "message": message.SerializeToString(),
        "created_at": 1_700_000_000.0 + number,
    }


def revision(manifest: v1.Manifest, author: str) -> dict[str, Any]:
    return {
        "digest": digest(manifest),
        "design_id": manifest.design_id,
        "number": 1,
        "content": content_digest(manifest),
        "manifest": manifest.SerializeToString(),
        "author": author,
        "published_at": 1_700_000_100.0,
    }


def fill(engine: sa.Engine, version: str) -> None:
    """What a node of that version had stored."""
    put(engine, "designs", design(1, "Shelf bracket", "ada"), design(2, "Better bracket", "bob"))
    put(engine, "revisions", revision(OLD_MANIFEST, "ada"), revision(FORK, "bob"))
    waits = {"sha256": "a1" * 32, "unit": "", "enqueued_at": 3.0, "report": None, "done_at": None}
    done = {"sha256": "a1" * 32, "unit": "mm", "enqueued_at": 1.0, "report": REPORT.SerializeToString(), "done_at": 2.0}
    put(engine, "inspections", waits, done)
    if version == "registry_0001":
        return
    contents = [(OLD_DIGEST, "a1" * 32, 684), (OLD_DIGEST, "b2" * 32, 40), (digest(FORK), "a1" * 32, 684)]
    put(engine, "revision_files", *({"digest": d, "sha256": s, "size_bytes": n} for d, s, n in contents))
    put(engine, "lineage", {"digest": digest(FORK), "relation": v1.RELATION_DERIVES_FROM, "of_digest": OLD_DIGEST, "quantity": 1.0})
    defect = v1.Defect(id="defect-1", revision_digest=OLD_DIGEST, title="cracks", severity=v1.SEVERITY_FUNCTIONAL, filed_by="eve")
    row = {"id": "defect-1", "origin": "c3" * 32, "digest": OLD_DIGEST, "design_id": "design-0k3x000000000001", "filed_at": 5.0}
    put(engine, "defects", {**row, "message": defect.SerializeToString()})


@pytest.mark.parametrize("version", versions("registry"))
def test_designs_of_every_older_version_are_read_searched_and_counted(
    engine: sa.Engine, version: str, tmp_path: Path, redis_url: str, manual_clock: ManualClock
) -> None:
    migrate(engine, "registry", version)
    fill(engine, version)
    migrate(engine, "registry")
    settings = NodeSettings(data_dir=tmp_path / "node")
    registry = open_registry(settings, engine, redis_url, manual_clock, make_ids(manual_clock))
    service = registry.mounts[0].servicer
    assert isinstance(service, DesignRegistryService)
    found = service._catalogue.known("design-0k3x000000000001")
    assert (found.design.title, found.design.summary, list(found.design.tags)) == ("Shelf bracket", "holds a shelf", ["shelf"])
    assert found.revision.digest == OLD_DIGEST and found.revision.author == "ada"
    assert found.parts[0].report.volume_mm3 == 6000
    assert found.revision.open_defects == (0 if version == "registry_0001" else 1)
    reached = ""
    while reached := Reindexing(registry.engine, registry.inspections).enter_more(reached):
        pass
    found_by_words = Search(engine).find(v1.SearchDesignsRequest(words="shelf brack")).designs
    assert {one.title for one in found_by_words} == {"Shelf bracket", "Better bracket"}, "both are said to hold a shelf"
    fork = service._catalogue.revision(digest(FORK)).revision
    assert fork.manifest.parent == OLD_DIGEST
    with engine.connect() as connection:
        assert {row.of_digest for row in connection.execute(registry_tables.LINEAGE.select())} == {OLD_DIGEST}
        for row in connection.execute(registry_tables.REVISIONS.select()):
            assert revision_fault(row.digest, bytes(row.manifest), row.signature) == ""
    usage = {one.subject: (one.used_bytes, one.files) for one in Quotas(engine, registry.blobs, manual_clock, 0).usage()}
    assert usage == {"ada": (724, 2), "bob": (684, 1)}
    missing = [told for told in Verifier(engine, registry.blobs, tmp_path / "aside").verify() if told.fault]
    assert {told.sha256: sorted(told.revisions) for told in missing} == {
        "a1" * 32: sorted([OLD_DIGEST, digest(FORK)]),
        "b2" * 32: [OLD_DIGEST],
    }
    registry.inspections.broker.client.close()


def test_tokens_of_an_older_version_open_the_door(engine: sa.Engine, manual_clock: ManualClock) -> None:
    for version in versions("commonfab")[:1]:
        migrate(engine, "commonfab", version)
        row = {"id": "token-1", "secret_hash": hash_secret("cfab_old"), "scope": 1, "subject": "ada", "issued_at": 1.0, "revoked_at": None}
        put(engine, "tokens", row)
    migrate(engine, "commonfab")
    assert tokens.TokenStore(engine, manual_clock, make_ids(manual_clock)).holder("cfab_old").subject == "ada"


def test_the_ledger_of_an_older_version_holds_and_goes_on(engine: sa.Engine, manual_clock: ManualClock) -> None:
    migrate(engine, "router", versions("router")[0])
    key = Ed25519PrivateKey.generate()

    def signed(number: int) -> v1.SignedWork:
        attempt = v1.AttemptRef(work_order_id=f"order-{number}", number=1, epoch=number)
        return sign_work(v1.CompletedWork(attempt=attempt, job_id="job-1", pieces_good=2), key)

    first = signed(1)
    entry = {"number": 1, "previous_hash": GENESIS, "hash": entry_hash(GENESIS, 1, first), "signed": first.SerializeToString()}
    put(engine, "ledger", {**entry, "work_order_id": "order-1", "attempt_number": 1, "epoch": 1, "job_id": "job-1", "recorded_at": 1.0})
    migrate(engine, "router")
    book = LedgerBook(engine, manual_clock)
    assert book.append([first, signed(2)]) == [1, 2], "what is there is not entered again"
    one, two = book.entries(0, 10)
    assert two.previous_hash == one.hash and two.hash == entry_hash(one.hash, 2, signed(2))


@pytest.mark.parametrize("room", ["commonfab", "registry", "router"])
def test_migrations_make_the_tables_that_the_code_describes(engine: sa.Engine, room: str) -> None:
    migrate(engine, room)
    described = {"commonfab": tokens.TABLE.metadata, "registry": registry_tables.METADATA, "router": router_tables.METADATA}[room]
    assert search_tables.SEARCH_DESIGNS.metadata is registry_tables.METADATA

    def is_ours(_: object, name: str | None, kind: str, reflected: bool, _other: object) -> bool:
        # FTS5 keeps its words in tables of its own, and each database has its own kind of them.
        return not (kind == "table" and reflected and (name or "").startswith(("search_words", "alembic_version")))

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": is_ours, "compare_type": True})
        assert compare_metadata(context, described) == []


@pytest.mark.parametrize("room", ["commonfab", "registry", "router"])
def test_every_migration_can_be_taken_back(engine: sa.Engine, room: str) -> None:
    migrate(engine, room)
    config = migrations_of(room)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    with engine.connect() as connection:
        left = [name for name in sa.inspect(connection).get_table_names() if not name.startswith("alembic_version")]
    assert left == []
    migrate(engine, room)


def test_a_database_of_a_newer_version_is_left_alone(engine: sa.Engine) -> None:
    migrate(engine, "registry")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version_registry SET version_num = 'registry_9999'")
    with pytest.raises(Exception, match="registry_9999"):
        migrate(engine, "registry")
