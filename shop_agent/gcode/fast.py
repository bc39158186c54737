# SPDX-License-Identifier: AGPL-3.0-or-later
"""Plain lines by the hundred: the same result as the exact reading, line by line, at a fraction of its price.

Whatever could be refused is left to the exact reader: this file says yes or "look yourself", never no. It may be trusted because it
only takes lines in a fixed form (`plain_lines.py`), in states where no rule but the limits at the end can be broken (`bulk.py`), and
because a test holds both together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shop_agent.gcode.bulk import follow_all
from shop_agent.gcode.following import Follower
from shop_agent.gcode.plain_lines import LINE_NUMBERS, Columns, columns_of, manner_of

BLOCK_BYTES = 12_000
LONG_RUN_BYTES = 1500
"""Shorter runs of one shape are read together with their neighbours: each run has a price of its own."""
PROBED_LINES = 3
FEW_LINES = 3
Exactly = Callable[[str, int], int]


class Fast:
    """Follows whole chunks for a follower, as far as they are plain."""

    def __init__(self, follower: Follower) -> None:
        self.follower = follower
        self.manner = manner_of(follower.rules, getattr(follower, "harmless", frozenset()))

    def follow(self, content: bytes, lines: int, exactly: Exactly) -> int:
        """Follow whole lines after so many `lines`. Answers how many there are then."""
        if self.manner.modal and (b"\nN" in content or content.startswith(b"N")):
            content = LINE_NUMBERS.sub(b"", content)
        for text, columns in self._parts(content):
            if columns is not None and columns.count >= FEW_LINES and follow_all(self.follower, columns, lines):
                lines += columns.count
            else:
                lines = exactly(text() + "\n", lines)
        return lines

    def _parts(self, content: bytes) -> Iterator[tuple[Callable[[], str], Columns | None]]:
        """The content in its order: a part's text, without its last line feed, and its columns, where it is plain."""
        at = 0
        while at < len(content):
            begin, end = self._long_run(content, at)
            if begin > at:
                yield from self._rows(content[at:begin].decode("latin-1"))
            if end > begin:
                yield from self._run(content[begin:end])
            at = end

    def _long_run(self, content: bytes, at: int) -> tuple[int, int]:
        """Where the next long run begins and ends, if it begins within a few lines; else an empty one after a block of other lines."""
        begin = at
        for _ in range(PROBED_LINES):
            end = self._end_of_run(content, begin)
            if end - begin >= LONG_RUN_BYTES:
                return begin, end
            begin = max(end, content.find(b"\n", begin) + 1)
            if begin >= len(content):
                break
        end = content.find(b"\n", min(at + BLOCK_BYTES, len(content) - 1)) + 1
        return end, end

    def _end_of_run(self, content: bytes, at: int) -> int:
        """Where the lines end that have the same words as the first."""
        line_end = content.find(b"\n", at)
        shape = self.manner.shape_of(content[at:line_end].decode("latin-1")) if line_end - at < 80 else None
        found = shape.run.match(content, at) if shape else None
        return found.end() if found else at

    def _run(self, run: bytes) -> Iterator[tuple[Callable[[], str], Columns | None]]:
        text = run.decode("latin-1")
        shape = self.manner.shape_of(text[: text.index("\n")])
        try:
            columns = shape.columns(run) if shape else None
        except ValueError:
            columns = None
        yield lambda: text[:-1], columns

    def _rows(self, text: str) -> Iterator[tuple[Callable[[], str], Columns | None]]:
        texts = self.manner.texts(text)
        *_, marks = texts.values()
        odd = [at for at, one in enumerate(marks) if one]
        if not odd:
            yield lambda: text[:-1], columns_of(texts, 0, len(marks))
            return
        lines = text.split("\n")
        begin = 0
        for at in (*odd, len(marks)):
            if at > begin:
                part = slice(begin, at)
                yield lambda part=part: "\n".join(lines[part]), columns_of(texts, begin, at)  # type: ignore[misc]
            if at < len(marks):
                yield lambda at=at: lines[at], None  # type: ignore[misc]
            begin = at + 1
