# SPDX-License-Identifier: AGPL-3.0-or-later
"""The demo's story, step by step. Everything in it goes through the node's public calls, each person with a token of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from cli.calls import follow
from cli.demo.children import Children
from cli.demo.outcome import Outcome, check_outcome, read_outcome
from cli.demo.street import COMMUNITY, COMMUNITY_PLACE, MAKER, STREET, write_shop
from cli.demo.telling import JobTeller, Teller, tell_explanation, tell_parts
from cli.folder import gather, manifest
from cli.ledger import all_entries
from cli.output import plain
from cli.publishing import author_key, inspected, publish
from cli.up.announcement import Announcement, read_announcement
from commonfab import v1
from commonfab.client import Node, connect
from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.place import coarse_place
from commonfab.rpc_client import Endpoint
from commonfab.units import Quantity

WANTED = 5
LICENCE = "CERN-OHL-S-2.0"
START_SECONDS = 120.0
GEAR = v1.Design(
    title="Drive gear for a hand mincer",
    summary="Replaces the worn drive gear of an old hand mincer: module 1.5, 24 teeth, 10 mm bore with a 3 mm key.",
    tags=["gear", "repair", "kitchen"],
)
BRACKET = v1.Design(title="Shelf bracket 330", summary="Carries a board of 320 mm on a wall.", tags=["shelf", "bracket"])


@dataclass(frozen=True)
class Stage:
    """What the story is told with."""

    folder: Path
    children: Children
    clock: Clock
    teller: Teller


@dataclass(frozen=True)
class Cast:
    """The people of the story, each with their own token."""

    told: Announcement
    steward: Node
    maker: Node
    community: Node


async def tell_story(stage: Stage, closing: AsyncExitStack) -> tuple[Cast, Outcome]:
    """Tell it from the start of the node to the ledger. Connections stay open until `closing` ends.

    Errors: `Refused` (`demo.…`, `ledger.…`), `grpc.aio.AioRpcError`.
    """
    teller = stage.teller
    teller.head("A node, and three shops in one street")
    drawing = await stage.children.start("designs", "cli.demo.designs", str(stage.folder / "designs"), lasts=False)
    told = await _start_node(stage)
    cast = await _meet(told, closing)
    await _open_shops(stage, cast)
    teller.head("Ada publishes two designs")
    if await drawing.process.wait() != 0:
        raise Refused("demo.child", drawing.name)
    gear, bracket = [await _publish(stage, cast.maker, about, name) for about, name in ((GEAR, "gear"), (BRACKET, "bracket"))]
    await _until_shops_are_present(stage, cast)
    teller.head("Who could make them?")
    explanations = [await _explain(stage, cast, title, digest) for title, digest in (("the gear", gear), ("the bracket", bracket))]
    teller.head(f"The {COMMUNITY} asks for {WANTED} gears")
    job = await _have_made(stage, cast, gear)
    teller.head("The ledger")
    entries = await _recorded(stage, cast, job)
    _tell_ledger(teller, entries)
    outcome = read_outcome(job, entries, explanations, teller.seconds)
    check_outcome(outcome, job, entries, WANTED)
    teller.line(f"[bold green]{outcome.completed} of {outcome.requested} made, recorded, and every signature checked.[/bold green]")
    return cast, outcome


async def _start_node(stage: Stage) -> Announcement:
    data = stage.folder / "node"
    arguments = ("up", "--data-dir", str(data), "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0")
    await stage.children.start("node", "cli.main", *arguments)
    deadline = stage.clock.monotonic() + START_SECONDS
    while (told := read_announcement(data)) is None:
        await _wait_a_little(stage, deadline, "the start of the node")
    stage.teller.line(f"the node answers at {told.address}; its files are in {plain(told.data_dir)}")
    return told


async def _meet(told: Announcement, closing: AsyncExitStack) -> Cast:
    """Give everybody a token of the scope that they need and no other."""
    secret = await asyncio.to_thread(lambda: Path(told.steward_token_file).read_text(encoding="utf-8").strip())
    steward = await closing.enter_async_context(connect(Endpoint(told.address, secret)))

    async def join(scope: v1.Scope.ValueType, subject: str) -> Node:
        issued = await steward.access.IssueToken(v1.IssueTokenRequest(scope=scope, subject=subject))
        return await closing.enter_async_context(connect(Endpoint(told.address, issued.secret)))

    return Cast(told, steward, await join(v1.SCOPE_MAKER, MAKER), await join(v1.SCOPE_REQUESTER, COMMUNITY))


async def _open_shops(stage: Stage, cast: Cast) -> None:
    for shop in STREET:
        issued = await cast.steward.access.IssueToken(v1.IssueTokenRequest(scope=v1.SCOPE_SHOP, subject=shop.id))
        file = write_shop(shop, stage.folder / shop.id, cast.told.address, issued.secret)
        await stage.children.start(shop.id, "cli.main", "shop", "run", "--config", str(file))
        width, depth, height = shop.envelope_mm
        materials = ", ".join(shop.materials)
        stage.teller.line(f"{shop.name} opens: {shop.machine_name}, {shop.process}, {width} × {depth} × {height} mm, {materials}")


async def _publish(stage: Stage, maker: Node, about: v1.Design, name: str) -> str:
    """Publish a drawn folder. Returns the revision's digest."""
    files = gather([stage.folder / "designs" / name])
    # Ada's key is the demo's: the person at the terminal signs nothing here.
    key = author_key(stage.folder / "ada.pem")
    answer = await publish(maker, files, about, manifest(files, LICENCE, v1.Demands(unit="mm")), key)
    revision = answer.revision
    stage.teller.line(f"[bold]{plain(answer.design.title)}[/bold], {revision.manifest.licence}, revision {revision.digest[:12]}")
    tell_parts(stage.teller, (await inspected(maker, revision.digest)).parts)
    return revision.digest


