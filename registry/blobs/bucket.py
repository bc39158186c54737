# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files in a bucket that speaks S3, by the same names as in a folder. What was taken in is there for good."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import obstore
from obstore.store import S3Store

from commonfab.addresses import is_loopback
from commonfab.errors import Refused
from registry.blobs.cache import Cache
from registry.blobs.naming import Stored, key_of, sha256_of_key
from registry.blobs.shelf import CHUNK_BYTES

PART_BYTES = 8 * 1024 * 1024
"""What is sent in one request. S3 takes parts of 5 MiB and more, and at most 10 000 of them: 80 GB a file."""

PARTS_AT_ONCE = 4
BATCH_BYTES = 1024 * 1024
RETRIES = 3
RETRY_SECONDS = 20.0


def open_bucket(name: str, prefix: str) -> S3Store:
    """The way to a bucket; nothing is sent yet. Endpoint, region and credentials come from the environment as for every S3 client
    (AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, …). Without TLS only an endpoint on this machine is spoken to.

    Errors: `obstore.exceptions.BaseError` for an environment that makes no sense.
    """
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT") or ""
    plain = urlsplit(endpoint)
    return S3Store(
        name,
        prefix=prefix or None,
        # The bucket then checks what arrives against what was sent.
        config={"checksum_algorithm": "SHA256"} | ({"endpoint": endpoint} if endpoint else {}),  # type: ignore[arg-type]
        client_options={"allow_http": plain.scheme == "http" and is_loopback(plain.netloc)},
        retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_SECONDS)},
    )


@dataclass(frozen=True)
class Bucket:
    """Files in a bucket, and copies of some on this machine."""

    store: S3Store
    cache: Cache

    def size(self, sha256: str) -> int | None:
        try:
            return obstore.head(self.store, key_of(sha256))["size"]
        except FileNotFoundError:
            return None

    def take(self, staged: Path, sha256: str) -> None:
        if self.size(sha256) is None:
            obstore.put(self.store, key_of(sha256), staged, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE)
        staged.unlink(missing_ok=True)

    def settle(self, names: Iterable[str]) -> None:
        for sha256 in names:
            if self.size(sha256) is None:
                raise Refused("file.unknown", sha256)

    async def read(self, sha256: str, offset: int) -> AsyncIterator[bytes]:
        with _known(sha256):
            size = (await obstore.head_async(self.store, key_of(sha256)))["size"]
            if offset >= size:
                return  # S3 refuses an empty range
            answer = await obstore.get_async(self.store, key_of(sha256), options={"range": {"offset": offset}})
            async for batch in answer.stream(min_chunk_size=BATCH_BYTES):
                view = memoryview(batch)
                for begin in range(0, len(view), CHUNK_BYTES):
                    yield bytes(view[begin : begin + CHUNK_BYTES])

    @contextmanager
    def local(self, sha256: str) -> Iterator[Path]:
        def fetch(file: BinaryIO) -> None:
            for batch in self._batches(sha256):
                file.write(batch)

        with self.cache.copy(sha256, fetch) as path:
            yield path

    def all(self) -> Iterator[Stored]:
        for page in obstore.list(self.store):
            for found in page:
                if sha256 := sha256_of_key(found["path"]):
                    yield Stored(sha256, found["size"], found["last_modified"].timestamp())

    def delete(self, sha256: str) -> None:
        with suppress(FileNotFoundError):
            obstore.delete(self.store, key_of(sha256))

    def hash_again(self, sha256: str) -> str:
        hasher = hashlib.sha256()
        for batch in self._batches(sha256):
            hasher.update(batch)
        return hasher.hexdigest()

    def sweep(self, now: float) -> None:
        self.cache.sweep(now)

    def _batches(self, sha256: str) -> Iterator[memoryview]:
        with _known(sha256):
            for batch in obstore.get(self.store, key_of(sha256)).stream(min_chunk_size=BATCH_BYTES):
                yield memoryview(batch)


@contextmanager
def _known(sha256: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise Refused("file.unknown", sha256) from None
