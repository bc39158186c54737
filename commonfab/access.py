# SPDX-License-Identifier: AGPL-3.0-or-later
"""The `Access` service: tokens over gRPC. Thin: translate, call, translate back."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any

from commonfab import __version__, v1
from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.invitations import GOOD_FOR_SECONDS, WRONG_ANSWER_SECONDS, Invitations
from commonfab.permissions import caller
from commonfab.tokens import TokenStore

SUBJECT = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")


def check_subject(subject: str) -> None:
    """Errors: `Refused` (`request.missing`, `request.malformed`)."""
    if not subject:
        raise Refused("request.missing", "subject")
    if not SUBJECT.fullmatch(subject):
        raise Refused("request.malformed", "a subject has 1 to 64 characters of a-z, 0-9, '-' and '.'")


@dataclass(frozen=True)
class Trust:
    """How newcomers know the node: whether it is called with TLS, and the SHA-256 of its own authority's certificate, where it has one."""

    tls: bool = False
    authority_sha256: bytes = b""


class AccessService(v1.AccessServicer):
    """Answers for the tokens of one node."""

    def __init__(self, store: TokenStore, trust: Trust = Trust(), clock: Clock | None = None) -> None:
        self._store = store
        self._trust = trust
        self._clock = clock or store.clock
        self._invitations = Invitations(store, self._clock)

    async def IssueToken(self, request: v1.IssueTokenRequest, context: Any) -> v1.IssueTokenResponse:
        _check_holder(request)
        return await asyncio.to_thread(self._store.issue, request.scope, request.subject)

    async def ListTokens(self, request: v1.ListTokensRequest, context: Any) -> v1.ListTokensResponse:
        return v1.ListTokensResponse(tokens=await asyncio.to_thread(self._store.all))

    async def RevokeToken(self, request: v1.RevokeTokenRequest, context: Any) -> v1.RevokeTokenResponse:
        return v1.RevokeTokenResponse(token=await asyncio.to_thread(self._store.revoke, request.id))

    async def Invite(self, request: v1.InviteRequest, context: Any) -> v1.InviteResponse:
        _check_holder(request)
        seconds = request.good_for.ToTimedelta().total_seconds() if request.HasField("good_for") else GOOD_FOR_SECONDS
        code = await asyncio.to_thread(self._invitations.invite, request.scope, request.subject, seconds)
        answer = v1.InviteResponse(code=code, tls=self._trust.tls, authority_sha256=self._trust.authority_sha256)
        answer.good_for.FromMilliseconds(round(seconds * 1000))
        return answer

    async def Join(self, request: v1.JoinRequest, context: Any) -> v1.JoinResponse:
        peer = context.peer()
        tried = self._invitations.note_try(peer)
        joined = await asyncio.to_thread(self._invitations.join, request.code)
        if joined is None:
            await self._clock.sleep(WRONG_ANSWER_SECONDS)
            raise Refused("invitation.unknown")
        self._invitations.forgive(tried)
        return v1.JoinResponse(token=joined.token, secret=joined.secret)

    async def WhoAmI(self, request: v1.WhoAmIRequest, context: Any) -> v1.WhoAmIResponse:
        return v1.WhoAmIResponse(token=caller(), node_version=__version__)


def _check_holder(request: v1.IssueTokenRequest | v1.InviteRequest) -> None:
    """Errors: `Refused` (`request.missing`, `request.malformed`)."""
    if request.scope == v1.SCOPE_UNSPECIFIED:
        raise Refused("request.missing", "scope")
    check_subject(request.subject)
