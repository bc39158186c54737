# SPDX-License-Identifier: AGPL-3.0-or-later
"""A real S3 endpoint over HTTP on a free port of the loopback interface: the moto server."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from redis_servers import free_port

REGION = "us-east-1"


@dataclass
class ObjectStorePeer:
    """A running endpoint. `stop` and `start` let a test take it away and bring it back on the same port; what it holds stays."""

    port: int = field(default_factory=free_port)
    server: Any = None

    @property
    def endpoint(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        from moto.server import ThreadedMotoServer  # here, for it takes a third of a second

        self.server = ThreadedMotoServer("127.0.0.1", self.port, verbose=False)
        self.server.start()

    def stop(self) -> None:
        self.server.stop()


@pytest.fixture(scope="session")
def object_store_server() -> Iterator[ObjectStorePeer]:
    """The endpoint of this test process."""
    peer = ObjectStorePeer()
    peer.start()
    yield peer
    peer.stop()


@pytest.fixture
def object_store(object_store_server: ObjectStorePeer, monkeypatch: pytest.MonkeyPatch) -> ObjectStorePeer:
    """The endpoint, named in the environment as S3 clients look for it."""
    given = {"ENDPOINT_URL": object_store_server.endpoint, "REGION": REGION, "ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test"}
    for name, value in given.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    return object_store_server


@pytest.fixture
def s3_url(object_store: ObjectStorePeer) -> str:
    """A bucket of its own for each test, as `COMMONFAB_BLOBS_URL` names it."""
    bucket = f"commons-{secrets.token_hex(6)}"
    httpx.put(f"{object_store.endpoint}/{bucket}", verify=False).raise_for_status()  # reading the authorities takes 40 ms
    return f"s3://{bucket}/node"
