# SPDX-License-Identifier: AGPL-3.0-or-later
"""Gathering what goes into a package from a node: the revision, what it derives from, the proofs of the designs' ids, and the evidence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from cli.calls import LARGEST_PAGE, all_of
from cli.output import bars, plain
from cli.package import layout
from cli.package.layout import Contents, Packed
from cli.package.verifying import begins, derived_from
from commonfab import v1
from commonfab.canonical import is_sha256
from commonfab.client import Node
from commonfab.errors import Refused, refusal_of
from commonfab.reasons import reason

M = TypeVar("M", bound=Message)


@dataclass
class Gathered:
    """What a package will hold. `photographs`: lengths by SHA-256; every file lies in a folder under its SHA-256."""

    answer: v1.GetRevisionResponse
    contents: Contents
    photographs: dict[str, int]
    notes: list[v1.Reason]


@dataclass
class _Known:
    """What was asked of the node so far: revisions by digest, the histories of their designs, oldest first."""

    node: Node
    revisions: dict[str, v1.Revision] = field(default_factory=dict)
    histories: dict[str, list[v1.Revision]] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)

    async def revision(self, digest: str) -> v1.Revision | None:
        """A revision, with its design's history looked up; None where the node does not have it."""
        if digest not in self.revisions and digest not in self.missing:
            try:
                found = await self.node.registry.GetRevision(v1.GetRevisionRequest(digest=digest))
            except grpc.aio.AioRpcError as error:
                if _code(error) != "revision.unknown":
                    raise
                self.missing.add(digest)
                return None
            await self.history(found.design.id)
        return self.revisions.get(digest)

    async def history(self, design_id: str) -> list[v1.Revision]:
        if design_id not in self.histories:
            told = await self.node.registry.GetDesign(v1.GetDesignRequest(id=design_id))
            self.histories[design_id] = list(reversed(told.revisions))
            self.revisions |= {revision.digest: revision for revision in told.revisions}
        return self.histories[design_id]


async def gather(node: Node, name: str, with_bill: bool, folder: Path) -> Gathered:
    """Everything for the package of a revision, with its files fetched into `folder`.

    Parameters: `name`, a digest or a design's id; `with_bill`, whether what its bill makes comes along.
    Errors: `Refused` (`revision.unknown`, `package.large`), `grpc.aio.AioRpcError`, `OSError`.
    """
    answer = await node.registry.GetRevision(v1.GetRevisionRequest(digest=name))
    known = _Known(node)
    await known.history(answer.design.id)
    main = known.revisions[answer.revision.digest]
    needed, notes = await _needed(known, main, with_bill)
    firsts = [
        first
        for first in _firsts(known, needed)
        if needed.keys() >= set(derived_from(first.manifest)) and await _fetched(node, first, folder)
    ]
    for digest in needed:
        await _fetch_all(node, known.revisions[digest], folder)
    whole = {*needed, *(revision.digest for revision in firsts)}
    earlier = [one.digest for one in known.histories[answer.design.id] if one.number < main.number]
    proofs = [one.digest for one in _firsts(known, needed)]
    told = [*oldest_first(known.revisions, {*whole, *earlier, *proofs} - {main.digest}), main.digest]
    if len(told) > layout.MOST_REVISIONS:
        raise Refused("package.large", f"{len(told)} revisions")
    revisions = tuple(_packed(known.revisions[digest], digest in whole) for digest in told)
    notes += [reason("package.unsigned", one.digest) for one in revisions if one.whole and one.signature is None]
    contents = await _with_evidence(node, revisions, [known.revisions[digest] for digest in told if digest in whole])
    return Gathered(answer, contents, await _photographs(node, contents, folder), notes)


def _packed(revision: v1.Revision, whole: bool) -> Packed:
    return Packed(revision.digest, revision.manifest, revision.signature if revision.HasField("signature") else None, whole)


async def _needed(known: _Known, main: v1.Revision, with_bill: bool) -> tuple[dict[str, None], list[v1.Reason]]:
    """The revision and all that it derives from; with its bill, also what that makes and what those derive from."""
    needed, waiting, notes = dict[str, None](), [main.digest], list[v1.Reason]()
    while waiting:
        digest = waiting.pop()
        revision = await known.revision(digest)
        if revision is None:
            notes.append(reason("closure.not_here", digest))
            continue
        needed[digest] = None
        if len(needed) > layout.MOST_REVISIONS:
            raise Refused("package.large", f"more than {layout.MOST_REVISIONS} revisions")
        onward = derived_from(revision.manifest)
        if with_bill:
            onward += [line.make.revision for line in revision.manifest.bill if line.HasField("make")]
        waiting += [one for one in dict.fromkeys(onward) if one not in needed and one not in known.missing and one not in waiting]
    return needed, notes


