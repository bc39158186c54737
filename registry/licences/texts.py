# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which licence a text is: recognised by sentences that stand in that licence and in no other. What is not recognised is not guessed."""

from __future__ import annotations

import re

from registry.licences.spellings import recognised

LONGEST_TEXT = 200_000
"""Characters that are looked at. The longest licence of the table, GPL-3.0, has 35,000."""

_SENTENCES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("CERN-OHL-S-2.0", ("cern open hardware licence version 2 - strongly reciprocal", "covered source")),
    ("CERN-OHL-W-2.0", ("cern open hardware licence version 2 - weakly reciprocal", "covered source")),
    ("CERN-OHL-P-2.0", ("cern open hardware licence version 2 - permissive", "covered source")),
    ("CERN-OHL-1.2", ("cern ohl v1.2", "documentation location")),
    ("CERN-OHL-1.2", ("cern open hardware licence v1.2", "documentation location")),
    ("CERN-OHL-1.1", ("cern ohl v1.1", "the licensee may")),
    ("CERN-OHL-1.1", ("cern open hardware licence v1.1", "the licensee may")),
    ("TAPR-OHL-1.0", ("tapr open hardware license", "version 1.0 (may 25, 2007)")),
    ("Apache-2.0 WITH SHL-2.1", ("solderpad hardware licen", "version 2.1", "wraparound license")),
    ("Apache-2.0 WITH SHL-2.0", ("solderpad hardware licen", "version 2.0", "wraparound licen")),
    ("SHL-0.51", ("solderpad hardware licen", "version 0.51")),
    ("SHL-0.5", ("solderpad hardware licen", "version 0.5")),
    ("AGPL-3.0-only", ("gnu affero general public license version 3, 19 november 2007", "remote network interaction")),
    ("LGPL-3.0-only", ("gnu lesser general public license version 3, 29 june 2007", "combined work")),
    ("GPL-3.0-only", ("gnu general public license version 3, 29 june 2007", "conveying modified source versions")),
    ("LGPL-2.1-only", ("gnu lesser general public license version 2.1, february 1999", "work that uses the library")),
    ("GPL-2.0-only", ("gnu general public license version 2, june 1991", "you may copy and distribute verbatim copies of the program")),
    ("GFDL-1.3-only", ("gnu free documentation license version 1.3, 3 november 2008", "invariant sections")),
    ("MPL-2.0", ("mozilla public license version 2.0", "covered software")),
    ("EUPL-1.2", ("european union public licence v. 1.2", "the original work")),
    ("LAL-1.3", ("free art license", "common work")),
    ("Apache-2.0", ("apache license version 2.0, january 2004", "grant of copyright license")),
    ("CC0-1.0", ("cc0 1.0 universal", "affirmer")),
    ("BSL-1.0", ("boost software license - version 1.0",)),
)
"""The licence, and what must all stand in its text; the first that fits is it, so what contains another stands before it."""

LATEST_BEGINNING = 600
"""Characters before the first sentence of a short licence: its title and who holds the copyright."""

_SHORT: tuple[tuple[str, str, tuple[str, ...], range], ...] = (
    ("MIT", "permission is hereby granted, free of charge", ("the above copyright notice and this permission notice",), range(150, 172)),
    ("MIT-0", "permission is hereby granted, free of charge", ("to permit persons to whom the software is",), range(130, 146)),
    (
        "ISC",
        "permission to use, copy, modify, and",
        ("for any purpose", "provided that the above copyright", "disclaims all warranties with regard to this software"),
        range(105, 120),
    ),
    ("0BSD", "permission to use, copy, modify, and", ("for any purpose with or without fee is hereby granted. the",), range(85, 100)),
    ("BSD-3-Clause", "redistribution and use in source", ("to endorse or promote products derived from this",), range(195, 225)),
    ("BSD-2-Clause", "redistribution and use in source", ("redistributions in binary form must reproduce",), range(176, 196)),
    ("Unlicense", "this is free and unencumbered software", ("released into the public domain",), range(185, 215)),
)
"""Short licences have many variants with a sentence more: how one begins, what stands in it, how many words it has from there on."""

_CC_SIGNS = ("by exercising the licensed rights", "this creative commons public license", "exercising any rights to the work")
_CC_TITLE = re.compile(
    r"attribution(?:-(?:noncommercial|noderivatives|noderivs|sharealike))* \d\.\d(?= international| unported| generic| creative)"
)


def licence_of_text(text: str) -> str | None:
    """The SPDX identifier (or "identifier WITH exception") of the licence whose text this is; None where it is not recognised.

    The text of a GNU licence does not say whether later versions are allowed, so it gives the narrower "-only".
    """
    plain = _plain(text[:LONGEST_TEXT])
    if any(sign in plain for sign in _CC_SIGNS):
        title = _CC_TITLE.search(plain)
        return recognised(f"cc {title[0]}") if title else None
    for identifier, sentences in _SENTENCES:
        if all(sentence in plain for sentence in sentences):
            return identifier
    for identifier, beginning, sentences, words in _SHORT:
        start = plain.find(beginning)
        body = plain[start:]
        if 0 <= start < LATEST_BEGINNING and all(sentence in body for sentence in sentences) and len(body.split()) in words:
            return identifier
    return None


def _plain(text: str) -> str:
    """One line of lower-case words: no quotes, comment signs, mark-up, or the different dashes."""
    dashed = re.sub("[‐‑‒–—−]+|--+", "-", text.casefold())
    return " ".join(re.sub(r"[\"'“”‘’`*_#>|/\\]|^\s*(?://|;|%)", " ", dashed, flags=re.MULTILINE).split())
