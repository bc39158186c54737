# SPDX-License-Identifier: AGPL-3.0-or-later
"""Figures and sentences as people say them at the bench. Pure."""

from __future__ import annotations


def minutes_text(minutes: float) -> str:
    """A length of time: "45 min", "3 h 20 min"."""
    whole = round(minutes)
    if whole < 1:
        return f"{round(minutes * 60)} s"
    hours, left = divmod(whole, 60)
    if not hours:
        return f"{whole} min"
    return f"{hours} h {left} min" if left else f"{hours} h"


def ago_text(seconds: float) -> str:
    """How long ago: "just now", "12 min ago", "2 days ago"."""
    if seconds < 90:
        return "just now"
    if seconds < 172_800:
        return f"{minutes_text(seconds / 60)} ago"
    return f"{seconds / 86_400:.0f} days ago"


def grams_text(grams: float) -> str:
    """A mass: "4.5 g", "320 g", "1.4 kg"."""
    if grams >= 1000:
        return f"{grams / 1000:.1f} kg"
    return f"{grams:.0f} g" if grams >= 100 else f"{grams:.3g} g"


def due_text(hours: float) -> str:
    """When something is due, in hours of running."""
    length = f"{abs(hours):.0f} h" if abs(hours) >= 10 else minutes_text(abs(hours) * 60)
    return f"overdue by {length} of running" if hours <= 0 else f"in {length} of running"


def sentence(words: str) -> str:
    """With a capital at its beginning."""
    return words[:1].upper() + words[1:]
