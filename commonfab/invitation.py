# SPDX-License-Identifier: AGPL-3.0-or-later
"""An invitation as it is handed over: one text with the code, where the node is, and whom to trust there.

    XK4QM-7RT2W-9HDPA-3F0AB@node.example:4780/4t2k…      TLS, and the authority whose certificate has that fingerprint
    XK4QM-7RT2W-9HDPA-3F0AB@node.example:4780/public     TLS, and the authorities that every computer knows
    XK4QM-7RT2W-9HDPA-3F0AB@127.0.0.1:4780               no TLS: on the node's own computer only

The fingerprint is the SHA-256 of the certificate (DER), so that who took the text over a safe way also trusts the right node: whoever
answers in the node's place has no certificate with that fingerprint.
"""

from __future__ import annotations

import base64
import re
import secrets
from dataclasses import dataclass

from commonfab.errors import Refused
from commonfab.ids import ALPHABET

CODE_DIGITS = 20
GROUP = 5
"""100 random bits. At a million tries a second it would take longer than the universe is old to hit one of a thousand open codes."""

PUBLIC = "public"
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+):\d{1,5}")
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1"})
"""Crockford's base 32 has neither of these; who reads one of them has misread the digit."""


@dataclass(frozen=True)
class Invitation:
    """What a newcomer is handed. `authority` is the SHA-256 of the authority's certificate, None where it is not a node's own."""

    code: str
    address: str
    tls: bool = False
    authority: bytes | None = None

    def __str__(self) -> str:
        trusted = f"/{_written(self.authority)}" if self.authority else f"/{PUBLIC}" if self.tls else ""
        return f"{self.code}@{self.address}{trusted}"


def new_code() -> str:
    """A new code, in groups of digits that cannot be mistaken for one another."""
    digits = "".join(secrets.choice(ALPHABET.upper()) for _ in range(CODE_DIGITS))
    return "-".join(digits[start : start + GROUP] for start in range(0, CODE_DIGITS, GROUP))


def plain_code(code: str) -> str:
    """A code without what people add and mistake: case, hyphens, spaces, O for 0, I and L for 1."""
    return re.sub(r"[\s-]", "", code).upper().translate(_MISREAD)


def read_invitation(text: str) -> Invitation:
    """The invitation that was handed over. Errors: `Refused` (`invitation.malformed`)."""
    code, _, rest = text.strip().partition("@")
    address, _, trusted = rest.partition("/")
    digits = plain_code(code)
    if len(digits) != CODE_DIGITS or set(digits) - set(ALPHABET.upper()) or not _ADDRESS.fullmatch(address):
        raise Refused("invitation.malformed")
    if trusted in ("", PUBLIC):
        return Invitation(code, address, tls=bool(trusted))
    return Invitation(code, address, tls=True, authority=_fingerprint(trusted))


def _written(fingerprint: bytes) -> str:
    return base64.b32encode(fingerprint).decode("ascii").rstrip("=").lower()


def _fingerprint(text: str) -> bytes:
    """Errors: `Refused` (`invitation.malformed`): a text that was cut off must not be taken for a shorter fingerprint."""
    try:
        read = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except ValueError:
        read = b""
    if len(read) != 32:
        raise Refused("invitation.malformed")
    return read
