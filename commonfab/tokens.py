# SPDX-License-Identifier: AGPL-3.0-or-later
"""Tokens as they are stored: by the hash of their secret."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa

from commonfab import v1
from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.identity import hash_secret, new_secret
from commonfab.ids import Ids
from commonfab.moments import moment

BELIEVED_SECONDS = 60.0
REVOKED_SECONDS = 2.0
"""How long a token is believed without looking again, and how often it is looked whether any was revoked by another process."""

MOST_BELIEVED = 10_000

METADATA = sa.MetaData()
TABLE = sa.Table(
    "tokens",
    METADATA,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("secret_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("scope", sa.Integer, nullable=False),
    sa.Column("subject", sa.String(64), nullable=False),
    sa.Column("issued_at", sa.Float, nullable=False),
    sa.Column("revoked_at", sa.Float),
)
INVITATIONS = sa.Table(
    "invitations",
    METADATA,
    sa.Column("code_hash", sa.String(64), primary_key=True),
    sa.Column("scope", sa.Integer, nullable=False),
    sa.Column("subject", sa.String(64), nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
    sa.Column("used_at", sa.Float),
)
"""What a token may be fetched with, once (`invitations.py`)."""


@dataclass(frozen=True)
class TokenStore:
    """The tokens of one node."""

    engine: sa.Engine
    clock: Clock
    ids: Ids
    _recent: dict[str, tuple[float, v1.Token]] = field(default_factory=dict, repr=False)
    """Tokens lately looked up, by hash, with the moment until which they are believed: most calls come again soon."""
    _looked: list[float] = field(default_factory=lambda: [0.0, 0.0], repr=False)
    """When it is to be looked next whether a token was revoked, and how many were."""

    def issue(self, scope: v1.Scope.ValueType, subject: str) -> v1.IssueTokenResponse:
        """A new token. Its secret is in the answer and nowhere else."""
        with self.engine.begin() as connection:
            return self.issue_within(connection, scope, subject)

    def issue_within(self, connection: sa.Connection, scope: v1.Scope.ValueType, subject: str) -> v1.IssueTokenResponse:
        """`issue`, as part of a transaction that is under way: the token is there if all of it is."""
        secret, issued_at = new_secret(), self.clock.now()
        token = v1.Token(id=self.ids("token"), scope=scope, subject=subject, issued_at=moment(issued_at))
        row = {"id": token.id, "secret_hash": hash_secret(secret), "scope": scope, "subject": subject, "issued_at": issued_at}
        connection.execute(TABLE.insert().values(row))
        return v1.IssueTokenResponse(token=token, secret=secret)

    def get(self, token_id: str) -> v1.Token:
        """One token. Errors: `Refused` (`token.not_found`)."""
        with self.engine.connect() as connection:
            row = connection.execute(TABLE.select().where(TABLE.c.id == token_id)).mappings().first()
        if row is None:
            raise Refused("token.not_found", token_id)
        return _token(row)

    def all(self) -> list[v1.Token]:
        """All tokens, oldest first."""
        with self.engine.connect() as connection:
            rows = connection.execute(TABLE.select().order_by(TABLE.c.issued_at, TABLE.c.id)).mappings()
            return [_token(row) for row in rows]

    def revoke(self, token_id: str) -> v1.Token:
        """Revoke a token; revoking twice keeps the first time. Other processes of the node notice within two seconds.

        Errors: `Refused` (`token.not_found`).
        """
        with self.engine.begin() as connection:
            connection.execute(
                TABLE.update().where(TABLE.c.id == token_id, TABLE.c.revoked_at.is_(None)).values(revoked_at=self.clock.now())
            )
        self._recent.clear()
        return self.get(token_id)

    def holder(self, secret: str) -> v1.Token:
        """The token whose secret this is. Errors: `Refused` (`token.unknown`, `token.revoked`)."""
        secret_hash = hash_secret(secret)
        self._notice_revocations()
        until, token = self._recent.get(secret_hash, (0.0, v1.Token()))
        if self.clock.monotonic() < until:
            return token
        token = self._look_up(secret_hash)
        if len(self._recent) >= MOST_BELIEVED:
            self._recent.clear()
        self._recent[secret_hash] = (self.clock.monotonic() + BELIEVED_SECONDS, token)
        return token

    def _notice_revocations(self) -> None:
        """Believe nothing any more where another process revoked a token: a revocation is never undone, so their number tells."""
        due, before = self._looked
        if self.clock.monotonic() < due:
            return
        with self.engine.connect() as connection:
            revoked = connection.scalar(sa.select(sa.func.count(TABLE.c.revoked_at))) or 0
        if revoked != before:
            self._recent.clear()
        self._looked[:] = [self.clock.monotonic() + REVOKED_SECONDS, revoked]

    def _look_up(self, secret_hash: str) -> v1.Token:
        with self.engine.connect() as connection:
            row = connection.execute(TABLE.select().where(TABLE.c.secret_hash == secret_hash)).mappings().first()
        if row is None:
            raise Refused("token.unknown")
        if row["revoked_at"] is not None:
            raise Refused("token.revoked")
        return _token(row)


def _token(row: sa.RowMapping) -> v1.Token:
    return v1.Token(
        id=row["id"],
        scope=row["scope"],
        subject=row["subject"],
        issued_at=moment(row["issued_at"]),
        revoked_at=None if row["revoked_at"] is None else moment(row["revoked_at"]),
    )
