# SPDX-License-Identifier: AGPL-3.0-or-later
"""Nobody reads or writes the commons without a token of a scope that may."""

from __future__ import annotations

from typing import Any

import grpc
from commons import Commons, refused

from commonfab import v1
from commonfab.client import Node
from commonfab.permissions import allowed_scopes

REQUESTS: dict[str, Any] = {
    "StatFile": v1.StatFileRequest(sha256="nothing"),
    "UploadFile": v1.UploadFileRequest(header=v1.UploadHeader(sha256="0" * 64, size_bytes=1)),
    "FetchFile": v1.FetchFileRequest(sha256="0" * 64),
    "PublishRevision": v1.PublishRevisionRequest(),
    "GetDesign": v1.GetDesignRequest(id="nothing"),
    "ListDesigns": v1.ListDesignsRequest(page_token="nothing"),
    "GetRevision": v1.GetRevisionRequest(digest="nothing"),
    "WatchInspection": v1.WatchInspectionRequest(digest="nothing"),
}
"""For each method a request that is refused even with the right token, so that every call ends with a reason."""

SCOPES = [v1.SCOPE_MAKER, v1.SCOPE_SHOP, v1.SCOPE_REQUESTER, v1.SCOPE_STEWARD]


async def code_of(node: Node, method: str) -> str:
    """The reason code that a call of `method` is refused with."""
    stub = getattr(node.registry, method)
    if method == "UploadFile":
        return (await refused(stub(iter([REQUESTS[method]])))).reason.code
    call = stub(REQUESTS[method])
    return (await refused(anext(aiter(call)) if isinstance(call, grpc.aio.UnaryStreamCall) else call)).reason.code


async def test_a_missing_unknown_or_revoked_token_is_refused(commons: Commons) -> None:
    issued = commons.tokens.issue(v1.SCOPE_STEWARD, "sam")
    commons.tokens.revoke(issued.token.id)
    for secret, code in {"": "token.missing", "cfab_made-up": "token.unknown", issued.secret: "token.revoked"}.items():
        caller = commons.node_with(secret)
        for method in REQUESTS:
            assert await code_of(caller, method) == code, method


async def test_a_token_of_the_wrong_scope_is_refused(commons: Commons) -> None:
    for scope in SCOPES:
        caller = commons.node("somebody", scope)
        for method in REQUESTS:
            allowed = allowed_scopes()[f"/commonfab.v1.DesignRegistry/{method}"]
            assert allowed
            code = await code_of(caller, method)
            assert (code == "token.scope") == (scope not in allowed), (method, v1.Scope.Name(scope), code)
