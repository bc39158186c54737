# SPDX-License-Identifier: AGPL-3.0-or-later
"""Names and texts out of a drawing, made fit to be shown."""

from __future__ import annotations

LONGEST = 200


def shown(text: str, longest: int = LONGEST) -> str:
    """`text` on one line, at most `longest` characters. What is no character is replaced: readers of DXF keep bytes that they
    cannot decode as lone surrogates, which no message can carry."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(sign if sign.isprintable() else " " for sign in whole[: 4 * longest]).split())[:longest]
