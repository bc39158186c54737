# SPDX-License-Identifier: AGPL-3.0-or-later
"""The token of a node's first steward, in a file that only its owner can read."""

from __future__ import annotations

import logging
from pathlib import Path

from commonfab import v1
from commonfab.errors import Refused
from commonfab.identity import write_private
from commonfab.tokens import TokenStore

log = logging.getLogger(__name__)


def provide_steward(tokens: TokenStore, file: Path) -> None:
    """See to it that `file` holds a steward's token of this node's database.

    A token that was revoked stays revoked; one that the database does not know (another database is used now) is replaced.
    """
    try:
        tokens.holder(file.read_text(encoding="utf-8").strip())
    except FileNotFoundError:
        _issue(tokens, file)
    except Refused as refused:
        if refused.code == "token.unknown":
            _issue(tokens, file)
        else:
            log.warning("the token in %s was revoked; delete the file to have another one issued", file)


def _issue(tokens: TokenStore, file: Path) -> None:
    write_private(file, f"{tokens.issue(v1.SCOPE_STEWARD, 'steward').secret}\n".encode())
