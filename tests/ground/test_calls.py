# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every call carries a token with a scope, and every refusal says why and what to do: over a real gRPC server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import CollectorRegistry

from commonfab import v1
from commonfab.access import AccessService
from commonfab.client import Node, connect
from commonfab.clock import SystemClock
from commonfab.database import migrate, open_database
from commonfab.errors import Refused, refusal_of
from commonfab.ids import make_ids
from commonfab.permissions import allowed_scopes, open_methods
from commonfab.rpc_client import Endpoint
from commonfab.rpc_server import Mount, RunningServer, Transport, serve
from commonfab.tokens import TokenStore


class BrokenLedger(v1.LedgerServicer):
    """Breaks in a way that nobody foresaw."""

    async def ListEntries(self, request: v1.ListEntriesRequest, context: Any) -> v1.ListEntriesResponse:
        raise ZeroDivisionError("the shelf fell down")


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    engine = open_database(f"sqlite:///{tmp_path / 'tokens.db'}")
    migrate(engine, "commonfab")
    clock = SystemClock()
    return TokenStore(engine, clock, make_ids(clock))


@pytest.fixture
async def server(store: TokenStore) -> AsyncIterator[RunningServer]:
    mounts = [
        Mount("commonfab.v1.Access", v1.add_AccessServicer_to_server, AccessService(store)),
        Mount("commonfab.v1.Ledger", v1.add_LedgerServicer_to_server, BrokenLedger()),
    ]
    running = await serve(mounts, Transport("127.0.0.1:0"), store.holder, CollectorRegistry(), lambda error: None)
    yield running
    await running.stop(0)


def node_of(server: RunningServer, token: str) -> Node:
    return connect(Endpoint(server.address, token))


async def refused(call: Any) -> tuple[grpc.StatusCode, v1.Refusal]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    refusal = refusal_of(caught.value)
    assert refusal is not None and refusal.reason.message and refusal.remedy
    return caught.value.code(), refusal


async def test_a_call_without_a_token_is_refused_and_told_how_to_get_one(server: RunningServer) -> None:
    async with node_of(server, "") as node:
        code, refusal = await refused(node.access.WhoAmI(v1.WhoAmIRequest()))
    assert (code, refusal.reason.code) == (grpc.StatusCode.UNAUTHENTICATED, "token.missing")
    assert "commonfab token issue" in refusal.remedy


async def test_a_made_up_token_is_refused(server: RunningServer) -> None:
    async with node_of(server, "cfab_made-up") as node:
        code, refusal = await refused(node.access.WhoAmI(v1.WhoAmIRequest()))
    assert (code, refusal.reason.code) == (grpc.StatusCode.UNAUTHENTICATED, "token.unknown")


async def test_a_token_acts_in_its_scope_only(server: RunningServer, store: TokenStore) -> None:
    maker = store.issue(v1.SCOPE_MAKER, "mia").secret
    async with node_of(server, maker) as node:
        answer = await node.access.WhoAmI(v1.WhoAmIRequest())
        assert (answer.token.scope, answer.token.subject) == (v1.SCOPE_MAKER, "mia")
        code, refusal = await refused(node.access.ListTokens(v1.ListTokensRequest()))
    assert (code, refusal.reason.code) == (grpc.StatusCode.PERMISSION_DENIED, "token.scope")
    assert "maker" in refusal.reason.message


async def test_a_revoked_token_is_refused_at_once(server: RunningServer, store: TokenStore) -> None:
    steward, maker = store.issue(v1.SCOPE_STEWARD, "sam").secret, store.issue(v1.SCOPE_MAKER, "mia")
    async with node_of(server, steward) as node:
        revoked = await node.access.RevokeToken(v1.RevokeTokenRequest(id=maker.token.id))
        again = await node.access.RevokeToken(v1.RevokeTokenRequest(id=maker.token.id))
        assert again.token.revoked_at == revoked.token.revoked_at
    async with node_of(server, maker.secret) as node:
        code, refusal = await refused(node.access.WhoAmI(v1.WhoAmIRequest()))
    assert (code, refusal.reason.code) == (grpc.StatusCode.UNAUTHENTICATED, "token.revoked")


async def test_a_steward_issues_tokens_that_work(server: RunningServer, store: TokenStore) -> None:
    async with node_of(server, store.issue(v1.SCOPE_STEWARD, "sam").secret) as node:
        issued = await node.access.IssueToken(v1.IssueTokenRequest(scope=v1.SCOPE_SHOP, subject="lena"))
        listed = await node.access.ListTokens(v1.ListTokensRequest())
    assert [token.subject for token in listed.tokens] == ["sam", "lena"]
    async with node_of(server, issued.secret) as node:
        assert (await node.access.WhoAmI(v1.WhoAmIRequest())).token.scope == v1.SCOPE_SHOP


@pytest.mark.parametrize("subject", ["", "Lena", "-lena", "a" * 65, "lena/../sam", "lena\n"])
async def test_a_subject_that_could_be_mistaken_is_refused(server: RunningServer, store: TokenStore, subject: str) -> None:
    async with node_of(server, store.issue(v1.SCOPE_STEWARD, "sam").secret) as node:
        code, _ = await refused(node.access.IssueToken(v1.IssueTokenRequest(scope=v1.SCOPE_SHOP, subject=subject)))
    assert code == grpc.StatusCode.INVALID_ARGUMENT


async def test_only_hashes_are_stored(store: TokenStore, tmp_path: Path) -> None:
    secret = store.issue(v1.SCOPE_SHOP, "lena").secret
    store.engine.dispose()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert secret.encode() not in stored and secret.removeprefix("cfab_").encode() not in stored


async def test_an_error_that_nobody_foresaw_is_told_without_its_insides(server: RunningServer, store: TokenStore) -> None:
    async with node_of(server, store.issue(v1.SCOPE_SHOP, "lena").secret) as node:
        code, refusal = await refused(node.ledger.ListEntries(v1.ListEntriesRequest()))
    assert (code, refusal.reason.code) == (grpc.StatusCode.INTERNAL, "node.broken")
    assert "shelf" not in refusal.reason.message


async def test_health_needs_no_token(server: RunningServer) -> None:
    async with grpc.aio.insecure_channel(server.address) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service="commonfab.v1.Access"))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_two_servers_cannot_share_an_address(server: RunningServer, store: TokenStore) -> None:
    with pytest.raises(RuntimeError):
        await serve([], Transport(server.address), store.holder, CollectorRegistry(), lambda error: None)


def test_a_token_is_never_sent_in_the_clear_beyond_this_machine() -> None:
    with pytest.raises(Refused) as refusal:
        connect(Endpoint("shop.example:4780", "cfab_secret"))
    assert refusal.value.code == "node.insecure"


def test_every_method_says_who_may_call_it() -> None:
    table = allowed_scopes()
    assert len(table) >= 20
    assert [method for method, scopes in table.items() if not scopes and method not in open_methods()] == []
    assert open_methods() == {"/commonfab.v1.Access/Join"}, "whoever has no token yet may fetch one, and nothing else"


def test_only_a_shop_may_speak_for_a_shop() -> None:
    assert allowed_scopes()["/commonfab.v1.ShopDesk/Synchronize"] == {v1.SCOPE_SHOP}
