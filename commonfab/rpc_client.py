# SPDX-License-Identifier: AGPL-3.0-or-later
"""How every caller reaches a node: one channel, a token on every call, TLS beyond this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

from commonfab.addresses import is_loopback
from commonfab.errors import Refused

if TYPE_CHECKING:
    from commonfab.settings import CallerSettings


@dataclass(frozen=True)
class Endpoint:
    """A node and how to speak to it. With `ca`, a PEM file, TLS is used; without it only a loopback address is accepted."""

    address: str
    token: str
    ca: Path | None = None

    @staticmethod
    def from_settings(settings: CallerSettings) -> Endpoint:
        """The node that the environment names."""
        return Endpoint(settings.node, settings.token_in_force(), settings.ca)


def open_channel(endpoint: Endpoint) -> grpc.aio.Channel:
    """A channel to the node; nothing is sent yet. Errors: `Refused` (`node.insecure`)."""
    options = [
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # Without it a connection that fell silent is given up after a minute more: a home router that starts anew answers nothing at all.
        ("grpc.http2.ping_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        # The default backs off to two minutes; a home router that rebooted is back sooner.
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 5_000),
    ]
    carriers = [carrier(endpoint.token) for carrier in (_UnaryUnary, _UnaryStream, _StreamUnary)]
    if endpoint.ca is not None:
        credentials = grpc.ssl_channel_credentials(endpoint.ca.read_bytes())
        return grpc.aio.secure_channel(endpoint.address, credentials, options, interceptors=carriers)
    if not is_loopback(endpoint.address):
        raise Refused("node.insecure", endpoint.address)
    return grpc.aio.insecure_channel(endpoint.address, options, interceptors=carriers)


async def wait_until_reachable(channel: grpc.aio.Channel, address: str, seconds: float) -> None:
    """Return once the node takes connections. Errors: `Refused` (`node.unreachable`) after `seconds`."""
    try:
        await asyncio.wait_for(channel.channel_ready(), seconds)
    except TimeoutError:
        raise Refused("node.unreachable", address) from None


class _CarriesToken:
    def __init__(self, token: str) -> None:
        self._token = token

    async def _carry(self, continuation: Callable[[Any, Any], Any], details: Any, request: Any) -> Any:
        metadata = list(details.metadata or ())
        if self._token:
            metadata.append(("authorization", f"Bearer {self._token}"))
        return await continuation(details._replace(metadata=grpc.aio.Metadata(*metadata)), request)


class _UnaryUnary(_CarriesToken, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await self._carry(continuation, client_call_details, request)


class _UnaryStream(_CarriesToken, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await self._carry(continuation, client_call_details, request)


class _StreamUnary(_CarriesToken, grpc.aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await self._carry(continuation, client_call_details, request_iterator)
