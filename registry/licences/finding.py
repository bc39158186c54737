# SPDX-License-Identifier: AGPL-3.0-or-later
"""The licences that a folder names: in its licence files, in SPDX-License-Identifier lines, in its README."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from registry.licences.texts import licence_of_text
from registry.licences.understanding import Licences
from registry.proposing.readme import parse_readme

MOST_FILES = 200
TEXT_ENDINGS = frozenset(
    (".scad", ".py", ".txt", ".md", ".rst", ".adoc", ".c", ".h", ".cpp", ".ino", ".js", ".toml", ".yml", ".yaml", ".license")
)
FIELDS = ("licence", "documentation_licence", "software_licence")

_IDENTIFIER = re.compile(r"SPDX-License-Identifier:[ \t]*([\w.+() -]+?)[ \t]*(?:\*/|-->|$)", re.MULTILINE)
_LICENCE_FILE = re.compile(r"(?:licen[sc]e|copying)(?:[-_.].*)?|.*[-_.](?:licen[sc]e)(?:\.\w+)?", re.IGNORECASE)
_SENTENCE = re.compile(
    r"\b(?:licen[sc]ed|released|published|distributed|available|shared)\s+under\s+(?:the\s+)?(?:terms\s+of\s+)?(?:the\s+)?(.+)",
    re.IGNORECASE,
)
_LABEL = re.compile(r"^\W*(?P<what>[\w /&-]{3,40}?)\s*:\s*(?P<licence>.+)$")
_END = re.compile(
    r"(?<!\d)[.;,]\s|[.;,]$|\s[-–—]\s(?!\w+ly\b)|\(|\bsee\b|\bor the\b|\bfor (?:details|more)\b|\b(?:and|while)\s+the\b", re.IGNORECASE
)
_SOFTWARE = re.compile(r"\b(?:software|firmware|code|sources?|src|scripts?)\b", re.IGNORECASE)
_DOCUMENTS = re.compile(r"\b(?:docs?|documents?|documentation|manuals?|instructions?|text|images?|photos?)\b", re.IGNORECASE)
_HARDWARE = re.compile(r"\b(?:hardware|designs?|cad|models?|mechanic(?:al|s)|pcb|schematics?|drawings?|files?)\b", re.IGNORECASE)


def licences_in(files: Mapping[str, Path], text_of: Callable[[Path], str], licences: Licences) -> Iterator[tuple[str, str, str]]:
    """(field, SPDX expression, where it stands), the best first; at most one for each of the three licences.

    The licence of the whole folder counts as the hardware's. Where two places at the same rank differ, neither is proposed.
    """
    found: dict[str, tuple[str, str]] = {}
    for ways in (_licence_files, _identifiers, _readme):
        told: dict[str, dict[str, str]] = {}
        for field, expression, source in ways(files, text_of, licences):
            told.setdefault(field, {}).setdefault(expression, source)
        for field, expressions in told.items():
            if len(expressions) == 1 and field not in found:
                found[field] = next(iter(expressions.items()))
    for field in FIELDS:
        if field in found:
            yield field, *found[field]


def _field_of(words: str) -> str:
    """Which of the three licences is meant; the hardware's where nothing says otherwise."""
    apart = words.replace("_", " ").replace("-", " ").replace("/", " ").replace(".", " ")
    if _HARDWARE.search(apart):
        return "licence"
    if _SOFTWARE.search(apart):
        return "software_licence"
    return "documentation_licence" if _DOCUMENTS.search(apart) else "licence"


def _licence_files(files: Mapping[str, Path], text_of: Callable[[Path], str], licences: Licences) -> Iterator[tuple[str, str, str]]:
    """By their text, else by the name that REUSE gives them: LICENSES/CC-BY-SA-4.0.txt."""
    for path in sorted(files):
        steps = PurePosixPath(path)
        reuse = steps.parent.name == "LICENSES"
        if not (reuse or _LICENCE_FILE.fullmatch(steps.name)) or len(steps.parts) > 3:
            continue
        identifier = licence_of_text(text_of(files[path]))
        if identifier is None and reuse and licences.understood(steps.stem).known:
            identifier = licences.understood(steps.stem).expression
        if identifier is not None:
            yield _field_of(path.rpartition("LICENSES")[0] if reuse else path), identifier, path


def _identifiers(files: Mapping[str, Path], text_of: Callable[[Path], str], licences: Licences) -> Iterator[tuple[str, str, str]]:
    chosen = [
        path for path in sorted(files, key=lambda path: (path.count("/"), path)) if PurePosixPath(path).suffix.lower() in TEXT_ENDINGS
    ]
    for path in chosen[:MOST_FILES]:
        text = text_of(files[path])[:4096]
        for identifier in _IDENTIFIER.finditer(text):
            understood = licences.understood(identifier[1])
            if understood.known:
                line = text.count("\n", 0, identifier.start()) + 1
                yield _field_of(str(PurePosixPath(path).parent)), understood.expression, f"{path}:{line}"


def _readme(files: Mapping[str, Path], text_of: Callable[[Path], str], licences: Licences) -> Iterator[tuple[str, str, str]]:
    for path in sorted(path for path in files if "/" not in path and PurePosixPath(path).stem.lower() == "readme"):
        readme = parse_readme(text_of(files[path]))
        section = {told.line for told in readme.licence_lines}
        for told in readme.licence_lines:
            label = _LABEL.match(told.text)
            name = _known(label["licence"] if label else told.text, licences)
            if name:
                yield _field_of(label["what"] if label else ""), name, f"{path}:{told.line}"
        for told in readme.prose:
            for sentence in _SENTENCE.finditer(told.text):
                name = _known(sentence[1], licences)
                if name:
                    before = told.text[: sentence.start()].rpartition(". ")[2]
                    yield _field_of(before if told.line in section or before else ""), name, f"{path}:{told.line}"


def _known(words: str, licences: Licences) -> str | None:
    """The licence that `words` begin with; None where they begin with none."""
    whole = words.strip().rstrip(".")
    cut = _END.search(words)
    for name in dict.fromkeys((whole, words[: cut.start()].strip() if cut else whole)):
        if name and len(name) <= 120:
            understood = licences.understood(name)
            if understood.known:
                return understood.expression
    return None
