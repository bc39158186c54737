# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a requester is told, over the network, by a node that runs as people run it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.duration_pb2 import Duration
from processes import NodeProcess
from stl_boxes import stl_box
from typer.testing import CliRunner

from cli.main import app
from commonfab import v1
from commonfab.client import Node, connect
from commonfab.errors import refusal_of
from commonfab.identity import sign_work
from commonfab.place import coarse_place
from commonfab.rpc_client import Endpoint

HERE = coarse_place(52.52, 13.405)


@dataclass
class People:
    """A maker, a requester, and a shop without an agent; `folder` is where the maker draws."""

    node: NodeProcess
    folder: Path
    name: str
    open: list[Node] = field(default_factory=list)

    async def _person(self, scope: v1.Scope.ValueType, role: str) -> Node:
        caller = self.node.caller(await self.node.token(scope, f"{self.name}-{role}"))
        self.open.append(caller)
        return caller

    async def come(self) -> None:
        self.maker = await self._person(v1.SCOPE_MAKER, "maker")
        self.requester = await self._person(v1.SCOPE_REQUESTER, "requester")
        self.shop = await self._person(v1.SCOPE_SHOP, "shop")

    async def publish(self, parts: dict[str, bytes], unit: str = "mm", material: str = "", licence: str = "CC0-1.0") -> str:
        """A design with one part a file. Returns the revision's digest once every part is inspected."""
        manifest = v1.Manifest(licence=licence)
        for name, content in parts.items():
            path = self.folder / f"{name}.stl"
            path.write_bytes(content)
            sent = await self.maker.upload(path)
            manifest.files.add(path=path.name, sha256=sent.sha256, size_bytes=sent.size_bytes)
            demands = v1.Demands(unit=unit, material=material)
            manifest.parts.add(name=name, paths=[path.name], quantity_per_product=1, demands=demands)
        request = v1.PublishRevisionRequest(design=v1.Design(title=self.name), manifest=manifest)
        published = await self.maker.registry.PublishRevision(request)
        async for _ in self.maker.registry.WatchInspection(v1.WatchInspectionRequest(digest=published.revision.digest)):
            pass
        return published.revision.digest

    async def present(self, *machines: v1.Machine, policy: v1.ShopPolicy | None = None) -> None:
        """Tell the router once that the shop and its machines are there."""
        key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
        shop = v1.Shop(id=f"{self.name}-shop", name="Shop", place=HERE, machines=machines, public_key=key, policy=policy)
        await self.shop.desk.Synchronize(v1.SynchronizeRequest(shop=shop, agent_run="run"))

    async def request(self, revision: str, once: str = "", **wish: Any) -> v1.Job:
        asked = v1.RequestJobRequest(request=v1.JobRequest(revision=revision, **{"quantity": 1, **wish}), idempotency_key=once)
        return (await self.requester.router.RequestJob(asked)).job

    async def refused(self, call: Any) -> tuple[grpc.StatusCode, v1.Refusal]:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        refusal = refusal_of(caught.value)
        assert refusal is not None and refusal.remedy
        return caught.value.code(), refusal

    async def jobs(self) -> list[v1.Job]:
        return list((await self.requester.router.ListJobs(v1.ListJobsRequest())).jobs)


