# SPDX-License-Identifier: AGPL-3.0-or-later
"""From the text of a line to its words, wherever every firmware reads it alike; `Odd` where they do not."""

from __future__ import annotations

import re

from shop_agent.gcode.dialects import Rules

NUMBER = r"[-+]?(?:\d{1,10}(?:\.\d{0,20})?|\.\d{1,20})"
WORD = re.compile(rf"([A-Z])({NUMBER})")
WORDS = re.compile(rf"(?:[A-Z]{NUMBER} *)*")
GAP = re.compile(r"[A-Z] +[-+.\d]|[-+.\d] +[-+.\d]")
EXPONENT = re.compile(r"\d\.?E[-+]?\d")
NEW_LINES = re.compile("[\x85\u2028\u2029]")
ACTIVE_COMMENT = re.compile(r"[;(] *(?:LOGOPEN|LOGAPPEND|LOGCLOSE|LOG|PROBEOPEN|PROBECLOSE|PY|ABORT)\b", re.IGNORECASE)
"""Comments that LinuxCNC acts on: they write files or run Python (https://linuxcnc.org/docs/html/gcode/overview.html, Comments)."""

Words = list[tuple[str, float]]


class Odd(Exception):
    """A line that is refused for how it is written: the rule and what is the matter."""

    def __init__(self, code: str, subject: str) -> None:
        self.code, self.subject = code, subject
        super().__init__(subject)


def code_of(text: str, rules: Rules) -> str:
    """The line without its comments. Errors: `Odd` where firmwares disagree on what is a comment."""
    if rules.brackets_are_comments:
        if ACTIVE_COMMENT.search(text):
            raise Odd("toolpath.forbidden_command", "a comment that acts (LOG, PROBEOPEN, py)")
        code = _without_brackets(text)
    else:
        code = text.split(";", 1)[0].strip(" ")
        if code.count('"') % 2:
            raise Odd("toolpath.ambiguous", "a quotation mark without its other half")
    if not text.isascii():
        _watch_letters(text, code)
    return code


def _watch_letters(text: str, code: str) -> None:
    if not code.isascii():
        raise Odd("toolpath.ambiguous", "a character that is not ASCII")
    if NEW_LINES.search(text) or NEW_LINES.search(text.encode("latin-1").decode("utf-8", errors="replace")):
        raise Odd("toolpath.ambiguous", "a character that some programs take for the end of a line")


def _without_brackets(text: str) -> str:
    """As Grbl and LinuxCNC do it: a comment in brackets ends at the first closing one, and after a semicolon all is comment."""
    code, rest = "", text
    while rest:
        opening, semicolon = rest.find("("), rest.find(";")
        if opening < 0 or 0 <= semicolon < opening:
            code += rest[:semicolon] if semicolon >= 0 else rest
            break
        comment, closed, after = rest[opening + 1 :].partition(")")
        if not closed or "(" in comment:
            raise Odd("toolpath.ambiguous", "a comment in brackets that is nested or does not end")
        if ";" in comment:
            raise Odd("toolpath.ambiguous", "a semicolon inside a comment in brackets")
        code, rest = code + rest[:opening] + " ", after
    if ")" in code:
        raise Odd("toolpath.ambiguous", "a closing bracket without an opening one")
    return code.strip(" ")


def words_of(code: str, rules: Rules) -> Words:
    """The words of a line, in order: ("G", 1.0), ("X", 12.5). Errors: `Odd`."""
    upper = code.upper()
    if upper != code and not rules.lower_case:
        raise Odd("toolpath.ambiguous", "a small letter")
    if EXPONENT.search(upper):
        raise Odd("toolpath.ambiguous", "a number with an exponent, or an E word without a space before it")
    if not WORDS.fullmatch(upper):
        if GAP.search(upper):
            raise Odd("toolpath.ambiguous", "a space inside a word")
        if "*" in upper or upper.startswith("/"):
            raise Odd("toolpath.ambiguous", "a checksum" if "*" in upper else "a line to be left out on request (/)")
        if "\t" in upper:
            raise Odd("toolpath.ambiguous", "a tab")
        raise Odd("toolpath.unreadable", shown(code))
    return [(letter, float(number)) for letter, number in WORD.findall(upper)]


def shown(code: str) -> str:
    """A line's beginning, fit to be shown."""
    return "".join(one if one.isprintable() else "·" for one in code[:40])


def named(letter: str, number: float) -> str:
    """How a command is called: G1, G59.1."""
    return f"{letter}{int(number)}" if number == int(number) else f"{letter}{number:g}"