def _firsts(known: _Known, needed: dict[str, None]) -> list[v1.Revision]:
    """The first revisions of the designs of what is needed, where they are not needed themselves."""
    designs = dict.fromkeys(known.revisions[digest].manifest.design_id for digest in needed)
    histories = [known.histories.get(design_id, []) for design_id in designs]
    first = [next((one for one in history if begins(_packed(one, False))), None) for history in histories]
    return [one for one in first if one is not None and one.digest not in needed]


def oldest_first(revisions: Mapping[str, v1.Revision], digests: set[str]) -> list[str]:
    """In an order in which each stands behind what it derives from; the same for the same revisions, whichever node has them."""
    order, opened, placed = list[str](), set[str](), set[str]()
    stack = sorted(digests, reverse=True)
    while stack:
        digest = stack.pop()
        if digest in placed:
            continue
        if digest in opened:
            placed.add(digest)
            order.append(digest)
            continue
        opened.add(digest)
        before = {one for one in derived_from(revisions[digest].manifest) if one in digests} - opened
        stack += [digest, *sorted(before, reverse=True)]
    return order


async def _fetched(node: Node, revision: v1.Revision, folder: Path) -> bool:
    """Whether all files of a first revision are still there. Without them its signature alone proves whose the design is."""
    try:
        await _fetch_all(node, revision, folder)
    except grpc.aio.AioRpcError as error:
        if _code(error).startswith("file."):
            return False
        raise
    return True


async def _fetch_all(node: Node, revision: v1.Revision, folder: Path) -> None:
    wanted = {file.sha256: file for file in revision.manifest.files if not place_in(folder, file.sha256).exists()}
    with bars(of_bytes=True) as progress:
        task = progress.add_task("fetching", total=sum(file.size_bytes for file in wanted.values()))
        for sha256, file in wanted.items():
            progress.update(task, description=plain(file.path))
            await _fetch(node, sha256, folder, file.path)
            progress.advance(task, file.size_bytes)


def place_in(folder: Path, sha256: str) -> Path:
    """Where a file goes. A node is not trusted to name places outside `folder`. Errors: `Refused` (`file.sha256`)."""
    if not is_sha256(sha256):
        raise Refused("file.sha256", repr(sha256[:80]))
    return folder / sha256


async def _fetch(node: Node, sha256: str, folder: Path, told: str) -> None:
    try:
        await node.fetch(sha256, place_in(folder, sha256))
    except ValueError:
        raise Refused("file.arrived_wrong", told) from None


async def _with_evidence(node: Node, revisions: tuple[Packed, ...], whole: list[v1.Revision]) -> Contents:
    reports: list[v1.KeptBuildReport] = []
    defects: list[v1.Defect] = []
    for revision in whole:
        asked = v1.ListBuildReportsRequest(of=revision.digest, page_size=LARGEST_PAGE)
        reports += await _kept(node.evidence.ListBuildReports, asked, "reports")
        every = v1.ListDefectsRequest(of=revision.digest, closed_too=True, page_size=LARGEST_PAGE)
        defects += await _kept(node.evidence.ListDefects, every, "defects")
    recalls = tuple(revision.recall for revision in whole if revision.HasField("recall"))
    return Contents(revisions, tuple(reports), tuple(defects), recalls)


async def _kept(ask: Callable[[M], Awaitable[Any]], request: M, field: str) -> list[Any]:
    """All entries of all pages; none where the node is too old to keep such things."""
    try:
        return await all_of(ask, request, field)
    except grpc.aio.AioRpcError as error:
        if error.code() == grpc.StatusCode.UNIMPLEMENTED:
            return []
        raise


async def _photographs(node: Node, contents: Contents, folder: Path) -> dict[str, int]:
    """The photographs that are still there, fetched."""
    sizes = dict[str, int]()
    for sha256 in layout.photographs_of(contents):
        try:
            if not place_in(folder, sha256).exists():
                await _fetch(node, sha256, folder, sha256)
        except grpc.aio.AioRpcError as error:
            if not _code(error).startswith("file."):
                raise
            continue
        sizes[sha256] = (await asyncio.to_thread((folder / sha256).stat)).st_size
    return sizes


def _code(error: grpc.aio.AioRpcError) -> str:
    refusal = refusal_of(error)
    return refusal.reason.code if refusal is not None else ""