@pytest.fixture
async def people(node: NodeProcess, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[People]:
    name = request.node.name.replace("_", "-").replace("test-", "").replace("[", "-").replace("]", "")[:40].strip("-")
    people = People(node, tmp_path, name)
    await people.come()
    yield people
    for caller in people.open:
        await caller.channel.close()


def printer(x: float = 200, y: float = 200, z: float = 180) -> v1.Machine:
    size = v1.Size(x=x, y=y, z=z)
    return v1.Machine(id="p", process="fdm", envelope_mm=size, materials=["pla"], state=v1.MACHINE_STATE_READY)


async def test_a_part_too_large_for_every_shop_waits_and_says_by_how_much(people: People) -> None:
    revision = await people.publish({"plank": stl_box(900, 20, 20)})
    await people.present(printer())
    job = await people.request(revision, place=HERE, within_km=1)
    assert job.state == v1.JOB_STATE_WAITING
    assert [reason.code for reason in job.waiting_for] == ["job.nobody_able"]

    explained = await people.requester.router.ExplainJob(v1.ExplainJobRequest(job_id=job.id))

    assert not explained.able
    mine = next(one for one in explained.refused if one.shop_id.startswith(people.name))
    assert [reason.message for reason in mine.reasons] == ["size.x needs 900 mm has 200 mm"]


async def test_a_suspect_unit_holds_the_job_with_the_sizes_until_a_person_confirms(people: People) -> None:
    revision = await people.publish({"tiny": stl_box(2, 2, 1)}, unit="")
    job = await people.request(revision)
    assert job.state == v1.JOB_STATE_HELD
    (question,) = job.waiting_for
    assert question.code == "units.suspect_inch" and "50.8 × 50.8 × 25.4 mm" in question.message, "the size in inches is shown"

    code, refusal = await people.refused(people.requester.router.ConfirmJob(v1.ConfirmJobRequest(id=job.id, codes=["size.z"])))
    assert (code, refusal.reason.code) == (grpc.StatusCode.FAILED_PRECONDITION, "job.confirm")
    confirmed = await people.requester.router.ConfirmJob(v1.ConfirmJobRequest(id=job.id, codes=["units.suspect_inch"]))
    assert confirmed.job.state in (v1.JOB_STATE_WAITING, v1.JOB_STATE_PLACED)


async def test_a_part_that_nobody_could_ever_make_is_refused_and_leaves_no_job(people: People) -> None:
    revision = await people.publish({"flat": stl_box(20, 20, 0)})
    code, refusal = await people.refused(people.request(revision))
    assert (code, refusal.reason.code) == (grpc.StatusCode.FAILED_PRECONDITION, "job.not_makeable")
    assert "volume" in refusal.reason.message, "what stands in the way is told"
    assert await people.jobs() == []


async def test_a_file_that_is_not_what_its_name_says_is_refused_and_leaves_no_design(people: People) -> None:
    status, refusal = await people.refused(people.publish({"torn": stl_box(20, 20, 20)[:-70]}))
    assert (status, refusal.reason.code) == (grpc.StatusCode.INVALID_ARGUMENT, "file.truncated")
    assert {figure.name: figure.value for figure in refusal.reason.figures} == {"announced": 12, "has": 10, "missing": 2}
    designs = (await people.maker.registry.ListDesigns(v1.ListDesignsRequest())).designs
    assert people.name not in [design.title for design in designs]


async def test_a_revision_of_several_parts_asks_which(people: People) -> None:
    revision = await people.publish({"lid": stl_box(20, 20, 2), "box": stl_box(20, 20, 20)})
    _, refusal = await people.refused(people.request(revision))
    assert (refusal.reason.code, refusal.reason.subject) == ("job.which_part", "box, lid")
    _, refusal = await people.refused(people.request(revision, part_name="handle"))
    assert refusal.reason.code == "job.part"
    assert (await people.request(revision, part_name="lid")).specification.part_name == "lid"


async def test_the_makers_material_cannot_be_swapped_for_another(people: People) -> None:
    revision = await people.publish({"cup": stl_box(30, 30, 30)}, material="petg")
    _, refusal = await people.refused(people.request(revision, material="pla"))
    assert refusal.reason.code == "job.material" and "petg" in refusal.reason.message


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"quantity": 0}, "job.quantity"),
        ({"quantity": 10_000_000}, "job.quantity"),
        ({"within_km": -1}, "request.malformed"),
        ({"place": v1.Place(cell="8b1f1d48b6dafff")}, "request.malformed"),
    ],
    ids=["none", "too-many", "negative-distance", "an-address"],
)
async def test_a_wish_that_makes_no_sense_is_refused(people: People, wish: dict[str, Any], code: str) -> None:
    status, refusal = await people.refused(people.request("whatever", **wish))
    assert (status, refusal.reason.code) == (grpc.StatusCode.INVALID_ARGUMENT, code)


async def test_an_unknown_design_is_refused(people: People) -> None:
    status, refusal = await people.refused(people.request("design-nowhere"))
    assert status == grpc.StatusCode.NOT_FOUND
    assert refusal.reason.code in ("revision.unknown", "design.unknown")


async def test_asking_twice_with_one_key_is_one_job(people: People) -> None:
    revision = await people.publish({"gear": stl_box(20, 20, 5)})
    one, again = await people.request(revision, once="monday"), await people.request(revision, once="monday")
    assert one.id == again.id
    assert [job.id for job in await people.jobs()] == [one.id]


