# SPDX-License-Identifier: AGPL-3.0-or-later
"""The way to the board's Redis: one server, or a Redis Cluster."""

from __future__ import annotations

import random
from typing import TypeAlias

from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis, RedisCluster
from redis.exceptions import ClusterError, RedisClusterException, RedisError, ResponseError, TryAgainError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

BoardRedis: TypeAlias = Redis | RedisCluster
"""A client that returns bytes. Every script of the board has one key, so both understand it."""

CLUSTER = "+cluster"
CONNECT_SECONDS = 5

MOST_CONNECTIONS = 32
"""Most commands travel together (`courier.py`); the rest wait for a free connection, at most this long, s."""

WAIT_SECONDS = 20

TROUBLE = (RedisError, RedisClusterException, OSError)
"""Whatever a client may raise; redis-py derives what it raises of a cluster as a whole from no common class."""

REFUSES_WRITES = ("NOREPLICAS", "MISCONF", "CLUSTERDOWN", "LOADING")
"""How the answer of a Redis begins that is there and takes no writes now. Redis 6.2 puts words of its own before what a script met with."""


def open_redis(url: str) -> BoardRedis:
    """A client; nothing is sent before its first command.

    Parameters: `url`, as redis-py knows it (`redis://`, `rediss://`, `unix://`), or `redis+cluster://` and `rediss+cluster://` with any one
    node of a cluster. Errors: `ValueError`, `RedisClusterException` for a malformed one.
    """
    if not is_cluster(url):
        pool = BlockingConnectionPool.from_url(
            url, max_connections=MOST_CONNECTIONS, timeout=WAIT_SECONDS, socket_connect_timeout=CONNECT_SECONDS
        )
        return Redis.from_pool(pool)
    scheme, _, place = url.partition("://")
    return RedisCluster.from_url(f"{scheme.removesuffix(CLUSTER)}://{place}", socket_connect_timeout=CONNECT_SECONDS)


def is_cluster(url: str) -> bool:
    """Whether the URL names a Redis Cluster."""
    return url.partition("://")[0].endswith(CLUSTER)


async def open_listener(client: BoardRedis) -> Redis:
    """A client to subscribe with; the caller closes it, and opens another when it fails.

    A cluster carries what is published to all its nodes, so any one that answers will do; which one is left to chance, that the
    listeners spread. Errors: as the client's own.
    """
    if isinstance(client, Redis):
        return Redis(connection_pool=client.connection_pool)
    await client.initialize()
    nodes = client.get_nodes()
    for node in random.sample(nodes, len(nodes)):
        # With the node's own arguments, for they hold the password and the certificates. This client closes its pool with itself.
        listener = Redis.from_pool(ConnectionPool(connection_class=node.connection_class, **node.connection_kwargs))
        try:
            await listener.ping()
            return listener
        except (RedisError, OSError):
            await listener.aclose()
    # What is known of the cluster is out of date: the next command asks its nodes anew.
    await client.aclose()
    raise RedisConnectionError("no node of the Redis Cluster answers")


def is_away(error: Exception) -> bool:
    """Whether Redis could not be reached, or takes no writes now: what was asked may be asked again."""
    if isinstance(error, RedisConnectionError | RedisTimeoutError | ClusterError | TryAgainError | RedisClusterException):
        return True
    told = str(error)
    return isinstance(error, ResponseError) and (told.startswith(REFUSES_WRITES) or any(f": -{word} " in told for word in REFUSES_WRITES))
