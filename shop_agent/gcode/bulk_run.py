# SPDX-License-Identifier: AGPL-3.0-or-later
"""One run of plain lines that are reckoned together, column by column."""

from __future__ import annotations

from collections.abc import Sequence

from shop_agent.gcode.following import AXES, Follower
from shop_agent.gcode.plain_lines import Columns


class Run:
    """One run of plain lines. `paths`: where each line leads, by axis; None where no line names the axis."""

    def __init__(self, state: Follower, columns: Columns, first: int) -> None:
        self.state = state
        self.columns = columns
        self.first = first
        self.unit = state.unit or 1.0
        self.used = [axis for axis, letter in enumerate(AXES) if letter in columns.full or letter in columns.some]
        self.motions: Sequence[str | None] = ""
        self.paths: list[list[float] | None] = [None, None, None]
        self.pushes: list[float] | None = None
        self.e = state.e
        self.feeds: list[float] | None = None
        self.lengths: list[float] = []
