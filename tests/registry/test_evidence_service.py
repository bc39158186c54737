# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is known from making and using, as it is told over the network."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import pytest
from commons import Commons, refused
from drawings import binary_stl, box
from evidence_store import build, signed

from commonfab import v1
from commonfab.client import Node
from commonfab.permissions import allowed_scopes

SCOPES = [v1.SCOPE_MAKER, v1.SCOPE_SHOP, v1.SCOPE_REQUESTER, v1.SCOPE_STEWARD]

REQUESTS = {
    "ReportBuild": v1.ReportBuildRequest(),
    "ListBuildReports": v1.ListBuildReportsRequest(of="nothing"),
    "FileDefect": v1.FileDefectRequest(),
    "CloseDefect": v1.CloseDefectRequest(id="nothing"),
    "ListDefects": v1.ListDefectsRequest(of="nothing"),
    "RecallRevision": v1.RecallRevisionRequest(),
    "Follow": v1.FollowRequest(after=1_000_000),
}
"""For each method a request that is refused even with the right token, so that every call ends with a reason."""


@pytest.fixture
def part(tmp_path: Path) -> Path:
    path = tmp_path / "bracket.stl"
    path.write_bytes(binary_stl(box(20, 30, 40)))
    return path


async def code_of(node: Node, method: str) -> str:
    call = getattr(node.evidence, method)(REQUESTS[method])
    return (await refused(anext(aiter(call)) if isinstance(call, grpc.aio.UnaryStreamCall) else call)).reason.code


async def test_every_method_is_for_the_scopes_that_stand_in_the_contract(commons: Commons) -> None:
    for method in REQUESTS:
        allowed = allowed_scopes()[f"/commonfab.v1.DesignEvidence/{method}"]
        assert await code_of(commons.node_with(""), method) == "token.missing"
        for scope in SCOPES:
            code = await code_of(commons.node("somebody", scope), method)
            assert (code == "token.scope") == (scope not in allowed), (method, v1.Scope.Name(scope), code)


async def test_a_revision_comes_from_draft_to_built_to_recalled_and_a_follower_hears_of_each_step(
    commons: Commons, worker: None, part: Path, tmp_path: Path
) -> None:
    ada, lena = commons.node("ada"), commons.node("lenas-garage", v1.SCOPE_SHOP)
    stream = lena.evidence.Follow(v1.FollowRequest(processes=["additive"]))
    hears = aiter(stream)
    assert not (await anext(hears)).HasField("event")

    gear = (await commons.publish_file(ada, part, unit="mm")).revision.digest
    await commons.inspected(ada, gear)
    checked = (await asyncio.wait_for(anext(hears), 60)).event
    assert checked.maturity_changed.now == v1.MATURITY_CHECKED and "fdm" in checked.processes and checked.title == "bracket"

    picture = tmp_path / "made.jpg"
    picture.write_bytes(b"a photograph of a bracket")
    named = (await lena.upload(picture)).sha256
    report = build(
        gear, part="bracket", good=2, process="fdm", photographs=[named], sizes=[v1.MeasuredSize(name="length", measured_mm=20.1)]
    )
    answer = await lena.evidence.ReportBuild(signed(report))
    assert answer.maturity == v1.MATURITY_BUILT and answer.kept.report == report
    assert list((await ada.evidence.ListBuildReports(v1.ListBuildReportsRequest(of=gear))).reports) == [answer.kept]

    remy = commons.node("remy", v1.SCOPE_REQUESTER)
    said = v1.Defect(revision_digest=gear, title="it cracks", severity=v1.SEVERITY_DANGEROUS)
    filed = (await remy.evidence.FileDefect(v1.FileDefectRequest(defect=said))).defect
    recall = (
        await ada.evidence.RecallRevision(v1.RecallRevisionRequest(recall=v1.Recall(revision_digest=gear, reason="it cracks")))
    ).recall
    told = [(await asyncio.wait_for(anext(hears), 60)).event for _ in range(4)]
    assert [event.WhichOneof("event") for event in told] == ["build_reported", "maturity_changed", "defect_filed", "recalled"]
    assert told[2].defect_filed == filed and told[3].recalled == recall
    assert list((await lena.evidence.ListRecalls(v1.ListRecallsRequest())).recalls) == [recall]

    found = await ada.registry.GetRevision(v1.GetRevisionRequest(digest=gear))
    assert found.revision.maturity == found.design.maturity == v1.MATURITY_BUILT
    assert found.revision.open_defects == 1 and [reason.code for reason in found.hindrances] == ["revision.recalled"]
    closed = (await remy.evidence.CloseDefect(v1.CloseDefectRequest(id=filed.id, note="recalled"))).defect
    assert list((await ada.evidence.ListDefects(v1.ListDefectsRequest(of=gear, closed_too=True))).defects) == [closed]
    stream.cancel()


async def test_a_follower_who_leaves_is_forgotten(commons: Commons) -> None:
    streams = [commons.node().evidence.Follow(v1.FollowRequest()) for _ in range(3)]
    for stream in streams:
        await anext(aiter(stream))
    assert commons.registry.following.followers == 3
    for stream in streams:
        stream.cancel()
    async with asyncio.timeout(60):
        while commons.registry.following.followers:
            await asyncio.sleep(0.01)
