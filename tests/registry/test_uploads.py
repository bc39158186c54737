# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files on their way into the commons and out of it."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import grpc
import pytest
from commons import Commons, refused

from commonfab import v1
from commonfab.client import Node
from registry.blobs import Stored

MIB = 1024 * 1024


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def messages(header: v1.UploadHeader, *chunks: bytes) -> AsyncIterator[v1.UploadFileRequest]:
    yield v1.UploadFileRequest(header=header)
    for chunk in chunks:
        yield v1.UploadFileRequest(chunk=chunk)


def header(content: bytes, offset: int = 0) -> v1.UploadHeader:
    return v1.UploadHeader(sha256=sha256(content), size_bytes=len(content), offset=offset)


async def fetched(node: Node, name: str, offset: int = 0) -> bytes:
    return b"".join([m.chunk async for m in node.registry.FetchFile(v1.FetchFileRequest(sha256=name, offset=offset))])


def stored_files(commons: Commons) -> list[Stored]:
    return list(commons.registry.blobs.all())


def staged_files(commons: Commons) -> list[Path]:
    return [path for path in (commons.settings.data_dir / "blobs" / "staging").rglob("*") if path.is_file()]


def in_use(path: Path) -> bool:
    """Whether the server still holds the staged file at `path`."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def by_beginning(content: bytes) -> v1.UploadHeader:
    """As a sender begins who computes the SHA-256 of the whole file only while sending it."""
    return v1.UploadHeader(beginning_sha256=sha256(content[:MIB]), size_bytes=len(content))


async def break_off(commons: Commons, node: Node, announced: v1.UploadHeader, content: bytes, sent: int) -> int:
    """Send the first `sent` bytes of a file and lose the connection under way; returns how many of them the server kept."""

    async def half() -> AsyncIterator[v1.UploadFileRequest]:
        yield v1.UploadFileRequest(header=announced)
        for begin in range(0, sent, MIB // 2):
            yield v1.UploadFileRequest(chunk=content[begin : begin + MIB // 2])
        await asyncio.Event().wait()

    async def received() -> int:
        asked = v1.StatFileRequest(sha256=announced.sha256, beginning_sha256=announced.beginning_sha256, size_bytes=announced.size_bytes)
        return (await node.registry.StatFile(asked)).received_bytes

    call = asyncio.ensure_future(node.registry.UploadFile(half()))
    while not await received():
        await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    while in_use(staged_files(commons)[0]):  # the server notices a moment after the client
        await asyncio.sleep(0.01)
    return await received()


@pytest.mark.parametrize("length", [3 * MIB + 17, 9 * MIB + 17])  # hashed before it is sent, and while it is sent
async def test_a_file_is_stored_once_whoever_sends_it(commons: Commons, tmp_path: Path, length: int) -> None:
    path = tmp_path / "part.stl"
    path.write_bytes(os.urandom(length))
    told: list[int] = []
    stored = await commons.node("ada").upload(path, lambda done, total: told.append(done))
    assert stored.size_bytes == length and told[-1] == length and len(told) > 1
    resent: list[int] = []
    assert await commons.node("ben").upload(path, lambda done, total: resent.append(done)) == stored
    assert resent == [length]  # nothing was sent
    commons.registry.blobs.settle([stored.sha256])
    assert len(stored_files(commons)) == 1 and not staged_files(commons)
    assert await fetched(commons.node("ben"), stored.sha256) == path.read_bytes()


async def test_a_sender_who_does_not_ask_first_still_stores_it_once(commons: Commons) -> None:
    content = os.urandom(1000)
    for subject in ("ada", "ben"):
        answer = await commons.node(subject).registry.UploadFile(messages(header(content), content))
        assert answer.sha256 == sha256(content)
    commons.registry.blobs.settle([sha256(content)])
    assert len(stored_files(commons)) == 1


@pytest.mark.parametrize(("length", "begun"), [(12 * MIB + 5, by_beginning), (7 * MIB + 5, header)], ids=["large", "small"])
async def test_an_upload_goes_on_where_the_connection_broke(
    commons: Commons, tmp_path: Path, length: int, begun: Callable[[bytes], v1.UploadHeader]
) -> None:
    content = os.urandom(length)
    node = commons.node("ada")
    kept = await break_off(commons, node, begun(content), content, 4 * MIB)
    assert 0 < kept <= 4 * MIB
    assert staged_files(commons)[0].read_bytes() == content[:kept]
    path = tmp_path / "part.stl"
    path.write_bytes(content)
    told: list[int] = []
    await node.upload(path, lambda done, total: told.append(done))
    assert min(told) > kept  # what was there was not sent again
    assert await fetched(node, sha256(content)) == content
    assert not staged_files(commons)


async def test_an_interrupted_upload_is_nobody_elses(commons: Commons) -> None:
    content = os.urandom(6 * MIB)
    await break_off(commons, commons.node("ada"), header(content), content, 5 * MIB)
    assert (await commons.node("ben").registry.StatFile(v1.StatFileRequest(sha256=sha256(content)))).received_bytes == 0


async def test_other_bytes_than_announced_are_refused_and_spoil_nothing(commons: Commons) -> None:
    right, wrong = os.urandom(5000), os.urandom(5000)
    honest, liar = commons.node("ada"), commons.node("mallory")
    refusal = await refused(liar.registry.UploadFile(messages(header(right), wrong)))
    assert refusal.reason.code == "file.digest" and sha256(wrong) in refusal.reason.message
    assert not stored_files(commons) and not staged_files(commons)
    await honest.registry.UploadFile(messages(header(right), right))
    assert await fetched(honest, sha256(right)) == right


async def test_a_resumed_upload_is_hashed_from_its_very_beginning(commons: Commons) -> None:
    content = os.urandom(6 * MIB)
    node = commons.node("ada")
    assert (await refused(node.registry.UploadFile(messages(header(content), content[:MIB])))).reason.code == "file.size"
    staged = staged_files(commons)[0]
    staged.write_bytes(bytes(MIB))  # the disk lost what had been written
    rest = [content[begin : begin + MIB] for begin in range(MIB, len(content), MIB)]
    assert (await refused(node.registry.UploadFile(messages(header(content, MIB), *rest)))).reason.code == "file.digest"
    assert not staged_files(commons)


async def test_who_was_refused_may_send_again_at_once(commons: Commons) -> None:
    """The lock is given back before the answer, however late the thread is that gives it back."""
    content, node = os.urandom(5000), commons.node("ada")
    for _ in range(20):
        refusal = await refused(node.registry.UploadFile(messages(header(content), content[:1000])))
        assert refusal.reason.code == "file.size"
        assert not in_use(staged_files(commons)[0])
    assert (await node.registry.UploadFile(messages(header(content), content))).size_bytes == 5000


async def test_an_empty_file_is_refused(commons: Commons) -> None:
    refusal = await refused(commons.node().registry.UploadFile(messages(header(b""))))
    assert refusal.reason.code == "file.empty" and refusal.remedy


async def test_a_file_above_the_limit_is_refused_before_it_is_sent(commons: Commons) -> None:
    announced = v1.UploadHeader(sha256="0" * 64, size_bytes=65 * MIB)
    refusal = await refused(commons.node().registry.UploadFile(messages(announced)))
    assert refusal.reason.code == "file.too_large"
    assert {figure.name: figure.value for figure in refusal.reason.figures} == {"has": 65 * MIB, "limit": 64 * MIB}
    assert not staged_files(commons)


async def test_more_bytes_than_announced_are_refused_and_thrown_away(commons: Commons) -> None:
    content = os.urandom(5000)
    refusal = await refused(commons.node().registry.UploadFile(messages(header(content), content, b"more")))
    assert refusal.reason.code == "file.size"
    assert not staged_files(commons) and not stored_files(commons)


async def test_an_upload_that_begins_elsewhere_than_what_is_here_is_refused(commons: Commons) -> None:
    content = os.urandom(5000)
    refusal = await refused(commons.node().registry.UploadFile(messages(header(content, 4000))))
    assert refusal.reason.code == "file.offset"


async def test_a_file_is_sent_by_one_call_at_a_time(commons: Commons) -> None:
    content = os.urandom(6 * MIB)
    node = commons.node("ada")
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[v1.UploadFileRequest]:
        yield v1.UploadFileRequest(header=header(content))
        for begin in range(0, 5 * MIB, MIB):
            yield v1.UploadFileRequest(chunk=content[begin : begin + MIB])
        begun.set()
        await go_on.wait()
        yield v1.UploadFileRequest(chunk=content[5 * MIB :])

    first = asyncio.ensure_future(node.registry.UploadFile(slowly()))
    await begun.wait()
    while not any(staged.stat().st_size for staged in staged_files(commons)):  # whoever has written holds the lock
        await asyncio.sleep(0.01)
    assert (await refused(node.registry.UploadFile(messages(header(content))))).reason.code == "file.busy"
    go_on.set()
    assert (await first).size_bytes == 6 * MIB
    assert await fetched(node, sha256(content)) == content


async def test_what_is_no_sha256_is_refused(commons: Commons) -> None:
    node = commons.node()
    for name in ("", "abc", "G" * 64, "A" * 64, "../../../../etc/passwd", "0" * 63 + "/"):
        calls = [
            node.registry.StatFile(v1.StatFileRequest(sha256=name)),
            node.registry.UploadFile(messages(v1.UploadHeader(sha256=name, size_bytes=4))),
            fetched(node, name),
        ]
        for call in calls:
            assert (await refused(call)).reason.code == "file.sha256", name


async def test_a_file_that_was_never_uploaded_cannot_be_fetched(commons: Commons) -> None:
    assert (await refused(fetched(commons.node(), "0" * 64))).reason.code == "file.unknown"


async def test_a_broken_download_goes_on_from_an_offset(commons: Commons) -> None:
    content = os.urandom(2 * MIB + 3)
    node = commons.node()
    await node.registry.UploadFile(messages(header(content), *[content[i : i + MIB] for i in range(0, len(content), MIB)]))
    assert await fetched(node, sha256(content), MIB + 1) == content[MIB + 1 :]
    assert await fetched(node, sha256(content), len(content)) == b""


async def test_a_chunk_before_the_header_and_one_too_long_are_refused(commons: Commons) -> None:
    async def headless() -> AsyncIterator[v1.UploadFileRequest]:
        yield v1.UploadFileRequest(chunk=b"abc")

    node = commons.node()
    assert (await refused(node.registry.UploadFile(headless()))).reason.code == "request.missing"
    content = bytes(MIB + 1)
    assert (await refused(node.registry.UploadFile(messages(header(content), content)))).reason.code == "request.malformed"


async def test_whoever_has_no_token_can_neither_upload_nor_fetch(commons: Commons) -> None:
    content = b"a part"
    await commons.node("ada").registry.UploadFile(messages(header(content), content))
    stranger = commons.node_with("")
    for call in (stranger.registry.UploadFile(messages(header(content))), fetched(stranger, sha256(content))):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED


async def test_a_file_with_the_same_beginning_as_one_on_its_way_is_sent_all_the_same(commons: Commons, tmp_path: Path) -> None:
    content, other = (bytes(MIB) + os.urandom(9 * MIB) for _ in range(2))
    node = commons.node("ada")
    await break_off(commons, node, by_beginning(content), content, 4 * MIB)
    path = tmp_path / "other.stl"
    path.write_bytes(other)
    assert (await node.upload(path)).sha256 == sha256(other)
    assert await fetched(node, sha256(other)) == other


async def test_a_file_with_the_same_beginning_as_a_stored_one_is_sent_all_the_same(commons: Commons, tmp_path: Path) -> None:
    content, other = (bytes(MIB) + os.urandom(9 * MIB) for _ in range(2))
    node = commons.node("ada")
    path = tmp_path / "part.stl"
    for one in (content, other):
        path.write_bytes(one)
        assert (await node.upload(path)).sha256 == sha256(one)
    assert await fetched(node, sha256(other)) == other


async def test_an_upload_that_nobody_goes_on_with_is_forgotten_after_a_week(commons: Commons) -> None:
    old, new = os.urandom(5000), os.urandom(5000)
    node = commons.node()
    for content in (old, new):
        assert (await refused(node.registry.UploadFile(messages(header(content), content[:1000])))).reason.code == "file.size"
    [long_ago] = [path for path in staged_files(commons) if path.name == sha256(old)]
    os.utime(long_ago, (0, 0))
    commons.registry.blobs.sweep(time.time())
    assert [path.name for path in staged_files(commons)] == [sha256(new)]


async def test_received_bytes_are_counted(commons: Commons) -> None:
    content = os.urandom(70_000)
    await commons.node().registry.UploadFile(messages(header(content), content))
    assert commons.metrics.get_sample_value("commonfab_received_bytes_total") == 70_000