async def test_jobs_are_listed_newest_first_in_pages(people: People) -> None:
    revision = await people.publish({"gear": stl_box(20, 20, 5)})
    made = [(await people.request(revision)).id for _ in range(5)]
    listed: list[str] = []
    page = v1.ListJobsResponse(next_page_token="")
    while True:
        page = await people.requester.router.ListJobs(v1.ListJobsRequest(page_size=2, page_token=page.next_page_token))
        listed += [job.id for job in page.jobs]
        if not page.next_page_token:
            break
    assert listed == made[::-1]


async def test_another_requesters_job_is_none_of_ones_business(people: People) -> None:
    revision = await people.publish({"gear": stl_box(20, 20, 5)})
    job = await people.request(revision)
    async with people.node.caller(await people.node.token(v1.SCOPE_REQUESTER, "nosy")) as nosy:
        calls = (
            nosy.router.GetJob(v1.GetJobRequest(id=job.id)),
            nosy.router.CancelJob(v1.CancelJobRequest(id=job.id)),
            nosy.router.ExplainJob(v1.ExplainJobRequest(job_id=job.id)),
        )
        for call in calls:
            status, refusal = await people.refused(call)
            assert (status, refusal.reason.code) == (grpc.StatusCode.PERMISSION_DENIED, "token.subject")
        assert not (await nosy.router.ListJobs(v1.ListJobsRequest())).jobs


async def test_whose_work_a_shop_takes_is_told_to_nobody_but_the_shop_and_the_steward(people: People) -> None:
    await people.present(policy=v1.ShopPolicy(requesters=["mia"], most_pieces=3))
    for who, told in ((people.requester, []), (people.maker, []), (people.shop, ["mia"])):
        (shop,) = [
            known.shop for known in (await who.router.ListShops(v1.ListShopsRequest())).shops if known.shop.id == f"{people.name}-shop"
        ]
        assert (list(shop.policy.requesters), shop.policy.most_pieces) == (told, 3)


async def test_who_asks_whether_it_can_be_there_in_time_is_told_how_many_pieces_would_be_late(people: People) -> None:
    revision = await people.publish({"vase": stl_box(60, 60, 60)})
    await people.present(printer())
    in_time, late = (v1.JobRequest(revision=revision, quantity=3, place=HERE, needed_in=Duration(seconds=s)) for s in (10**6, 60))
    for wish, told in ((in_time, []), (late, ["plan.late"])):
        answer = await people.requester.router.ExplainJob(v1.ExplainJobRequest(request=wish))
        assert [reason.code for reason in answer.waiting_for] == told


async def test_a_watched_job_is_told_at_every_change_until_it_ends(people: People) -> None:
    revision = await people.publish({"gear": stl_box(20, 20, 5)}, material="asa")
    job = await people.request(revision)
    states: list[int] = []

    async def watch() -> None:
        async for told in people.requester.router.WatchJob(v1.WatchJobRequest(id=job.id)):
            states.append(told.job.state)

    watching = asyncio.create_task(watch())
    async with asyncio.timeout(100):
        while not states:
            await asyncio.sleep(0.02)
        await people.requester.router.CancelJob(v1.CancelJobRequest(id=job.id))
        await watching
    assert states == [v1.JOB_STATE_WAITING, v1.JOB_STATE_CANCELLED]


async def test_asking_who_could_make_it_commits_nothing(people: People) -> None:
    revision = await people.publish({"gear": stl_box(20, 20, 5)})
    await people.present(printer())
    wish = v1.JobRequest(revision=revision, quantity=3, place=HERE)
    answer = await people.requester.router.ExplainJob(v1.ExplainJobRequest(request=wish))
    assert f"{people.name}-shop" in [one.shop_id for one in answer.able]
    assert await people.jobs() == []


async def test_of_a_licence_that_nobody_knows_no_job_is_made_and_explaining_names_it(people: People) -> None:
    revision = await people.publish({"cube": stl_box(20, 20, 20)}, licence="ask me nicely")
    _, refusal = await people.refused(people.request(revision))
    assert refusal.reason.code == "licence.not_routable"
    wish = v1.JobRequest(revision=revision, quantity=1)
    explained = await people.requester.router.ExplainJob(v1.ExplainJobRequest(request=wish))
    assert [why.code for why in explained.waiting_for] == ["licence.not_routable"] and not explained.able


