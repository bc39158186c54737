# SPDX-License-Identifier: AGPL-3.0-or-later
"""What may stand in the way of what people say, and how every desk tells it: what is wrong, and what to do about it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from commonfab.errors import Refused
from commonfab.reasons import refusal
from shop_agent.desk.plain import sentence
from shop_agent.gcode import ToolpathRefused

WRONG = (Refused, ToolpathRefused, OSError, sqlite3.Error)


def tried(action: Callable[..., object], *arguments: object) -> str:
    """Do something; answers what stood in the way and what to do about it, empty where it is done."""
    try:
        action(*arguments)
    except WRONG as error:
        return in_words(error)
    return ""


def in_words(error: Exception) -> str:
    """What stood in the way and what to do about it; of a toolpath that the gate refuses, a line for each reason."""
    if isinstance(error, ToolpathRefused):
        return "\n".join(sentence(one.message) for one in error.reasons)
    told = error.message() if isinstance(error, Refused) else refusal("system.refused", str(error))
    return f"{sentence(told.reason.message)}. {told.remedy}".strip()
