# SPDX-License-Identifier: AGPL-3.0-or-later
"""A licence as somebody wrote it, understood as an SPDX expression: corrected where it is misspelt, kept as it is where it is none."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from license_expression import Licensing, get_spdx_licensing

from commonfab import v1
from commonfab.errors import Refused
from commonfab.reasons import reason
from registry.licences.expressions import UNREADABLE, branches
from registry.licences.spellings import may_mean, recognised

SUGGESTIONS = 3
LEAST_LIKENESS = 0.6
LONGEST_NAME = 60
"""Nothing longer is looked up among the identifiers, nor more than `SUGGESTIONS` names: comparing with all takes milliseconds."""

OWN_IDENTIFIER = "LicenseRef-"
"""SPDX lets anybody name a licence of their own so. It says nothing to a reader of the commons, so it is not known."""

_OPERATORS = re.compile(r"(\(|\)|\s+(?:AND|OR|WITH)\s+)", re.IGNORECASE)
_LATER = re.compile(r"\s+or\s+(?:(?:any|at your option any)\s+)?(later|newer|higher)(\s+versions?)?", re.IGNORECASE)


@dataclass(frozen=True)
class Understood:
    """What was made of a licence as somebody wrote it.

    `expression` is an SPDX expression where `known`, else the text as it was given, without the blanks around it. `corrected` says that
    it is not letter for letter what was given. `notes` say what was changed, or what is not known.
    """

    expression: str
    known: bool
    corrected: bool
    notes: tuple[v1.Reason, ...]


class Licences:
    """The SPDX licence list, loaded once (about 60 ms)."""

    def __init__(self) -> None:
        self._licensing: Licensing = get_spdx_licensing()
        self._known = sorted(key for key in self._licensing.known_symbols if not key.startswith(OWN_IDENTIFIER))
        self._plain = {known: _plain(known) for known in self._known}

    def understood(self, text: str) -> Understood:
        """What `text` means. "mit or cc0-1.0" is "MIT OR CC0-1.0", "CC BY-SA 4.0" is "CC-BY-SA-4.0"; "all mine" stays and is not known.

        Errors: `Refused` (`licence.missing`) where it is empty.
        """
        given = " ".join(text.split())
        if not given:
            raise Refused("licence.missing")
        written = self._parsed(given)
        if written is not None:
            return Understood(written, True, written != text, self._changes(given, written))
        written = self._respelt(given)
        if written is not None:
            return Understood(written, True, True, (reason("licence.corrected", f"{given} → {written}"),))
        return Understood(given, False, given != text, (reason("licence.unknown", self._with_suggestions(given)),))

    def routable(self, expression: str) -> v1.Reason | None:
        """None where jobs may be made of a design under this licence, else why not: nobody here knows what it allows.

        Where there is a choice ("MIT OR LicenseRef-mine"), one known choice is enough.
        """
        for branch in branches(self.understood(expression).expression) if expression.strip() else ():
            if all(self._parsed(str(licence)) is not None for licence in branch):
                return None
        return reason("licence.not_routable", expression.strip() or '""')

    def close_to(self, expression: str) -> list[str]:
        """Identifiers that look like the unknown part of `expression`, the likeliest first."""
        words = [word.strip() for word in re.split(r"\s+(?:AND|OR|WITH)\s+|[(),;]", expression, flags=re.IGNORECASE)]
        known = {known.lower() for known in self._known}
        unknown = [word for word in words if word and len(word) <= LONGEST_NAME and word.lower() not in known][:SUGGESTIONS]
        return list(dict.fromkeys(match for word in unknown for match in may_mean(word) or self._closest(word)))[:SUGGESTIONS]

    def _parsed(self, expression: str) -> str | None:
        """The expression as SPDX writes it; None where it is none."""
        try:
            parsed = self._licensing.parse(expression, validate=True, strict=True)
        except UNREADABLE:
            return None
        written = str(parsed)
        return None if OWN_IDENTIFIER in written else written

    def _respelt(self, given: str) -> str | None:
        """`given` with each of its licences spelt right; None where one is not recognised."""
        whole = self._one(given)
        if whole is not None:
            return whole
        steps = [step for step in _OPERATORS.split(_LATER.sub(r"+", given)) if step.strip()]
        spelt = [step.strip().upper() if _OPERATORS.fullmatch(step) else self._one(step) for step in steps]
        if len(steps) < 2 or any(step is None for step in spelt):
            return None
        return self._parsed(" ".join(step for step in spelt if step))

    def _one(self, name: str) -> str | None:
        """One licence, spelt right; None where it is not recognised, or SPDX has no such licence."""
        meant = recognised(name)
        spelt = self._parsed(meant) if meant else None
        return spelt or self._parsed(name.strip()) or self._exception(name.strip())

    def _exception(self, name: str) -> str | None:
        """An exception stands only behind WITH, so it does not parse alone."""
        return next((known for known in self._known if known.lower() == name.lower()), None)

    def _changes(self, given: str, written: str) -> tuple[v1.Reason, ...]:
        """What `written` changed of an expression that was one already: deprecated identifiers, then other spelling."""
        notes = []
        for atom in dict.fromkeys(re.findall(r"[\w.+-]+", given)):
            now = self._parsed(atom)
            if now is not None and now.lower() != atom.lower():
                code = "licence.corrected" if atom.startswith(OWN_IDENTIFIER) else "licence.deprecated"
                notes.append(reason(code, f"{atom} → {now}"))
        if not notes and written != given:
            notes.append(reason("licence.corrected", f"{given} → {written}"))
        return tuple(notes)

    def _with_suggestions(self, expression: str) -> str:
        close = self.close_to(expression)
        return f"{expression!r} (did you mean {' or '.join(close)}?)" if close else repr(expression)

    def _closest(self, word: str) -> list[str]:
        asked, plain = _plain(word), self._plain
        # What somebody typed short ("CERN-OHL", "GPL3") is the beginning of what they meant more often than a misspelling of it.
        begun = [known for known in reversed(self._known) if len(asked) > 2 and plain[known].startswith(asked)]  # newest version first
        likely = difflib.get_close_matches(asked, plain.values(), n=2 * SUGGESTIONS, cutoff=LEAST_LIKENESS)
        by_likeness = [known for match in likely for known in self._known if plain[known] == match]
        return list(dict.fromkeys(sorted(begun, key=len) + by_likeness))[:SUGGESTIONS]


def _plain(identifier: str) -> str:
    """Without what people get wrong first: case, spaces, dashes, a version's "v" and its ".0", and SPDX's prefix for one's own."""
    return re.sub(r"licenseref|\.0\b|[\s_.-]|(?<=\D)v(?=\d)", "", identifier.lower())