async def test_a_recalled_revision_is_refused_at_once_and_what_was_asked_for_is_held(people: People) -> None:
    revision = await people.publish({"cube": stl_box(20, 20, 20)})
    job = await people.request(revision)
    recall = v1.Recall(revision_digest=revision, reason="it tips over")
    await people.maker.evidence.RecallRevision(v1.RecallRevisionRequest(recall=recall))
    _, refusal = await people.refused(people.request(revision))  # though the answer of a moment ago is still kept
    assert refusal.reason.code == "revision.recalled" and "it tips over" in refusal.reason.message
    async with asyncio.timeout(100):
        while (held := (await people.jobs())[0]).state != v1.JOB_STATE_HELD:
            await asyncio.sleep(0.02)
    assert (held.id, held.recall.reason) == (job.id, "it tips over")
    confirm = people.requester.router.ConfirmJob(v1.ConfirmJobRequest(id=job.id, codes=["revision.recalled"]))
    assert (await people.refused(confirm))[1].reason.code == "job.recalled"


async def test_the_notice_goes_with_the_offer_and_what_was_made_comes_back_as_a_build_report(people: People, node: NodeProcess) -> None:
    # Of a material that no other shop of these tests has, so that nobody else is asked first.
    revision = await people.publish({"cube": stl_box(20, 20, 20)}, material="petg", licence="CC-BY-4.0")
    shop_id, key = f"{people.name}-shop", Ed25519PrivateKey.generate()
    policy = v1.ShopPolicy(requesters=[f"{people.name}-requester"])
    machine = printer()
    machine.materials[:] = ["petg"]
    shop = v1.Shop(id=shop_id, place=HERE, machines=[machine], public_key=key.public_key().public_bytes_raw(), policy=policy)

    async def call(*events: v1.ShopEvent) -> v1.SynchronizeResponse:
        return await people.shop.desk.Synchronize(v1.SynchronizeRequest(shop=shop, agent_run="run", events=events))

    await call()
    job = await people.request(revision)
    async with asyncio.timeout(100):
        while not (offers := (await call()).offers):
            await asyncio.sleep(0.05)
    (offer,) = offers
    assert "CC-BY-4.0" in offer.notice and offer.notice == job.specification.notice
    assert [file.path for file in offer.files] == ["cube.stl"]

    token = await node.token(v1.SCOPE_STEWARD, "sam")
    sheet = await asyncio.to_thread(CliRunner().invoke, app, ["job", "sheet", job.id, "--node", node.address, "--token", token])
    assert sheet.output.startswith(f"# 1 × cube of {people.name}\n") and f"> {offer.notice.splitlines()[0]}" in sheet.output

    attempt = (await call(v1.ShopEvent(id="1", accept=v1.Accept(work_order_id=offer.work_order_id)))).receipts[0].attempt
    work = v1.CompletedWork(attempt=attempt, job_id=job.id, revision_digest=revision, part_name="cube", shop_id=shop_id, machine_id="p")
    work.process, work.pieces_good, work.control = "fdm", 1, "octoprint"
    start, complete = v1.Start(attempt=attempt), v1.Complete(signed=sign_work(work, key))
    for event in (v1.ShopEvent(id="2", start=start), v1.ShopEvent(id="3", complete=complete)):
        assert not (await call(event)).receipts[0].HasField("refusal")

    async with asyncio.timeout(100):
        while not (reports := (await people.maker.evidence.ListBuildReports(v1.ListBuildReportsRequest(of=revision))).reports):
            await asyncio.sleep(0.05)
    (kept,) = reports
    assert (kept.report.shop_id, kept.report.part_name, kept.place.cell, kept.carried) == (shop_id, "cube", HERE.cell, False)
    assert kept.signed_work == complete.signed


@pytest.mark.parametrize("secret", ["", "cfab_nonsense", "Bearer"])
async def test_no_wrong_token_gets_anywhere(node: NodeProcess, secret: str) -> None:
    async with connect(Endpoint(node.address, secret)) as caller:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await caller.router.ListShops(v1.ListShopsRequest())
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
