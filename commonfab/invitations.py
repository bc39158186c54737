# SPDX-License-Identifier: AGPL-3.0-or-later
"""Invitations as they are stored, by the hash of their code: each is good once, until its time is up by the node's clock.

A code has 100 random bits, so that guessing is hopeless at any rate. Wrong codes are nevertheless answered slowly and all alike, and
counted: beyond a few a minute from one address, or many from anywhere, nothing is looked up any more.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import deque
from dataclasses import dataclass, field
from urllib.parse import unquote

from commonfab import v1
from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.identity import hash_secret
from commonfab.invitation import new_code, plain_code
from commonfab.tokens import INVITATIONS, TokenStore

GOOD_FOR_SECONDS = 7 * 86_400.0
LONGEST_SECONDS = 90 * 86_400.0

WRONG_ANSWER_SECONDS = 1.0
"""How long the answer to a wrong code takes, whatever is wrong with it."""

COUNTED_SECONDS = 60.0
MOST_WRONG_OF_ONE = 5
MOST_WRONG_OF_ALL = 60
"""Wrong codes within `COUNTED_SECONDS`, from one address and altogether: nobody is to be locked out because one neighbour guesses, and many
addresses must not add up. Each process of a node counts for itself."""


@dataclass(frozen=True)
class Invitations:
    """The invitations of one node."""

    tokens: TokenStore
    clock: Clock
    _wrong: deque[tuple[float, str]] = field(default_factory=deque, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def invite(self, scope: v1.Scope.ValueType, subject: str, good_for_seconds: float = GOOD_FOR_SECONDS) -> str:
        """A new code. It is in the answer and nowhere else. Errors: `Refused` (`request.malformed`)."""
        if not 0 < good_for_seconds <= LONGEST_SECONDS:
            raise Refused("request.malformed", f"an invitation is good for up to {LONGEST_SECONDS / 86_400:.0f} days")
        code, now = new_code(), self.clock.now()
        row = {"code_hash": _hash(code), "scope": scope, "subject": subject, "expires_at": now + good_for_seconds}
        with self.tokens.engine.begin() as connection:
            connection.execute(INVITATIONS.delete().where(INVITATIONS.c.expires_at <= now))  # they say nothing any more
            connection.execute(INVITATIONS.insert().values(row))
        return code

    def join(self, code: str) -> v1.IssueTokenResponse | None:
        """The token that the code was for; None where it is wrong, used or too old. Who asks second gets nothing."""
        row = (INVITATIONS.c.code_hash == _hash(code), INVITATIONS.c.used_at.is_(None), INVITATIONS.c.expires_at > self.clock.now())
        with self.tokens.engine.begin() as connection:
            # The change comes first: of two callers at once the second finds nothing left to change.
            if connection.execute(INVITATIONS.update().where(*row).values(used_at=self.clock.now())).rowcount != 1:
                return None
            found = connection.execute(INVITATIONS.select().where(INVITATIONS.c.code_hash == _hash(code))).mappings().one()
            return self.tokens.issue_within(connection, found["scope"], found["subject"])

    def note_try(self, peer: str) -> tuple[float, str]:
        """Count a code of `peer` as wrong until it proves right: of a thousand that come at once, none may slip by uncounted.

        Errors: `Refused` (`invitation.too_many`) where too many wrong ones came lately.
        """
        tried = (self.clock.monotonic(), neighbour_of(peer))
        with self._lock:
            while self._wrong and self._wrong[0][0] <= tried[0] - COUNTED_SECONDS:
                self._wrong.popleft()
            of_one = sum(one == tried[1] for _, one in self._wrong)
            if of_one >= MOST_WRONG_OF_ONE or len(self._wrong) >= MOST_WRONG_OF_ALL:
                raise Refused("invitation.too_many")
            self._wrong.append(tried)
        return tried

    def forgive(self, tried: tuple[float, str]) -> None:
        """The code that was counted was right."""
        with self._lock:
            if tried in self._wrong:
                self._wrong.remove(tried)


def neighbour_of(peer: str) -> str:
    """Whom a call counts for: the address without its port, and of IPv6 the /64, for a home has as many addresses as it likes.

    Parameters: `peer`, as gRPC says it: "ipv4:192.0.2.7:40112", "ipv6:%5B2001:db8::1%5D:40112".
    """
    kind, _, rest = unquote(peer).partition(":")
    if kind not in ("ipv4", "ipv6"):
        return peer
    host = rest.rpartition(":")[0].strip("[]").partition("%")[0]
    try:
        return str(ipaddress.ip_network(f"{host}/{64 if kind == 'ipv6' else 32}", strict=False))
    except ValueError:
        return peer


def _hash(code: str) -> str:
    return hash_secret(plain_code(code))
