# SPDX-License-Identifier: AGPL-3.0-or-later
"""A design commons as a node runs it: a real gRPC server, a real database, a real redis-server, a real worker."""

from __future__ import annotations

import asyncio
import locale
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from clocks import ManualClock
from commons import CLUSTER, LAPTOP, Commons
from evidence_store import Store, open_store_at
from peers.postgres import database_at
from prometheus_client import CollectorRegistry

from commonfab.clock import SystemClock
from commonfab.database import migrate, open_database
from commonfab.ids import make_ids
from commonfab.rpc_server import Transport, serve
from commonfab.settings import NodeSettings
from commonfab.tokens import TokenStore
from registry.geometry.sandbox import Limits, Sandbox
from registry.opening import explain, open_registry
from registry.worker import work


@pytest.fixture(params=[LAPTOP, CLUSTER])
def settings(tmp_path: Path, redis_url: str, request: pytest.FixtureRequest) -> NodeSettings:
    """A node's settings, once for each way in which a node keeps its things. Whoever uses it, or `commons`, is tried on both."""
    kept = {}
    if request.param == CLUSTER:
        kept = {"database_url": request.getfixturevalue("emptied_postgres_url"), "blobs_url": request.getfixturevalue("s3_url")}
    return NodeSettings(data_dir=tmp_path / "node", listen="127.0.0.1:0", redis_url=redis_url, largest_file_mb=64, **kept)


@pytest.fixture(scope="session")
def migrated_postgres_url(postgres_server: int) -> Iterator[str]:
    """A PostgreSQL database with every table that the commons needs. Use `emptied_postgres_url`."""
    with database_at(postgres_server) as url:
        engine = open_database(url)
        for room in ("commonfab", "registry"):
            migrate(engine, room)
        engine.dispose()
        yield url


@pytest.fixture
def emptied_postgres_url(migrated_postgres_url: str) -> str:
    """That database, empty again: a second cheaper than one of its own for each test."""
    engine = open_database(migrated_postgres_url)
    with engine.begin() as connection:
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid) {others}")  # whoever did not close must not keep it locked
        tables = [name for name in sa.inspect(connection).get_table_names() if not name.startswith("alembic_version")]
        connection.exec_driver_sql(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE")
    engine.dispose()
    return migrated_postgres_url


@pytest.fixture
async def commons(settings: NodeSettings) -> AsyncIterator[Commons]:
    engine = open_database(settings.database())
    await asyncio.to_thread(migrate, engine, "commonfab")
    clock = SystemClock()
    tokens = TokenStore(engine, clock, make_ids(clock))
    metrics = CollectorRegistry()
    registry = open_registry(settings, engine, settings.redis_url, clock, make_ids(clock), metrics)
    await registry.start()
    server = await serve(registry.mounts, Transport(settings.listen), tokens.holder, metrics, explain)
    running = Commons(settings, engine, registry, server, tokens, [], metrics)
    yield running
    for node in running.nodes:
        await node.channel.close()
    await server.stop(0)
    await registry.close()
    engine.dispose()


class LastingSandbox(Sandbox):
    """A sandbox that workers of several tests use one after the other: its fork server takes a second to start."""

    def close(self) -> None:
        """Nothing yet: the next worker goes on with it."""

    def close_at_last(self) -> None:
        super().close()


@pytest.fixture(scope="session")
def workers_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LastingSandbox]:
    """The sandbox of `worker`, with the limits of a node that sets none."""
    folder = tmp_path_factory.mktemp("worker")
    lasting = LastingSandbox(Limits.of(NodeSettings(data_dir=folder)), folder / "scratch")
    yield lasting
    lasting.close_at_last()


@pytest.fixture
def worker(commons: Commons, workers_sandbox: LastingSandbox) -> Iterator[None]:
    """A worker on the queue of `commons`. It runs in a thread; its sandbox is the real one, with processes of its own."""
    told_to_stop = threading.Event()
    thread = threading.Thread(target=work, args=(commons.settings, commons.engine, workers_sandbox, told_to_stop))
    thread.start()
    yield
    told_to_stop.set()
    thread.join(120)
    assert not thread.is_alive()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox with limits that no file of these tests reaches."""
    with Sandbox(Limits(60, 4096), tmp_path_factory.mktemp("sandbox")) as opened:
        yield opened


@pytest.fixture(scope="session")
def corpus(shared: Path) -> Path:
    """Files as people publish them, with the table `measured.csv` of what other readers say of them."""
    return shared / "corpus"


@pytest.fixture(autouse=True)
def the_locale_stays() -> Iterator[None]:
    """lib3mf leaves the locale of its process at C when it writes, and other tests of this process would stumble over every "×"."""
    before = locale.setlocale(locale.LC_ALL)
    yield
    locale.setlocale(locale.LC_ALL, before)


@pytest.fixture(scope="session")
def empty_commons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the tables of the commons and nothing in them, to be copied."""
    file = tmp_path_factory.mktemp("commons") / "commons.db"
    engine = open_database(f"sqlite:///{file}")
    migrate(engine, "registry")
    engine.dispose()
    return file


@pytest.fixture
def store(tmp_path: Path, empty_commons: Path, manual_clock: ManualClock) -> Iterator[Store]:
    """A SQLite database with the tables of the commons, and no server before it."""
    shutil.copy(empty_commons, tmp_path / "commons.db")
    opened = open_store_at(f"sqlite:///{tmp_path / 'commons.db'}", tmp_path, manual_clock)
    yield opened
    opened.engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def each_store(request: pytest.FixtureRequest, tmp_path: Path, manual_clock: ManualClock) -> Iterator[Store]:
    """As `store`, on SQLite and on PostgreSQL: for what the two could do differently. A database of its own takes a second or two."""
    if request.param == "sqlite":
        yield request.getfixturevalue("store")
        return
    opened = open_store_at(request.getfixturevalue("postgres_url"), tmp_path, manual_clock)
    migrate(opened.engine, "registry")
    yield opened
    opened.engine.dispose()
