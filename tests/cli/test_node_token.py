# SPDX-License-Identifier: AGPL-3.0-or-later
"""The token with which a node's rooms call each other."""

from __future__ import annotations

from pathlib import Path

from clocks import ManualClock

from cli.up.node_token import provide_node_token
from commonfab import v1
from commonfab.database import migrate, open_database
from commonfab.ids import make_ids
from commonfab.tokens import TokenStore


def tokens_in(folder: Path, name: str = "node.db") -> TokenStore:
    engine, clock = open_database(f"sqlite:///{folder / name}"), ManualClock()
    migrate(engine, "commonfab")
    return TokenStore(engine, clock, make_ids(clock))


def test_a_node_keeps_its_token_over_restarts_where_only_its_owner_can_read_it(tmp_path: Path) -> None:
    tokens, file = tokens_in(tmp_path), tmp_path / "node.token"
    secret = provide_node_token(tokens, file)
    assert provide_node_token(tokens, file) == secret
    assert [(token.scope, token.subject) for token in tokens.all()] == [(v1.SCOPE_STEWARD, "node")]
    assert file.stat().st_mode & 0o077 == 0


def test_a_token_that_was_revoked_or_is_of_another_database_is_replaced(tmp_path: Path) -> None:
    tokens, file = tokens_in(tmp_path), tmp_path / "node.token"
    first = provide_node_token(tokens, file)
    tokens.revoke(tokens.all()[0].id)
    second = provide_node_token(tokens, file)
    another = tokens_in(tmp_path, "another.db")
    assert len({first, second, provide_node_token(another, file)}) == 3
    assert another.holder(file.read_text(encoding="utf-8").strip()).subject == "node"
