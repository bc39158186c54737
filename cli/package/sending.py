# SPDX-License-Identifier: AGPL-3.0-or-later
"""Taking a verified package into a node: files, then revisions oldest first, then the evidence. Doing it twice changes nothing."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from cli.output import bars, plain
from cli.package.layout import Contents, Packed
from cli.package.reading import CHUNK_BYTES, Archive
from cli.package.verifying import Verified, begins
from commonfab import v1
from commonfab.client import Node
from commonfab.errors import Refused, refusal_of
from commonfab.reasons import reason


@dataclass
class Outcome:
    """What became of a package. `published` and `here`: digests, oldest first; `sent_bytes`: of files that the node did not have."""

    published: list[str] = field(default_factory=list)
    here: list[str] = field(default_factory=list)
    sent_bytes: int = 0
    reports: int = 0
    notes: list[v1.Reason] = field(default_factory=list)


async def take_in(node: Node, archive: Archive, verified: Verified, dry_run: bool) -> Outcome:
    """Send what the node does not have. Parameters: `dry_run`, whether only to find out.

    Errors: `Refused` (`package.digest` where the node names a revision otherwise), `grpc.aio.AioRpcError`, `OSError`.
    """
    outcome = Outcome()
    for packed in verified.contents.revisions:
        if not packed.whole:
            continue
        if await _is_here(node, packed.digest):
            outcome.here.append(packed.digest)
            continue
        if not dry_run:
            await _publish(node, archive, verified, packed, outcome)
        outcome.published.append(packed.digest)
    if not dry_run:
        await _send_evidence(node, archive, verified, outcome)
    return outcome


async def _is_here(node: Node, digest: str) -> bool:
    try:
        await node.registry.GetRevision(v1.GetRevisionRequest(digest=digest))
    except grpc.aio.AioRpcError as error:
        refusal = refusal_of(error)
        if refusal is None or refusal.reason.code != "revision.unknown":
            raise
        return False
    return True


async def _publish(node: Node, archive: Archive, verified: Verified, packed: Packed, outcome: Outcome) -> None:
    for sha256 in dict.fromkeys(file.sha256 for file in packed.manifest.files):
        outcome.sent_bytes += await _upload(node, archive, verified, sha256)
    request = v1.PublishRevisionRequest(manifest=packed.manifest, signature=packed.signature)
    origin = origin_of(verified.contents, packed)
    if origin is not None:
        request.origin.CopyFrom(origin)
    answer = await node.registry.PublishRevision(request)
    if answer.revision.digest != packed.digest:
        raise Refused("package.digest", packed.digest)
    outcome.notes.extend(answer.notes)


def origin_of(contents: Contents, packed: Packed) -> v1.Origin | None:
    """The first revision of the same design, where `packed` is a later one: it proves whose the design's id is."""
    if begins(packed):
        return None
    first = next((one for one in contents.revisions if one.manifest.design_id == packed.manifest.design_id and begins(one)), None)
    return v1.Origin(manifest=first.manifest, signature=first.signature) if first is not None else None


async def _upload(node: Node, archive: Archive, verified: Verified, sha256: str) -> int:
    """Send a file unless the node has it; returns how many bytes were sent."""
    if (await node.registry.StatFile(v1.StatFileRequest(sha256=sha256))).complete:
        return 0
    entry = verified.places[sha256]
    size = archive.infos[entry].file_size
    with tempfile.TemporaryDirectory(prefix="commonfab-import-") as folder, bars(of_bytes=True) as progress:
        unpacked = Path(folder) / "file"
        await asyncio.to_thread(_unpack, archive, entry, unpacked)
        task = progress.add_task(plain(entry), total=size)
        sent = await node.upload(unpacked, lambda done, total: progress.update(task, completed=done, total=total))
    if sent.sha256 != sha256:
        raise Refused("package.content", entry)
    return size


def _unpack(archive: Archive, entry: str, target: Path) -> None:
    with archive.opened(entry) as source, target.open("xb") as file:
        while chunk := source.read(CHUNK_BYTES):
            file.write(chunk)


async def _send_evidence(node: Node, archive: Archive, verified: Verified, outcome: Outcome) -> None:
    """Recalls first: they are what must not be missed. What the node does not take becomes a note."""
    contents = verified.contents
    whole = {packed.digest for packed in contents.revisions if packed.whole}
    for recall in contents.recalls:
        if recall.revision_digest in whole and (told := await _recall(node, recall)) is not None:
            outcome.notes.append(told)
    for kept in contents.reports:
        if kept.report.revision_digest in whole:
            why = await _refused(_report(node, archive, verified, kept))
            outcome.reports += why is None
            if why is not None:
                outcome.notes.append(reason("package.evidence", why.message))
    for defect in contents.defects:
        if defect.revision_digest in whole and not defect.HasField("closed_at"):
            why = await _refused(_defect(node, archive, verified, defect))
            if why is not None:
                outcome.notes.append(reason("package.evidence", why.message))


async def _recall(node: Node, recall: v1.Recall) -> v1.Reason | None:
    """Recall here what was recalled where the package comes from; a note where that is for somebody else to do."""
    known = await node.registry.GetRevision(v1.GetRevisionRequest(digest=recall.revision_digest))
    if known.revision.HasField("recall"):
        return None
    asked = v1.Recall(revision_digest=recall.revision_digest, reason=recall.reason, instead=recall.instead)
    why = await _refused(node.evidence.RecallRevision(v1.RecallRevisionRequest(recall=asked)))
    return None if why is None else reason("package.recall", f"{recall.revision_digest} ({recall.reason})")


async def _report(node: Node, archive: Archive, verified: Verified, kept: v1.KeptBuildReport) -> None:
    await _send_photographs(node, archive, verified, list(kept.report.photographs))
    request = v1.ReportBuildRequest(carried=True)
    if kept.HasField("signed_work"):
        request.work.CopyFrom(kept.signed_work)
    else:
        request.report.CopyFrom(kept.signed_report)
    if kept.HasField("place"):
        request.place.CopyFrom(kept.place)
    await node.evidence.ReportBuild(request)


async def _defect(node: Node, archive: Archive, verified: Verified, defect: v1.Defect) -> None:
    await _send_photographs(node, archive, verified, list(defect.photographs))
    filed = v1.Defect()
    filed.CopyFrom(defect)
    for set_there in ("id", "filed_by", "filed_at", "fixed_by", "closed_at", "closing_note"):
        filed.ClearField(set_there)
    await node.evidence.FileDefect(v1.FileDefectRequest(defect=filed))


async def _send_photographs(node: Node, archive: Archive, verified: Verified, named: list[str]) -> None:
    for sha256 in named:
        if sha256 in verified.places:
            await _upload(node, archive, verified, sha256)


async def _refused(call: Awaitable[Any]) -> v1.Reason | None:
    """Why a call was refused; None where it was not. A node that is too old for the call counts as refusing."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        refusal = refusal_of(error)
        if refusal is not None:
            return refusal.reason
        if error.code() == grpc.StatusCode.UNIMPLEMENTED:
            return reason("node.older", error.details() or "")
        raise
    return None
