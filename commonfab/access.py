# SPDX-License-Identifier: AGPL-3.0-or-later
"""The `Access` service: tokens over gRPC. Thin: translate, call, translate back."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from commonfab import __version__, v1
from commonfab.errors import Refused
from commonfab.permissions import caller
from commonfab.tokens import TokenStore

SUBJECT = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")


def check_subject(subject: str) -> None:
    """Errors: `Refused` (`request.missing`, `request.malformed`)."""
    if not subject:
        raise Refused("request.missing", "subject")
    if not SUBJECT.fullmatch(subject):
        raise Refused("request.malformed", "a subject has 1 to 64 characters of a-z, 0-9, '-' and '.'")


class AccessService(v1.AccessServicer):
    """Answers for the tokens of one node."""

    def __init__(self, store: TokenStore) -> None:
        self._store = store

    async def IssueToken(self, request: v1.IssueTokenRequest, context: Any) -> v1.IssueTokenResponse:
        if request.scope == v1.SCOPE_UNSPECIFIED:
            raise Refused("request.missing", "scope")
        check_subject(request.subject)
        return await asyncio.to_thread(self._store.issue, request.scope, request.subject)

    async def ListTokens(self, request: v1.ListTokensRequest, context: Any) -> v1.ListTokensResponse:
        return v1.ListTokensResponse(tokens=await asyncio.to_thread(self._store.all))

    async def RevokeToken(self, request: v1.RevokeTokenRequest, context: Any) -> v1.RevokeTokenResponse:
        return v1.RevokeTokenResponse(token=await asyncio.to_thread(self._store.revoke, request.id))

    async def WhoAmI(self, request: v1.WhoAmIRequest, context: Any) -> v1.WhoAmIResponse:
        return v1.WhoAmIResponse(token=caller(), node_version=__version__)
