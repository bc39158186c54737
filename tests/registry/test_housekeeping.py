# SPDX-License-Identifier: AGPL-3.0-or-later
"""Verifying what is kept, and who may have how much, over gRPC."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import obstore
import pytest
import sqlalchemy as sa
from commons import Commons, publication, refused
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from drawings import write_step

from commonfab import v1
from commonfab.client import Node
from commonfab.errors import refusal_of
from commonfab.identity import sign_manifest
from registry.blobs.bucket import Bucket
from registry.blobs.naming import key_of
from registry.tables import REVISIONS, UPLOADS


def note(folder: Path, name: str, size: int = 100) -> Path:
    """A file of `size` bytes whose content follows from its name."""
    path = folder / f"{name}.txt"
    path.write_bytes((name * size).encode()[:size])
    return path


def spoil(commons: Commons, sha256: str, content: bytes) -> None:
    """Put something else where a stored file lies, as a failing disk would."""
    shelf = commons.registry.blobs.shelf
    if isinstance(shelf, Bucket):
        obstore.put(shelf.store, key_of(sha256), content)
    else:
        (commons.settings.data_dir / "blobs" / key_of(sha256)).write_bytes(content)


async def publish(node: Node, *paths: Path, title: str = "Notes") -> v1.PublishRevisionResponse:
    for path in paths:
        await node.upload(path)
    files = [v1.FileEntry(path=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest()) for path in paths]
    manifest = v1.Manifest(licence="CC0-1.0", files=files)
    return await node.registry.PublishRevision(v1.PublishRevisionRequest(design=v1.Design(title=title), manifest=manifest))


async def faults(steward: Node) -> list[tuple[str, str, list[str]]]:
    found = []
    async for told in steward.housekeeping.VerifyFiles(v1.VerifyFilesRequest()):
        if told.fault:
            found.append((told.sha256, told.fault, list(told.revisions)))
    return sorted(found)


async def test_a_file_that_changed_or_is_gone_is_found_and_can_be_uploaded_again(commons: Commons, tmp_path: Path) -> None:
    steward, ada = commons.node("house", v1.SCOPE_STEWARD), commons.node()
    good, rotten, lost = (note(tmp_path, name) for name in ("good", "rotten", "lost"))
    digest = (await publish(ada, good, rotten, lost)).revision.digest
    assert await faults(steward) == []
    rotten_sha, lost_sha = (hashlib.sha256(path.read_bytes()).hexdigest() for path in (rotten, lost))
    content = bytearray(rotten.read_bytes())
    content[7] ^= 1
    spoil(commons, rotten_sha, bytes(content))
    commons.registry.blobs.delete(lost_sha)
    assert await faults(steward) == sorted([(rotten_sha, "changed", [digest]), (lost_sha, "missing", [digest])])
    assert (commons.settings.data_dir / "set-aside" / rotten_sha).read_bytes() == content
    assert not (await ada.registry.StatFile(v1.StatFileRequest(sha256=rotten_sha))).complete
    assert await faults(steward) == sorted([(rotten_sha, "missing", [digest]), (lost_sha, "missing", [digest])])
    await ada.upload(rotten)
    await ada.upload(lost)
    assert await faults(steward) == []


async def test_a_revision_that_was_changed_in_the_database_is_found(commons: Commons, tmp_path: Path) -> None:
    steward, ada = commons.node("house", v1.SCOPE_STEWARD), commons.node()
    changed = (await publish(ada, note(tmp_path, "one"), title="One")).revision
    signed = (await publish(ada, note(tmp_path, "two"), title="Two")).revision
    changed.manifest.licence = "MIT"
    forged = sign_manifest(changed.manifest, Ed25519PrivateKey.generate()).SerializeToString()
    with commons.engine.begin() as connection:
        one, two = REVISIONS.c.digest == changed.digest, REVISIONS.c.digest == signed.digest
        connection.execute(REVISIONS.update().where(one).values(manifest=changed.manifest.SerializeToString()))
        connection.execute(REVISIONS.update().where(two).values(signature=forged))
    assert await faults(steward) == sorted([("", "manifest", [changed.digest]), ("", "signature", [signed.digest])])


@pytest.mark.slow
async def test_a_mesh_that_inspection_had_drawn_is_drawn_again(commons: Commons, worker: None, tmp_path: Path) -> None:
    write_step(tmp_path / "part.step", 10, 20, 30)
    steward, node = commons.node("house", v1.SCOPE_STEWARD), commons.node()
    answer = await commons.publish_file(node, tmp_path / "part.step")
    [before] = await commons.inspected(node, answer.revision.digest)
    commons.registry.blobs.delete(before.report.mesh_sha256)
    assert await faults(steward) == [(before.report.mesh_sha256, "missing", [answer.revision.digest])]
    await asyncio.to_thread(commons.registry.inspections.send_again, 0.0)
    [after] = await commons.inspected(node, answer.revision.digest)
    assert after.report.mesh_sha256 and commons.registry.blobs.size(after.report.mesh_sha256)
    assert await faults(steward) == []


async def test_an_upload_over_the_quota_is_refused_before_its_first_byte(commons: Commons, tmp_path: Path) -> None:
    steward, ada = commons.node("house", v1.SCOPE_STEWARD), commons.node()
    await publish(ada, note(tmp_path, "first", 600))
    usage = (await steward.housekeeping.SetQuota(v1.SetQuotaRequest(subject="ada", quota_bytes=1000))).usage
    assert (usage.subject, usage.used_bytes, usage.quota_bytes, usage.files) == ("ada", 600, 1000, 1)
    told = await refused(ada.upload(note(tmp_path, "second", 401)))
    assert told.reason.code == "quota.full"
    assert {figure.name: figure.value for figure in told.reason.figures} == {"has": 600, "more": 401, "limit": 1000}
    assert "ada" in told.remedy
    assert not list((commons.settings.data_dir / "blobs" / "staging").glob("*/*"))
    await ada.upload(note(tmp_path, "third", 400))
    assert (await refused(ada.upload(note(tmp_path, "fourth", 1)))).reason.code == "quota.full", "what nobody published yet counts too"
    await ada.upload(note(tmp_path, "first", 600))
    await publish(ada, note(tmp_path, "third", 400), title="Third")
    assert [(one.subject, one.used_bytes) for one in (await steward.housekeeping.ListUsage(v1.ListUsageRequest())).usage] == [("ada", 1000)]


async def test_many_uploads_at_once_do_not_slip_under_a_quota_together(commons: Commons, tmp_path: Path) -> None:
    steward, ada = commons.node("house", v1.SCOPE_STEWARD), commons.node()
    await steward.housekeeping.SetQuota(v1.SetQuotaRequest(subject="ada", quota_bytes=1000))
    paths = [note(tmp_path, f"note {number}", 300) for number in range(8)]
    done = await asyncio.gather(*(ada.upload(path) for path in paths), return_exceptions=True)
    assert sum(isinstance(one, v1.UploadFileResponse) for one in done) == 3
    for one in done:
        if isinstance(one, grpc.aio.AioRpcError):
            told = refusal_of(one)
            assert told is not None and told.reason.code == "quota.full"


async def test_an_upload_that_was_not_what_was_announced_counts_no_longer(commons: Commons) -> None:
    steward, ada = commons.node("house", v1.SCOPE_STEWARD), commons.node()
    await steward.housekeeping.SetQuota(v1.SetQuotaRequest(subject="ada", quota_bytes=1000))

    async def messages() -> AsyncIterator[v1.UploadFileRequest]:
        yield v1.UploadFileRequest(header=v1.UploadHeader(sha256="0" * 64, size_bytes=900))
        yield v1.UploadFileRequest(chunk=bytes(900))

    told = await refused(ada.registry.UploadFile(messages()))
    assert told.reason.code == "file.digest"
    with commons.engine.connect() as connection:
        assert connection.execute(sa.select(UPLOADS.c.sha256)).first() is None


async def test_publishing_what_others_sent_counts_as_well(commons: Commons, tmp_path: Path) -> None:
    steward, ada, bob = commons.node("house", v1.SCOPE_STEWARD), commons.node(), commons.node("bob")
    await publish(ada, large := note(tmp_path, "large", 900))
    await steward.housekeeping.SetQuota(v1.SetQuotaRequest(subject="bob", quota_bytes=800))
    told = await refused(bob.registry.PublishRevision(notes(large)))
    assert told.reason.code == "quota.full"
    await steward.housekeeping.SetQuota(v1.SetQuotaRequest(subject="bob", quota_bytes=0))
    await bob.registry.PublishRevision(notes(large))
    for sent, quota in ((v1.SetQuotaRequest(subject="bob", quota_bytes=5), 5), (v1.SetQuotaRequest(subject="bob", as_everybody=True), 0)):
        usage = (await steward.housekeeping.SetQuota(sent)).usage
        assert (usage.used_bytes, usage.quota_bytes) == (900, quota)


def notes(path: Path) -> v1.PublishRevisionRequest:
    request = publication(path)
    del request.manifest.parts[:]
    return request


async def test_only_a_steward_keeps_house(commons: Commons) -> None:
    for scope in (v1.SCOPE_MAKER, v1.SCOPE_SHOP, v1.SCOPE_REQUESTER):
        node = commons.node("somebody", scope)
        for call in (
            node.housekeeping.CollectGarbage(v1.CollectGarbageRequest()),
            node.housekeeping.ListUsage(v1.ListUsageRequest()),
            node.housekeeping.SetQuota(v1.SetQuotaRequest(subject="somebody")),
        ):
            assert (await refused(call)).reason.code == "token.scope"
