# SPDX-License-Identifier: AGPL-3.0-or-later
"""Words as they are compared: the same for what is stored and for what is asked, and the same with every database. Pure.

The databases get words that are ready made, so their own rules, which differ, have nothing left to do: case, accents, punctuation and
widths make no difference here, and nothing that a user types is syntax.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LONGEST_WORD = 40
"""Characters of a word that count. PostgreSQL takes no word of more than 2,046 bytes."""

MOST_WORDS = 3_000
"""Different words of a design that count. PostgreSQL keeps no more than 1 MB for a design."""

ANYWHERE, SUMMARY, TITLE = "a", "s", "t"
"""The sign before a stored word says where it stands: each word is there with the first, and once more with each of the others that holds.

So every question about a place is one about a beginning of words, which is what databases answer fastest; columns take three times as long.
"""

_IDEOGRAPHS = "\u2e80-\u2fdf\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W_{_IDEOGRAPHS}]+")
"""Letters and digits that stand together. Chinese and Japanese put no blanks between words, so each of their signs is one."""


def words_of(text: str) -> list[str]:
    """The different words of a text in their order, without case and accents: "Größe, 608-2RS" has `grosse`, `608` and `2rs`."""
    folded = text.lower() if text.isascii() else _folded(text)
    return list(dict.fromkeys(word[:LONGEST_WORD] for word in _WORD.findall(folded)))


def stored(title: str, summary: str, others: Iterable[str]) -> str:
    """The words of a design as they are stored, each with the sign of its place, with blanks between them."""
    placed = {TITLE: words_of(title), SUMMARY: words_of(summary), ANYWHERE: [word for text in others for word in words_of(text)]}
    every = list(dict.fromkeys(word for words in placed.values() for word in words))[:MOST_WORDS]
    kept = set(every)
    best = [place + word for place in (TITLE, SUMMARY) for word in placed[place] if word in kept]
    return " ".join([*(ANYWHERE + word for word in every), *best])


def name_of(text: str) -> str:
    """A name as it is compared whole: "  KENWOOD, Chef" and "Kenwood chef" are the same. A name of signs only stands for itself."""
    folded = text.lower() if text.isascii() else _folded(text)
    return " ".join(_WORD.findall(folded)) or "".join(sign for sign in text.strip() if sign.isprintable())


def _folded(text: str) -> str:
    # Folding can leave signs that fall apart further, as those of Greek with an iota below.
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(sign for sign in apart if not unicodedata.category(sign).startswith("M"))
