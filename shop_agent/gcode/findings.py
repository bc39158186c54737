# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the gate has seen in a toolpath, and what it says of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from commonfab import v1
from commonfab.reasons import reason

MOST_REASONS = 20

Corner = tuple[float, float, float]
Reached = tuple[float, int]
"""A position in mm and the line where it is reached."""


class Origin(Enum):
    """Where a toolpath comes from."""

    OWN = "sliced here, by the shop's own settings"
    OUTSIDE = "made elsewhere"


class ToolpathRefused(Exception):
    """The gate said no, for all these reasons."""

    def __init__(self, reasons: list[v1.Reason]) -> None:
        self.reasons = reasons
        super().__init__("; ".join(reason.message for reason in reasons))


@dataclass(frozen=True)
class Finding:
    """Something that stands out: the rule, the line, what it is about, and a value where there is one (°C, mm/min, mm, or the S word)."""

    code: str
    line: int
    subject: str = ""
    value: float = 0.0

    @property
    def reason(self) -> v1.Reason:
        """The reason for a person."""
        return reason(self.code, self.subject, line=self.line)


@dataclass
class Toolpath:
    """What a toolpath does. Lengths in mm, feeds in mm/min.

    `lowest`, `highest`: for each axis the farthest position in the toolpath's own coordinates, and its line; infinite where it is never
    known. `widest`: the largest extent along each axis within one frame of coordinates, and the line that completes it: the same whatever
    the work offset. `laid_*`: the same as `lowest` and `highest` for moves that lay material. `hottest`, by part. `unexplained`: the
    highest figure that a macro is given and that may be a temperature. `fastest`: the highest F word. `strongest`: the largest S word,
    spindle speed or laser power. `faults`: what is refused whatever the machine's limits.
    """

    lowest: list[Reached] = field(default_factory=lambda: [(math.inf, 0)] * 3)
    highest: list[Reached] = field(default_factory=lambda: [(-math.inf, 0)] * 3)
    widest: list[Reached] = field(default_factory=lambda: [(0.0, 0)] * 3)
    laid_lowest: list[float] = field(default_factory=lambda: [math.inf] * 3)
    laid_highest: list[float] = field(default_factory=lambda: [-math.inf] * 3)
    hottest: dict[str, Finding] = field(default_factory=dict)
    unexplained: Finding | None = None
    fastest: Reached = (0.0, 0)
    strongest: Reached = (0.0, 0)
    faults: dict[tuple[str, str], Finding] = field(default_factory=dict)
    commands: dict[str, int] = field(default_factory=dict)
    extruded_mm: float = 0.0
    fed_moves: int = 0
    seconds: float = 0.0
    lines: int = 0

    @property
    def lays_material(self) -> bool:
        """Whether any move pushes material out."""
        return self.extruded_mm > 0

    @property
    def forbidden(self) -> list[Finding]:
        """The commands in it that change the machine itself."""
        return [one for one in self.faults.values() if one.code == "toolpath.forbidden_command"]

    def say(self, code: str, line: int, subject: str = "") -> None:
        """Note a fault; of one kind only the first is kept."""
        if (code, subject) not in self.faults and len(self.faults) < MOST_REASONS:
            self.faults[code, subject] = Finding(code, line, subject)

    def count(self, command: str, times: int = 1) -> None:
        """Note that a command stands there so many times."""
        self.commands[command] = self.commands.get(command, 0) + times


@dataclass(frozen=True)
class Verdict:
    """What the gate says of one file: it may run where there are no `reasons`.

    `sha256`: of the very bytes that were read for this verdict. `seconds`: how long it runs at the feeds it asks for, without speeding
    up and
    slowing down. `lowest_mm`, `highest_mm`: the corners of all positions that are known; None where none is.
    """

    reasons: tuple[v1.Reason, ...]
    sha256: str
    size_bytes: int
    seconds: float
    lines: int
    counts: Mapping[str, int]
    lowest_mm: Corner | None
    highest_mm: Corner | None
    path: Toolpath

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons

    def insist(self) -> None:
        """Errors: `ToolpathRefused` where it did not pass."""
        if self.reasons:
            raise ToolpathRefused(list(self.reasons))
