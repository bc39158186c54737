# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where parts of the commons meet: what each did rightly and both together did not."""

from __future__ import annotations

from pathlib import Path

import pytest
from commons import Commons, laptop_only, publication, refused
from drawings import binary_stl, box

from commonfab import v1
from commonfab.errors import LONGEST_TOLD
from commonfab.place import is_coarse


@pytest.fixture
def part(tmp_path: Path) -> Path:
    path = tmp_path / "bracket.stl"
    path.write_bytes(binary_stl(box(20, 30, 40)))
    return path


@laptop_only
async def test_a_further_revision_names_each_author_and_link_once(commons: Commons, part: Path) -> None:
    ada = commons.node("ada")
    await ada.upload(part)
    said = v1.Description(title="Gear", authors=["Ada"], links=[v1.Link(kind="manual", url="https://example.org")])
    first = publication(part)
    first.manifest.description.CopyFrom(said)
    made = await ada.registry.PublishRevision(first)
    again = v1.PublishRevisionRequest(design=v1.Design(id=made.design.id), manifest=publication(part).manifest)
    again.manifest.description.CopyFrom(v1.Description(authors=["Ada"], links=said.links, version="2"))
    later = (await ada.registry.PublishRevision(again)).revision.manifest.description
    assert (later.title, list(later.authors), len(later.links), later.version) == ("Gear", ["Ada"], 1, "2")


@laptop_only
async def test_a_refusal_about_a_long_name_reaches_the_caller_with_its_reason(commons: Commons) -> None:
    refusal = await refused(commons.node("ada").registry.GetClosure(v1.GetClosureRequest(revision="ß" * 20_000)))
    assert refusal.reason.code == "revision.unknown" and len(refusal.reason.subject.encode()) <= LONGEST_TOLD


@laptop_only
async def test_whoever_is_refused_in_the_middle_of_sending_hears_why(commons: Commons, tmp_path: Path) -> None:
    large = tmp_path / "large.step"
    large.write_bytes(bytes(8 * 1024 * 1024))
    steward = commons.node("sam", v1.SCOPE_STEWARD)
    await steward.housekeeping.SetQuota(v1.SetQuotaRequest(subject="ada", quota_bytes=1000))
    ada = commons.node("ada")
    for _ in range(20):  # gRPC's client forgot the reason about every third time
        assert (await refused(ada.upload(large))).reason.code == "quota.full"


@laptop_only
async def test_reading_from_far_behind_the_end_of_a_file_gives_nothing(commons: Commons, part: Path) -> None:
    ada = commons.node("ada")
    sent = await ada.upload(part)
    heard = [message async for message in ada.registry.FetchFile(v1.FetchFileRequest(sha256=sent.sha256, offset=2**64 - 1))]
    assert [message.chunk for message in heard] == [b""] and heard[0].size_bytes == sent.size_bytes


@pytest.mark.parametrize("cell", ["f" * 40, "0x871f1d489ffffff", " 871f1d489ffffff", "871f_1d489ffffff", "no cell", "\0"])
def test_what_only_looks_like_a_number_is_no_place(cell: str) -> None:
    assert not is_coarse(v1.Place(cell=cell))


@laptop_only
@pytest.mark.parametrize("figure", [float("nan"), float("inf"), -1.0])
async def test_a_demand_that_is_no_length_is_refused(commons: Commons, part: Path, figure: float) -> None:
    ada = commons.node("ada")
    await ada.upload(part)
    for field in ("thickness_mm", "tolerance_mm"):
        request = publication(part)
        setattr(request.manifest.parts[0].demands, field, figure)
        assert (await refused(ada.registry.PublishRevision(request))).reason.code == "request.malformed"


@laptop_only
async def test_what_is_filed_holds_no_sign_that_a_database_cannot_keep(commons: Commons, part: Path) -> None:
    ada = commons.node("ada")
    made = await commons.publish_file(ada, part)
    defect = v1.Defect(revision_digest=made.revision.digest, title="a\0b")
    assert (await refused(ada.evidence.FileDefect(v1.FileDefectRequest(defect=defect)))).reason.code == "request.malformed"
