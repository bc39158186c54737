# SPDX-License-Identifier: AGPL-3.0-or-later
"""How the answers to `commonfab shop init` are understood. What is not is a `ValueError`, in words for the owner. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from types import MappingProxyType

from cli.shop.machine_options import KINDS, address_given, number_given, size_given
from commonfab import processes
from shop_agent.starting.drafts import id_from


def an_id(text: str) -> str:
    """An id as shop.toml takes it. Errors: `ValueError`, as of all of these, in words for the owner."""
    if id_from(text) != text.replace(".", "-") or not text:
        raise ValueError(f"'{text}': an id has a-z, 0-9, '-' and '.'; it")
    return text


def a_place(text: str) -> tuple[float | None, float | None]:
    """Latitude and longitude, with points or with decimal commas; None of both where nothing was said."""
    if not text:
        return None, None
    said = text.split(";") if ";" in text else [word.strip(",") for word in text.split()]
    if len(said) == 1:  # no blank between them: 48.14,11.58, or 48,14,11,58
        parts = text.split(",")
        said = [",".join(parts[:2]), ",".join(parts[2:])] if len(parts) == 4 else parts
    try:
        latitude, longitude = (number_given(number) for number in said)
    except ValueError:
        raise ValueError(f"'{text}'") from None  # Python's own words say nothing to somebody at a bench
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise ValueError(f"'{text}'")
    return latitude, longitude


def a_size(text: str) -> tuple[float, float, float] | None:
    """Three lengths, mm; None where nothing was said."""
    try:
        return size_given(text) if text else None
    except ValueError:
        raise ValueError(f"'{text}': three lengths are wanted. It") from None


def numbers(text: str, count: int) -> list[int]:
    """Which of so many: their numbers, all or none; the first is 0."""
    if text.casefold() in ("all", "none", ""):
        return list(range(count)) if text.casefold() == "all" else []
    said = text.replace(",", " ").split()
    chosen = [int(word) - 1 if word.isdecimal() else -1 for word in said]
    if any(not 0 <= number < count for number in chosen):
        raise ValueError(f"'{text}'")
    return list(dict.fromkeys(chosen))


def a_kind(text: str) -> str:
    """A kind of control, or what people call it besides; empty for none."""
    folded = re.sub(r"[\s-]+", "_", text.casefold())
    kind = _ALSO.get(folded, folded)
    if kind not in ("", *KINDS):
        near = difflib.get_close_matches(kind, (*KINDS, *_ALSO), n=1)
        raise ValueError(f"'{text}'{f': did you mean {_ALSO.get(near[0], near[0])}? It' if near else ''}")
    return kind


def an_address(text: str) -> str:
    """The address of a server."""
    try:
        return address_given(text)
    except ValueError:
        raise ValueError(f"'{text}': an address is written like http://octopi.local or 192.168.1.7:5000. It") from None


def something(text: str) -> str:
    """Any answer but an empty one."""
    if not text:
        raise ValueError("An empty answer")
    return text


def a_process(text: str) -> str:
    """A process of the vocabulary."""
    if processes.canonical(text) not in processes.BROADER:
        near = difflib.get_close_matches(text.casefold(), processes.BROADER, n=3)
        told = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(processes.BROADER)}."
        raise ValueError(f"'{text}': {told} It")
    return processes.canonical(text)


_ALSO: Mapping[str, str] = MappingProxyType(
    {
        "klipper": "moonraker",
        "mainsail": "moonraker",
        "fluidd": "moonraker",
        "octopi": "octoprint",
        "prusa_link": "prusalink",
        "hand": "by_hand",
        "byhand": "by_hand",
        "manual": "by_hand",
        "folder": "hot_folder",
        "hotfolder": "hot_folder",
        "linuxcnc": "hot_folder",
        "none": "",
        "no": "",
    }
)
"""What people call the kinds besides."""
