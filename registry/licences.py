# SPDX-License-Identifier: AGPL-3.0-or-later
"""Licences as SPDX expressions: understood, written in one way, and refused with suggestions where they are unknown."""

from __future__ import annotations

import difflib
import re

from license_expression import ExpressionError, ExpressionParseError, Licensing, get_spdx_licensing

from commonfab.errors import Refused

SUGGESTIONS = 3
LEAST_LIKENESS = 0.5

OWN_IDENTIFIER = "LicenseRef-"
"""SPDX lets anybody name a licence of their own so. It says nothing to a reader of the commons, so it is not accepted."""


class Licences:
    """The SPDX licence list, loaded once (about 60 ms)."""

    def __init__(self) -> None:
        self._licensing: Licensing = get_spdx_licensing()
        self._known = sorted(key for key in self._licensing.known_symbols if not key.startswith(OWN_IDENTIFIER))

    def normalise(self, expression: str) -> str:
        """The expression with identifiers and operators as SPDX writes them: "mit or cc0-1.0" becomes "MIT OR CC0-1.0".

        Errors: `Refused` (`licence.missing`; `licence.unknown`, with what may have been meant).
        """
        if not expression.strip():
            raise Refused("licence.missing")
        try:
            parsed = self._licensing.parse(expression, validate=True, strict=True)
        except (ExpressionError, ExpressionParseError, AttributeError):  # the last one escapes the library at "MIT AND"
            raise Refused("licence.unknown", self._with_suggestions(expression)) from None
        written = str(parsed)
        if OWN_IDENTIFIER in written:
            raise Refused("licence.unknown", self._with_suggestions(expression))
        return written

    def _with_suggestions(self, expression: str) -> str:
        close = self.close_to(expression)
        return f"{expression!r} (did you mean {' or '.join(close)}?)" if close else repr(expression)

    def close_to(self, expression: str) -> list[str]:
        """Identifiers that look like the unknown part of `expression`, the likeliest first."""
        words = [word for word in re.split(r"\s+(?:AND|OR|WITH)\s+|[()]", expression, flags=re.IGNORECASE) if word.strip()]
        unknown = [word.strip() for word in words if word.strip().lower() not in {known.lower() for known in self._known}]
        return [match for word in unknown for match in self._closest(word)][:SUGGESTIONS]

    def _closest(self, word: str) -> list[str]:
        asked = _plain(word)
        plain = {known: _plain(known) for known in self._known}
        # What somebody typed short ("CERN-OHL-S", "GPL3") is the beginning of what they meant more often than a misspelling of it.
        begun = [known for known in reversed(self._known) if len(asked) > 2 and plain[known].startswith(asked)]  # newest version first
        likely = difflib.get_close_matches(asked, plain.values(), n=2 * SUGGESTIONS, cutoff=LEAST_LIKENESS)
        by_likeness = [known for match in likely for known in self._known if plain[known] == match]
        return list(dict.fromkeys(sorted(begun, key=len) + by_likeness))[:SUGGESTIONS]


def _plain(identifier: str) -> str:
    """Without what people get wrong first: case, spaces, dashes, a version's "v" and its ".0"."""
    return re.sub(r"\.0\b|[\s_.-]|(?<=\D)v(?=\d)", "", identifier.lower())
