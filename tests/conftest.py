# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the tests of several rooms share: a clock that is moved by hand, and a redis-server of their own."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))  # so that every test can say `from clocks import ManualClock`

from clocks import ManualClock
from peers.cncjs.peer import cncjs, cncjs_server, cncjs_with_a_user
from peers.grbl.peer import grbl_board
from peers.object_store import object_store, object_store_server, s3_url
from peers.octoprint.peer import octoprint, octoprint_server
from peers.postgres import postgres_server, postgres_url
from peers.prusalink.peer import prusalink, prusalink_server
from peers.required import prusa_slicer
from redis_servers import free_port, start_redis, stop_redis

__all__ = [
    "cncjs",
    "cncjs_server",
    "cncjs_with_a_user",
    "grbl_board",
    "object_store",
    "object_store_server",
    "octoprint",
    "octoprint_server",
    "postgres_server",
    "postgres_url",
    "prusa_slicer",
    "prusalink",
    "prusalink_server",
    "s3_url",
]  # fixtures that live beside their peer

# How long one example takes says how busy the computer is, and nothing about the product.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

SLOW_SECONDS = 900
"""After so long one of the slow tests hangs. Those take a minute or two on a computer at leisure, and five and more on a busy one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The limit of pyproject.toml is for the fast tests."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_SECONDS))


@pytest.fixture(scope="session", autouse=True)
def authors_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test signs with, or makes, the key of the person who runs the tests."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("COMMONFAB_AUTHOR_KEY", str(tmp_path_factory.mktemp("author") / "author.pem"))
        yield


@pytest.fixture(scope="session", autouse=True)
def signals_are_heard() -> Iterator[None]:
    """A shell's background job and nohup ignore these two, and so would whatever such a run of the tests starts."""
    heard = (signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)
    before = [(one, handler, signal.getsignal(one)) for one, handler in heard if signal.getsignal(one) is signal.SIG_IGN]
    for one, handler, _ in before:
        signal.signal(one, handler)
    yield
    for one, _, ignored in before:
        signal.signal(one, ignored)


@pytest.fixture
def manual_clock() -> ManualClock:
    """A clock that stands still until the test advances it."""
    return ManualClock()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real files of other projects, which are too many to lie here."""
    named = os.environ.get("COMMONFAB_SHARED")
    if not named:
        pytest.skip("COMMONFAB_SHARED does not name the folder of shared test files")
    return Path(named)


@pytest.fixture(scope="session")
def redis_server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The redis-server of this test process. Use `redis_url`, which leaves it empty for the next test."""
    port = free_port()
    process = start_redis(tmp_path_factory.mktemp("redis"), port)
    yield f"redis://127.0.0.1:{port}/0"
    stop_redis(process)


@pytest.fixture
def redis_url(redis_server_url: str) -> Iterator[str]:
    """The URL of a real redis-server, empty at the start of the test."""
    with redis.Redis.from_url(redis_server_url) as client:
        client.flushall()
        yield redis_server_url
        client.flushall()
