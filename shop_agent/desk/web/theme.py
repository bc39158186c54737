# SPDX-License-Identifier: AGPL-3.0-or-later
"""How the desk looks: large type, wide spaces, one accent colour, dark and light. Made for a tablet in a workshop."""

from __future__ import annotations

from pathlib import Path

ACCENT = "#0b6e63"


def style() -> str:
    """The desk's style sheet."""
    return _beside("desk.css")


def pin_template() -> str:
    """The page that asks for the PIN, with SHOP and WRONG where the shop and what is wrong belong."""
    return _beside("pin.html")


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
