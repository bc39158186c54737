# SPDX-License-Identifier: AGPL-3.0-or-later
"""Toolpaths for the Grbl stand-in, and what shop.toml says of it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from shop_agent.journal.records import Toolpath
from shop_agent.shop_toml.machine_section import MachineSection


def board_facts(port: Path, **what: Any) -> MachineSection:
    """The board at this port; `what` overrides."""
    keys = {"id": "router", "process": "milling", "control": "grbl", "envelope_mm": (300, 200, 80), "materials": ("plywood",)}
    return MachineSection(**({**keys, "port": str(port)} | what))


def moves(folder: Path, count: int, a_second: float, head: str = "G21\nG90\n", tail: str = "") -> Toolpath:
    """So many moves to and fro, each its own length of a second; a comment that would hold the machine if it were sent."""
    feed = 10 * a_second * 60
    lines = "".join(f"G1 X{10 * ((i + 1) % 2)} Y0 F{feed:g} (ready? go!~)\n" for i in range(count))
    return written(folder, f"%\n; {count} moves\n{head}{lines}{tail}", count / a_second)


def written(folder: Path, text: str, seconds: float = 1.0) -> Toolpath:
    """A toolpath of this text."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    file = folder / f"{digest[:16]}.gcode"
    file.write_text(text, encoding="utf-8")
    return Toolpath(str(file), digest, seconds, 0.0)
