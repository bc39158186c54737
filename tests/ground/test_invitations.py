# SPDX-License-Identifier: AGPL-3.0-or-later
"""An invitation is good once, for a while, and not to be guessed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from clocks import ManualClock
from prometheus_client import CollectorRegistry

from commonfab import v1
from commonfab.access import AccessService, Trust
from commonfab.client import Node, connect
from commonfab.database import migrate, open_database
from commonfab.errors import Refused, refusal_of
from commonfab.ids import make_ids
from commonfab.invitation import Invitation, new_code, plain_code, read_invitation
from commonfab.invitations import MOST_WRONG_OF_ALL, MOST_WRONG_OF_ONE, WRONG_ANSWER_SECONDS, Invitations, neighbour_of
from commonfab.rpc_client import Endpoint
from commonfab.rpc_server import Mount, RunningServer, Transport, serve
from commonfab.tokens import TokenStore

WEEK = timedelta(days=7).total_seconds()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Any:
    url = f"sqlite:///{tmp_path / 'tokens.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    engine = open_database(url)
    migrate(engine, "commonfab")
    yield TokenStore(engine, clock, make_ids(clock))
    engine.dispose()


@pytest.fixture
async def server(store: TokenStore, clock: ManualClock) -> AsyncIterator[RunningServer]:
    service = AccessService(store, Trust(True, b"a" * 32), clock)
    mount = Mount("commonfab.v1.Access", v1.add_AccessServicer_to_server, service)
    running = await serve([mount], Transport("127.0.0.1:0"), store.holder, CollectorRegistry(), lambda error: None)
    yield running
    await running.stop(0)


def caller(server: RunningServer, token: str = "") -> Node:
    return connect(Endpoint(server.address, token))


async def code_of(call: Any) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    refusal = refusal_of(caught.value)
    assert refusal is not None and refusal.remedy
    return refusal.reason.code


async def wrong(node: Node, clock: ManualClock, code: str) -> str:
    """What is said of a wrong code, once its time has passed."""
    asked = asyncio.ensure_future(code_of(node.access.Join(v1.JoinRequest(code=code))))
    while not clock.sleepers and not asked.done():
        await asyncio.sleep(0.002)
    if not asked.done():
        clock.advance(WRONG_ANSWER_SECONDS)
    return await asked


async def test_a_steward_invites_and_a_newcomer_without_a_token_joins_once(
    server: RunningServer, store: TokenStore, clock: ManualClock
) -> None:
    async with caller(server, store.issue(v1.SCOPE_STEWARD, "sam").secret) as steward:
        invited = await steward.access.Invite(v1.InviteRequest(scope=v1.SCOPE_SHOP, subject="lena"))
    assert invited.good_for.ToTimedelta() == timedelta(days=7) and invited.tls and invited.authority_sha256 == b"a" * 32
    async with caller(server) as newcomer:
        joined = await newcomer.access.Join(v1.JoinRequest(code=f" {invited.code.lower().replace('-', ' ')}"))
        assert await wrong(newcomer, clock, invited.code) == "invitation.unknown", "a second time"
    async with caller(server, joined.secret) as lena:
        who = (await lena.access.WhoAmI(v1.WhoAmIRequest())).token
    assert (who.scope, who.subject, who.id) == (v1.SCOPE_SHOP, "lena", joined.token.id)


async def test_only_a_steward_invites(server: RunningServer, store: TokenStore) -> None:
    wanted = v1.InviteRequest(scope=v1.SCOPE_STEWARD, subject="mallory")
    for scope in (v1.SCOPE_MAKER, v1.SCOPE_SHOP, v1.SCOPE_REQUESTER):
        async with caller(server, store.issue(scope, "mallory").secret) as node:
            assert await code_of(node.access.Invite(wanted)) == "token.scope"
    async with caller(server) as nobody:
        assert await code_of(nobody.access.Invite(wanted)) == "token.missing"


async def test_wrong_used_and_expired_codes_are_told_nothing_and_wait_alike(
    server: RunningServer, store: TokenStore, clock: ManualClock
) -> None:
    invitations = Invitations(store, clock)
    used, old = invitations.invite(v1.SCOPE_SHOP, "lena"), invitations.invite(v1.SCOPE_SHOP, "lena", 60)
    assert invitations.join(used) is not None
    clock.advance(60)
    async with caller(server) as node:
        told = {await wrong(node, clock, code) for code in (used, old, new_code(), "x")}
    assert told == {"invitation.unknown"}
    assert clock.monotonic() == 60 + 4 * WRONG_ANSWER_SECONDS, "each of them waited"


async def test_who_guesses_is_not_even_looked_up_after_a_few_tries_and_may_try_again_later(
    server: RunningServer, store: TokenStore, clock: ManualClock
) -> None:
    code = Invitations(store, clock).invite(v1.SCOPE_SHOP, "lena")
    async with caller(server) as node:
        for _ in range(MOST_WRONG_OF_ONE):
            assert await wrong(node, clock, new_code()) == "invitation.unknown"
        assert await code_of(node.access.Join(v1.JoinRequest(code=code))) == "invitation.too_many"
        clock.advance(61)
        assert (await node.access.Join(v1.JoinRequest(code=code))).token.subject == "lena"


def test_many_guessers_at_once_are_counted_together_and_right_codes_are_not_counted(store: TokenStore, clock: ManualClock) -> None:
    invitations = Invitations(store, clock)
    for number in range(3 * MOST_WRONG_OF_ALL):
        invitations.forgive(invitations.note_try(f"ipv4:192.0.2.{number % 200}:1"))
    for number in range(MOST_WRONG_OF_ALL):
        invitations.note_try(f"ipv4:192.0.2.{number}:{number}")
    with pytest.raises(Refused) as refused:
        invitations.note_try("ipv4:198.51.100.1:7")
    assert refused.value.code == "invitation.too_many"


def test_a_home_with_many_addresses_counts_as_one() -> None:
    assert (
        neighbour_of("ipv6:%5B2001:db8:0:1::2%5D:40112")
        == neighbour_of("ipv6:[2001:db8:0:1:a:b:c:d]:9")
        != neighbour_of("ipv6:[2001:db8::2]:9")
    )
    assert neighbour_of("ipv4:192.0.2.7:1") == neighbour_of("ipv4:192.0.2.7:2") != neighbour_of("ipv4:192.0.2.8:1")


def test_the_code_itself_is_stored_nowhere_and_old_ones_are_swept(store: TokenStore, clock: ManualClock) -> None:
    invitations = Invitations(store, clock)
    code = invitations.invite(v1.SCOPE_SHOP, "lena", 60)
    with store.engine.connect() as connection:
        stored = str(connection.execute(sa.text("SELECT * FROM invitations")).all())
    assert "lena" in stored and plain_code(code) not in stored and code not in stored
    clock.advance(61)
    invitations.invite(v1.SCOPE_SHOP, "mia")
    with store.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM invitations")) == 1


@pytest.mark.parametrize("seconds", [0, -1, 91 * 86_400])
def test_an_invitation_is_neither_for_ever_nor_for_nothing(store: TokenStore, clock: ManualClock, seconds: float) -> None:
    with pytest.raises(Refused):
        Invitations(store, clock).invite(v1.SCOPE_SHOP, "lena", seconds)


async def test_two_who_join_with_one_code_at_the_same_moment_get_one_token(store: TokenStore, clock: ManualClock) -> None:
    invitations = Invitations(store, clock)
    code = invitations.invite(v1.SCOPE_SHOP, "lena")
    joined = await asyncio.gather(*(asyncio.to_thread(invitations.join, code) for _ in range(8)))
    assert len([one for one in joined if one]) == 1
    assert len(store.all()) == 1


def test_a_code_has_a_hundred_bits_and_forgives_what_people_misread() -> None:
    codes = {new_code() for _ in range(1000)}
    assert len(codes) == 1000 and all(len(plain_code(code)) == 20 for code in codes)
    assert len(set("".join(map(plain_code, codes)))) == 32
    assert plain_code("o0iL1-abcde") == "00111ABCDE"


@pytest.mark.parametrize(
    "invitation",
    [
        Invitation(new_code(), "127.0.0.1:4780"),
        Invitation(new_code(), "node.example:4780", tls=True),
        Invitation(new_code(), "[2001:db8::1]:4780", tls=True, authority=bytes(range(32))),
    ],
)
def test_an_invitation_is_read_as_it_was_written(invitation: Invitation) -> None:
    assert read_invitation(f" {invitation}\n") == invitation


def test_an_invitation_that_was_cut_off_is_not_taken_for_another() -> None:
    whole = str(Invitation(new_code(), "node.example:4780", tls=True, authority=bytes(range(32))))
    fingerprint = whole.index("/") + 1
    for length in (0, 10, 23, whole.index(":"), *range(fingerprint + 1, len(whole), 7), len(whole) - 1):
        with pytest.raises(Refused) as refused:
            read_invitation(whole[:length])
        assert refused.value.code == "invitation.malformed", whole[:length]
