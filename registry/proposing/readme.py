# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a README says plainly: its title, its first paragraph, its licence section, what the thing fits or replaces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from commonfab import v1

LONGEST_SUMMARY = 600
LONGEST_TITLE = 120

_UNDERLINE = re.compile(r"([=\-~^*])\1{2,}\s*$")
_HEADING = re.compile(r"\s{0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_NOISE = re.compile(r"^\s*(?:!?\[!\[|!\[|<|\||```|~~~|\.\. |:\w+:|---+\s*$|===+\s*$|\[[^\]]*\]:)")
_LISTED = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}")
_MAKER_AND_MODEL = re.compile(
    r"(?P<maker>[A-Z][\w&'-]*(?:\s&\s[A-Z][\w'-]*)?)\s(?P<model>(?:[A-Z][\w-]*\s){0,2}(?:[A-Z]{0,6}[-]?\d[\w./-]*|[A-Z]+-?\d[\w-]*))"
)
_REPLACES = re.compile(
    r"\breplac(?:ement|es|ing)\b[^.;:!?\n]{0,60}?\b(?:for|of|in|on)\s+(?:(?:the|a|an|your|old|original)\s+)*", re.IGNORECASE
)
_FITS = re.compile(r"\b(?:fits|compatible with|made for|adapter for|mount for)\s+(?:(?:the|a|an|your|all|most)\s+)*", re.IGNORECASE)
_PART_NUMBER = re.compile(r"\bpart\s*(?:no\.?|number|nr\.?|#)\s*:?\s*([A-Z0-9][A-Z0-9-]{3,})", re.IGNORECASE)


@dataclass(frozen=True)
class Told:
    """A text and the line where it begins, from 1."""

    text: str
    line: int


@dataclass(frozen=True)
class Readme:
    """A README's first heading, its first paragraph, the lines of its section on licences, and all its lines of prose."""

    title: Told | None
    summary: Told | None
    licence_lines: tuple[Told, ...]
    prose: tuple[Told, ...]


def parse_readme(text: str) -> Readme:
    """What a README says; Markdown, reStructuredText or plain text."""
    headings, prose = _taken_apart(text.splitlines())
    title = next((told for told in headings if told.text), None)
    after = title.line if title else 0
    summary = _first_paragraph([told for told in prose if told.line > after], headings)
    return Readme(title, summary, tuple(_licence_section(headings, prose)), tuple(prose))


def plain(text: str) -> str:
    """A line without mark-up."""
    return " ".join(_MARKS.sub("", _LINK.sub(r"\1", text)).split())


def items_in(readme: Readme) -> Iterator[tuple[str, v1.Item, int]]:
    """What it replaces or fits, with the line, only where the maker and a model with a number stand right behind the words."""
    seen = set()
    for told in readme.prose + ((readme.title,) if readme.title else ()):
        for field, phrase in (("replaces", _REPLACES), ("fits", _FITS)):
            for found in phrase.finditer(told.text):
                named = _MAKER_AND_MODEL.match(told.text, found.end())
                if named is None or (field, named[0]) in seen:
                    continue
                seen.add((field, named[0]))
                number = _PART_NUMBER.search(told.text, named.end())
                item = v1.Item(maker=named["maker"], model=named["model"].strip().rstrip(".-/"), part_number=number[1] if number else "")
                yield field, item, told.line


def _taken_apart(lines: list[str]) -> tuple[list[Told], list[Told]]:
    """Headings and prose; code, pictures, badges, tables and HTML are neither."""
    headings, prose = [], []
    fenced = False
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
            continue
        following = lines[number] if number < len(lines) else ""
        if fenced or _UNDERLINE.fullmatch(line.strip()) or (_NOISE.match(line) and not plain(line).strip("! ")):
            continue
        heading = _HEADING.match(line)
        if heading:
            headings.append(Told(plain(heading[2])[:LONGEST_TITLE], number))
        elif line.strip() and _UNDERLINE.fullmatch(following.strip()) and len(following.strip()) >= 3 and not _LISTED.match(line):
            headings.append(Told(plain(line)[:LONGEST_TITLE], number))
        elif _NOISE.match(line):
            continue
        else:
            prose.append(Told(plain(line), number))
    return headings, prose


def _first_paragraph(prose: list[Told], headings: list[Told]) -> Told | None:
    begun: list[Told] = []
    for told in prose:
        if told.text and not _LISTED.match(told.text):
            if begun and any(begun[-1].line < heading.line < told.line for heading in headings):
                break
            begun.append(told)
        elif begun:
            break
    text = " ".join(told.text for told in begun)
    if len(text) > LONGEST_SUMMARY:
        cut = text[:LONGEST_SUMMARY]
        text = cut[: cut.rfind(". ") + 1] or cut.rsplit(" ", 1)[0] + " …"
    return Told(text, begun[0].line) if text else None


def _licence_section(headings: list[Told], prose: list[Told]) -> Iterator[Told]:
    for index, heading in enumerate(headings):
        if re.search(r"\blicen[sc]", heading.text, re.IGNORECASE):
            end = headings[index + 1].line if index + 1 < len(headings) else 10**9
            yield from (Told(_LISTED.sub("", told.text), told.line) for told in prose if heading.line < told.line < end and told.text)
