# SPDX-License-Identifier: AGPL-3.0-or-later
"""How much people may write, the same in a manifest, a build report, a defect and a recall. Pure."""

from __future__ import annotations

from collections.abc import Sized

from google.protobuf.message import Message

from commonfab.errors import Refused

LONGEST_TEXT = 10_000
LONGEST_LINE = 200
"""Of a name, a title, a version; and how much of what was sent is told again in a refusal."""

MOST_ENTRIES = 10_000
"""In any list of a manifest. A list that is longer was written by mistake; a product of so many lines would be several designs."""


def check_length(what: str, text: str, most: int = LONGEST_TEXT) -> None:
    """Errors: `Refused` (`request.malformed`)."""
    if len(text) > most:
        raise Refused("request.malformed", f"{what} may have {most} characters, not {len(text)}")


def check_count(what: str, things: Sized, most: int = MOST_ENTRIES) -> None:
    """Errors: `Refused` (`request.malformed`)."""
    if len(things) > most:
        raise Refused("request.malformed", f"{what} may have {most} entries, not {len(things)}")


def check_signs(message: Message) -> None:
    """Errors: `Refused` (`request.malformed`) where a text of a message holds a NUL, which no database keeps in a text."""
    for field, value in message.ListFields():
        for one in value if field.is_repeated else [value]:
            if isinstance(one, Message):
                check_signs(one)
            elif isinstance(one, str) and "\0" in one:
                raise Refused("request.malformed", f"{field.name} holds a NUL")
