# SPDX-License-Identifier: AGPL-3.0-or-later
"""Taking up an invitation: first find out that the node is the one that invited, then fetch the token.

The authority's certificate comes from the node itself, over a connection that nobody vouches for yet. That is safe because the invitation
names its SHA-256: another certificate is refused, and nothing but the greeting of TLS was sent until then.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

from commonfab import v1
from commonfab.client import connect
from commonfab.errors import Refused, refusal_of
from commonfab.identity import write_private
from commonfab.invitation import Invitation, read_invitation
from commonfab.rpc_client import Endpoint

ANSWER_SECONDS = 15.0


@dataclass(frozen=True)
class Joined:
    """What came of an invitation. `ca`: the authorities to trust at `address`; None without TLS."""

    address: str
    answer: v1.JoinResponse
    ca: Path | None


def join_node(text: str, ca_file: Path) -> Joined:
    """Take up the invitation `text`. The certificate of a node's own authority is written to `ca_file`.

    Errors: `Refused` (`invitation.*`, `node.unreachable`, `node.tls`, `node.insecure`, `file.exists` where `ca_file` holds another
    certificate); `grpc.aio.AioRpcError`; `OSError`.
    """
    invitation = read_invitation(text)
    ca = trusted_authority(invitation, ca_file)
    return Joined(invitation.address, asyncio.run(_join(invitation, ca)), ca)


def trusted_authority(invitation: Invitation, ca_file: Path) -> Path | None:
    """The PEM file to call the node with; None without TLS. Errors: as `join_node`."""
    if not invitation.tls:
        return None
    if invitation.authority is None:
        return known_authorities()
    pem = ssl.DER_cert_to_PEM_cert(_authority_shown(invitation.address, invitation.authority)).encode("ascii")
    if ca_file.exists() and ca_file.read_bytes() != pem:
        raise Refused("file.exists", str(ca_file))
    write_private(ca_file, pem)
    return ca_file


def known_authorities() -> Path:
    """The authorities that this computer trusts, as one PEM file."""
    paths = ssl.get_default_verify_paths()
    for named in (paths.cafile, paths.openssl_cafile, "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"):
        if named and Path(named).is_file():
            return Path(named)
    import certifi  # httpx brings it: the list of Mozilla, for systems without one

    return Path(certifi.where())


def _authority_shown(address: str, fingerprint: bytes) -> bytes:
    """The certificate with that SHA-256, DER, among those that the node shows. Errors: `Refused` (`invitation.authority`, `node.*`)."""
    for shown in _chain_shown(address):
        if hmac.compare_digest(hashlib.sha256(shown).digest(), fingerprint):
            return shown
    raise Refused("invitation.authority", address)


def _chain_shown(address: str) -> list[bytes]:
    """Every certificate that the node shows, DER, its own first. Nobody vouches for them. Errors: `Refused` (`node.*`)."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    try:
        with socket.create_connection((host, int(port)), ANSWER_SECONDS) as line:
            try:
                with context.wrap_socket(line, server_hostname=host) as secured:
                    return _unverified_chain(secured)
            except (ssl.SSLError, ConnectionError) as error:
                raise Refused("node.tls", address) from error
    except OSError as error:
        raise Refused("node.unreachable", address) from error


def _unverified_chain(secured: ssl.SSLSocket) -> list[bytes]:
    if hasattr(secured, "get_unverified_chain"):  # Python 3.13
        return list(secured.get_unverified_chain())
    inner = getattr(secured, "_sslobj", None)
    if inner is not None and hasattr(inner, "get_unverified_chain"):  # 3.10 to 3.12 have it, without a public name
        return [ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in inner.get_unverified_chain() or ()]
    leaf = secured.getpeercert(binary_form=True)
    return [leaf] if leaf else []


async def _join(invitation: Invitation, ca: Path | None) -> v1.JoinResponse:
    async with connect(Endpoint(invitation.address, "", ca)) as node:
        try:
            return await node.access.Join(v1.JoinRequest(code=invitation.code), timeout=ANSWER_SECONDS)
        except grpc.aio.AioRpcError as error:
            if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED) and refusal_of(error) is None:
                details = (error.details() or "").lower()
                raise Refused(
                    "node.tls" if "ssl" in details or "certificate" in details else "node.unreachable", invitation.address
                ) from None
            raise


def write_token(file: Path, secret: str) -> None:
    """Put a token's secret where only its owner reads it; an empty file that `shop init` made before is filled."""
    if file.exists() and file.read_text(encoding="utf-8").strip():
        raise Refused("file.exists", str(file))
    write_private(file, f"{secret}{os.linesep}".encode())
