# SPDX-License-Identifier: AGPL-3.0-or-later
"""What was put right while a manifest was read, collected: each repair names the key, what was there, and what it became."""

from __future__ import annotations

from typing import Any

from commonfab import v1
from commonfab.reasons import reason

LONGEST_SHOWN = 60


class Notes:
    """The repairs of one manifest. `texts_only`: it is YAML, where a number is a text until a field asks for one."""

    def __init__(self, texts_only: bool) -> None:
        self.texts_only = texts_only
        self._made: list[v1.Reason] = []

    def add(self, code: str, key: str, before: Any, after: Any) -> None:
        """Note one repair."""
        self._made.append(reason(code, f"{key}: {shown(before)} → {shown(after)}"))

    def count(self) -> int:
        """How many there are."""
        return len(self._made)

    def forget_after(self, count: int) -> None:
        """Take back all but the first so many: what they tell of was not done after all."""
        del self._made[count:]

    def made(self) -> tuple[v1.Reason, ...]:
        """All of them, in the order of reading."""
        return tuple(self._made)


def shown(value: Any) -> str:
    """A value for people: texts in quotes, everything cut after so many characters; what is left out is said to be so."""
    if value is None:
        return "left out"
    written = repr(value) if not isinstance(value, float) else f"{value:g}"
    return written if len(written) <= LONGEST_SHOWN else f"{written[: LONGEST_SHOWN - 1]}…"
