# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab token`: who may call a node."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CaOption, JsonOption, NodeOption, TokenOption

if TYPE_CHECKING:
    from commonfab import v1
    from commonfab.client import Node

app = typer.Typer(no_args_is_help=True, help="Tokens: who may call a node, and as what.")


class ScopeName(StrEnum):
    """The scopes, as they are written on the command line."""

    maker = "maker"
    shop = "shop"
    requester = "requester"
    steward = "steward"


@app.command("issue")
def issue(
    scope: Annotated[ScopeName, typer.Argument(help="The role: maker, shop, requester or steward.")],
    subject: Annotated[str, typer.Argument(help="Whom it speaks for: a chosen name, or the shop's id.")],
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Issue a token; its secret is shown this once. Example: commonfab token issue shop lenas-garage"""
    from cli import output
    from cli.calls import call, endpoint
    from commonfab import v1

    request = v1.IssueTokenRequest(scope=v1.Scope.Value(f"SCOPE_{scope.value.upper()}"), subject=subject)

    async def work(of: Node) -> v1.IssueTokenResponse:
        return await of.access.IssueToken(request)

    answer = call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json(output.as_json(answer))
        return
    output.notes().print(f"Token {answer.token.id}: {scope.value} {answer.token.subject}. The secret is shown this once:")
    typer.echo(answer.secret)


@app.command("list")
def list_tokens(as_json: JsonOption = False, node: NodeOption = None, token: TokenOption = None, ca: CaOption = None) -> None:
    """List the node's tokens, without their secrets."""
    from cli import output
    from cli.calls import call, endpoint
    from commonfab import v1

    async def work(of: Node) -> v1.ListTokensResponse:
        return await of.access.ListTokens(v1.ListTokensRequest())

    answer = call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json(output.as_json(answer))
        return
    output.show_table("token", "scope", "subject", "issued", "revoked", rows=[_row(held) for held in answer.tokens])


@app.command("revoke")
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="TOKEN", help="The token's id, as `commonfab token list` shows it.")],
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Revoke a token at once."""
    from cli import output
    from cli.calls import call, endpoint
    from commonfab import v1

    async def work(of: Node) -> v1.RevokeTokenResponse:
        return await of.access.RevokeToken(v1.RevokeTokenRequest(id=token_id))

    answer = call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json(output.as_json(answer))
        return
    output.say().print(f"Token {output.plain(answer.token.id)} of {output.plain(answer.token.subject)} is accepted no longer.")


@app.command("whoami")
def whoami(as_json: JsonOption = False, node: NodeOption = None, token: TokenOption = None, ca: CaOption = None) -> None:
    """Say whom the token in force speaks for."""
    from cli import output
    from cli.calls import call, endpoint
    from commonfab import v1

    async def work(of: Node) -> v1.WhoAmIResponse:
        return await of.access.WhoAmI(v1.WhoAmIRequest())

    where = endpoint(node, token, ca)
    answer = call(where, work)
    if as_json:
        output.print_json(output.as_json(answer))
        return
    scope = _row(answer.token)[1]
    output.say().print(f"{scope} {output.plain(answer.token.subject)} at {output.plain(where.address)} (node {answer.node_version})")


def _row(token: v1.Token) -> tuple[str, str, str, str, str]:
    from cli.describe import moment
    from commonfab.permissions import scope_name

    revoked = moment(token.revoked_at) if token.HasField("revoked_at") else ""
    return token.id, scope_name(token.scope), token.subject, moment(token.issued_at), revoked
