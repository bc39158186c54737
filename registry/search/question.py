# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is asked for, checked; and the mark where the next page goes on. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from commonfab import materials, processes, v1
from commonfab.errors import Refused
from commonfab.paging import not_a_token, page_size
from registry.search.words import name_of, words_of

DEFAULT_PAGE = 20
LARGEST_PAGE = 200
LONGEST_WORDS = 1_000
MOST_WORDS = 32

_TOKEN = re.compile(r"([0-9a-f]{16})-(\d{1,6})-(\d{1,18})", re.ASCII)


@dataclass(frozen=True)
class Mark:
    """The last design of a page: what it was worth, and its number."""

    worth: int
    number: int


@dataclass(frozen=True)
class Question:
    """A request, checked and in the form in which designs are compared with it. What is empty or None was not asked."""

    text: bool  # whether words were asked for, even if none is left of them
    words: tuple[str, ...]
    processes: frozenset[str]
    materials: frozenset[str]
    room_mm: tuple[float, float, float] | None  # the shortest side first
    licences: frozenset[str]
    kinds: frozenset[int]
    item: tuple[str, str, str] | None
    keepers: frozenset[str]
    at_least: int
    recalled_too: bool
    size: int
    after: Mark | None
    digest: str

    def token(self, last: Mark) -> str:
        """The token of the page that follows `last`."""
        return f"{self.digest}-{last.worth}-{last.number}"


def question_of(request: v1.SearchDesignsRequest) -> Question:
    """What a request asks for. Errors: `Refused` (`request.malformed`, `page.token`)."""
    words = tuple(words_of(request.words))
    if len(request.words) > LONGEST_WORDS or len(words) > MOST_WORDS:
        raise Refused("request.malformed", f"at most {MOST_WORDS} words and {LONGEST_WORDS} characters can be searched for")
    item = request.belongs_to
    names = (name_of(item.maker), name_of(item.model), name_of(item.part_number))
    digest = _digest(request)
    return Question(
        text=bool(request.words.strip()),
        words=words,
        processes=frozenset(map(processes.canonical, request.processes)),
        materials=frozenset(map(materials.canonical, request.materials)),
        room_mm=_room(request.fits_into_mm) if request.HasField("fits_into_mm") else None,
        licences=frozenset(" ".join(licence.split()).casefold() for licence in request.licences),
        kinds=frozenset(request.kinds),
        item=names if any(names) else None,
        keepers=frozenset(request.keepers),
        at_least=request.at_least,
        recalled_too=request.recalled_too,
        size=page_size(request.page_size, DEFAULT_PAGE, LARGEST_PAGE),
        after=_mark(request.page_token, digest) if request.page_token else None,
        digest=digest,
    )


def _room(size: v1.Size) -> tuple[float, float, float]:
    sides = sorted((size.x, size.y, size.z))
    if not all(side > 0 for side in sides):  # and so for what is no number
        raise Refused("request.malformed", "each side of the room must be longer than 0 mm")
    return sides[0], sides[1], sides[2]


def _digest(request: v1.SearchDesignsRequest) -> str:
    """What tells lists apart: the request but for what may differ from page to page."""
    asked = v1.SearchDesignsRequest()
    asked.CopyFrom(request)
    for of_the_page in ("page_size", "page_token", "with_facets"):
        asked.ClearField(of_the_page)
    return hashlib.sha256(asked.SerializeToString(deterministic=True)).hexdigest()[:16]


def _mark(token: str, digest: str) -> Mark:
    read = _TOKEN.fullmatch(token)
    if read is None or read[1] != digest:
        raise not_a_token(token)
    return Mark(int(read[2]), int(read[3]))
