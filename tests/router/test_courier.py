# SPDX-License-Identifier: AGPL-3.0-or-later
"""Commands that travel together: each gets its own answer or its own error, in order, and few packets carry many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError

from router.courier import MOST_TOGETHER, PACKETS_ON_THE_WAY, Courier

NAME = "the-couriers"


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url, client_name=NAME)
    yield client
    await client.aclose()


async def test_each_command_gets_its_own_answer(redis: Redis) -> None:
    courier = Courier(redis)
    answers = await asyncio.gather(*(courier.carry("ECHO", str(number)) for number in range(1000)))
    assert answers == [str(number).encode() for number in range(1000)]


async def test_commands_that_are_asked_for_in_one_go_are_carried_out_in_order(redis: Redis) -> None:
    courier = Courier(redis)
    await asyncio.gather(*(courier.carry("RPUSH", "list", str(number)) for number in range(MOST_TOGETHER)))
    assert await redis.lrange("list", 0, -1) == [str(number).encode() for number in range(MOST_TOGETHER)]  # type: ignore[misc]


async def test_one_command_that_fails_does_not_touch_the_others(redis: Redis) -> None:
    courier = Courier(redis)
    first, wrong, unknown, last = await asyncio.gather(
        courier.carry("SET", "text", "1"),
        courier.carry("LPUSH", "text", "2"),
        courier.carry("EVALSHA", "0" * 40, 0),
        courier.carry("GET", "text"),
        return_exceptions=True,
    )
    assert (first, last) == (True, b"1")
    assert isinstance(wrong, ResponseError) and isinstance(unknown, NoScriptError)


async def test_a_thousand_commands_take_a_few_packets(redis: Redis) -> None:
    courier = Courier(redis)
    await redis.config_resetstat()
    await asyncio.gather(*(courier.carry("INCR", "n") for _ in range(1000)))
    assert await redis.get("n") == b"1000"
    ours = [one for one in await redis.client_list() if one["name"] == NAME]  # others may still let go of theirs
    assert len(ours) <= PACKETS_ON_THE_WAY + 1


async def test_whoever_gave_up_before_the_packet_left_wants_nothing_any_more(redis: Redis) -> None:
    courier = Courier(redis)
    task = asyncio.create_task(courier.carry("SET", "unwanted", "1"))
    await asyncio.sleep(0)
    task.cancel()
    assert await courier.carry("EXISTS", "unwanted") == 0
    assert task.cancelled()


async def test_a_redis_that_is_away_is_told_to_everybody_who_waits_and_the_next_command_tries_again(redis: Redis) -> None:
    away = Redis(port=1, retry=None)
    courier = Courier(away)
    answers = await asyncio.gather(*(courier.carry("PING") for _ in range(3)), return_exceptions=True)
    assert all(isinstance(answer, RedisConnectionError) for answer in answers)
    with pytest.raises(RedisConnectionError):
        await courier.carry("PING")
    await away.aclose()
