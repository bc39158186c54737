# SPDX-License-Identifier: AGPL-3.0-or-later
"""The store of files: the same stories in a folder and in a bucket."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import obstore
import obstore.exceptions
import pytest
from peers.object_store import ObjectStorePeer

from commonfab import v1
from commonfab.errors import Refused
from registry.blobs import BlobStore, open_store
from registry.blobs.bucket import Bucket
from registry.blobs.folder import Folder
from registry.blobs.naming import key_of
from registry.blobs.wire import Piece

MIB = 1024 * 1024


@pytest.fixture(params=["folder", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return request.getfixturevalue("s3_url") if request.param == "s3" else f"file://{tmp_path}/the%20files"


@pytest.fixture
def store(url: str, tmp_path: Path) -> BlobStore:
    return open_store(url, tmp_path / "node", 64 * MIB)


@pytest.fixture
def in_folder(tmp_path: Path) -> BlobStore:
    return open_store("", tmp_path / "node", 64 * MIB)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def named(content: bytes, offset: int = 0) -> v1.UploadHeader:
    return v1.UploadHeader(sha256=sha256(content), size_bytes=len(content), offset=offset)


def by_beginning(content: bytes, offset: int = 0) -> v1.UploadHeader:
    return v1.UploadHeader(beginning_sha256=sha256(content[:MIB]), size_bytes=len(content), offset=offset)


def asked(content: bytes) -> v1.StatFileRequest:
    return v1.StatFileRequest(beginning_sha256=sha256(content[:MIB]), size_bytes=len(content))


def trailer(content: bytes) -> v1.UploadFileRequest:
    return v1.UploadFileRequest(trailer=v1.UploadTrailer(sha256=sha256(content)))


async def pieces(content: bytes, *last: v1.UploadFileRequest) -> AsyncIterator[Piece]:
    for begin in range(0, len(content), MIB):
        yield memoryview(content)[begin : begin + MIB]
    for message in last:
        yield message


async def keep(store: BlobStore, content: bytes) -> str:
    return (await store.receive("ada", named(content), pieces(content))).sha256


async def read(store: BlobStore, name: str, offset: int = 0) -> bytes:
    return b"".join([chunk async for chunk in store.read(name, offset)])


def place(store: BlobStore, name: str) -> Path:
    assert isinstance(store.shelf, Folder)
    return store.shelf.folder / key_of(name)


def left_over(store: BlobStore) -> list[Path]:
    return [path for path in store.staging.folder.rglob("*") if path.is_file()]


async def refusal(call: object) -> Refused:
    with pytest.raises(Refused) as caught:
        await call  # type: ignore[misc]
    return caught.value


async def test_a_file_comes_back_as_it_was_sent_from_any_place_on(store: BlobStore) -> None:
    content = os.urandom(18 * MIB + 17)  # a bucket takes it in parts
    name = await keep(store, content)
    assert name == sha256(content) and store.size(name) == len(content) and not left_over(store)
    for offset in (0, 9 * MIB + 1, len(content) - 1, len(content)):
        assert await read(store, name, offset) == content[offset:]
    chunks = [len(chunk) async for chunk in store.read(name, 0)]
    assert max(chunks) <= MIB


async def test_every_file_is_listed_once_with_its_length_and_its_time(store: BlobStore) -> None:
    contents = [os.urandom(1000 + number) for number in range(5)]
    for content in (*contents, contents[0]):
        await keep(store, content)
    with pytest.raises(Refused):
        await store.receive("ada", named(bytes(5000)), pieces(bytes(10)))  # what is on its way is no stored file
    found = {stored.sha256: stored for stored in store.all()}
    assert {name: stored.size_bytes for name, stored in found.items()} == {sha256(content): len(content) for content in contents}
    assert all(abs(stored.modified - time.time()) < 600 for stored in found.values())


async def test_a_program_that_needs_a_path_gets_one(store: BlobStore) -> None:
    content = os.urandom(3 * MIB)
    name = await keep(store, content)
    for _ in range(2):
        with store.local(name) as path:
            assert path.read_bytes() == content
    with pytest.raises(Refused, match="has not been uploaded"), store.local("0" * 64):
        pass


async def test_what_the_node_makes_itself_is_stored_once(store: BlobStore, tmp_path: Path) -> None:
    made = tmp_path / "mesh.stl"
    made.write_bytes(os.urandom(5000))
    assert store.adopt(made) == store.adopt(made) == sha256(made.read_bytes())
    assert await read(store, sha256(made.read_bytes())) == made.read_bytes()
    assert len(list(store.all())) == 1 and not left_over(store)


async def test_a_deleted_file_is_gone_and_can_be_sent_again(store: BlobStore) -> None:
    content = os.urandom(5000)
    name = await keep(store, content)
    store.delete(name)
    store.delete(name)
    assert not list(store.all())
    assert (await refusal(read(store, name))).code == "file.unknown"
    with pytest.raises(Refused) as caught:
        store.settle([name])
    assert caught.value.code == "file.unknown"
    assert await keep(store, content) == name


async def test_a_spoilt_file_is_found_by_hashing_again(store: BlobStore) -> None:
    name = await keep(store, os.urandom(5000))
    store.settle([name])
    assert store.hash_again(name) == name
    if isinstance(store.shelf, Bucket):
        obstore.put(store.shelf.store, key_of(name), b"other bytes")
    else:
        place(store, name).write_bytes(b"other bytes")
    assert store.hash_again(name) == sha256(b"other bytes")


async def test_a_file_that_is_hashed_while_it_is_sent_says_its_digest_last(store: BlobStore) -> None:
    content = os.urandom(3 * MIB)
    told = await store.receive("ada", by_beginning(content), pieces(content, trailer(content)))
    assert told.sha256 == sha256(content) and told.size_bytes == len(content)
    assert await read(store, told.sha256) == content and not left_over(store)
    assert store.stat("ben", asked(content)).likely_here
    store.delete(told.sha256)
    assert not store.stat("ben", asked(content)).likely_here


async def test_an_upload_that_ends_with_another_digest_or_with_none_is_refused(store: BlobStore) -> None:
    content = os.urandom(3 * MIB)
    assert (await refusal(store.receive("ada", by_beginning(content), pieces(content)))).code == "file.size"
    assert store.stat("ada", asked(content)).received_bytes == len(content)  # only its end was missing
    wrong = store.receive("ada", by_beginning(content), pieces(content, trailer(b"another")))
    assert (await refusal(wrong)).code == "file.digest"
    twice = store.receive("ada", named(content), pieces(content, trailer(content)))
    assert (await refusal(twice)).code == "request.malformed"
    assert not list(store.all()) and store.stat("ada", asked(content)).received_bytes == 0


async def test_an_upload_without_a_digest_goes_on_where_it_broke_off_and_is_nobody_elses(store: BlobStore) -> None:
    content = os.urandom(5 * MIB)
    assert (await refusal(store.receive("ada", by_beginning(content), pieces(content[: 2 * MIB])))).code == "file.size"
    assert store.stat("ada", asked(content)).received_bytes == 2 * MIB
    assert store.stat("ben", asked(content)).received_bytes == 0
    rest = pieces(content[2 * MIB :], trailer(content))
    assert (await store.receive("ada", by_beginning(content, 2 * MIB), rest)).sha256 == sha256(content)


async def test_a_header_that_names_no_file_is_refused(store: BlobStore) -> None:
    for header in (v1.UploadHeader(size_bytes=4), v1.UploadHeader(size_bytes=4, beginning_sha256="../../etc/passwd")):
        assert (await refusal(store.receive("ada", header, pieces(b"abcd")))).code == "file.sha256"
    with pytest.raises(Refused, match="not a SHA-256"):
        store.stat("ada", v1.StatFileRequest(beginning_sha256="../up", size_bytes=4))


async def test_a_bucket_that_is_away_loses_nothing_that_had_arrived(s3_url: str, object_store: ObjectStorePeer, tmp_path: Path) -> None:
    store = open_store(s3_url, tmp_path, 64 * MIB)
    content = os.urandom(2 * MIB)
    object_store.stop()
    try:
        with pytest.raises(obstore.exceptions.BaseError):
            await store.receive("ada", by_beginning(content), pieces(content, trailer(content)))
    finally:
        object_store.start()
    received = store.stat("ada", asked(content)).received_bytes
    assert received == len(content)
    rest = pieces(b"", trailer(content))
    name = (await store.receive("ada", by_beginning(content, received), rest)).sha256
    assert await read(store, name) == content


async def test_an_acknowledged_file_has_its_name_only_when_the_disk_has_it(in_folder: BlobStore) -> None:
    content, go_on = os.urandom(5000), asyncio.Event()
    loop = asyncio.get_running_loop()
    in_folder.settling.submit(asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result)  # the disk is busy
    name = await keep(in_folder, content)
    assert not place(in_folder, name).exists()
    assert in_folder.size(name) == 5000 and await read(in_folder, name) == content and in_folder.hash_again(name) == name
    assert [stored.sha256 for stored in in_folder.all()] == [name]
    in_folder.settle([name])  # as publishing does
    assert place(in_folder, name).read_bytes() == content
    go_on.set()


async def test_what_had_not_reached_the_disk_is_not_there_after_a_power_cut(in_folder: BlobStore) -> None:
    go_on = asyncio.Event()
    in_folder.settling.submit(asyncio.run_coroutine_threadsafe(go_on.wait(), asyncio.get_running_loop()).result)
    settled, fresh = await keep(in_folder, b"settled"), await keep(in_folder, b"fresh")
    in_folder.settle([settled])
    assert isinstance(in_folder.shelf, Folder)
    after = Folder(in_folder.shelf.folder, "the next run of the kernel")
    assert after.size(settled) == 7 and after.size(fresh) is None
    after.sweep(time.time() + 8 * 24 * 3600)
    assert in_folder.shelf.size(fresh) is None
    go_on.set()


async def test_a_node_that_was_killed_settles_what_it_had_acknowledged_when_it_starts_again(in_folder: BlobStore, tmp_path: Path) -> None:
    go_on = asyncio.Event()
    in_folder.settling.submit(asyncio.run_coroutine_threadsafe(go_on.wait(), asyncio.get_running_loop()).result)
    name = await keep(in_folder, b"fresh")
    again = open_store("", tmp_path / "node", MIB)
    again.sweep(time.time())
    assert place(again, name).read_bytes() == b"fresh"
    go_on.set()


async def test_a_stored_file_is_not_spoilt_by_the_remains_of_its_upload(in_folder: BlobStore) -> None:
    content = os.urandom(5000)
    name = await keep(in_folder, content)
    in_folder.settle([name])
    staged = in_folder.staging.place("ada", by_beginning(content))
    staged.parent.mkdir(exist_ok=True)
    os.link(place(in_folder, name), staged)  # a node was killed before it had cleared up
    assert in_folder.stat("ada", asked(content)).received_bytes == 0
    assert (await refusal(in_folder.receive("ada", by_beginning(content), pieces(b"other bytes")))).code == "file.size"
    assert place(in_folder, name).read_bytes() == content


@pytest.mark.parametrize("url", ["ftp://there/x", "s3://", "file://elsewhere/x", "blobs", "file:x"])
def test_a_place_that_is_none_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        open_store(url, tmp_path, MIB)
    assert caught.value.code == "node.blobs_url"
