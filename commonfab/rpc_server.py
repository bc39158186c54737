# SPDX-License-Identifier: AGPL-3.0-or-later
"""A gRPC server in which every call carries a token, every refusal has a reason, and every call is counted."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import CollectorRegistry, Counter, Histogram

from commonfab.errors import Refused, status_of
from commonfab.permissions import TokenReader, admit, allowed_scopes, open_methods
from commonfab.settings import is_loopback

LARGEST_MESSAGE = 4 * 1024 * 1024
OPEN_SERVICES = ("/grpc.health.v1.Health/", "/grpc.reflection.v1alpha.ServerReflection/")
"""They tell nothing but the public contract and whether the node is up, so they need no token."""

log = logging.getLogger(__name__)

Explain = Callable[[Exception], Refused | None]
"""Turns an error that a room did not foresee, such as a lost database, into a refusal; None where it cannot."""


@dataclass(frozen=True)
class Mount:
    """One service to be served."""

    name: str
    add: Callable[[Any, grpc.aio.Server], None]
    servicer: object


@dataclass(frozen=True)
class Transport:
    """Where to listen, and the PEM files where it is with TLS."""

    listen: str
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True)
class RunningServer:
    """A server that answers.

    `local_address` is on loopback and without TLS: the way that one room of this node reaches another.
    """

    server: grpc.aio.Server
    address: str
    local_address: str
    health: health.aio.HealthServicer

    async def stop(self, grace_seconds: float = 2.0) -> None:
        """Take no more calls, let those under way end within the grace, then stop."""
        await self.health.enter_graceful_shutdown()
        await self.server.stop(grace_seconds)


async def serve(
    mounts: Sequence[Mount], transport: Transport, read_token: TokenReader, metrics: CollectorRegistry, explain: Explain
) -> RunningServer:
    """Start a server and return once it answers. Errors: `RuntimeError` where the address is taken."""
    guard = _Guard(read_token, CallMetrics(metrics), explain)
    server = grpc.aio.server(
        interceptors=[guard],
        options=[
            ("grpc.max_receive_message_length", LARGEST_MESSAGE),
            # Two nodes must not share a port by accident.
            ("grpc.so_reuseport", 0),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ],
    )
    healthy = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    for mount in mounts:
        mount.add(mount.servicer, server)
        await healthy.set(mount.name, health_pb2.HealthCheckResponse.SERVING)
    names = (*(mount.name for mount in mounts), health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
    host = transport.listen.rpartition(":")[0]
    address = f"{host}:{_bind(server, transport)}"
    local = address if is_loopback(address) and not transport.key else f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    await healthy.set("", health_pb2.HealthCheckResponse.SERVING)
    return RunningServer(server, address, local, healthy)


def _bind(server: grpc.aio.Server, transport: Transport) -> int:
    if transport.certificate and transport.key:
        pair = (transport.key.read_bytes(), transport.certificate.read_bytes())
        return server.add_secure_port(transport.listen, grpc.ssl_server_credentials([pair]))
    return server.add_insecure_port(transport.listen)


class CallMetrics:
    """What is counted of calls."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.calls = Counter("commonfab_calls", "Calls answered", ["method", "status"], registry=registry)
        self.refusals = Counter("commonfab_refusals", "Calls refused, by reason", ["code"], registry=registry)
        self.seconds = Histogram("commonfab_call_seconds", "Time to answer", ["method"], registry=registry)


class _Guard(grpc.aio.ServerInterceptor):
    """Stands before every method: admits the caller, turns errors into statuses, counts."""

    def __init__(self, read_token: TokenReader, metrics: CallMetrics, explain: Explain) -> None:
        self._read_token = read_token
        self._metrics = metrics
        self._explain = explain
        self._allowed = allowed_scopes()
        self._open = open_methods()

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any) -> Any:
        handler = await continuation(handler_call_details)
        method: str = handler_call_details.method
        if handler is None or method.startswith(OPEN_SERVICES):
            return handler
        authorization = dict(handler_call_details.invocation_metadata or ()).get("authorization", "")
        call = _Call(self, method, str(authorization))
        shape = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }
        if handler.response_streaming:
            wrap = grpc.stream_stream_rpc_method_handler if handler.request_streaming else grpc.unary_stream_rpc_method_handler
            return wrap(call.streaming(handler.unary_stream or handler.stream_stream), **shape)
        wrap_one = grpc.stream_unary_rpc_method_handler if handler.request_streaming else grpc.unary_unary_rpc_method_handler
        return wrap_one(call.single(handler.unary_unary or handler.stream_unary), **shape)

    def admit(self, method: str, authorization: str) -> None:
        if method in self._open:
            return
        admit(self._read_token, authorization, self._allowed.get(method, frozenset()))

    def refused(self, error: Exception, method: str) -> Refused:
        """What to tell the caller of `error`; the cause of an unforeseen one goes to the log only."""
        told = error if isinstance(error, Refused) else self._explain(error)
        if told is None:
            incident = secrets.token_hex(4)
            log.error("incident %s in %s", incident, method, exc_info=error)
            told = Refused("node.broken", incident)
        self._metrics.refusals.labels(told.code).inc()
        return told

    def count(self, method: str, status: grpc.StatusCode, started: float) -> None:
        self._metrics.calls.labels(method, status.name).inc()
        self._metrics.seconds.labels(method).observe(time.perf_counter() - started)


@dataclass(frozen=True)
class _Call:
    """One call on its way through the guard."""

    guard: _Guard
    method: str
    authorization: str

    def single(self, inner: Any) -> Any:
        async def answer(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            async with self._answering(context):
                message = await inner(request, context)
            return message

        return answer

    def streaming(self, inner: Any) -> Any:
        async def answer(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
            async with self._answering(context):
                async for message in inner(request, context):
                    yield message

        return answer

    @asynccontextmanager
    async def _answering(self, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[None]:
        started = time.perf_counter()
        status = grpc.StatusCode.OK
        try:
            self.guard.admit(self.method, self.authorization)
            yield
        except Exception as error:
            told = self.guard.refused(error, self.method)
            status = told.status
            await context.abort_with_status(status_of(told))
        finally:
            self.guard.count(self.method, status, started)
