# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab token`: who may call a node."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
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


@app.command("invite")
def invite(
    scope: Annotated[ScopeName, typer.Argument(help="The role: maker, shop, requester or steward.")],
    subject: Annotated[str, typer.Argument(help="Whom the token will speak for: a chosen name, or the shop's id.")],
    good_for: Annotated[str, typer.Option(metavar="LENGTH", help="How long the code is good for: 3d, 36h, 90min.")] = "7d",
    address: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where the newcomer reaches the node; else as this command does.")] = "",
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Invite somebody: a code, good once, with which they fetch their token. Example: commonfab token invite shop lenas-garage"""
    from cli import describe, output
    from cli.calls import call, endpoint
    from cli.lengths_of_time import duration_of
    from commonfab import v1
    from commonfab.addresses import is_loopback
    from commonfab.invitation import Invitation

    wanted = v1.InviteRequest(scope=v1.Scope.Value(f"SCOPE_{scope.value.upper()}"), subject=subject, good_for=duration_of(good_for))
    where = endpoint(node, token, ca)

    async def work(of: Node) -> v1.InviteResponse:
        return await of.access.Invite(wanted)

    answer = call(where, work)
    invitation = str(Invitation(answer.code, address or where.address, answer.tls, answer.authority_sha256 or None))
    joins = f"commonfab shop init --id {subject} --invitation {invitation}" if scope is ScopeName.shop else ""
    joins = joins or f"commonfab token join {invitation}"
    if as_json:
        output.print_json({**output.as_json(answer), "invitation": invitation, "command": joins})
        return
    output.notes().print(
        f"Good once, for {describe.duration(answer.good_for)}. Over a way that only they read, give {subject} this command:"
    )
    typer.echo(joins)
    if is_loopback(address or where.address):
        output.notes().print("It names this computer itself. For somebody elsewhere say where they reach the node: --address HOST:PORT")


@app.command("join")
def join(
    invitation: Annotated[str, typer.Argument(help="The invitation, whole, as commonfab token invite printed it.")],
    ca_file: Annotated[
        Path, typer.Option("--ca-file", metavar="PEM", help="Where the certificate of the node's own authority is put, if it has one.")
    ] = Path("node-ca.pem"),
    as_json: JsonOption = False,
) -> None:
    """Take up an invitation: prints the token, once. A shop's is taken up with commonfab shop init."""
    from cli import output
    from cli.joining import join_node

    joined = join_node(invitation, ca_file)
    if as_json:
        output.print_json({**output.as_json(joined.answer), "node": joined.address, "ca": str(joined.ca or "")})
        return
    trusted = f", with COMMONFAB_CA={joined.ca}" if joined.ca else ""
    told = f"You are {joined.answer.token.subject} at COMMONFAB_NODE={joined.address}{trusted}. COMMONFAB_TOKEN, shown this once:"
    output.notes().print(output.plain(told), soft_wrap=True)
    typer.echo(joined.answer.secret)


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
