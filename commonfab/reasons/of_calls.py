# SPDX-License-Identifier: AGPL-3.0-or-later
"""Why a call was not answered: tokens, permissions, malformed requests, a part of the node that is away."""

from __future__ import annotations

from grpc import StatusCode

from commonfab.reasons.term import Term

TERMS = {
    "token.missing": Term(
        "the call carries no token",
        "Give a token with --token or COMMONFAB_TOKEN; the node's steward issues one: commonfab token issue.",
        StatusCode.UNAUTHENTICATED,
    ),
    "token.unknown": Term(
        "this node does not know the token",
        "Check that the token was copied whole and belongs to this node; the steward issues a new one: commonfab token issue.",
        StatusCode.UNAUTHENTICATED,
    ),
    "token.revoked": Term(
        "the token was revoked",
        "Ask the node's steward for a new one: commonfab token issue.",
        StatusCode.UNAUTHENTICATED,
    ),
    "token.scope": Term(
        "a token of scope {subject} may not make this call",
        "Use a token of a scope that may; docs/operator.md lists which scope may call what.",
        StatusCode.PERMISSION_DENIED,
    ),
    "token.subject": Term(
        "{subject} belongs to somebody else",
        "Use the token of the one whose it is.",
        StatusCode.PERMISSION_DENIED,
    ),
    "invitation.malformed": Term(
        "that is no whole invitation",
        "Copy all of it, as commonfab token invite printed it: the code, '@', the node's address, and what follows it.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "invitation.unknown": Term(
        "there is no open invitation with this code: it was mistyped, used already, or its time is up",
        "Compare it letter by letter, else ask the node's steward for another: commonfab token invite.",
        StatusCode.UNAUTHENTICATED,
    ),
    "invitation.too_many": Term(
        "too many wrong codes came lately",
        "Wait a minute and try again.",
        StatusCode.RESOURCE_EXHAUSTED,
    ),
    "invitation.authority": Term(
        "what answers at {subject} is not the node that the invitation is from: it shows another certificate",
        "Nothing was sent to it. Ask the node's steward whether the address is right and whether the certificate was changed.",
        StatusCode.UNAUTHENTICATED,
    ),
    "token.not_found": Term(
        "there is no token {subject}",
        "commonfab token list shows them all.",
        StatusCode.NOT_FOUND,
    ),
    "request.missing": Term(
        "the request does not say {subject}",
        "Fill in {subject} and call again.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "request.malformed": Term(
        "{subject}",
        "Correct the request and call again.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "page.token": Term(
        "{subject} is not a page token of this list",
        "Begin again without a page token.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "node.broken": Term(
        "something went wrong inside the node (incident {subject})",
        "Tell the node's steward the incident number; it stands in the node's log with the cause.",
        StatusCode.INTERNAL,
    ),
    "node.board_away": Term(
        "the node's Redis does not answer",
        "Nothing was changed by this call. Try again in a few seconds; if it stays so, ask the node's steward.",
        StatusCode.UNAVAILABLE,
    ),
    "node.database_away": Term(
        "the node's database does not answer",
        "Nothing was changed by this call. Try again in a few seconds; if it stays so, ask the node's steward.",
        StatusCode.UNAVAILABLE,
    ),
    "node.unreachable": Term(
        "no node answers at {subject}",
        "Start one with commonfab up, or name the node with --node or COMMONFAB_NODE.",
        StatusCode.UNAVAILABLE,
    ),
    "node.insecure": Term(
        "{subject} is not on this machine, and without TLS the token could be read on the way",
        "Give the node's certificate authority with --ca or COMMONFAB_CA, or use a loopback address.",
    ),
    "node.listen": Term(
        "the node would listen at {subject}, beyond this machine, without TLS",
        "Set COMMONFAB_TLS_CERTIFICATE and COMMONFAB_TLS_KEY, or listen on 127.0.0.1.",
    ),
}
