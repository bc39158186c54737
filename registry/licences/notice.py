# SPDX-License-Identifier: AGPL-3.0-or-later
"""The notice that licences ask to be kept with a design: who made it, under what licence, from what, and what was changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from registry.licences.expressions import branches

WARNING = "No warranty is given; the licences say more. This notice was put together by a program from what the authors wrote."
MOST_GENERATIONS = 50
"""How far back parents are told; a longer line says so."""


@dataclass(frozen=True)
class NoticeEntry:
    """One work that the notice names.

    `licence` is the hardware's; the other two are empty where they are the same or there is nothing of the kind. `known` is False where
    `licence` is no SPDX expression. `source` is a revision's digest or an address. `changes` is what its author says was changed from
    its parents. `part_of` is what it is in the thing that the notice is for, such as the name of a line in a bill of materials.
    """

    title: str
    authors: tuple[str, ...] = ()
    licence: str = ""
    known: bool = True
    documentation_licence: str = ""
    software_licence: str = ""
    source: str = ""
    changes: str = ""
    part_of: str = ""
    parents: tuple[NoticeEntry, ...] = ()


def notice_of(entries: Sequence[NoticeEntry]) -> str:
    """The notice for `entries`, plain text that ends with a line break; each parent stands below its child. Empty without entries."""
    if not entries:
        return ""
    told: set[tuple[str, str]] = set()
    blocks = [_block(entry, 0, told) for entry in entries]
    return "\n\n".join([*("\n".join(block) for block in blocks if block), WARNING]) + "\n"


def _block(entry: NoticeEntry, generation: int, told: set[tuple[str, str]]) -> list[str]:
    """The lines of one work and of those that it derives from; a work that was told already is not told again."""
    name = (entry.source, entry.title)
    if name in told:
        return []
    told.add(name)
    indent = "  " * min(generation, 4)
    lines = [f"{indent}{line}" for line in _lines(entry, generation)]
    if generation >= MOST_GENERATIONS and entry.parents:
        return [*lines, f"{indent}derived from older works; see {_one_line(entry.source)}"]
    return lines + [line for parent in entry.parents for line in _block(parent, generation + 1, told)]


def _lines(entry: NoticeEntry, generation: int) -> list[str]:
    title = f'"{_one_line(entry.title)}"'
    by = f" by {', '.join(map(_one_line, entry.authors))}" if entry.authors else ""
    lines = [f"{'derived from ' if generation else ''}{title}{by}{f' ({_one_line(entry.part_of)})' if entry.part_of else ''}"]
    subjects = (
        ("licence", entry.licence, entry.known),
        ("documentation", entry.documentation_licence, True),
        ("software", entry.software_licence, True),
    )
    lines += [f"{what}: {_licence(text, known)}" for what, text, known in subjects if text]
    lines += [f"source: {_one_line(entry.source)}"] if entry.source else []
    lines += [f"changes: {_one_line(entry.changes)}"] if entry.changes else []
    return lines


def _licence(text: str, known: bool) -> str:
    """The licence with where its text stands; without an address where it is none that SPDX knows."""
    found = dict.fromkeys(licence.identifier for choice in branches(text) for licence in choice) if known else {}
    links = [f"https://spdx.org/licenses/{name}.html" for name in found if not name.startswith("LicenseRef-")]
    if not links:
        return f"{_one_line(text)} (in its author's words; not a licence that SPDX lists)"
    return f"{text} ({', '.join(links)})"


def _one_line(text: str) -> str:
    """Other people's text cannot begin a line of the notice."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
