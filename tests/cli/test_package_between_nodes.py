# SPDX-License-Identifier: AGPL-3.0-or-later
"""A design goes from one node to another as a package: the same digests there, once however often, and nothing of a bad one."""

from __future__ import annotations

import asyncio
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cli_nodes import Starter, UpNode, cube
from packages import ADA, Author, changed, packed

from cli.package.layout import Contents, Packed
from commonfab import v1
from commonfab.client import connect
from commonfab.rpc_client import Endpoint

pytestmark = pytest.mark.slow  # every command is a process of its own


@pytest.fixture(scope="module")
def far_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpNode]:
    """The node that packages go to."""
    starter = Starter()
    yield starter(tmp_path_factory.mktemp("far") / "node")
    starter.end_all()


@dataclass
class Published:
    """Revisions on a node, as their author signed them."""

    node: UpNode
    author: Author
    folder: Path

    def publish(self, title: str, files: dict[str, bytes], after: Packed | None = None, **more: Any) -> Packed:
        made = self.author.revision(title, files, after, **more)

        async def work() -> v1.PublishRevisionResponse:
            async with connect(Endpoint(self.node.address, self.node.steward_token)) as client:
                for content in files.values():
                    file = self.folder / "file"
                    file.write_bytes(content)
                    await client.upload(file)
                request = v1.PublishRevisionRequest(manifest=made.manifest, signature=made.signature)
                return await client.registry.PublishRevision(request)

        assert asyncio.run(work()).revision.digest == made.digest
        return made


@pytest.fixture
def published(shared_node: UpNode, tmp_path: Path) -> Published:
    return Published(shared_node, Author(ADA), tmp_path)


def told(node: UpNode, *arguments: str) -> dict[str, Any]:
    done = node.run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def titles(node: UpNode) -> list[str]:
    done = node.run("design", "list", "--json")
    return [one["title"] for one in json.loads(done.stdout)]


def stl(number: int) -> bytes:
    """A cube whose unused header tells it apart from the others."""
    return bytes([number]) * 80 + cube()[80:]


def test_a_design_is_the_same_on_another_node(published: Published, far_node: UpNode, tmp_path: Path) -> None:
    here = published.node
    part = v1.Part(name="rad", paths=["cad/rad.stl"], quantity_per_product=1)
    first = published.publish("Travelling wheel", {"cad/rad.stl": stl(1), "readme.md": b"turn it\n"}, parts=[part])
    zipped = tmp_path / "wheel.zip"
    assert told(here, "design", "export", first.digest, str(zipped))["revisions"] == [first.digest]
    with zipfile.ZipFile(zipped) as archive:
        assert archive.read("files/cad/rad.stl") == stl(1) and b"Travelling wheel" in archive.read("NOTICE")
        assert b"Travelling wheel" in archive.read("okh.toml")

    tried = told(far_node, "design", "import", str(zipped), "--dry-run")
    assert tried["published"] == [first.digest] and "Travelling wheel" not in titles(far_node)
    done = told(far_node, "design", "import", str(zipped))
    assert done["published"] == [first.digest] and done["design"] == first.manifest.design_id
    shown = told(far_node, "design", "show", first.digest)
    assert shown["design"]["id"] == first.manifest.design_id and shown["revision"]["signature"]["public_key"]
    again = told(far_node, "design", "import", str(zipped))
    assert (again["published"], again["here"], again["sent_bytes"]) == ([], [first.digest], 0)

    second = published.publish("Travelling wheel", {"cad/rad.stl": stl(2), "readme.md": b"turn it\n"}, after=first, parent=first.digest)
    third = published.publish("Travelling wheel", {"cad/rad.stl": stl(3)}, after=first)  # names no parent
    for revision, expected in ((second, [first.digest, second.digest]), (third, [first.digest, third.digest])):
        told(here, "design", "export", revision.digest, str(zipped), "--overwrite")
        done = told(far_node, "design", "import", str(zipped))
        assert done["here"] + done["published"] == expected and done["published"] == [revision.digest]
    fetched = far_node.run("design", "get", third.digest, str(tmp_path / "fetched"))
    assert fetched.returncode == 0 and (tmp_path / "fetched" / "cad" / "rad.stl").read_bytes() == stl(3)

    exported = tmp_path / "back.zip"  # what was imported can be passed on
    told(far_node, "design", "export", second.digest, str(exported))
    told(here, "design", "export", second.digest, str(zipped), "--overwrite")
    assert exported.read_bytes() == zipped.read_bytes()