async def _until_shops_are_present(stage: Stage, cast: Cast) -> None:
    deadline = stage.clock.monotonic() + START_SECONDS
    while True:
        known = (await cast.community.router.ListShops(v1.ListShopsRequest())).shops
        if {shop.shop.id for shop in known if shop.present} == {shop.id for shop in STREET}:
            return
        await _wait_a_little(stage, deadline, "the shops' first calls")


async def _explain(stage: Stage, cast: Cast, title: str, digest: str) -> v1.ExplainJobResponse:
    """Ask who could make something; nothing is committed by asking."""
    answer = await cast.community.router.ExplainJob(v1.ExplainJobRequest(request=_wish(digest, 1)))
    stage.teller.line(f"{title}, in PLA:")
    tell_explanation(stage.teller, answer)
    return answer


def _wish(digest: str, quantity: int) -> v1.JobRequest:
    place = coarse_place(*COMMUNITY_PLACE)
    return v1.JobRequest(revision=digest, quantity=quantity, material="pla", place=place, purpose="hand mincers to be mended")


async def _have_made(stage: Stage, cast: Cast, digest: str) -> v1.Job:
    """Ask for the gears and follow the job to its end. Returns it as the node shows it then."""
    router = cast.community.router
    asked = await router.RequestJob(v1.RequestJobRequest(request=_wish(digest, WANTED), idempotency_key=COMMUNITY))
    news = JobTeller(stage.teller, {shop.id: shop.name for shop in STREET})
    async for told in follow(cast.community, lambda: router.WatchJob(v1.WatchJobRequest(id=asked.job.id))):
        news.tell(told.job)
    return (await router.GetJob(v1.GetJobRequest(id=asked.job.id))).job


async def _recorded(stage: Stage, cast: Cast, job: v1.Job) -> list[v1.LedgerEntry]:
    """The ledger, once everything that was made of the job stands in it: the router's clerk enters it a moment after the job's end."""
    deadline = stage.clock.monotonic() + START_SECONDS
    while True:
        entries = await all_entries(cast.community)
        if sum(entry.work.pieces_good for entry in entries) >= job.pieces_good:
            return entries
        await _wait_a_little(stage, deadline, "the ledger's entries")


def _tell_ledger(teller: Teller, entries: Sequence[v1.LedgerEntry]) -> None:
    for entry in entries:
        work = entry.work
        minutes = work.machine_time.seconds / 60
        path = f"toolpath {work.toolpath_sha256[:12]}" if work.toolpath_sha256 else "no toolpath"
        made = f"{work.pieces_good} × {plain(work.part_name)}, {minutes:.0f} machine minutes, {work.grams:.0f} g, {path}, {work.control}"
        teller.line(f"entry {entry.number}: {plain(work.shop_id)} made {made}; signed, hash {entry.hash.hex()[:12]}")
        if work.note:
            teller.more(plain(work.note))


async def _wait_a_little(stage: Stage, deadline: float, what: str) -> None:
    if stage.clock.monotonic() > deadline:
        raise Refused("demo.late", what, limit=Quantity(START_SECONDS, "s"))
    await stage.clock.sleep(0.1)
