# SPDX-License-Identifier: AGPL-3.0-or-later
"""How a command calls a node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from commonfab.client import Node, connect
from commonfab.clock import SystemClock
from commonfab.errors import Refused, refusal_of
from commonfab.rpc_client import Endpoint
from commonfab.settings import CallerSettings

T = TypeVar("T")
M = TypeVar("M", bound=Message)

LARGEST_PAGE = 500
"""As many as a node sends at once."""

RECONNECT_SECONDS = 120.0
"""How long a watching command waits for a node that went away. A node restarts within a few seconds, on a small machine within a minute:
its Redis alone may take half of that to read a long file."""

RECONNECT_PAUSE_SECONDS = 0.5
"""Between two tries: a node that answers, while its Redis does not yet, must not be asked a thousand times a second."""


def endpoint(node: str | None, token: str | None, ca: Path | None) -> Endpoint:
    """The node that the options name, else the environment. Errors: `pydantic.ValidationError`."""
    given = {name: value for name, value in (("node", node), ("token", token), ("ca", ca)) if value is not None}
    return Endpoint.from_settings(CallerSettings.model_validate({**CallerSettings().model_dump(), **given}))


def call(where: Endpoint, work: Callable[[Node], Awaitable[T]]) -> T:
    """Do `work` with the node.

    Errors: `Refused` (`node.unreachable`, `node.tls`, `node.insecure`), else whatever `work` raises.
    """

    async def connected() -> T:
        async with connect(where) as node:
            try:
                return await work(node)
            except grpc.aio.AioRpcError as error:
                raise _lost(error, where) or error from None

    return asyncio.run(connected())


def _lost(error: grpc.aio.AioRpcError, where: Endpoint) -> Refused | None:
    """What a call that reached no node means; None where a node answered."""
    if error.code() != grpc.StatusCode.UNAVAILABLE or refusal_of(error):
        return None
    details = (error.details() or "").lower()
    if any(sign in details for sign in ("ssl", "tls", "handshake", "certificate")):
        return Refused("node.tls", where.address)
    return Refused("node.unreachable", where.address)


async def follow(node: Node, open_stream: Callable[[], AsyncIterable[T]]) -> AsyncIterator[T]:
    """The messages of a stream that begins with the present state, opened again where the node, or its Redis, restarts.

    Errors: `Refused` (`node.unreachable`) where the node stays away; `grpc.aio.AioRpcError` where it refuses, or was away from the first.
    """
    clock, silent_since = SystemClock(), None
    heard = False
    while True:
        try:
            async for message in open_stream():
                heard, silent_since = True, None
                yield message
            return
        except grpc.aio.AioRpcError as error:
            silent_since = silent_since or clock.monotonic()
            if error.code() != grpc.StatusCode.UNAVAILABLE or not heard or clock.monotonic() > silent_since + RECONNECT_SECONDS:
                raise
        await clock.sleep(RECONNECT_PAUSE_SECONDS)
        await node.reachable(RECONNECT_SECONDS)


async def all_of(ask: Callable[[M], Awaitable[Any]], request: M, field: str) -> list[Any]:
    """Everything in `field` of the answers, page after page until none follows.

    Parameters: `request`, with the `page_size` and `page_token` of a list; its token is moved on. Errors: as `ask`.
    """
    found: list[Any] = []
    while True:
        answer = await ask(request)
        found += getattr(answer, field)
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token  # type: ignore[attr-defined]
