# SPDX-License-Identifier: AGPL-3.0-or-later
"""The way to the board's Redis: which client a URL gives, and what a caller is told when nothing can be written."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis, RedisCluster
from redis.exceptions import RedisError
from redis_servers import free_port

from router.opening import explain
from router.redis_door import TROUBLE, open_listener, open_redis


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://127.0.0.1:1/0", Redis),
        ("rediss://127.0.0.1:1/0", Redis),
        ("redis+cluster://127.0.0.1:1", RedisCluster),
        ("rediss+cluster://anna:hunter2@127.0.0.1:1", RedisCluster),
    ],
)
async def test_the_url_says_whether_it_is_a_cluster(url: str, kind: type) -> None:
    client = open_redis(url)
    assert type(client) is kind
    arguments = client.get_connection_kwargs()
    assert not url.startswith("rediss+") or (arguments["username"], arguments["password"]) == ("anna", "hunter2")
    await client.aclose()


@pytest.mark.parametrize("scheme", ["redis", "redis+cluster"])
async def test_where_nobody_answers_a_caller_is_told_to_try_again(scheme: str) -> None:
    client = open_redis(f"{scheme}://127.0.0.1:{free_port()}")
    for asked in (lambda: client.get("a"), lambda: _listen(client)):
        with pytest.raises(TROUBLE) as caught:
            await asked()
        told = explain(caught.value)
        assert told is not None and told.code == "node.board_away"
    await client.aclose()


async def _listen(client: Redis | RedisCluster) -> None:
    async with await open_listener(client) as listener, listener.pubsub() as channel:
        await channel.subscribe("bell")


async def test_a_redis_that_takes_no_writes_now_is_away_and_one_that_was_asked_wrongly_is_not(redis_url: str) -> None:
    client = open_redis(redis_url)
    await client.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(RedisError) as caught:
            await client.eval("return redis.call('SET', KEYS[1], 'b')", 1, "a")
        assert getattr(explain(caught.value), "code", "") == "node.board_away"
    finally:
        await client.config_set("min-replicas-to-write", 0)
    await client.set("a", "b")
    with pytest.raises(RedisError) as caught:
        await client.xlen("a")
    assert explain(caught.value) is None
    await client.aclose()


async def test_a_listener_of_one_server_leaves_its_client_open(redis_url: str) -> None:
    client = open_redis(redis_url)
    await _listen(client)
    assert await client.ping()
    await client.aclose()
