# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who may come in from the local network: whoever knows the PIN, for a week. Wrong ones make everybody who is outside wait."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.units import minutes

FREE_TRIES = 5
FIRST_WAIT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 3600.0
SESSION_SECONDS = 7 * 86_400.0


@dataclass
class PinCheck:
    """Compares PINs in constant time. After five wrong ones each further one doubles the wait, from 30 s up to an hour.

    The wait is one for all who are outside: on a local network anybody can have many addresses.
    """

    pin: str
    clock: Clock
    _wrong: int = 0
    _closed_until: float = field(default=float("-inf"))

    def check(self, told: str) -> None:
        """Return where it is the PIN. Errors: `Refused` (`desk.pin_wrong`, `desk.pin_wait`)."""
        left = self._closed_until - self.clock.monotonic()
        if left > 0:
            raise Refused("desk.pin_wait", wait=minutes(left / 60))
        if not self.pin or not hmac.compare_digest(told.strip().encode(), self.pin.encode()):
            self._wrong += 1
            if self._wrong >= FREE_TRIES:
                wait = min(FIRST_WAIT_SECONDS * 2.0 ** (self._wrong - FREE_TRIES), LONGEST_WAIT_SECONDS)
                self._closed_until = self.clock.monotonic() + wait
            raise Refused("desk.pin_wrong")
        self._wrong = 0


@dataclass(frozen=True)
class Sessions:
    """What a browser keeps that has said the PIN: until when, signed with the desk's secret and the PIN, so that a new PIN ends it."""

    secret: bytes
    pin: str
    clock: Clock

    def made(self) -> str:
        """A new one."""
        until = str(int(self.clock.now() + SESSION_SECONDS))
        return f"{until}.{self._sign(until)}"

    def holds(self, told: str) -> bool:
        """Whether it is one of ours and has not run out."""
        until, _, signature = told.partition(".")
        genuine = hmac.compare_digest(signature.encode(), self._sign(until).encode())
        return genuine and until.isdecimal() and self.clock.now() < int(until)

    def _sign(self, until: str) -> str:
        return hmac.new(self.secret, f"desk {until} {self.pin}".encode(), hashlib.sha256).hexdigest()


def desk_secret(data_dir: Path) -> str:
    """The desk's own secret, made at its first start and readable by its owner only. Errors: `OSError`."""
    file = data_dir / "desk.secret"
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if told := file.read_text(encoding="utf-8").strip():
            return told
        handle = os.open(file, os.O_WRONLY | os.O_TRUNC)  # a full disk left it empty
    made = secrets.token_urlsafe(32)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        opened.write(made + "\n")
    return made
