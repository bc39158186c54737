# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which scope may call which method: read from the contract, where it stands beside each method."""

from __future__ import annotations

import contextvars
from collections.abc import Callable

from google.protobuf.descriptor import FileDescriptor

from commonfab import v1
from commonfab.errors import Refused

TokenReader = Callable[[str], v1.Token]
"""The token whose secret is given. Raises `Refused` where there is none."""

_caller: contextvars.ContextVar[v1.Token] = contextvars.ContextVar("caller")
_authorization: contextvars.ContextVar[str] = contextvars.ContextVar("authorization")


def allowed_scopes() -> dict[str, frozenset[int]]:
    """The scopes each method accepts, by its path: "/commonfab.v1.Ledger/ListEntries"."""
    table: dict[str, frozenset[int]] = {}
    for file in _files():
        for service in file.services_by_name.values():
            for method in service.methods:
                scopes: frozenset[int] = frozenset(method.GetOptions().Extensions[v1.allowed])
                table[f"/{service.full_name}/{method.name}"] = scopes
    return table


def open_methods() -> frozenset[str]:
    """The methods that anybody may call, without a token, by their paths."""
    methods = [(service, method) for file in _files() for service in file.services_by_name.values() for method in service.methods]
    return frozenset(f"/{service.full_name}/{m.name}" for service, m in methods if m.GetOptions().Extensions[v1.open_to_all])


def _files() -> list[FileDescriptor]:
    from commonfab.v1 import access_pb2, design_registry_pb2, evidence_pb2, housekeeping_pb2, job_router_pb2, ledger_pb2, shop_desk_pb2

    described = (access_pb2, design_registry_pb2, evidence_pb2, housekeeping_pb2, job_router_pb2, ledger_pb2, shop_desk_pb2)
    return [module.DESCRIPTOR for module in described]


def admit(read: TokenReader, authorization: str, allowed: frozenset[int]) -> v1.Token:
    """The caller's token, if it may make a call that `allowed` scopes may make.

    Parameters: `authorization`, the metadata value of that name ("Bearer …").
    Errors: `Refused` (`token.missing`, `token.unknown`, `token.revoked`, `token.scope`).
    """
    kind, _, secret = authorization.partition(" ")
    if kind.lower() != "bearer" or not secret.strip():
        raise Refused("token.missing")
    token = read(secret.strip())
    if token.scope not in allowed:
        raise Refused("token.scope", scope_name(token.scope))
    _caller.set(token)
    _authorization.set(authorization)
    return token


def caller() -> v1.Token:
    """The token of the call that is being answered."""
    return _caller.get()


def caller_metadata() -> tuple[tuple[str, str], ...]:
    """The credentials of the call that is being answered, for a further call on the caller's behalf and with no more than their rights."""
    return (("authorization", _authorization.get()),)


def scope_name(scope: int) -> str:
    """A scope as people write it: "maker"."""
    return v1.Scope.Name(scope).removeprefix("SCOPE_").lower()  # type: ignore[arg-type]
