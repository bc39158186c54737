# SPDX-License-Identifier: AGPL-3.0-or-later
"""Designs and revisions: what may be published, by whom, and what publishing again means."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa
from commons import Commons, publication, refused
from drawings import binary_stl, box
from redis.backoff import NoBackoff
from redis.retry import Retry

from commonfab import v1
from commonfab.canonical import digest
from commonfab.client import Node
from commonfab.database import migrate, open_database
from registry.opening import explain
from registry.tables import METADATA, REVISIONS


@pytest.fixture
def part(tmp_path: Path) -> Path:
    path = tmp_path / "bracket.stl"
    path.write_bytes(binary_stl(box(20, 30, 40)))
    return path


async def another(node: Node, path: Path, side: float) -> Path:
    """A file of other content beside `path`, uploaded."""
    changed = path.with_name(f"{path.stem}-{side:g}.stl")
    changed.write_bytes(binary_stl(box(side, side, side)))
    await node.upload(changed)
    return changed


async def designs_of(node: Node) -> list[v1.Design]:
    return list((await node.registry.ListDesigns(v1.ListDesignsRequest())).designs)


async def test_a_revision_is_named_by_the_digest_of_its_manifest(commons: Commons, part: Path) -> None:
    node = commons.node("ada")
    published = await commons.publish_file(node, part)
    assert published.revision.digest == digest(published.revision.manifest)
    assert published.revision.number == 1 and published.revision.author == "ada"
    assert published.design.keeper == "ada" and published.design.title == "bracket" and published.design.licence == "CC0-1.0"
    assert published.revision.manifest.files[0].size_bytes == part.stat().st_size
    for name in (published.revision.digest, published.design.id):
        found = await node.registry.GetRevision(v1.GetRevisionRequest(digest=name))
        assert found.revision == published.revision and found.design == published.design


async def test_publishing_the_same_again_gives_the_same_revision(commons: Commons, part: Path) -> None:
    node = commons.node("ada")
    first = await commons.publish_file(node, part)
    assert await node.registry.PublishRevision(publication(part)) == first
    request = publication(part)
    request.design.id = first.design.id
    assert await node.registry.PublishRevision(request) == first
    assert len(await designs_of(node)) == 1


async def test_publishing_the_same_at_once_gives_one_design(commons: Commons, part: Path) -> None:
    node = commons.node("ada")
    await node.upload(part)
    answers = await asyncio.gather(*(node.registry.PublishRevision(publication(part)) for _ in range(8)))
    assert len({answer.revision.digest for answer in answers}) == 1
    assert len(await designs_of(node)) == 1


async def test_the_same_files_of_two_keepers_or_titles_are_designs_of_their_own(commons: Commons, part: Path) -> None:
    await commons.publish_file(commons.node("ada"), part)
    await commons.publish_file(commons.node("ben"), part)
    await commons.node("ada").registry.PublishRevision(publication(part, title="another name"))
    assert sorted(d.keeper for d in await designs_of(commons.node())) == ["ada", "ada", "ben"]


async def test_the_first_publication_is_found_again_after_its_design_was_renamed(commons: Commons, part: Path) -> None:
    node = commons.node("ada")
    first = await commons.publish_file(node, part)
    renamed = publication(await another(node, part, 15), title="a better name")
    renamed.design.id = first.design.id
    await node.registry.PublishRevision(renamed)
    again = await node.registry.PublishRevision(publication(part))
    assert again.revision == first.revision and again.design.title == "a better name"


async def test_revisions_are_counted_and_told_newest_first(commons: Commons, part: Path) -> None:
    node = commons.node("ada")
    first = await commons.publish_file(node, part)
    request = publication(await another(node, part, 25), licence="CERN-OHL-S-2.0")
    request.design.id, request.manifest.parent = first.design.id, first.revision.digest
    second = await node.registry.PublishRevision(request)
    assert second.revision.number == 2 and second.design.latest_revision == second.revision.digest
    told = await node.registry.GetDesign(v1.GetDesignRequest(id=first.design.id))
    assert [revision.number for revision in told.revisions] == [2, 1]
    assert told.design.licence == "CERN-OHL-S-2.0"
    newest = await node.registry.GetRevision(v1.GetRevisionRequest(digest=first.design.id))
    assert newest.revision == second.revision
    assert (await node.registry.GetRevision(v1.GetRevisionRequest(digest=first.revision.digest))).revision == first.revision


async def test_only_the_keeper_or_a_steward_adds_revisions(commons: Commons, part: Path) -> None:
    ada, ben = commons.node("ada"), commons.node("ben")
    first = await commons.publish_file(ada, part)
    request = publication(await another(ben, part, 25))
    request.design.id = first.design.id
    refusal = await refused(ben.registry.PublishRevision(request))
    assert refusal.reason.code == "design.keeper" and "parent" in refusal.remedy
    steward = commons.node("sam", v1.SCOPE_STEWARD)
    assert (await steward.registry.PublishRevision(request)).revision.number == 2


async def test_a_fork_needs_nobodys_leave_and_keeps_its_parent(commons: Commons, part: Path) -> None:
    first = await commons.publish_file(commons.node("ada"), part)
    ben = commons.node("ben")
    request = publication(await another(ben, part, 25))
    request.manifest.parent = first.revision.digest
    fork = await ben.registry.PublishRevision(request)
    assert fork.design.keeper == "ben" and fork.design.id != first.design.id
    assert fork.revision.manifest.parent == first.revision.digest


async def test_a_parent_that_is_not_here_is_refused(commons: Commons, part: Path) -> None:
    node = commons.node()
    await node.upload(part)
    request = publication(part)
    request.manifest.parent = "0" * 64
    assert (await refused(node.registry.PublishRevision(request))).reason.code == "revision.unknown"
    assert not await designs_of(node)


async def test_a_licence_is_needed(commons: Commons, part: Path) -> None:
    node = commons.node()
    await node.upload(part)
    for nothing in ("", "  "):
        refusal = await refused(node.registry.PublishRevision(publication(part, licence=nothing)))
        assert refusal.reason.code == "licence.missing"
        assert "CERN-OHL-S-2.0" in refusal.remedy
    assert not await designs_of(node)


async def test_a_licence_that_nobody_knows_is_kept_and_shown_and_no_job_is_made_of_it(commons: Commons, part: Path) -> None:
    node = commons.node()
    await node.upload(part)
    for licence in ("MIT AND", "MIT WITH MIT", "LicenseRef-scancode-proprietary-license", "free for the neighbours"):
        published = await node.registry.PublishRevision(publication(part, licence=licence, title=licence))
        assert published.revision.manifest.licence == licence
        assert "licence.unknown" in [note.code for note in published.notes], licence
        known = await node.registry.GetRevision(v1.GetRevisionRequest(digest=published.revision.digest))
        assert [one.code for one in known.hindrances] == ["licence.not_routable"], licence


async def test_a_licence_that_is_spelled_in_a_common_wrong_way_is_corrected_with_a_note(commons: Commons, part: Path) -> None:
    node = commons.node()
    await node.upload(part)
    spellings = {
        "GPL3": "GPL-3.0-only",
        "CC BY-SA 4.0": "CC-BY-SA-4.0",
        "CERN OHL v1.2": "CERN-OHL-1.2",
        "LicenseRef-CC BY-SA-4.0": "CC-BY-SA-4.0",
    }
    for written, stored in spellings.items():
        published = await node.registry.PublishRevision(publication(part, licence=written, title=written))
        assert published.revision.manifest.licence == stored
        assert "licence.corrected" in [note.code for note in published.notes], written
        known = await node.registry.GetRevision(v1.GetRevisionRequest(digest=published.revision.digest))
        assert not known.hindrances, written


async def test_a_licence_is_kept_as_spdx_writes_it(commons: Commons, part: Path) -> None:
    node = commons.node()
    await node.upload(part)
    exception = "GPL-2.0-only WITH Classpath-exception-2.0"
    for written, stored in {"mit or cc0-1.0": "MIT OR CC0-1.0", exception: exception, "cern-ohl-w-2.0": "CERN-OHL-W-2.0"}.items():
        published = await node.registry.PublishRevision(publication(part, licence=written, title=written))
        assert published.revision.manifest.licence == stored


def _rename(request: v1.PublishRevisionRequest, path: str) -> None:
    request.manifest.files[0].path = request.manifest.parts[0].paths[0] = path


def _file_and_folder(request: v1.PublishRevisionRequest) -> None:
    first = request.manifest.files[0]
    request.manifest.files.add(path=f"{first.path}/inner.stl", sha256=first.sha256)


def _two_designs(request: v1.PublishRevisionRequest) -> None:
    request.design.id, request.manifest.design_id = "design-a", "design-b"


MISTAKES: dict[str, Callable[[v1.PublishRevisionRequest], object]] = {
    "no files": lambda r: r.manifest.ClearField("files"),
    "a file that is not here": lambda r: setattr(r.manifest.files[0], "sha256", "0" * 64),
    "another length": lambda r: setattr(r.manifest.files[0], "size_bytes", 7),
    "a path twice": lambda r: r.manifest.files.add().CopyFrom(r.manifest.files[0]),
    "a file that is also a folder": _file_and_folder,
    "a part without its file": lambda r: r.manifest.parts[0].paths.append("other.stl"),
    "a part without paths": lambda r: r.manifest.parts[0].ClearField("paths"),
    "a NUL in the title": lambda r: setattr(r.design, "title", "gear\0"),
    "a NUL in a note": lambda r: setattr(r.manifest, "note", "\0"),
    "a NUL in a tag": lambda r: r.manifest.description.tags.append("\0"),
    "no pieces": lambda r: setattr(r.manifest.parts[0], "quantity_per_product", 0),
    "a part twice": lambda r: r.manifest.parts.add().CopyFrom(r.manifest.parts[0]),
    "a nameless part": lambda r: setattr(r.manifest.parts[0], "name", " "),
    "another unit": lambda r: setattr(r.manifest.parts[0].demands, "unit", "parsec"),
    "no title": lambda r: r.design.ClearField("title"),
    "two designs at once": _two_designs,
    "a design that is not here": lambda r: setattr(r.design, "id", "design-unknown"),
    "a title without end": lambda r: setattr(r.design, "title", "x" * 10_000),
}


REFUSED = [
    ("no files", "revision.no_files"),
    ("a file that is not here", "file.unknown"),
    ("another length", "revision.file_size"),
    ("a path twice", "revision.path"),
    ("a file that is also a folder", "revision.path"),
    ("a part without its file", "revision.part"),
    ("a part without paths", "revision.part"),
    *((f"a NUL in {where}", "request.malformed") for where in ("the title", "a note", "a tag")),
    ("no pieces", "revision.part"),
    ("a part twice", "revision.part"),
    ("a nameless part", "revision.part"),
    ("another unit", "revision.unit"),
    ("no title", "request.missing"),
    ("two designs at once", "request.malformed"),
    ("a design that is not here", "design.unknown"),
    ("a title without end", "request.malformed"),
    *((path, "revision.path") for path in ("../up.stl", "/abs.stl", "a//b.stl", "a/./b.stl", "a\\b.stl", "C:/b.stl", "a\nb.stl", ".")),
]


async def test_what_cannot_be_kept_is_refused_and_leaves_nothing_behind(commons: Commons, part: Path) -> None:
    node = commons.node()
    await node.upload(part)
    for what, code in REFUSED:
        request = publication(part)
        MISTAKES.get(what, partial(_rename, path=what))(request)
        refusal = await refused(node.registry.PublishRevision(request))
        assert refusal.reason.code == code and refusal.remedy, what
        with commons.engine.connect() as connection:
            for table in METADATA.tables.values():
                assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar() == 0, (what, table.name)


async def test_files_and_parts_are_kept_in_one_order(commons: Commons, part: Path) -> None:
    node = commons.node("ada")
    other = await another(node, part, 25)
    await node.upload(part)
    one, two = publication(part), publication(other)
    ahead, behind = v1.PublishRevisionRequest(), v1.PublishRevisionRequest()
    for request, order in ((ahead, (one, two)), (behind, (two, one))):
        request.design.title, request.manifest.licence = "pair", "CC0-1.0"
        for single in order:
            request.manifest.files.extend(single.manifest.files)
            request.manifest.parts.extend(single.manifest.parts)
    first = await node.registry.PublishRevision(ahead)
    assert await node.registry.PublishRevision(behind) == first
    assert [file.path for file in first.revision.manifest.files] == ["bracket-25.stl", "bracket.stl"]


async def test_fields_that_this_version_does_not_know_survive(commons: Commons, part: Path) -> None:
    node = commons.node()
    await node.upload(part)
    newer = b"\xfa\x3e\x05hello"  # field 1007, as a later version of the contract may have it
    request = publication(part)
    request.manifest.MergeFromString(newer)
    request.design.MergeFromString(newer)
    published = await node.registry.PublishRevision(request)
    found = await node.registry.GetRevision(v1.GetRevisionRequest(digest=published.revision.digest))
    assert newer in found.revision.manifest.SerializeToString() and newer in found.design.SerializeToString()


async def test_designs_are_listed_in_pages_newest_first(commons: Commons, part: Path) -> None:
    node = commons.node()
    await node.upload(part)
    for number in range(7):
        await node.registry.PublishRevision(publication(part, title=f"design {number}"))
    titles, token = [], ""
    while True:
        page = await node.registry.ListDesigns(v1.ListDesignsRequest(page_size=3, page_token=token))
        assert len(page.designs) <= 3
        titles += [design.title for design in page.designs]
        token = page.next_page_token
        if not token:
            break
    assert titles == [f"design {number}" for number in reversed(range(7))]


async def test_a_list_of_a_whole_page_has_no_empty_page_after_it(commons: Commons, part: Path) -> None:
    node = commons.node()
    await commons.publish_file(node, part)
    page = await node.registry.ListDesigns(v1.ListDesignsRequest(page_size=1))
    assert len(page.designs) == 1 and not page.next_page_token


async def test_a_page_token_of_another_list_is_refused(commons: Commons) -> None:
    refusal = await refused(commons.node().registry.ListDesigns(v1.ListDesignsRequest(page_token="design-of-nobody")))
    assert refusal.reason.code == "page.token"


async def test_what_is_not_here_is_said_to_be_unknown(commons: Commons) -> None:
    node = commons.node()
    assert (await refused(node.registry.GetDesign(v1.GetDesignRequest(id="nothing")))).reason.code == "design.unknown"
    for name in ("", "nothing", "0" * 64):
        assert (await refused(node.registry.GetRevision(v1.GetRevisionRequest(digest=name)))).reason.code == "revision.unknown"
        watching = node.registry.WatchInspection(v1.WatchInspectionRequest(digest=name))
        assert (await refused(anext(aiter(watching)))).reason.code == "revision.unknown"


def test_the_migrations_make_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'commons.db'}")
    migrate(engine, "registry")
    made = sa.MetaData()
    made.reflect(engine, only=METADATA.tables.keys())
    for name, table in METADATA.tables.items():
        described = {column.name: (str(column.type), column.nullable, column.primary_key) for column in made.tables[name].columns}
        assert described == {
            column.name: (column.type.compile(engine.dialect), column.nullable, column.primary_key) for column in table.columns
        }
        assert {index.name for index in made.tables[name].indexes} == {index.name for index in table.indexes}
    engine.dispose()


def test_a_database_or_redis_that_is_away_is_told_as_such() -> None:
    nowhere = sa.create_engine("sqlite:////nowhere/at/all.db")
    with pytest.raises(sa.exc.OperationalError) as lost:
        nowhere.connect()
    told = explain(lost.value)
    assert told is not None and told.code == "node.database_away"
    with pytest.raises(redis.ConnectionError) as gone:
        redis.Redis(port=1, retry=Retry(NoBackoff(), 0)).ping()
    told = explain(gone.value)
    assert told is not None and told.code == "node.board_away"
    assert explain(ValueError("a mistake of ours")) is None


async def test_a_revision_from_before_there_were_descriptions_hands_its_title_on(commons: Commons, part: Path) -> None:
    node = commons.node()
    await node.upload(part)
    first = await node.registry.PublishRevision(publication(part, title="Old gear"))
    written = v1.Manifest()
    written.CopyFrom(first.revision.manifest)
    written.ClearField("description")
    with commons.engine.begin() as connection:
        connection.execute(REVISIONS.update().values(manifest=written.SerializeToString()))
    request = publication(part)
    request.design.Clear()
    request.design.id, request.manifest.note = first.design.id, "second"
    second = await node.registry.PublishRevision(request)
    assert second.revision.number == 2
    assert second.design.title == second.revision.manifest.description.title == "Old gear"
