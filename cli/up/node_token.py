# SPDX-License-Identifier: AGPL-3.0-or-later
"""The token with which a node's rooms call each other where nobody called them, in a file that only its owner can read.

Each data folder has its own, so that several nodes on one database do not take it from each other.
"""

from __future__ import annotations

from pathlib import Path

from commonfab import v1
from commonfab.errors import Refused
from commonfab.identity import write_private
from commonfab.tokens import TokenStore

SUBJECT = "node"


def provide_node_token(tokens: TokenStore, file: Path) -> str:
    """The secret in `file`; where there is none, or it was revoked, or another database is used now, a new one, kept there."""
    try:
        secret = file.read_text(encoding="utf-8").strip()
        tokens.holder(secret)
    except (FileNotFoundError, Refused):
        secret = tokens.issue(v1.SCOPE_STEWARD, SUBJECT).secret
        write_private(file, f"{secret}\n".encode())
    return secret
