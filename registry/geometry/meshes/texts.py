# SPDX-License-Identifier: AGPL-3.0-or-later
"""Numbers out of text files, a whole block at a time.

A Python loop over the lines of a mesh of a million triangles takes seconds; so lines are joined and parsed in one call, with a mark where
each began, and only a file that is wrong is walked line by line, to say where.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from registry.geometry.faults import Unmeasurable
from registry.geometry.triangles import Numbers

Values = npt.NDArray[np.float64]

MARK = b" -inf "
"""Stands where a line begins. No sound file has it as a number; one that has is refused, for its marks do not add up."""


@dataclass(frozen=True)
class Rows:
    """Numbers line by line: `values` of all lines one after another, `counts` how many each line has."""

    values: Values
    counts: Numbers

    @property
    def starts(self) -> Numbers:
        """Where in `values` each line begins."""
        starts: Numbers = np.cumsum(self.counts) - self.counts
        return starts

    def columns(self, wanted: int) -> Values:
        """The first `wanted` numbers of each line, shape (n, wanted); each line must have as many."""
        if len(self.counts) and (self.counts == self.counts[0]).all():
            return self.values.reshape(len(self.counts), -1)[:, :wanted]
        taken: Values = self.values[self.starts[:, None] + np.arange(wanted)]
        return taken


def decoded(data: bytes) -> bytes:
    """The text in a code that keeps ASCII, with "\\n" at the ends of lines. UTF-16 is told by its byte order mark."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.decode("utf-16", errors="replace").encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data


def numbers(text: bytes) -> Values:
    """All numbers of a text that holds nothing else. Errors: `ValueError`."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # how older numpy says that it met something else than a number
        try:
            return np.fromstring(text, dtype=np.float64, sep=" ")
        except DeprecationWarning as error:
            raise ValueError(str(error)) from None


def rows(lines: Sequence[bytes], at: Sequence[int] | Numbers, least: int, what: str) -> Rows:
    """The numbers of each line.

    Parameters: `at`, the number of each line in its file, from 1; `least`, how many numbers each line must have at least; `what`, what a
    line describes, for the sentence that refuses it.
    Errors: `Unmeasurable` (`file.unreadable`), with the first wrong line.
    """
    try:
        values = numbers(MARK + MARK.join(lines)) if len(lines) else np.empty(0)
        marks = np.flatnonzero(values == -np.inf)
        if len(marks) != len(lines):
            raise ValueError("a number that is not finite")
    except ValueError:
        raise Unmeasurable("file.unreadable", first_wrong(lines, at, what)) from None
    counts = np.diff(np.append(marks, len(values))) - 1
    if len(counts) and counts.min() < least:
        short = int(np.argmax(counts < least))
        raise Unmeasurable("file.unreadable", f"line {at[short]}: {what} with {counts[short]} numbers where {least} are needed")
    return Rows(np.delete(values, marks), counts)


def first_wrong(lines: Sequence[bytes], at: Sequence[int] | Numbers, what: str) -> str:
    """The first thing in `lines` that is no number, in words. Parameters as for `rows`."""
    for number, line in zip(at, lines, strict=True):
        for word in line.split():
            try:
                wrong = float(word) == -np.inf
            except ValueError:
                wrong = True
            if wrong:
                return f"line {number}: {what} with {shown(word)} where a number is due"
    return f"{what} cannot be read"


def shown(word: bytes) -> str:
    """A piece of a file, fit for a sentence: short, printable, in quotes."""
    text = word.decode("utf-8", errors="replace")
    text = "".join(sign if sign.isprintable() else "?" for sign in text)
    return f'"{text[:40]}"'
