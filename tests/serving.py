# SPDX-License-Identifier: AGPL-3.0-or-later
"""Small services of tests, on real gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import grpc
from redis_servers import free_port


@asynccontextmanager
async def serving(port: int, *adders: Callable[[grpc.aio.Server], None]) -> AsyncIterator[str]:
    """A server on a port of the loopback interface (0 takes a free one) with what `adders` add to it; answers its address.

    The port stays free for the next server of the same test when this one has ended.
    """
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    for add in adders:
        add(server)
    bound = server.add_insecure_port(f"127.0.0.1:{port or free_port()}")
    await server.start()
    try:
        yield f"127.0.0.1:{bound}"
    finally:
        await server.stop(None)