def test_a_fork_brings_what_it_derives_from_and_a_product_what_it_is_made_of(
    published: Published, far_node: UpNode, tmp_path: Path
) -> None:
    gear = published.publish("Old gear", {"gear.stl": stl(10)})
    part = v1.Part(name="gear", paths=["gear.stl"], quantity_per_product=1)
    fork = published.publish("New gear", {"gear.stl": stl(11)}, parent=gear.digest, note="wider", parts=[part])
    line = v1.BillLine(name="gear", quantity=2, make=v1.Make(revision=fork.digest))
    box = published.publish("Gear box", {"box.stl": stl(12)}, bill=[line])
    zipped = tmp_path / "box.zip"
    assert told(published.node, "design", "export", box.digest, str(zipped))["revisions"] == [box.digest]
    assert told(far_node, "design", "import", str(zipped))["notes"][0]["code"] == "bill.not_here"
    whole = told(published.node, "design", "export", box.digest, str(zipped), "--with-bill", "--overwrite")
    assert whole["revisions"] == [gear.digest, fork.digest, box.digest]
    done = told(far_node, "design", "import", str(zipped))
    assert (done["here"], done["published"]) == ([box.digest], [gear.digest, fork.digest])
    uses = told(far_node, "design", "where-used", gear.manifest.design_id)["uses"]
    assert [(use["title"], use["distance"]) for use in uses] == [("New gear", 1), ("Gear box", 2)]
    closure = told(far_node, "design", "closure", box.digest, "--quantity", "3")
    assert [(one["title"], one["quantity"], one["here"]) for one in closure["make"]] == [("New gear", 6, "not")]
    assert closure["summary"] == "0 of 1 part can be made here, 1 cannot."


def test_of_a_package_that_was_changed_nothing_is_stored(published: Published, far_node: UpNode, tmp_path: Path) -> None:
    made = published.publish("Poisoned well", {"well.stl": stl(20)})
    zipped = tmp_path / "well.zip"
    told(published.node, "design", "export", made.digest, str(zipped))
    whole = zipped.read_bytes()
    for reindexed in (False, True):
        zipped.write_bytes(changed(whole, lambda entries: entries.update({"files/well.stl": stl(21)}), reindexed))
        done = far_node.run("design", "import", str(zipped))
        assert done.returncode == 1 and "package.content" in done.stderr and "Traceback" not in done.stderr
    zipped.write_bytes(whole[: len(whole) // 2])
    done = far_node.run("design", "import", str(zipped))
    assert done.returncode == 1 and "package.unreadable" in done.stderr
    assert "Poisoned well" not in titles(far_node)


def test_a_recall_travels_with_the_package(published: Published, far_node: UpNode, tmp_path: Path) -> None:
    made = published.publish("Sharp edge", {"edge.stl": stl(30)})

    async def recall() -> None:
        async with connect(Endpoint(published.node.address, published.node.steward_token)) as client:
            asked = v1.Recall(revision_digest=made.digest, reason="it cuts")
            await client.evidence.RecallRevision(v1.RecallRevisionRequest(recall=asked))

    asyncio.run(recall())
    zipped = tmp_path / "edge.zip"
    told(published.node, "design", "export", made.digest, str(zipped))
    told(far_node, "design", "import", str(zipped))
    assert told(far_node, "design", "show", made.digest)["revision"]["recall"]["reason"] == "it cuts"


def test_reports_and_defects_are_carried_over_and_not_counted_twice(far_node: UpNode, tmp_path: Path) -> None:
    author = Author(ADA)
    made = author.revision("Proven hook", {"hook.stl": stl(50)})
    defect = v1.Defect(id="defect-1", revision_digest=made.digest, title="the tip bends", severity=v1.SEVERITY_FUNCTIONAL, filed_by="cleo")
    zipped = tmp_path / "hook.zip"
    zipped.write_bytes(packed(Contents((made,), (author.report(made),), (defect,)), author.contents))
    for _ in range(2):
        done = told(far_node, "design", "import", str(zipped))
        assert (done["reports"], done["notes"]) == (1, [])

    async def kept() -> tuple[v1.ListBuildReportsResponse, v1.ListDefectsResponse]:
        async with connect(Endpoint(far_node.address, far_node.steward_token)) as client:
            reports = await client.evidence.ListBuildReports(v1.ListBuildReportsRequest(of=made.digest))
            return reports, await client.evidence.ListDefects(v1.ListDefectsRequest(of=made.digest))

    reports, defects = asyncio.run(kept())
    assert [(one.report.shop_id, one.carried) for one in reports.reports] == [("shop-north", True)]
    assert [one.title for one in defects.defects] == ["the tip bends"]


def test_an_unsigned_revision_is_exported_with_a_warning_and_taken_in_nowhere(
    shared_node: UpNode, far_node: UpNode, tmp_path: Path
) -> None:
    file = tmp_path / "peg.stl"
    file.write_bytes(stl(40))

    async def publish() -> str:
        async with connect(Endpoint(shared_node.address, shared_node.steward_token)) as client:
            sent = await client.upload(file)
            manifest = v1.Manifest(licence="CC0-1.0", files=[v1.FileEntry(path="peg.stl", sha256=sent.sha256)])
            answer = await client.registry.PublishRevision(v1.PublishRevisionRequest(design=v1.Design(title="Peg"), manifest=manifest))
            return answer.revision.digest

    digest = asyncio.run(publish())
    zipped = tmp_path / "peg.zip"
    assert [note["code"] for note in told(shared_node, "design", "export", digest, str(zipped))["notes"]] == ["package.unsigned"]
    done = far_node.run("design", "import", str(zipped))
    assert done.returncode == 1 and "package.unsigned" in done.stderr
    refused = shared_node.run("design", "export", digest, str(zipped))
    assert refused.returncode == 1 and "command.exists" in refused.stderr
